"""The two ways to move a version between stages: promote it, or put back who was there before.

Each shows who would come, who would go and on what evidence, asks for a reason, and asks once more by name. What then
happens does so on what was shown or not at all (``domain.shown``): who was quicker is told, and the facts are read
again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import ipywidgets as w

from nbregistry.display import of_history, of_move
from nbregistry.display.blocks import Banner, Block, Code, Heading, Look, Span
from nbregistry.display.figures import figures
from nbregistry.domain.entities import Annotation, ModelVersion, Promotion
from nbregistry.domain.lifecycle import Stage, Status
from nbregistry.domain.tenure import Tenure
from nbregistry.errors import Conflict, InvalidInput, NotFound, Refused
from nbregistry.registry import Registry
from nbregistry.registry.expecting import meanwhile
from nbregistry.verbs import written
from nbregistry.widgets.confirm import Confirm
from nbregistry.widgets.parts import Drawn, area, button, choice, plain, row, shown, stack

if TYPE_CHECKING:
    from nbregistry.widgets.promote import PromotePanel

PROMOTE, ROLLBACK = "Promote", "Roll back"
_STAGES = (Stage.PRODUCTION, Stage.STAGING, Stage.ARCHIVED, Stage.NONE)
_READ_THROUGH = 20_000
"""Commits up to which a history that nobody has asked for yet is read, to tell since when somebody holds a stage."""


class Move(w.VBox):
    """One way to move a version: what is picked, what it would do, why, and the box that asks once more."""

    verb = ""

    def __init__(self, panel: PromotePanel, *pickers: w.Widget) -> None:
        self.panel, self.registry = panel, panel.registry
        self.seen: Promotion | None = None
        self.drawn: tuple[Block, ...] = ()
        self.result: tuple[Block, ...] = ()
        self.pickers = pickers
        self._filling = False
        self.facts, self.after = Drawn(), Drawn()
        self.facts.add_class("nbr-outlook")
        self.another = button(f"{self.verb} another")
        self.reason = area("Reason", hint="Why now, and on what grounds. It is kept in the audit.", rows=2)
        self.go = button("", tone="primary")
        self.confirm = Confirm(panel, self._left)
        self.acts = stack(self.reason, row(self.go))
        self.before = stack(row(*pickers), self.facts, self.acts)
        self.done = stack(self.after, row(self.another))
        super().__init__([self.before, self.confirm, self.done])
        self.add_class("nbr-stack")
        shown(self.done, False)
        panel.press(self.go, self.ask)
        panel.press(self.another, self._again)
        panel.watch(self.reason, self.state)
        for picker in pickers:
            panel.watch(picker, self._picked)

    # -- what differs

    def fill(self) -> None:
        """Offer what there is to pick."""

    def wanted(self) -> Promotion | None:
        """Return what a dry run tells of what is picked; None when nothing is."""
        raise NotImplementedError

    def act(self, move: Promotion, because: str) -> Promotion:
        """Do it, on what was shown."""
        raise NotImplementedError

    def lines(self, move: Promotion, because: str) -> tuple[str, ...]:
        """Return the lines that would have done it: a magic, where one can, and a call."""
        raise NotImplementedError

    def named(self, move: Promotion) -> str:
        """Return what would be done, with all names in it."""
        raise NotImplementedError

    # -- what they share

    def look(self) -> None:
        """Read the facts and show them."""
        self.confirm.leave()
        self.seen = None
        try:
            self.seen = self.wanted()
            self.drawn = () if self.seen is None else self._outlook(self.seen)
        except (Refused, NotFound, InvalidInput) as error:
            self.drawn = (Banner(Look.WARN, (Span(" ".join(str(error).split())),)),)
        if why := self.panel.barred:
            self.drawn = (Banner(Look.WARN, (Span(f"{why} This is to look at."),)), *self.drawn)
        self.facts.show(self.drawn or None)
        self.state()

    def state(self) -> None:
        """Have the button say what it would do, or what is missing."""
        missing = self._missing()
        shown(self.acts, not self.panel.barred and self.seen is not None and not self.confirm.asking)
        self.go.disabled = bool(missing)
        self.go.description = plain(missing or f"{self.named(self.seen)} …") if self.seen else ""

    def ask(self) -> None:
        """Read the facts once more, and ask."""
        if self.seen is None or self._missing():
            return
        before, now = self.seen, self.wanted()
        if now is None or now.shown is None or before.shown is None or now.shown != before.shown or not now.passed:
            self._overtaken(before, now)
            return
        because = self.reason.value
        question = of_move.question(now.shown, because, verb=self.named(now))
        self.confirm.ask(question, self.named(now), lambda: self._do(now, because))
        for control in (*self.pickers, self.reason):
            control.disabled = True
        self.state()

    def _overtaken(self, before: Promotion, now: Promotion | None) -> None:
        self.look()
        said = "A gate says no now."
        if before.shown is not None and (now is None or now.shown != before.shown):
            what = "; ".join(before.shown.changes(now.shown if now else None))
            who = meanwhile(self.registry.core, {before.shown.name}, before.shown.seq)
            said = f"What you looked at is no longer so: {what}. {who}"
        self.panel.done(f"{said} Nothing was changed; look at it again.".replace("  ", " "), tone="warn")

    def _do(self, move: Promotion, because: str) -> None:
        try:
            done = self.act(move, because)
        except (Conflict, NotFound):
            self.panel.again()
            raise
        lines = self.lines(move, because)
        self.result = (*of_history.promotion(done).blocks, Heading("The same as a line"), Code(lines))
        self.reason.value = ""
        self.panel.again()
        self.after.show(self.result)
        shown(self.before, False)
        shown(self.done, True)
        self.another.focus()
        self.panel.done(f"{done.ref} is {placed(done.stage)} now.")

    def _left(self) -> None:
        for control in (*self.pickers, self.reason):
            control.disabled = False
        self.state()
        self.go.focus()

    def _picked(self) -> None:
        if self._filling:
            return
        self.panel.strip.clear()
        self.refill()
        self.look()
        self.panel.retake()

    def _again(self) -> None:
        """Put away what was done."""
        self.result = ()
        self._picked()  # first, as a list in sight is not to change under the hand that picks from it
        shown(self.before, True)
        shown(self.done, False)
        self.pickers[0].focus()  # the button that had the focus is gone

    def refill(self) -> None:
        """Offer what there is to pick, without taking that for the user's choice."""
        self._filling = True
        try:
            self.fill()
        finally:
            self._filling = False

    def _missing(self) -> str:
        if self.seen is None:
            return "Nothing to do"
        if not self.seen.passed:
            return "A gate says no"
        if self.seen.shown is not None and self.seen.shown.holder == self.seen.ref:
            return f"{self.seen.ref} is {placed(self.seen.stage)} already"
        return "" if self.reason.value.strip() else f"Give a reason to {_lowered(self.named(self.seen))}"

    def _outlook(self, move: Promotion) -> tuple[Block, ...]:
        version = self.registry.version(move.ref)
        incumbent = self.registry.version(move.replaced) if move.replaced else None
        notes: list[Annotation] = [*self.registry.annotations(version.name), *self.registry.annotations(version)]
        notes.sort(key=lambda note: note.id)
        return of_move.outlook(move, version, incumbent=incumbent, tenures=self._tenures(move), notes=notes)

    def _tenures(self, move: Promotion) -> Sequence[Tenure]:
        core = self.registry.core
        if not move.stage.single_holder or (core.chronicle is None and core.view().seq > _READ_THROUGH):
            return ()
        return self.registry.tenures(move.ref.rpartition("/")[0], move.stage)


class PromoteMove(Move):
    """Any version into any stage."""

    verb = PROMOTE

    def __init__(self, panel: PromotePanel, ref: ModelVersion | None, stage: Stage) -> None:
        self.model = choice("Model", panel.names, ref.name if ref else None)
        self.version = choice("Version", [("", 0)], grow=True)
        self.stage = choice("To", [(s.value if s is not Stage.NONE else "no stage", s) for s in _STAGES], stage)
        super().__init__(panel, self.model, self.version, self.stage)
        self._wish = ref.number if ref else None
        self.refill()

    def fill(self) -> None:
        """Offer the versions that can go there; the one that was picked stays picked as long as it can."""
        offered = _offers(self.registry, self.model.value, self.stage.value) if self.model.value else []
        wish, self._wish = (self._wish or self.version.value), None
        numbers = [number for _, number in offered]
        self.version.options = offered or [("none that can go there", 0)]
        self.version.value = wish if wish in numbers else next(iter(numbers), 0)

    def wanted(self) -> Promotion | None:
        """Return what promoting the version that is picked would do."""
        if not self.version.value:
            return None
        return self.registry.promote(f"{self.model.value}/{self.version.value}", self.stage.value, dry_run=True)

    def act(self, move: Promotion, because: str) -> Promotion:
        """Promote."""
        return self.registry.promote(move.ref, move.stage, because=because, expect=move.shown)

    def lines(self, move: Promotion, because: str) -> tuple[str, ...]:
        """Return ``%promote`` and its call."""
        return _lines("promote", move.ref, move.stage, move, because)

    def named(self, move: Promotion) -> str:
        """Return ``Promote churn/3 to Production``."""
        if move.stage is Stage.NONE:
            return f"Take {move.ref} out of {move.was.value}"
        return f"Promote {move.ref} to {move.stage.value}"


class RollbackMove(Move):
    """Who held a stage before, back into it."""

    verb = ROLLBACK

    def __init__(self, panel: PromotePanel, name: str | None, stage: Stage) -> None:
        self.model = choice("Model", panel.names, name, grow=True)
        held = [s for s in _STAGES if s.single_holder]
        self.stage = choice("Stage", [(s.value, s) for s in held], stage)
        super().__init__(panel, self.model, self.stage)

    def wanted(self) -> Promotion | None:
        """Return what a rollback would do."""
        if not self.model.value:
            return None
        return self.registry.rollback(self.model.value, self.stage.value, dry_run=True)

    def act(self, move: Promotion, because: str) -> Promotion:
        """Roll back."""
        name = move.ref.rpartition("/")[0]
        return self.registry.rollback(name, move.stage, because=because, expect=move.shown)

    def lines(self, move: Promotion, because: str) -> tuple[str, ...]:
        """Return ``%rollback`` and its call."""
        return _lines("rollback", move.ref.rpartition("/")[0], move.stage, move, because)

    def named(self, move: Promotion) -> str:
        """Return ``Roll Production back to churn/2``."""
        return f"Roll {move.stage.value} back to {move.ref}"


def _offers(registry: Registry, name: str, stage: Stage) -> list[tuple[str, int]]:
    """Return the versions that can go into a stage, the newest first, each with its stage and one metric."""
    found = [v for v in registry.versions(name) if v.stage is not stage]
    if stage.single_holder:
        found = [v for v in found if v.status is Status.READY]
    metric = next((key for v in found for key in v.metrics), "")
    texts = figures([v.metrics.get(metric) for v in found])
    return [
        (plain(" · ".join(part for part in (
            str(v.number), placed(v.stage) if v.stage is not Stage.NONE else "",
            f"{metric[:40]} {text}" if metric in v.metrics else "",
        ) if part)), v.number)
        for v, text in zip(found, texts, strict=True)
    ]  # fmt: skip


def _lines(verb: str, what: str, stage: Stage, move: Promotion, because: str) -> tuple[str, ...]:
    expect = (move.shown.holder if move.shown else None) or ("none" if stage.single_holder else None)
    said = {"expect": expect, "because": because}
    line = written.magic(verb, what, stage.value, **said)
    return (*((line,) if line else ()), written.call(verb, what, stage.value, **said))


def placed(stage: Stage) -> str:
    """Return where a version in a stage is, in words."""
    return "in no stage" if stage is Stage.NONE else f"in {stage.value}"


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]
