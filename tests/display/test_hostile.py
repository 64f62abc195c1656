"""The judge of hostile text sees what it must, and every list and card of a hostile registry passes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbregistry import display
from nbregistry.display.style import SHEET
from tests.display import corpus
from tests.display.hostile import CANARY, faults, hostile_registry
from tests.display.seen import Seen

BAD = (
    "<script>1</script>", "<img src=x>", "<img src='data:image/svg+xml;base64,aa'>", "<p onclick=x>x</p>",
    "<a href='javascript:x'>x</a>", "<a href=' jAvascript:x'>x</a>", "<a href='data:text/html,x'>x</a>",
    "<a href='//evil.example'>x</a>", "<a href='#x'>x</a>", "<form></form>", "<iframe></iframe>", "<object></object>",
    "<embed>", "<base href=x>", "<meta http-equiv=refresh>", "<style>*{color:red}</style>", "<link rel=stylesheet>",
    "<p id=x>x</p>", "<a name=x>x</a>", "<p style='background:url(x)'>x</p>", "<!--x-->", "<div>", "</div>", "<input>",
    "<svg><use href='#x'></use></svg>", "<math></math>", f"<p title='{CANARY}'>x</p>",
    "<button data-commandlinker-command=x>x</button>", "<button formaction=x>x</button>",
)  # fmt: skip


@pytest.mark.parametrize("html", BAD)
def test_the_judge_sees(html: str) -> None:
    """Each kind of fault is named, in a fragment and in a whole document."""
    assert [] != faults(f"<div>{html}</div>")
    assert [] != faults(f"<!DOCTYPE html><html><head><title>x</title></head><body>{html}</body></html>")


def test_the_judge_lets_ours_pass() -> None:
    """Our sheet, our script, our metas, our anchors and honest links are no faults where they are told of."""
    page = (
        f'<!DOCTYPE html><html><head><meta charset="utf-8"><title>x</title><style>{SHEET}</style></head><body>'
        '<p id="a1"><a href="#a1">x</a> <a href="https://ok.example/?a=1">y</a></p>'
        '<img src="data:image/png;base64,aa=="><img src="data:image/jpeg;base64,aa">'
        '<p style="width: 12.5%">x</p><script>1</script></body></html>'
    )
    assert [] == faults(page, scripts=["1"], metas=["utf-8"], anchors=True)
    assert 4 == len(faults(page))


def test_everything_of_a_hostile_registry_is_text(tmp_path: Path) -> None:
    """Whatever a registry gives, it is shown, and nothing that a user typed is more than text."""
    with hostile_registry(tmp_path / "store", corpus.MARKUP[:6]) as registry:
        last = registry.version("churn/production")
        shown = (
            registry.models(), registry.model("churn"), registry.versions("churn", deleted=True), last,
            registry.card(last), registry.compare("churn/4", last), registry.audit(), registry.audit()[-1],
            registry.annotations(last), registry.annotations("churn")[0], registry.search(),
        )  # fmt: skip
        for one in shown:
            html = display.html(one)
            assert [] == faults(html), type(one).__name__
            assert CANARY in Seen(html).text
