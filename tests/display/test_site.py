"""The exported page: whole, safe, discreet, and never in the place of something else."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import html5lib
import pytest
from sklearn.dummy import DummyClassifier

from nbregistry import Registry
from nbregistry.display import site, site_contents
from nbregistry.display.publishing import Publisher, last, private
from nbregistry.display.site import Exported
from nbregistry.display.site_contents import Wish
from nbregistry.display.site_page import GENERATOR, METAS, POLICY, SCRIPT, STYLE
from nbregistry.domain.commits import Actor, moment
from nbregistry.errors import AlreadyExists, NotFound
from tests.display import corpus
from tests.display.hostile import CANARY, TEXTS, faults, hostile_registry


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Two models, one with a story, one with nothing in production."""
    made = Registry(tmp_path / "store")
    model = DummyClassifier().fit([[0], [1]], [0, 1])
    for number in range(1, 9):
        made.register(model, "churn", metrics={"auc": 0.9 + number / 100}, note=f"try {number}")
    made.promote("churn/1", "Production", because="first")
    made.promote("churn/3", "Production", because="AUC +2 pt")
    made.alias("churn/2", "champion")
    made.annotate("churn/3", "accepted by the board", kind="decision")
    made.annotate("churn", "about the model")
    made.describe("churn", "Who leaves within **90 days**.")
    made.register(model, "fraud")
    return made


def page(registry: Registry, **wish: Any) -> str:
    """Return the whole page."""
    return "".join(site.page(registry, Wish(**wish), Exported()))


def judged(html: str) -> list[str]:
    """Return what a page has that is not ours to have."""
    return faults(html, sheets=[STYLE], scripts=[SCRIPT], metas=METAS, anchors=True)


def words(html: str) -> str:
    """Return what a page says, in one line."""
    tree = html5lib.parse(html, namespaceHTMLElements=False)
    body = tree.find("body")
    for script in body.findall("script"):
        body.remove(script)
    return " ".join(" ".join(body.itertext()).split())


def test_the_page_tells_it_all(registry: Registry) -> None:
    """What is in production and why, the models, their versions, cards, notes and audit; all links lead somewhere."""
    html = page(registry, title="Models of a bank")
    said = words(html)
    for expected in (
        "Models of a bank", "churn/3 has been in Production since", "“AUC +2 pt”", "It replaced churn/1",
        "accepted by the board", "about the model", "Who leaves within 90 days", "Nothing in Production: fraud",
        "Everything that differs from churn/7", "sealed by the hash of all before it", "No version of fraud has",
    ):  # fmt: skip
        assert expected in said, expected
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert set() == set(re.findall(r'href="#([^"]+)"', html)) - set(ids)
    assert {"production", "models", "audit", "m-churn", "v-churn-3", "m-fraud"} <= set(ids)


def test_one_model_alone(registry: Registry) -> None:
    """Its own story and audit, nothing of the others, found by a former name as well."""
    registry.rename("churn", "attrition")
    html = page(registry, model="churn")
    assert "attrition/3 has been in Production since" in words(html)
    assert "fraud" not in words(html)
    assert 'class="site-side"' not in html.partition("<body")[2]
    with pytest.raises(NotFound, match="no-such"):
        page(registry, model="no-such")


def test_an_honest_page_has_no_faults(registry: Registry) -> None:
    """The rules of the tests below hold for plausible content; nothing is asked of anybody."""
    html = page(registry)
    assert [] == judged(html)
    assert not re.search(r"""(src|href)=["']?(https?:|//)|@import|url\(""", html)


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    """Whatever stands in whichever field, in the whole page and in that of one model, it is shown and does nothing."""
    with hostile_registry(tmp_path / "store", corpus.MARKUP) as registry:
        for wish, least in (
            ({"all": True, "title": TEXTS[0]}, len(corpus.MARKUP)),
            ({"model": "churn", "newest": 1}, 2),
        ):
            html = page(registry, **wish)
            assert [] == judged(html)
            assert html.count(CANARY) > 20 * least


@pytest.mark.parametrize(
    "text", [corpus.MARKUP[6], corpus.CONTROLS[1], "</script><script>canary()</script>", "]]>canary"]
)
def test_a_hostile_title_is_a_title(registry: Registry, text: str) -> None:
    """What the page is called stands in an element of its own kind, which ends elsewhere than others do."""
    html = page(registry, title=text)
    assert [] == judged(html)
    assert CANARY in html5lib.parse(html, namespaceHTMLElements=False).find("head/title").text


def test_the_policy_lets_our_script_run_and_nothing_else() -> None:
    """The hash in the policy is that of the script as it stands in the page."""
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in POLICY
    assert {"default-src 'none'", "base-uri 'none'", "form-action 'none'", "img-src data:"} <= set(POLICY.split("; "))


def test_no_private_place_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the store's folder, nor keys, homes, hosts, or the folders of notebooks, in whatever field they stand."""
    store, home = tmp_path / "projects" / "acme" / "store", tmp_path / "keys"
    monkeypatch.setenv("NBREGISTRY_HOME", str(home))
    registry = Registry(store)
    core: Any = registry.core
    core.actor = lambda: Actor("ana", "host-of-ana", 7, "/home/ana/clients/acme/churn.ipynb", "c1")
    monkeypatch.setattr("nbregistry.capture.source.where", lambda: ("C:\\Users\\ana\\clients\\churn.ipynb", None))
    model = DummyClassifier().fit([[0], [1]], [0, 1])
    admin = "/root"
    admins = f"{admin}/y"
    for text in (f"see {store}/journal and {home}", f"in /home/ana/data.csv, C:\\Users\\ana\\x and {admins}"):
        core.cells = lambda shell, text=text: [{"id": "a", "count": 1, "code": f"df = read({text!r})", "ok": True}]
        registry.register(model, "churn", note=text, tags={"from": text}, metrics={text: 1.0}, params={"path": text})
        registry.annotate("churn/1", text)
        registry.promote("churn", "Production", because=text)
    core.actor = lambda: Actor("ana", "host-of-ana", 7)
    registry.describe("churn", "from a script")
    html = page(registry)
    secret = [registry.core.keyring.public_key, *(p.read_text() for p in home.rglob("*.pem"))]
    for gone in (str(store), str(store.parent), str(home), "host-of-ana", "/home/ana", "/Users/ana", "Users\\ana",
                 admins, "clients", *secret):  # fmt: skip
        assert gone not in html, gone
    assert "churn.ipynb" in html
    assert "~/data.csv" in html


def test_a_publisher_leaves_honest_text_alone() -> None:
    """Fractions, addresses and short places are no homes."""
    made = Publisher(private([Path("/"), Path("/srv"), Path("/srv/models/x")]), {})
    for text in ("1/2", "https://example.org/home/x", "~/home/x", "either/or", "root causes", "a \\ b", "/srv/other"):
        assert text == made.text(text)
    assert ("… and ~/b", "x.ipynb", "y") == (
        made.text("/srv/models/x and /home/a/b"),
        last("C:\\a\\x.ipynb"),
        last("y"),
    )


def test_cards_of_those_that_matter_and_of_the_newest(registry: Registry) -> None:
    """Holders, aliases and the newest have cards; the rest is counted, on the page and to the caller."""
    done = Exported()
    html = "".join(site.page(registry, Wish(newest=2), done))
    cards = re.findall(r'<article id="v-(\S+)"', html)
    assert ["churn-8", "churn-7", "churn-3", "churn-2", "fraud-1"] == cards
    assert (9, 5, ["the cards of 4 older versions"]) == (done.versions, done.cards, done.left_out)
    assert "4 older versions have no card here." in words(html)
    assert "Left out: the cards of 4 older versions." in words(html)
    assert 9 == page(registry, all=True).count("<article")
    assert 5 + 2 + 1 == page(registry).count("<article")  # the newest five, those that matter, and fraud's


def test_it_is_one_moment_of_the_registry(registry: Registry) -> None:
    """What is committed while the page is being made is not in it, not even in part."""
    parts = site.page(registry, Wish(), Exported())
    begun = next(parts)
    registry.promote("churn/8", "Production", because="meanwhile")
    registry.annotate("churn/8", "noted meanwhile")
    registry.register(DummyClassifier().fit([[0], [1]], [0, 1]), "churn", note="made meanwhile")
    html = begun + "".join(parts)
    assert "meanwhile" not in html
    assert "churn/3 has been in Production" in words(html)


def test_as_it_was(registry: Registry) -> None:
    """Exported as of a time, it tells of that time, and says so."""
    then = moment(registry.core.view().time)
    registry.promote("churn/8", "Production", because="later")
    html = page(registry.as_of(then))
    assert "later" not in html
    assert f"as it was on {then.day} " in words(html)


def test_an_empty_registry_has_a_page(tmp_path: Path) -> None:
    """Nothing in it is no fault."""
    html = page(Registry(tmp_path / "none"))
    assert [] == judged(html)
    assert "There is no model yet." in html


def test_only_a_page_of_ours_is_replaced(registry: Registry, tmp_path: Path) -> None:
    """A newer page takes the place of an older; anything else stays unless forced."""
    target = tmp_path / "sub" / "page.html"
    first = site.export(registry, target, Wish())
    assert (first.bytes, 2) == (target.stat().st_size, first.models)
    site.export(registry, target, Wish(model="fraud"))
    assert GENERATOR in target.read_text("utf-8")
    target.write_text("<p>mine</p>")
    with pytest.raises(AlreadyExists, match="is no exported page"):
        site.export(registry, target, Wish())
    assert "<p>mine</p>" == target.read_text("utf-8")
    site.export(registry, target, Wish(), force=True)
    assert GENERATOR in target.read_text("utf-8")


def test_a_page_is_written_whole_or_not_at_all(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever breaks half-way, the page that was there stays, and nothing is left beside it."""
    folder = tmp_path / "out"
    target = folder / "page.html"
    site.export(registry, target, Wish())
    before = target.read_bytes()

    def broken(*_: object, **__: object) -> str:
        raise RuntimeError("power cut")

    monkeypatch.setattr(site._Maker, "audit", broken)
    with pytest.raises(RuntimeError, match="power cut"):
        site.export(registry, target, Wish())
    assert ([target], before) == (list(folder.iterdir()), target.read_bytes())
    with pytest.raises(NotFound):
        site.export(registry, folder / "other.html", Wish(model="nobody"))
    assert [target] == list(folder.iterdir())


def test_progress_is_told(registry: Registry, tmp_path: Path) -> None:
    """Whoever listens hears of every model."""
    heard: list[str] = []
    site.export(registry, tmp_path / "page.html", Wish(), tell=heard.append)
    assert ["1 of 2 models", "2 of 2 models"] == heard


def test_damaged_files_are_said_to_be_damaged(registry: Registry) -> None:
    """A page is made of what can be read."""
    for digest in {d for v in registry.versions("churn") for name, d in v.files.items() if name != "model"}:
        registry.core.store.blobs.delete(digest)
    html = page(registry)
    assert [] == judged(html)
    assert "Captured files of one of them cannot be read." in words(html)


def test_script_and_sheet_end_where_they_end(registry: Registry) -> None:
    """Both are constants, the same in every page, and hold no end of their elements."""
    html = page(registry)
    assert "</" not in SCRIPT + STYLE
    assert (1, 1) == (html.count(f"<script>{SCRIPT}</script>"), html.count(f"<style>{STYLE}</style>"))


def test_many_models_share_the_page(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are many, each has fewer rows and lines, and only who holds the stage is told of in full."""
    monkeypatch.setattr(site_contents, "ROWS", 12)
    monkeypatch.setattr(site_contents, "BESIDE", 1)
    monkeypatch.setattr(site_contents, "CARDS", 4)
    done = Exported()
    html = "".join(site.page(registry, Wish(), done))
    assert [] == judged(html)
    assert 1 == html.count("<summary>Everything that differs from churn/2")
    assert 1 == html.count("<summary>Everything")
    assert [
        "the cards of 4 older versions",
        "2 of them from the lists as well",
        "8 older lines of audits",
    ] == done.left_out
    assert "The newest 6 of 8." in words(html)
