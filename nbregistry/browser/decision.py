"""The panel in which a proposal is decided: what would happen, why, and two buttons."""

from __future__ import annotations

from collections.abc import Callable

from nbregistry.browser.access import Access
from nbregistry.display import marks
from nbregistry.display.blocks import Block, Facts, Look, Span, Title, View, When
from nbregistry.domain.proposals import AFTER, FROM, TO, Proposal, Verdict
from nbregistry.errors import Conflict, InvalidInput
from nbregistry.registry.deciding import decide, proposals
from nbregistry.widgets import parts
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
        self.facts = parts.Drawn()
        self.reason = parts.area("Reason", hint="What speaks for it, or against it; the audit keeps it with your name")
        self.approve = parts.button(f"Approve for {TO.value}", tone="success")
        self.reject = parts.button("Reject", tone="danger")
        self.press(self.approve, lambda: self._decide(approves=True))
        self.press(self.reject, lambda: self._decide(approves=False))
        self._controls = parts.stack(self.reason, parts.row(self.approve, self.reject))
        self.body.children = (self.facts, self._controls)
        self.run(self.look)

    def look(self) -> None:
        """Take in what waits now."""
        name = self._ref.rpartition("/")[0]
        self.proposal: Proposal | None = next((p for p in proposals(self.registry, name) if p.ref == self._ref), None)
        self.facts.show(self._told())
        parts.shown(self._controls, self.proposal is not None)

    def picture(self) -> View:
        """Return what is proposed."""
        return View(self._told())

    def _told(self) -> tuple[Block, ...]:
        found = self.proposal
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
                    ("Its bytes", (marks.digest(found.digest),)),
                    ("You act as", (Span(self.registry.settings.user, Look.STRONG),)),
                )
            ),
        )

    def _decide(self, *, approves: bool) -> None:
        if self.proposal is None:
            raise InvalidInput(f"{self._ref} does not wait for a decision.")
        if not self.reason.value.strip():
            raise InvalidInput("A decision needs its reason: write why, then press again.")
        try:
            decided = decide(
                self.registry, self.proposal, approves=approves, because=self.reason.value, rule=self._rule
            )
        except Conflict:
            self.look()
            raise
        self.reason.value = ""
        self.look()
        if decided.verdict is Verdict.APPROVED:
            self.done(f"{self._ref} is in {TO.value} now. The audit says that you approved it.")
        elif decided.verdict is Verdict.REJECTED:
            self.done(f"{self._ref} is out of {FROM.value}. The audit says that you rejected it.")
        else:
            self.done("Your approval is noted; others have to decide too.")
        self._changed()
