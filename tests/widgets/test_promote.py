"""The panel that promotes and rolls back: it shows the facts, asks once more by name, and acts on what was shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ipywidgets as w
import pytest

from nbregistry import GateResult, Registry, Stage
from nbregistry.verbs.asking import Ask, Session
from nbregistry.verbs.grammar import Place
from nbregistry.widgets import promote_panel
from nbregistry.widgets.confirm import Confirm, Escape
from nbregistry.widgets.moves import Move
from nbregistry.widgets.promote import PromotePanel, opened
from tests.display.corpus import CANARY, EVERYTHING
from tests.display.hostile import TEXTS, faults, hostile_registry
from tests.display.seen import Seen
from tests.widgets.conftest import click, find, html, read, send, walk

YES = "Promote churn/3 to Production"


def move(panel: PromotePanel) -> Move:
    """Return the way to move a version that is in sight."""
    (found,) = [one for one in walk(panel) if isinstance(one, Move)]
    return found


def go(panel: PromotePanel) -> w.Button:
    """Return the button that leads to the box."""
    return move(panel).go


def open_box(panel: PromotePanel, reason: str = "AUC +2 pt") -> None:
    """Give a reason and press the button that leads to the box."""
    send(find(panel, "Reason"), value=reason)
    click(go(panel))


def asked(panel: PromotePanel) -> str:
    """Return what the box asks; empty when it is closed."""
    boxes = [one for one in walk(panel) if isinstance(one, Confirm)]
    return read(boxes[0]) if boxes else ""


def seq(registry: Registry) -> int:
    """Return the last commit."""
    return registry.core.view().seq


def test_it_shows_what_would_happen(churn: Registry) -> None:
    """From where to where, who would be replaced since when and why, what the gates say, what the metrics do."""
    churn.annotate("churn/3", "checked with the risk team", kind="decision")
    churn.annotate("churn/3", "a plain note")
    told = read(promote_panel(churn, "churn/3"))
    for part in (
        "churn/3 no stage → Production", "churn/1 → Archived", "“first model”", "passed", "ready", "0.91", "0.93",
        "▲ +0.020", "checked with the risk team", "try 3", churn.version("churn/3").digest[:12],
    ):  # fmt: skip
        assert part in told
    assert "a plain note" not in told


def test_only_what_can_go_there_is_offered(churn: Registry) -> None:
    """Neither who is there already nor what failed is offered; the choice follows the stage."""
    panel = promote_panel(churn)
    assert [3, 2] == [value for _, value in find(panel, "Version").options]
    assert ["3 · auc 0.93", "2 · in Staging · auc 0.92"] == [label for label, _ in find(panel, "Version").options]
    send(find(panel, "To"), index=1)
    assert [3, 1] == [value for _, value in find(panel, "Version").options]
    assert "churn/3 no stage → Staging" in read(panel)


def test_the_button_says_what_is_missing(churn: Registry) -> None:
    """Without a reason it cannot be pressed and says so; a press that was under way does nothing."""
    panel = promote_panel(churn, "churn/3")
    assert ("Give a reason to promote churn/3 to Production", True) == (go(panel).description, go(panel).disabled)
    click(go(panel))
    assert "" == asked(panel)
    send(find(panel, "Reason"), value="  \n ")
    assert go(panel).disabled
    send(find(panel, "Reason"), value="AUC +2 pt")
    assert (f"{YES} …", False) == (go(panel).description, go(panel).disabled)


def test_a_promotion_from_first_to_last(churn: Registry) -> None:
    """Reason, box, click: it is done, with a receipt and the line that would have done the same."""
    panel = promote_panel(churn, "churn/3")
    open_box(panel)
    question = asked(panel)
    for part in (f"{YES}?", "Modelchurn", "Version3", churn.version("churn/3").digest, "no stage → Production",
                 "churn/1 which moves to Archived", "BecauseAUC +2 pt", "Cancel"):  # fmt: skip
        assert part in question
    assert all(control.disabled for control in (*move(panel).pickers, move(panel).reason))
    click(find(panel, YES))
    event = churn.audit("churn")[-1]
    assert ("promote", "churn/3", "AUC +2 pt") == (event.action, event.target, event.reason)
    told = read(panel)
    assert '%promote churn/3 Production --expect churn/1 --because "AUC +2 pt"' in told
    assert "registry.promote('churn/3', 'Production', expect='churn/1', because='AUC +2 pt')" in told
    assert f"receipt #{event.seq}" in told
    assert "churn/3 is in Production now." in told
    click(find(panel, "Promote another"))
    assert [2, 1] == [value for _, value in find(panel, "Version").options]
    assert "" == find(panel, "Reason").value


def test_a_double_click_promotes_once(churn: Registry) -> None:
    """The second click finds the box closed; neither it nor a second press of the button before it does anything."""
    panel = promote_panel(churn, "churn/3")
    open_box(panel)
    yes, first = find(panel, YES), go(panel)
    before = seq(churn)
    click(yes)
    click(yes)
    click(first)
    click(yes)
    assert before + 1 == seq(churn)
    assert [] == panel.faults


def test_cancel_and_escape_leave(churn: Registry) -> None:
    """Both close the box, change nothing and keep the reason; the focus starts on Cancel and goes back."""
    panel = promote_panel(churn, "churn/3")
    before = seq(churn)
    focused: list[str] = []
    box = move(panel).confirm
    for button in (box.no, move(panel).go):
        button.on_msg(lambda *_: None)
        button.focus = lambda name=button.description: focused.append(name)
    open_box(panel)
    click(find(panel, "Cancel"))
    assert "" == asked(panel)
    click(go(panel))
    assert YES in asked(panel)
    (escape,) = [child for child in box.children if isinstance(child, Escape)]
    escape._handle_msg({"content": {"data": {"method": "custom", "content": "escape"}}, "buffers": []})
    assert "" == asked(panel)
    assert (before, "AUC +2 pt") == (seq(churn), find(panel, "Reason").value)
    assert 4 == len(focused)
    assert "Cancel" == focused[0]
    click(box.yes)
    assert before == seq(churn)


def test_who_was_quicker_is_told_at_the_box(churn: Registry) -> None:
    """Promoted by another while the box was open: nothing is promoted, who and why is told, the facts are new."""
    panel = promote_panel(churn, "churn/3")
    open_box(panel)
    Registry(churn.settings.uri, user="eve").promote("churn/2", "Production", because="mine first")
    click(find(panel, YES))
    told = read(panel)
    assert "churn/3 was not promoted to Production: churn/1 was in Production, and churn/2 is there now." in told
    assert "eve promoted churn/2 to Production at" in told
    assert "mine first" in told
    assert "churn/2 → Archived" in told
    assert "" == asked(panel)
    assert ("refuse", "churn/2") == (churn.audit()[-1].action, churn.version("churn/production").ref)
    assert "AUC +2 pt" == find(panel, "Reason").value
    click(go(panel))
    click(find(panel, YES))
    assert "churn/3" == churn.version("churn/production").ref


def test_the_facts_are_read_again_at_the_click(churn: Registry) -> None:
    """A panel that has stood open for a while asks about nothing that is no longer so."""
    panel = promote_panel(churn, "churn/3")
    Registry(churn.settings.uri, user="eve").promote("churn/2", "Production", because="mine first")
    before = seq(churn)
    open_box(panel)
    assert "" == asked(panel)
    told = read(panel)
    assert "What you looked at is no longer so: churn/1 was in Production, and churn/2 is there now. eve" in told
    assert "Nothing was changed; look at it again." in told
    assert before == seq(churn)
    click(go(panel))
    assert "churn/2 which moves to Archived" in asked(panel)


def test_a_version_that_vanished(churn: Registry) -> None:
    """Deleted before the click, or while the box is open: nothing is promoted, and another is picked."""
    panel = promote_panel(churn, "churn/3")
    open_box(panel)
    Registry(churn.settings.uri, user="eve").delete("churn/3", because="leaked")
    click(find(panel, YES))
    assert "churn/3 can no longer be used. eve put churn/3 into the trash" in read(panel)
    assert "churn/1" == churn.version("churn/production").ref
    assert [2] == [value for _, value in find(panel, "Version").options]


def test_a_gate_that_says_no(churn: Registry) -> None:
    """Its evidence is shown, the button says so; one that says no at the click only is told too."""
    verdict = [False]
    churn.add_gate(lambda candidate: GateResult("drift", verdict[0], "PSI 0.31"))
    panel = promote_panel(churn, "churn/3")
    told = read(panel)
    assert "1 of 2 gates says no: it cannot be done." in told
    assert "PSI 0.31" in told
    send(find(panel, "Reason"), value="why")
    assert ("A gate says no", True) == (go(panel).description, go(panel).disabled)
    verdict[0] = True
    panel.again()
    click(go(panel))
    assert YES in asked(panel)
    verdict[0] = False
    before = seq(churn)
    click(find(panel, YES))
    assert "drift: PSI 0.31" in read(panel)
    assert ("refuse", before + 1) == (churn.audit()[-1].action, seq(churn))


def test_rollback_beside_it(churn: Registry) -> None:
    """Who holds the stage, who would come back and when it was there; reason, box, and one step back."""
    churn.promote("churn/3", "Production", because="better")
    panel = promote_panel(churn)
    send(panel.views.names, index=1)
    told = read(panel)
    assert "churn/1 Archived → Production" in told
    assert "Was there" in told
    assert "“first model”" in told
    assert "churn/3 → Archived · there since" in told
    assert "“better”" in told
    open_box(panel, "false alarms")
    assert "Roll Production back to churn/1?" in asked(panel)
    click(find(panel, "Roll Production back to churn/1"))
    assert ("rollback", "false alarms") == (churn.audit()[-1].action, churn.audit()[-1].reason)
    assert '%rollback churn Production --expect churn/3 --because "false alarms"' in read(panel)
    click(find(panel, "Roll back another"))
    assert "no earlier holder of Production" in read(panel)
    assert [] == [x for x in walk(panel) if isinstance(x, w.Textarea)]


def test_a_rollback_is_overtaken(churn: Registry) -> None:
    """Another comes between the box and the click: nothing goes back."""
    churn.promote("churn/3", "Production")
    panel = opened(Ask(Session(churn.settings.uri), Place.WORD), {"name": "churn", "stage": "Production"})
    open_box(panel, "errors")
    Registry(churn.settings.uri, user="eve").promote("churn/2", "Production", because="new")
    click(find(panel, "Roll Production back to churn/1"))
    told = read(panel)
    assert "Production of churn was not rolled back: churn/1 was shown, and it would be churn/3 now" in told
    assert "eve promoted churn/2" in told
    assert "churn/2" == churn.version("churn/production").ref


@pytest.mark.parametrize("kind", ["read only", "as of"])
def test_where_nothing_may_be_changed(churn: Registry, kind: str) -> None:
    """A read-only handle and the past show the facts, say why there are no actions, and have none."""
    reader = Registry(churn.settings.uri, read_only=True) if kind == "read only" else churn.as_of("2999-01-01")
    panel = promote_panel(reader, "churn/3")
    for at in (0, 1):
        send(panel.views.names, index=at)
        told = read(panel)
        assert "This is to look at." in told
        assert "cannot promote or roll back" in told
        assert [] == [x for x in walk(panel) if isinstance(x, w.Button | w.Textarea)]
    send(panel.views.names, index=0)
    assert "churn/3 no stage → Production" in read(panel)
    hidden = move(panel)
    hidden.reason.value = "why"
    hidden.go.disabled = False
    before = seq(churn)
    click(hidden.go)
    click(hidden.confirm.yes)
    assert before == seq(churn)


def test_opened_from_a_line(churn: Registry) -> None:
    """What was typed behind the verb is picked; what cannot go there is told, and another picked."""
    ask = Ask(Session(churn.settings.uri), Place.WORD)
    panel = opened(ask, {"ref": "churn/2", "stage": "staging"})
    assert "churn/2 is in Staging already; another version is picked below." in read(panel)
    panel = opened(ask, {"ref": None, "stage": None})
    assert (Stage.PRODUCTION, 3) == (find(panel, "To").value, find(panel, "Version").value)
    panel = opened(ask, {"ref": "churn/9", "stage": None})
    assert "churn/9" in panel.strip.told


def test_the_registry_in_use(churn: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a registry it is the one that the settings name."""
    monkeypatch.setenv("NBREGISTRY_URI", churn.settings.uri)
    assert "churn/3 no stage → Production" in read(promote_panel())


def test_an_empty_registry(r: Registry) -> None:
    """There is nothing to pick, and it says what to do."""
    assert "register one first" in read(promote_panel(r))


def test_out_of_a_stage(churn: Registry) -> None:
    """Withdrawing has a name of its own."""
    panel = promote_panel(churn, "churn/2", "None")
    open_box(panel, "not needed")
    click(find(panel, "Take churn/2 out of Staging"))
    assert Stage.NONE is churn.version("churn/2").stage
    assert "churn/2 is in no stage now." in read(panel)


def test_the_picture(churn: Registry, outputs: list[Any]) -> None:
    """What is left without a kernel shows the facts, and after a promotion what was done."""
    panel = promote_panel(churn, "churn/3")
    panel._ipython_display_()
    assert "churn/3 no stage → Production" in Seen(outputs[-1][0]["text/html"]).text
    open_box(panel)
    click(find(panel, YES))
    bundle, _ = outputs[-1]
    assert "%promote churn/3 Production" in Seen(bundle["text/html"]).text
    assert "receipt" in bundle["text/plain"]


def test_hostile_text(tmp_path: Path) -> None:
    """Users, reasons, notes, gates, metrics and tags may hold anything: it is shown, and it is text."""
    registry = hostile_registry(tmp_path / "store", TEXTS[:3])
    panel = promote_panel(registry)
    seen = [html(panel)]
    send(panel.views.names, index=1)
    seen.append(html(panel))
    for text in EVERYTHING[::4]:
        send(move(panel).reason, value=text[:2000])
        click(go(panel))
        seen.append(html(panel))
        click(move(panel).confirm.no)
    click(go(panel))
    click(move(panel).confirm.yes)
    seen.append(html(panel))
    assert [] == panel.faults
    for drawn in seen:
        assert [] == [fault for fault in faults(drawn, sheets=[s for s in _sheets(panel)]) if fault]
        assert CANARY in drawn


def _sheets(panel: PromotePanel) -> list[str]:
    return [panel.children[0].value.removeprefix("<style>").removesuffix("</style>")]


def test_tab_goes_in_the_order_of_the_decision(churn: Registry) -> None:
    """Every control has a label, and they come as they are read: what, where to, why, then the button."""
    panel = promote_panel(churn, "churn/3")
    kinds = (w.Dropdown, w.Textarea, w.Button, w.ToggleButtons)
    labels = [one.description or one.tooltip for one in walk(panel) if isinstance(one, kinds)]
    expected = ["What to do", "Model", "Version", "To", "Reason", "Give a reason to promote churn/3 to Production"]
    assert expected == labels
    assert all(one.tabbable is not False for one in walk(panel) if isinstance(one, w.DOMWidget))
