"""Hostile text through every magic: what a notebook shows of it is text, and errors are one harmless line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbregistry.verbs import table
from nbregistry.verbs.grammar import Place
from tests.display import corpus
from tests.display.hostile import CANARY, faults, hostile_registry
from tests.display.seen import Seen

Run = Callable[[str], Any]
TEXTS = (corpus.MARKUP[0], corpus.MARKUP[4], corpus.MARKUP[6], corpus.CONTROLS[0])
WHY = f"--because '<img src=x onerror={CANARY}()>'"
SHOWN = {
    "models": "", "versions": "churn --deleted", "show": "churn/4", "search": "number > 0", "audit": "",
    "compare": "churn/2 churn/4", "annotate": "churn/4", "tag": "churn/4", "describe": "churn", "production": "churn",
    "promote": f"churn/2 staging --dry-run {WHY}", "rollback": f"churn {WHY}", "load_model": "churn/4",
    "register": f"churn clf {WHY.replace('because', 'note')}", "serve": "--list",
}  # fmt: skip
NO_TEXT = {"serve", "load_model"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hostile registry that the tests share."""
    made = tmp_path_factory.mktemp("hostile") / "store"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBREGISTRY_HOME", str(tmp_path_factory.mktemp("home")))
        hostile_registry(made, TEXTS).close()
    return made


@pytest.fixture
def hostile(folder: Path, run: Run) -> Run:
    """A shell that uses a hostile registry."""
    run(f"%nbregistry use {folder};")
    return run


def test_every_magic_that_shows_is_tried() -> None:
    """A new magic has to be added here."""
    assert set(table.at(Place.LINE)) == set(SHOWN)


@pytest.mark.parametrize("word", sorted(set(SHOWN) - NO_TEXT))
def test_what_a_magic_shows_is_text(word: str, hostile: Run) -> None:
    """The HTML of its answer has no fault, and the hostile text is seen in it."""
    answer = hostile(f"clf = Ridge().fit([1.0])\n%{word} {SHOWN[word]}")
    bundle = answer._repr_mimebundle_()
    assert [] == faults(bundle["text/html"])
    assert CANARY in Seen(bundle["text/html"]).text
    assert "\x1b" not in bundle["text/plain"] + bundle["text/markdown"]


@pytest.mark.parametrize("line", ["%production", "%nbregistry production", "%nbregistry status", "%nbregistry trust"])
def test_what_the_umbrella_shows_is_text(line: str, hostile: Run) -> None:
    """All of production at once, and what the registry says of itself."""
    assert [] == faults(hostile(line)._repr_mimebundle_()["text/html"])


@pytest.mark.parametrize("text", TEXTS[:3])
def test_errors_quote_and_do_nothing(text: str, hostile: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """A hostile name, stage or filter is refused in words without controls, which nobody reads as HTML."""
    for line in (f"%show {text!r}", f"%promote churn/2 {text!r}", f"%search {text!r}", f"%production {text!r}"):
        with pytest.raises(Exception, match=r".") as raised:
            hostile(line)
        assert "\x1b" not in str(raised.value)
        assert raised.type.__name__ in ("UsageError", "SyntaxError")


def test_an_exported_page_by_magic_is_safe_too(hostile: Run, tmp_path: Path) -> None:
    """What %nbregistry export-site tells has no fault; the page itself is judged beside its own tests."""
    answer = hostile(f"%nbregistry export-site {tmp_path / 'page.html'}")
    assert [] == faults(answer._repr_mimebundle_()["text/html"])
    assert (tmp_path / "page.html").stat().st_size > 50_000
