"""Pages: every address shows something, links lead to pages, and no text of a user becomes anything but text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nbregistry import Registry
from nbregistry.browser import pages
from nbregistry.browser.access import Access
from nbregistry.browser.addresses import MODEL_VIEWS, REGISTRY_VIEWS, VERSION_VIEWS, Asked
from nbregistry.browser.identity import Role
from nbregistry.display import as_html
from nbregistry.display.blocks import Look, Span, Title, View
from nbregistry.serving.process import Server, Servers
from nbregistry.serving.spec import RunFolder, ServerSpec
from tests.browser.serving_pages import stocked
from tests.display.hostile import faults, hostile_registry

LINK = re.compile(r'<a class="nbr-link" href="(\?[A-Za-z0-9=&;%._~+-]*)">')
EVERY = [
    *(f"view={view}" for view in REGISTRY_VIEWS),
    *(f"model=churn&view={view}" for view in MODEL_VIEWS),
    *(f"model=churn&version=3&view={view}" for view in VERSION_VIEWS),
    *(f"model=fraud&version=1&view={view}" for view in VERSION_VIEWS),
]


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Access]:
    """A reader of a small registry."""
    with Registry(stocked(tmp_path), read_only=True) as registry:
        yield Access(registry, served=True)


def shown(access: Access, query: str) -> str:
    """Return the markup of an address."""
    return pages.markup(pages.drawn(access, Asked.parse(query)), access)


def links(html: str) -> list[str]:
    """Return the addresses that a page leads to."""
    return [link.replace("&amp;", "&") for link in LINK.findall(html)]


def test_every_page_can_be_reached(reader: Access) -> None:
    """From the top, links alone lead to every view a reader has, and none leads to a fault."""
    found, seen = ["?"], set[str]()
    while found:
        link = found.pop()
        seen.add(link)
        html = shown(reader, link)
        assert "nbr-banner-bad" not in html, link
        found += [other for other in links(html) if other not in seen and other not in found]
    for expected in (
        "?view=models", "?view=audit", "?view=serving", "?model=churn", "?model=churn&view=versions",
        "?model=churn&version=3",
        "?model=churn&version=3&view=compare", "?model=churn&version=3&view=compare&with=1", "?model=churn&view=notes",
        "?model=fraud&version=1&view=audit",
    ):  # fmt: skip
        assert expected in seen
    assert [] == [link for link in seen if "decide" in link or "inbox" in link or "move" in link]


def test_what_only_approvers_see(reader: Access) -> None:
    """The inbox and the controls are an approver's; a reader who writes their address is told so."""
    approver = Access(reader.registry, "ana", Role.APPROVER, served=True)
    assert "?view=inbox" in links(shown(approver, ""))
    inbox = shown(approver, "view=inbox")
    assert "ready for a decision" in inbox
    assert "?model=churn&version=3&view=decide" in links(inbox)
    assert "ready for a decision" not in shown(reader, "view=inbox")
    for view in ("decide", "move"):
        assert "deciding is for approvers" in shown(reader, f"model=churn&version=3&view={view}")


def test_it_begins_with_what_is_in_production(reader: Access) -> None:
    """The first page says what is in Production, since when and why; every model is one tab away."""
    first = shown(reader, "")
    assert "higher AUC" in first
    assert {"?model=churn&version=2", "?model=churn&version=1", "?view=models"} <= set(links(first))
    assert "?model=fraud" in links(shown(reader, "view=models"))


def server_of(store: str, home: Path, id: str) -> Server:
    """Return the handle of a server that has a row to ask it with."""
    run = RunFolder(home / "servers" / id)
    run.create(ServerSpec(id, store, str(home), "ana", ("churn/1",)))
    run.write("state.json", {"state": "ready", "url": "http://127.0.0.1:5001", "port": 5001, "started": 1.7e9})
    run.write("examples.json", {"churn": {"records": [{"age": 31}]}, "churn/1": {"records": [{"age": 31}]}})
    return Server(run)


def test_servers_of_this_registry_alone(reader: Access, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what its user serves a page tells of its own registry's; lines that ask or end a server are not a reader's."""
    own = server_of(str(reader.registry.core.store.folder), tmp_path, "0123abcd")
    other = server_of("/elsewhere", tmp_path, "4567cdef")
    monkeypatch.setattr(Server, "alive", True)
    monkeypatch.setattr(Server, "served", lambda self: [])
    monkeypatch.setattr("nbregistry.serving.process.running", lambda home: Servers((own, other)))
    told, approver = shown(reader, "view=serving"), Access(reader.registry, "ana", Role.APPROVER, served=True)
    assert (True, False) == (own.id in told, other.id in told)
    for line in ("curl", "import", "--stop"):
        assert (False, True) == (line in told, line in shown(approver, "view=serving")), line
    monkeypatch.setattr("nbregistry.serving.process.running", lambda home: Servers((other,)))
    assert "No model is being served" in shown(reader, "view=serving")


def test_searching(reader: Access) -> None:
    """Words find models by name, a filter finds versions, and one that cannot be read is told with its column."""
    assert ["?model=fraud"] == [link for link in links(shown(reader, "q=RAU")) if "model=" in link]
    found = links(shown(reader, "q=metrics.auc+%3E+0.915"))
    assert {"?model=churn&version=2", "?model=churn&version=3"} == {link for link in found if "version=" in link}
    assert "That search cannot be read" in shown(reader, "q=metrics.auc+%3E%3E+1")


def test_what_is_not_there(reader: Access) -> None:
    """A name that is none is answered with a sentence and what was perhaps meant."""
    assert "churn" in shown(reader, "model=chrun")
    assert "No version" in shown(reader, "model=churn&version=77")


def test_long_lists_have_pages(tmp_path: Path) -> None:
    """More than a page of versions is turned by links, and every version stands on one of the pages."""
    with Registry(tmp_path / "store") as registry:
        view = registry.register(object.__new__(_Empty), "many")
        for _ in range(pages.ROWS + 4):
            registry.register(_Empty(), "many")
        access = Access(registry, served=True)
        first, second = (shown(access, f"model=many&view=versions&page={page}") for page in (1, 2))
        assert "Page 1 of 2" in first
        assert "?model=many&view=versions&page=2" in links(first)
        numbers = [int(n) for n in re.findall(r"model=many&version=(\d+)\b(?!&)", " ".join(links(first + second)))]
        assert set(range(view.number, pages.ROWS + 6)) == set(numbers)


class _Empty:
    """A model that says nothing."""

    def predict(self, rows: object) -> list[float]:
        return []


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry of which every text is hostile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBREGISTRY_HOME", str(tmp_path_factory.mktemp("home")))
        with hostile_registry(tmp_path_factory.mktemp("hostile") / "store") as registry:
            yield registry


@pytest.mark.parametrize("query", EVERY)
def test_hostile_text_stays_text(hostile: Registry, query: str) -> None:
    """Whatever people wrote, a page holds our elements, our links and nothing that acts or fetches."""
    for access in (Access(hostile, served=True), Access(hostile, "<b>eve</b>", Role.APPROVER, served=True)):
        html = shown(access, query)
        frame = re.sub(r'<form class="nbr-search".*?</form>', "", html, count=1)
        assert [] == faults(LINK.sub("<a>", frame))


@pytest.mark.parametrize("words", ["<img src=x onerror=alert(1)>", "\"'><script>alert(1)</script>", "a = '<b>'"])
def test_a_hostile_search_stays_text(reader: Access, words: str) -> None:
    """What somebody searches for, or puts into an address, comes back as text or not at all."""
    for query in (f"q={words}", f"model={words}", f"model=churn&version={words}", f"view={words}&page={words}"):
        html = re.sub(r'<form class="nbr-search".*?</form>', "", shown(reader, query), count=1)
        assert [] == faults(LINK.sub("<a>", html))


@pytest.mark.parametrize(
    "target", ["javascript:alert(1)", "//evil.example", "https://evil.example", '?"onclick=x', "/a"]
)
def test_only_our_pages_are_linked(target: str) -> None:
    """A link leads to a view of the page it stands in; anything else stays text, whoever made it."""
    drawn = as_html.fragment(View((Title((Span("x", Look.LINK, target),)),)), datetime.now(UTC))
    assert "href" not in drawn
