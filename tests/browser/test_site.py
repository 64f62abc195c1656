"""The browser in its kernel: it answers what a page asks for, and equips approvers only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ipywidgets.widgets.widget import _instances

from nbregistry import Registry
from nbregistry.browser import site
from nbregistry.browser.access import Access
from nbregistry.browser.decision import DecisionPanel
from nbregistry.browser.identity import Role
from nbregistry.browser.site import Site
from nbregistry.domain.proposals import Rule
from nbregistry.errors import StoreUnavailable
from nbregistry.registry.deciding import four_eyes
from nbregistry.widgets.promote import PromotePanel
from tests.browser.serving_pages import stocked
from tests.display.seen import Seen


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was shown."""
    found: list[Any] = []
    monkeypatch.setattr(site, "publish", lambda shown, **more: found.append((shown, more)))
    return found


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """A registry in which churn/3 waits."""
    with Registry(stocked(tmp_path), user="ana") as found:
        yield found


def showing(registry: Registry, *, role: Role, query: str = "", rule: Rule | None = None) -> Site:
    """Return a page that is shown."""
    found = Site(registry)
    found._access = Access(registry, "ana", role, query, served=True, rule=rule or Rule())
    found.show()
    return found


def ask(page: Site, address: str) -> None:
    """Ask for an address as the page's script does: with a message."""
    state = {"asked": address, "turn": page.place.turn + 1}
    content = {"data": {"method": "update", "state": state, "buffer_paths": []}}
    page.place._handle_msg({"content": content, "buffers": []})


def test_the_first_view_needs_no_script(registry: Registry, published: list[Any]) -> None:
    """What is shown first holds the view as HTML, marked for the template; the widget adds no copy of it."""
    page = showing(registry, role=Role.READER, query="model=churn")
    (bundle, more), _ = published
    assert "has been in Production since" in bundle["text/html"]
    assert {"nbregistry": "drawn"} == more["metadata"]
    assert "" == page.place.html


def test_views_follow_the_address(registry: Registry, published: list[Any]) -> None:
    """Each address that a page asks for is drawn, the same one twice too."""
    page = showing(registry, role=Role.READER)
    ask(page, "?model=churn&version=3")
    assert ("version 3 · churn · Model registry", 1) == (page.place.title, page.place.drawn)
    assert "churn/3" in page.place.html
    ask(page, "?model=churn&version=3")
    assert 2 == page.place.drawn


def test_a_reader_is_given_no_control(registry: Registry, published: list[Any]) -> None:
    """Whatever address a reader's page asks for, no panel comes."""
    page = showing(registry, role=Role.READER)
    for view in ("decide", "move", "notes"):
        ask(page, f"?model=churn&version=3&view={view}")
        assert () == page.panels.children


def decision(page: Site) -> DecisionPanel:
    """Return the panel in which is decided."""
    (found,) = page.panels.children
    assert isinstance(found, DecisionPanel)
    return found


def test_an_approver_approves(registry: Registry, published: list[Any]) -> None:
    """Without a reason nothing happens; with one it is done, told, and the page drawn again."""
    page = showing(registry, role=Role.APPROVER, query="model=churn&version=3&view=decide")
    panel = decision(page)
    panel.approve.click()
    assert "needs its reason" in panel.strip.told
    assert "churn/2" == registry.version("churn/production").ref
    panel.reason.value = "better on the holdout"
    panel.approve.click()
    assert "churn/2" == registry.version("churn/production").ref
    panel.confirm.yes.click()
    assert "churn/3" == registry.version("churn/production").ref
    assert "is in Production now" in panel.strip.told
    assert 1 == page.place.drawn
    assert "does not wait" not in panel.facts.value
    panel.approve.click()
    panel.confirm.yes.click()
    assert ("is in Production now" in panel.strip.told, []) == (True, panel.faults[1:])
    assert ["promote", "annotate"] == [event.action for event in registry.audit("churn/3")][-2:]


def test_a_decision_names_what_it_is_about(registry: Registry, published: list[Any]) -> None:
    """The box names version, bytes, stages and who goes; it is left without a trace, and clicked twice decides once."""
    panel = decision(showing(registry, role=Role.APPROVER, query="model=churn&version=3&view=decide"))
    panel.reason.value = "better on the holdout"
    panel.approve.click()
    panel.approve.click()
    told = Seen(panel.confirm._question.value).text
    for part in (
        "Approve churn/3 for Production?", registry.version("churn/3").digest, "Staging → Production",
        "churn/2 which moves to Archived", "better on the holdout",
    ):  # fmt: skip
        assert part in " ".join(told.split())
    before = len(registry.audit())
    panel.confirm.no.click()
    assert (False, before, "better on the holdout") == (
        panel.confirm.asking, len(registry.audit()), panel.reason.value
    )  # fmt: skip
    panel.reject.click()
    assert "Staging → Archived" in " ".join(Seen(panel.confirm._question.value).text.split())
    panel.confirm.yes.click()
    panel.confirm.yes.click()
    assert (before + 2, "Archived") == (len(registry.audit()), registry.version("churn/3").stage)


def test_a_decision_whose_note_is_lost(
    registry: Registry, published: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What happened is told as it happened, the missing note beside it."""
    page = showing(registry, role=Role.APPROVER, query="model=churn&version=3&view=decide")
    panel = decision(page)
    panel.reason.value = "better"
    panel.approve.click()
    monkeypatch.setattr(Registry, "annotate", unwritable)
    panel.confirm.yes.click()
    assert "churn/3" == registry.version("churn/production").ref
    assert ([], 1) == (panel.faults, page.place.drawn)
    assert "is in Production now" in panel.strip.told
    assert "could not be written: the disk is full" in panel.strip.told


def unwritable(*_: object, **__: object) -> None:
    """Fail as a full disk does."""
    raise StoreUnavailable("the disk is full")


def test_an_approver_rejects(registry: Registry, published: list[Any]) -> None:
    """A rejection leaves Production as it is."""
    panel = decision(showing(registry, role=Role.APPROVER, query="model=churn&version=3&view=decide"))
    panel.reason.value = "too slow"
    panel.reject.click()
    panel.confirm.yes.click()
    assert ("churn/2", "Archived") == (registry.version("churn/production").ref, registry.version("churn/3").stage)


def test_somebody_was_quicker(registry: Registry, published: list[Any]) -> None:
    """If Production has another holder than was shown, the panel says so and changes nothing."""
    panel = decision(showing(registry, role=Role.APPROVER, query="model=churn&version=3&view=decide"))
    registry.promote("churn/1", "Production", because="back")
    panel.reason.value = "better"
    panel.approve.click()
    assert ("churn/1 is there now" in panel.strip.told, False) == (True, panel.confirm.asking)
    panel.approve.click()
    registry.promote("churn/2", "Production", because="forth")
    panel.confirm.yes.click()
    assert "churn/2 is there now" in panel.strip.told
    assert "churn/2" == registry.version("churn/production").ref


def test_whoever_proposed_is_refused(registry: Registry, published: list[Any]) -> None:
    """Under the rule of two pairs of eyes the panel refuses whoever proposed."""
    registry.promote("churn/3", "None")
    registry.promote("churn/3", "Staging", because="mine")
    page = showing(registry, role=Role.APPROVER, query="model=churn&version=3&view=decide", rule=Rule(own=False))
    panel = decision(page)
    panel.reason.value = "I like it"
    panel.approve.click()
    panel.confirm.yes.click()
    assert "may not approve" in panel.strip.told
    assert "churn/2" == registry.version("churn/production").ref


def test_a_rollback_needs_two_people_as_well(registry: Registry, published: list[Any]) -> None:
    """Where four eyes are the rule, the panel shows beforehand that what one person put there does not come back."""
    registry.add_gate(four_eyes(registry))
    (panel,) = showing(registry, role=Role.APPROVER, query="model=churn&version=1&view=move").panels.children
    assert isinstance(panel, PromotePanel)
    panel.views.select("Roll back")
    move = panel._moves["Roll back"]
    told = Seen(move.facts.value).text
    assert "1 of 1 gates says no: it cannot be done." in told
    assert "a rollback brings back only what two people stand behind" in told
    move.reason.value = "alone"
    assert ("A gate says no", True) == (move.go.description, move.go.disabled)
    move.go.click()
    assert (False, "churn/2") == (move.confirm.asking, registry.version("churn/production").ref)


def test_panels_that_go_are_closed(registry: Registry, published: list[Any]) -> None:
    """However often an approver goes from view to view, neither the kernel nor the page keeps what was left."""
    page = showing(registry, role=Role.APPROVER)
    living = []
    for _ in range(3):
        for view in ("decide", "notes", "move", "card"):
            ask(page, f"?model=churn&version=3&view={view}")
        living.append(len(_instances))
    assert living[:1] * 3 == living


def test_other_panels(registry: Registry, published: list[Any]) -> None:
    """Notes and moves have their panels, which do not change while the same view is drawn again."""
    page = showing(registry, role=Role.APPROVER, query="model=churn&version=3&view=notes")
    first = page.panels.children
    ask(page, "?model=churn&version=3&view=notes")
    assert first == page.panels.children
    ask(page, "?model=churn&version=3&view=move")
    assert 1 == len(page.panels.children)
    assert first != page.panels.children
    ask(page, "?view=audit")
    assert () == page.panels.children
