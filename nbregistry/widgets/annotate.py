"""The panel of notes: the thread of a model or of a version, and a form to write, to answer, or to edit one's own.

What was typed and not sent yet is kept for each place it was typed for, so that neither an error nor a look elsewhere
costs a word.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import ipywidgets as w

from nbregistry.display import of_history
from nbregistry.display.blocks import Banner, Heading, Look, Prose, Span, Title, View
from nbregistry.display.visible import first_line, inline
from nbregistry.domain.entities import Annotation
from nbregistry.domain.lifecycle import Kind, Stage
from nbregistry.domain.refs import Ref
from nbregistry.domain.results import Annotations
from nbregistry.registry import Registry
from nbregistry.verbs.asking import Ask
from nbregistry.verbs.grammar import Values
from nbregistry.widgets.panel import Panel
from nbregistry.widgets.parts import Drawn, area, button, choice, discard, plain, row, shown, stack, tick

_MOST = 25
"""Notes that are shown at once; earlier threads are a click away."""
_DEEPEST = 4


class Draft(NamedTuple):
    """What is being written: a new note, a reply, or another text for a note of one's own."""

    target: str
    reply_to: int | None = None
    edit: int | None = None


class Entry(w.VBox):
    """One note with what can be done about it."""

    def __init__(self, panel: AnnotatePanel, note: Annotation, depth: int) -> None:
        self.depth = depth
        self.drawn = Drawn()
        actions: list[w.Widget] = []
        if not panel.barred and not note.deleted:
            actions.append(
                self._action(panel, "Reply", note, lambda: panel.turn(Draft(panel.target, reply_to=note.id)))
            )
            if note.author == panel.registry.settings.user:
                actions.append(self._action(panel, "Edit", note, lambda: panel.turn(Draft(panel.target, edit=note.id))))
        super().__init__([self.drawn, row(*actions)] if actions else [self.drawn])
        self.add_class("nbr-entry")
        if depth:
            self.add_class(f"nbr-deep-{min(depth, _DEEPEST)}")
        self.show(note)

    def show(self, note: Annotation) -> None:
        """Draw the note as it is now."""
        self.note = note
        self.drawn.show((of_history.entry(note),))

    def stands_for(self, note: Annotation, depth: int) -> bool:
        """Whether the same may be done about a note in the same place."""
        return (note.id, depth, note.deleted) == (self.note.id, self.depth, self.note.deleted)

    def _action(self, panel: AnnotatePanel, word: str, note: Annotation, call: Callable[[], object]) -> w.Button:
        found = button(word, tip=f"{word} #{note.id} by {note.author}")
        found.add_class("nbr-quiet")
        panel.press(found, call)
        return found


class AnnotatePanel(Panel):
    """Notes on one thing, and a form.

    Attributes
    ----------
    target : str
        What the notes are on: ``churn`` or ``churn/3``.
    barred : str
        Why nothing can be written here; empty when it can.
    """

    def __init__(self, registry: Registry, target: str | None, *, text: str = "", draft: Draft | None = None) -> None:
        super().__init__(registry, "Notes")
        self.target, self.barred = "", self.barring("annotate")
        self.notes = Annotations()
        self.draft = Draft("")
        self._drafts: dict[Draft, str] = {}
        self._entries: tuple[Entry, ...] = ()
        self._most, self._filling = _MOST, False
        names = [model.name for model in registry.models()]
        if not names:
            nothing = Banner(Look.WARN, (Span("There is nothing yet to write a note on: register a model first."),))
            self.body.children = (Drawn((nothing,)),)
            return
        self.model, self.about = choice("Model", names), choice("Notes on", [("", 0)], grow=True)
        self.again = button("Refresh", tip="Read the notes of others that came meanwhile")
        self.earlier = button("")
        self.earlier.add_class("nbr-quiet")
        self.thread = stack()
        self.thread.add_class("nbr-thread")
        self._make_form()
        self.body.children = (row(self.model, self.about, self.again), self.earlier, self.thread, self.form)
        self.watch(self.model, lambda: None if self._filling else self.turn_to(self.model.value))
        self.watch(self.about, self._about)
        self.press(self.again, self.look)
        self.press(self.earlier, self._more)
        if not self.run(lambda: self.turn_to(target if target is not None else names[0])):
            self.run(lambda: self.turn_to(names[0]))
        if self.target and not self.barred and (text or draft is not None):
            self.run(lambda: self.turn((draft or Draft(""))._replace(target=self.target), text))

    def _make_form(self) -> None:
        self.asked = Drawn()
        self.kind = choice("Kind", [kind.value for kind in Kind])
        self.text = area("Text", hint="Markdown. Kept with your name for good; an edit keeps the earlier text.", rows=4)
        self.preview, self.previewed = tick("Preview"), Drawn()
        self.previewed.add_class("nbr-sketch")
        self.submit, self.cancel = button("", tone="primary"), button("Cancel")
        self.form = stack(
            self.asked, row(self.kind), self.text, self.previewed, row(self.submit, self.cancel, self.preview)
        )
        self.watch(self.text, self.settle)
        self.watch(self.preview, self.settle)
        self.press(self.submit, self._submit)
        self.press(self.cancel, self._cancel)

    # -- reading

    def turn_to(self, target: str) -> None:
        """Show the notes on something else."""
        ref = Ref.parse(target)
        name = self.registry.model(ref.name).name
        self._fill(name, 0 if ref == Ref(ref.name) else self.registry.version(target).number)
        self._most = _MOST
        self.look()
        self.turn(Draft(self.target))

    def _fill(self, name: str, number: int) -> None:
        versions = [(plain(_label(v.number, v.stage)), v.number) for v in self.registry.versions(name)]
        options = [("the model as a whole", 0), *versions]
        self._filling = True
        try:
            self.model.value = name
            self.about.options = options
            self.about.value = number if number in [value for _, value in options] else 0
        finally:
            self._filling = False
        self.target = f"{name}/{self.about.value}" if self.about.value else name

    def _about(self) -> None:
        if not self._filling:
            self.turn_to(f"{self.model.value}/{self.about.value}" if self.about.value else self.model.value)

    def look(self) -> None:
        """Read the notes, and show them."""
        self.notes = self.registry.annotations(self.target)
        self.head.show((_title(self.target, len(self.notes)),))
        threads = _threads(self.notes)
        drawn: list[tuple[Annotation, int]] = []
        for thread in reversed(threads):
            if drawn and len(drawn) + len(thread) > self._most:
                break
            drawn[:0] = thread
        hidden = len(self.notes) - len(drawn)
        self.earlier.description = f"Show {hidden:,} earlier note{'' if hidden == 1 else 's'}"
        shown(self.earlier, hidden > 0)
        old = {entry.note.id: entry for entry in self._entries}
        self._entries = tuple(self._entry(old, note, depth) for note, depth in drawn)
        nothing = "Nobody has written a note on this yet."
        self.thread.children = self._entries or (Drawn((Title((Span(nothing, Look.MUTED),)),)),)
        for entry in old.values():
            discard(entry)
        shown(self.form, not self.barred)
        if self.barred:
            self.strip.tell(f"{self.barred} This is to look at.", tone="warn")
        self.retake()

    def _entry(self, old: dict[int, Entry], note: Annotation, depth: int) -> Entry:
        """Return what shows a note: what did so before, taken out of the old ones, or something new."""
        if (found := old.get(note.id)) is None or not found.stands_for(note, depth):
            return Entry(self, note, depth)
        found.show(note)
        return old.pop(note.id)

    def _more(self) -> None:
        self._most += 4 * _MOST
        self.look()

    def picture(self) -> View:
        """Return the thread."""
        if not self.target:
            return super().picture()
        return View((_title(self.target, len(self.notes)), *of_history.thread(self.notes).blocks[1:]))

    # -- writing

    def turn(self, draft: Draft, text: str = "") -> None:
        """Write something else; what was typed for it before is there again."""
        self._keep()
        note = self._noted(draft.reply_to if draft.edit is None else draft.edit)
        self.draft = draft
        asked = ""
        if draft.edit is not None and note is not None:
            asked = f"Edit your {note.kind.value} #{note.id}"
        elif draft.reply_to is not None and note is not None:
            asked = f"Reply to {inline(note.author, 60)}, #{note.id}"
        quoted = (Span(f"“{first_line(note.text, 80)}”", Look.MUTED),) if note is not None else ()
        self.asked.show((Heading(asked or "Write a note", quoted),))
        shown(self.kind, draft.edit is None)
        shown(self.cancel, bool(asked))
        self.text.value = text or self._drafts.get(draft) or (note.text if note is not None and draft.edit else "")
        self.settle()
        if asked:
            self.text.focus()

    def _noted(self, id_: int | None) -> Annotation | None:
        return None if id_ is None else next((note for note in self.notes if note.id == id_), None)

    def _keep(self) -> None:
        """Remember what was typed and not sent."""
        if not self.draft.target:
            return
        note = self._noted(self.draft.edit)
        if self.text.value.strip() and (note is None or note.text != self.text.value):
            self._drafts[self.draft] = self.text.value
        else:
            self._drafts.pop(self.draft, None)

    def settle(self) -> None:
        """Have the button say what it would do, or what is missing."""
        said = self.text.value.strip()
        word = {(True, False): "Send reply", (False, True): "Save"}.get(
            (self.draft.reply_to is not None, self.draft.edit is not None), f"Write on {self.target}"
        )
        self.submit.description = plain(word if said else "Type a text first")
        self.submit.disabled = not said
        self.previewed.show((Prose(self.text.value),) if self.preview.value and said else None)

    def _submit(self) -> None:
        if not self.text.value.strip() or not self.draft.target:
            return
        draft, text = self.draft, self.text.value
        if draft.edit is not None:
            done = self.registry.amend(draft.edit, text)
        else:
            done = self.registry.annotate(draft.target, text, kind=self.kind.value, reply_to=draft.reply_to)
        self._forget()
        self.look()
        word = "changed" if draft.edit is not None else "written"
        self.done(f"{done.kind.value.capitalize()} #{done.id} on {done.target} is {word}.")

    def _cancel(self) -> None:
        self._forget()

    def _forget(self) -> None:
        """Empty the form and go back to a new note."""
        self._drafts.pop(self.draft, None)
        self.text.value = ""
        self.turn(Draft(self.target))


def annotate_panel(registry: Registry | None = None, target: str | None = None) -> AnnotatePanel:
    """Return a panel that shows notes, and writes them.

    Parameters
    ----------
    target : str
        A model (``churn``) or a version (``churn/3``, ``churn@champion``).
    """
    return AnnotatePanel(registry if registry is not None else Registry(), target)


def opened(ask: Ask, values: Values) -> AnnotatePanel:
    """Open the panel of ``%annotate --panel``, with what was typed already."""
    draft = Draft("", reply_to=values["reply_to"], edit=values["edit"])
    found = AnnotatePanel(ask.registry, values["ref"], text=values["text"] or "", draft=draft)
    if found.target and not found.barred and values["kind"]:
        found.kind.value = values["kind"]
    return found


def _threads(notes: Sequence[Annotation]) -> list[list[tuple[Annotation, int]]]:
    """Return whole threads by their first note, the oldest first: each note with how deep it stands."""
    threads: list[list[tuple[Annotation, int]]] = []
    place: dict[int, tuple[list[tuple[Annotation, int]], int]] = {}
    for note in notes:
        # What answers a note that is not here, or came later, stands by itself: so no circle can form.
        thread, depth = place.get(note.reply_to, ([], -1)) if note.reply_to is not None else ([], -1)
        if depth < 0:
            threads.append(thread)
        at = len(thread)
        if depth >= 0:
            at = 1 + next(i for i, (other, _) in enumerate(thread) if other.id == note.reply_to)
            while at < len(thread) and thread[at][1] > depth:
                at += 1
        thread.insert(at, (note, depth + 1))
        place[note.id] = thread, depth + 1
    return threads


def _title(target: str, count: int) -> Title:
    counted = f"{count:,} note{'' if count == 1 else 's'}" if count else "no notes"
    return Title((Span("Notes on"), Span(target, Look.STRONG), Span(counted, Look.MUTED)))


def _label(number: int, stage: Stage) -> str:
    return f"version {number}" + (f" · {stage.value}" if stage is not Stage.NONE else "")
