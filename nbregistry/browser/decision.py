"""The panel in which a proposal is decided: what would happen, why, two buttons, and the box that asks once more."""

from __future__ import annotations

from collections.abc import Callable

from nbregistry.browser.access import Access
from nbregistry.display import marks, of_move
from nbregistry.display.blocks import Block, Facts, Look, Span, Title, View, When
from nbregistry.domain.proposals import AFTER, FROM, TO, Proposal, Verdict
from nbregistry.errors import Conflict, InvalidInput
from nbregistry.registry.deciding import Decided, decide, foresee, proposals
from nbregistry.widgets import parts
from nbregistry.widgets.confirm import Confirm
from nbregistry.widgets.panel import Panel


class DecisionPanel(Panel):
    """Approve or reject one version, in the visitor's name.

    Parameters
    ----------
    changed : callable
        Called when something was decided, so that the page around it is drawn again.
    """

    def __init__(self, access: Access, ref: str, changed: Callable[[], object]) -> None:
        super().__init__(access.registry, f"Decide about {ref}")
        self._changed, self._rule, self._ref = changed, access.rule, ref
        self._decided = False
        self.facts = parts.Drawn()
        self.reason = parts.area("Reason", hint="What speaks for it, or against it; the audit keeps it with your name")
        self.approve = parts.button(f"Approve for {TO.value}", tone="success")
        self.reject = parts.button("Reject", tone="danger")
        self.press(self.approve, lambda: self._ask(approves=True))
        self.press(self.reject, lambda: self._ask(approves=False))
        self._controls = parts.stack(self.reason, parts.row(self.approve, self.reject))
        self.confirm = Confirm(self, self._left)
        self.body.children = (self.facts, self._controls, self.confirm)
        self.run(self.look)

    def look(self) -> None:
        """Take in what waits now."""
        name = self._ref.rpartition("/")[0]
        self.proposal: Proposal | None = next((p for p in proposals(self.registry, name) if p.ref == self._ref), None)
        self.facts.show(self._told() or None)
        self._place()

    def picture(self) -> View:
        """Return what is proposed."""
        return View(self._told())

    def _told(self) -> tuple[Block, ...]:
        found = self.proposal
        if found is None and self._decided:
            return ()  # the strip tells what became of it
        if found is None:
            return (Title((), (Span(f"{self._ref} does not wait for a decision: it is not in {FROM.value}."),)),)
        replaced = (marks.ref(found.holder),) if found.holder else (Span("nobody", Look.MUTED),)
        return (
            Facts(
                (
                    ("Proposed by", (Span(found.by), When(found.since))),
                    ("Why", (Span(found.because or "no reason was given"),)),
                    ("To approve", (Span(f"puts it into {TO.value}, in place of"), *replaced)),
                    ("To reject", (Span(f"takes it out of {FROM.value} into {AFTER.value}"),)),
                    ("Fingerprint", (marks.digest(found.digest),)),
                    ("You act as", (Span(self.registry.settings.user, Look.STRONG),)),
                )
            ),
        )

    def _place(self) -> None:
        parts.shown(self._controls, self.proposal is not None and not self.confirm.asking)

    def _left(self) -> None:
        self._place()
        self.approve.focus()

    def _ask(self, *, approves: bool) -> None:
        """Ask once more, by name."""
        found, because = self.proposal, self.reason.value
        if self.confirm.asking or (found is None and self._decided):
            return  # a second click on what the first one did
        if found is None:
            raise InvalidInput(f"{self._ref} does not wait for a decision.")
        if not because.strip():
            raise InvalidInput("A decision needs its reason: write why, then press again.")
        try:
            facts = foresee(self.registry, found, approves=approves)
        except Conflict:
            self.look()
            raise
        self.strip.clear()
        verb = f"Approve {self._ref} for {TO.value}" if approves else f"Reject {self._ref}"
        self.confirm.ask(
            of_move.question(facts, because, verb=verb), verb,
            lambda: self._decide(found, because, approves=approves), tone="success" if approves else "danger",
        )  # fmt: skip
        self._place()

    def _decide(self, found: Proposal, because: str, *, approves: bool) -> None:
        try:
            decided = decide(self.registry, found, approves=approves, because=because, rule=self._rule)
        except Conflict:
            self.look()
            raise
        self._decided = True
        self.reason.value = ""
        self.look()
        self._tell(decided)
        self._changed()

    def _tell(self, decided: Decided) -> None:
        told = "Your approval is noted; others have to decide too."
        if decided.verdict is Verdict.APPROVED:
            told = f"{self._ref} is in {TO.value} now. The audit says that you approved it."
        elif decided.verdict is Verdict.REJECTED:
            told = f"{self._ref} is out of {FROM.value}. The audit says that you rejected it."
        self.done(f"{told} {decided.notice}".strip(), tone="warn" if decided.notice else "good")
