"""The panel of notes: threads with what can be done about them, and a form that loses no word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ipywidgets as w
import pytest
from ipywidgets.widgets.widget import _instances

from nbregistry import Registry
from nbregistry.domain.entities import Annotation
from nbregistry.errors import StoreUnavailable
from nbregistry.verbs.asking import Ask, Session
from nbregistry.verbs.grammar import Place
from nbregistry.widgets import annotate_panel
from nbregistry.widgets.annotate import AnnotatePanel, Entry, opened
from tests.display.corpus import CANARY, EVERYTHING
from tests.display.hostile import TEXTS, faults, hostile_registry
from tests.display.seen import Seen
from tests.widgets.conftest import click, find, html, read, send, walk


@pytest.fixture
def ana(r: Registry, model: Any, iris: tuple[Any, Any]) -> Registry:
    """A registry of ana's with churn/1 and churn/2; on churn/2 a decision, bob's question and her answer."""
    ana = Registry(r.settings.uri, user="ana")
    for _ in range(2):
        ana.register(model, "churn", X=iris[0], y=iris[1])
    ana.promote("churn/1", "Production")
    decision = ana.annotate("churn/2", "**holds** in March", kind="decision")
    question = Registry(r.settings.uri, user="bob").annotate("churn/2", "and in April?", reply_to=decision.id)
    ana.annotate("churn/2", "drift since May", kind="warning")
    ana.annotate("churn/2", "in April too", reply_to=question.id)
    return ana


def entry(panel: AnnotatePanel, id_: int) -> Entry:
    """Return what shows a note."""
    (found,) = [one for one in walk(panel) if isinstance(one, Entry) and one.note.id == id_]
    return found


def write(panel: AnnotatePanel, text: str) -> None:
    """Type a text and send it."""
    send(panel.text, value=text)
    click(panel.submit)


def deep(panel: AnnotatePanel) -> list[tuple[int, int]]:
    """Return each note with how deep it stands."""
    found = [one for one in walk(panel) if isinstance(one, Entry)]
    return [(one.note.id, sum(int(c[-1]) for c in one._dom_classes if c.startswith("nbr-deep-"))) for one in found]


def test_threads_are_nested(ana: Registry) -> None:
    """Replies stand under what they answer, whatever was written between; kind, author and text are told."""
    panel = annotate_panel(ana, "churn/2")
    assert [(1, 0), (2, 1), (4, 2), (3, 0)] == deep(panel)
    told = read(panel)
    for part in ("Notes on churn/2 4 notes", "decision ana", "holds in March", "note bob", "warning ana", "#4"):
        assert part in told
    assert "<strong>holds</strong>" in html(panel)


def test_what_can_be_done_about_a_note(ana: Registry) -> None:
    """Every note can be answered; only one's own can be edited."""
    panel = annotate_panel(ana, "churn/2")
    words = {id_: [b.description for b in walk(entry(panel, id_)) if isinstance(b, w.Button)] for id_ in (1, 2)}
    assert {1: ["Reply", "Edit"], 2: ["Reply"]} == words


def test_a_note_is_written(ana: Registry) -> None:
    """Kind and text are kept under one's name, the form is empty again, and a note of others is seen on the way."""
    panel = annotate_panel(ana, "churn/2")
    Registry(ana.settings.uri, user="eve").annotate("churn/2", "hello")
    assert ("Type a text first", True) == (panel.submit.description, panel.submit.disabled)
    send(find(panel, "Kind"), index=3)
    send(panel.text, value="# outage\n\nat noon")
    assert ("Write on churn/2", False) == (panel.submit.description, panel.submit.disabled)
    click(panel.submit)
    last = ana.annotations("churn/2")[-1]
    assert ("incident", "ana", "# outage\n\nat noon", None) == (last.kind.value, last.author, last.text, last.reply_to)
    assert f"Incident #{last.id} on churn/2 is written." in read(panel)
    assert "hello" in read(panel)
    assert ("", True, "Type a text first") == (panel.text.value, panel.submit.disabled, panel.submit.description)


def test_a_second_click_writes_nothing(ana: Registry) -> None:
    """What was sent is gone from the form, so a double click writes once."""
    panel = annotate_panel(ana, "churn/2")
    send(panel.text, value="once")
    click(panel.submit)
    click(panel.submit)
    assert 1 == [note.text for note in ana.annotations("churn/2")].count("once")


def test_a_reply(ana: Registry) -> None:
    """The form says whom it answers and takes the focus; the reply stands under the note."""
    panel = annotate_panel(ana, "churn/2")
    focused: list[bool] = []
    panel.text.focus = lambda: focused.append(True)
    click(find(entry(panel, 2), "Reply"))
    assert [True] == focused
    assert "Reply to bob, #2“and in April?”" in read(panel).replace("#2 “", "#2“")
    send(panel.text, value="yes")
    assert "Send reply" == panel.submit.description
    click(panel.submit)
    assert (2, "yes") == (ana.annotations("churn/2")[-1].reply_to, ana.annotations("churn/2")[-1].text)
    assert [(1, 0), (2, 1), (4, 2), (5, 2), (3, 0)] == deep(panel)
    assert "Write a note" in read(panel)


def test_an_edit_keeps_the_earlier_text(ana: Registry) -> None:
    """One's own text comes into the form; saved, the earlier one is there to open."""
    panel = annotate_panel(ana, "churn/2")
    click(find(entry(panel, 3), "Edit"))
    assert "drift since May" == panel.text.value
    assert "Edit your warning #3" in read(panel)
    assert "Kind" not in [getattr(one, "description", "") for one in walk(panel)]
    write(panel, "drift since June")
    assert ("drift since June", 1) == (ana.annotations("churn/2")[2].text, len(ana.annotations("churn/2")[2].edits))
    assert "<summary>1 earlier text</summary>" in html(panel)
    assert "drift since May" in read(panel)
    assert "Warning #3 on churn/2 is changed." in read(panel)


def test_an_error_costs_no_word(ana: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the registry refuses is told, and the text stays to be sent again."""
    panel = annotate_panel(ana, "churn/2")
    write(panel, "x" * 70_000)
    assert "The annotation" in panel.strip.told
    assert 70_000 == len(panel.text.value)
    assert not panel.submit.disabled

    def full(*_: object, **__: object) -> Annotation:
        raise StoreUnavailable("No space left on device. Nothing was changed.")

    with monkeypatch.context() as patch:
        patch.setattr(Registry, "annotate", full)
        write(panel, "keep me")
    assert "No space left on device" in read(panel)
    assert "keep me" == panel.text.value
    click(panel.submit)
    assert "keep me" == ana.annotations("churn/2")[-1].text


def test_drafts_are_kept_for_each_place(ana: Registry) -> None:
    """A look at another version, a reply begun, an edit begun: each has its own text when one comes back."""
    panel = annotate_panel(ana, "churn/2")
    send(panel.text, value="new one")
    click(find(entry(panel, 2), "Reply"))
    assert "" == panel.text.value
    send(panel.text, value="a reply")
    click(find(entry(panel, 3), "Edit"))
    send(find(panel, "Notes on"), index=2)
    assert ("churn/1", "") == (panel.target, panel.text.value)
    assert "Nobody has written a note on this yet." in read(panel)
    send(find(panel, "Notes on"), index=1)
    assert "new one" == panel.text.value
    click(find(entry(panel, 2), "Reply"))
    assert "a reply" == panel.text.value
    click(find(panel, "Cancel"))
    assert "new one" == panel.text.value
    click(find(entry(panel, 2), "Reply"))
    assert "" == panel.text.value


def test_an_edit_of_anothers_note_is_refused_below(ana: Registry) -> None:
    """Rights are the registry's: a message that no button sends changes nothing."""
    panel = annotate_panel(Registry(ana.settings.uri, user="eve"), "churn/2")
    panel.turn(panel.draft._replace(edit=1), "mine now")
    click(panel.submit)
    assert "Annotation 1 is ana's" in read(panel)
    assert "**holds** in March" == ana.annotations("churn/2")[0].text


def test_notes_on_a_model(ana: Registry) -> None:
    """A model has a thread of its own."""
    panel = annotate_panel(ana, "churn")
    assert "Notes on churn no notes" in read(panel)
    write(panel, "owned by risk")
    assert ["owned by risk"] == [note.text for note in ana.annotations("churn")]
    assert ["the model as a whole", "version 2", "version 1 · Production"] == [o[0] for o in panel.about.options]


def test_preview(ana: Registry) -> None:
    """Markdown is drawn as it will be, while it is typed, where that is wanted."""
    panel = annotate_panel(ana, "churn")
    send(panel.text, value="**bold** <b>x</b>")
    assert "<strong>bold</strong>" not in html(panel)
    send(find(panel, "Preview"), value=True)
    assert "<strong>bold</strong> &lt;b&gt;" in html(panel)
    send(panel.text, value="*soft*")
    assert "<em>soft</em>" in html(panel)


def test_long_threads_come_in_parts(ana: Registry) -> None:
    """The newest threads are shown, whole; the rest is a click away, and nothing is lost from memory or kept in it."""
    for number in range(30):
        ana.annotate("churn/1", f"note {number}")
    panel = annotate_panel(ana, "churn/1")
    assert (25, "Show 5 earlier notes") == (len(deep(panel)), panel.earlier.description)
    assert "note 29" in read(panel)
    alive = len(_instances)
    for _ in range(3):
        click(panel.again)
        send(find(panel, "Notes on"), index=1)
        send(find(panel, "Notes on"), index=2)
    assert (alive, "churn/1") == (len(_instances), panel.target)
    click(panel.earlier)
    assert (30, True) == (len(deep(panel)), "nbr-hidden" in panel.earlier._dom_classes)


@pytest.mark.parametrize("kind", ["read only", "as of"])
def test_where_nothing_may_be_written(ana: Registry, kind: str) -> None:
    """A read-only handle and the past show the thread and why there is no form; no button acts on a note."""
    reader = Registry(ana.settings.uri, read_only=True) if kind == "read only" else ana.as_of("2999-01-01")
    panel = annotate_panel(reader, "churn/2")
    told = read(panel)
    assert "it cannot annotate. This is to look at." in told
    assert "holds in March" in told
    assert ["Refresh"] == [b.description for b in walk(panel) if isinstance(b, w.Button)]
    write(panel, "sneaked in")
    assert 4 == len(ana.annotations("churn/2"))


def test_opened_from_a_line(ana: Registry) -> None:
    """What was typed behind the verb stands in the form."""
    ask = Ask(Session(ana.settings.uri), Place.WORD)
    nothing: dict[str, Any] = {"ref": None, "text": None, "kind": "note", "reply_to": None, "edit": None}
    panel = opened(ask, {**nothing, "ref": "churn/2", "text": "so far", "kind": "warning", "reply_to": 2})
    assert ("so far", "warning", 2) == (panel.text.value, panel.kind.value, panel.draft.reply_to)
    assert "churn" == opened(ask, nothing).target
    assert "churn/9" in opened(ask, {**nothing, "ref": "churn/9"}).strip.told


def test_the_registry_in_use(ana: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a registry it is the one that the settings name."""
    monkeypatch.setenv("NBREGISTRY_URI", ana.settings.uri)
    assert "Notes on churn no notes" in read(annotate_panel())


def test_an_empty_registry(r: Registry) -> None:
    """There is nothing to write on, and it says what to do."""
    assert "register a model first" in read(annotate_panel(r))


def test_the_picture(ana: Registry, outputs: list[Any]) -> None:
    """What is left without a kernel is the thread, with what was written last."""
    panel = annotate_panel(ana, "churn/2")
    panel._ipython_display_()
    write(panel, "the last word")
    bundle, _ = outputs[-1]
    assert "the last word" in Seen(bundle["text/html"]).text
    assert "drift since May" in bundle["text/plain"]


def test_hostile_text(tmp_path: Path) -> None:
    """Notes, authors and what is typed may hold anything: it is shown, and it is text."""
    registry = hostile_registry(tmp_path / "store", TEXTS[1:4])
    panel = annotate_panel(registry, "churn")
    send(panel.preview, value=True)
    seen = [html(panel)]
    for at, text in enumerate(EVERYTHING[::2]):
        send(panel.text, value=text[:5000])
        seen.append(panel.previewed.value)
        if not at % 4:
            click(panel.submit)
    seen.append(html(panel))
    panel.turn_to("churn/3")
    seen.append(html(panel))
    click(next(b for b in walk(panel) if isinstance(b, w.Button) and b.description == "Reply"))
    seen.append(html(panel))
    sheet = panel.children[0].value.removeprefix("<style>").removesuffix("</style>")
    for drawn in seen:
        assert [] == faults(drawn, sheets=[sheet])
        assert CANARY in drawn
