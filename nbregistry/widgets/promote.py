"""The panel that moves versions between stages: promotion and rollback beside each other."""

from __future__ import annotations

from nbregistry.display.blocks import Banner, Look, Span, Title, View
from nbregistry.domain.lifecycle import Stage, Status
from nbregistry.domain.refs import Ref
from nbregistry.registry import Registry
from nbregistry.verbs.asking import Ask
from nbregistry.verbs.grammar import Values
from nbregistry.widgets.moves import PROMOTE, ROLLBACK, Move, PromoteMove, RollbackMove, placed
from nbregistry.widgets.panel import Panel
from nbregistry.widgets.parts import Drawn, Views


class PromotePanel(Panel):
    """Promotion and rollback beside each other.

    Attributes
    ----------
    barred : str
        Why nothing can be changed here; empty when it can.
    """

    def __init__(self, registry: Registry, ref: str | None, stage: str | Stage, *, rollback: bool = False) -> None:
        super().__init__(registry, "Promote and roll back")
        self.names = [model.name for model in registry.models() if model.versions]
        self.barred = self.barring("promote or roll back")
        self._ref, self._stage = ref, Stage.parse(stage)
        self._moves: dict[str, Move] = {}
        if not self.names:
            nothing = Banner(Look.WARN, (Span("There is no version yet that could be promoted: register one first."),))
            self.body.children = (Drawn((nothing,)),)
            return
        makers = {PROMOTE: self._promote, ROLLBACK: self._rollback}
        self.views = Views("What to do", makers, self.run, chosen=ROLLBACK if rollback else PROMOTE)
        self.body.children = (self.views,)
        self.watch(self.views.names, self.retake)

    def again(self) -> None:
        """Read all facts again."""
        for move in self._moves.values():
            move.refill()
            move.look()

    def settle(self) -> None:
        """Have the buttons say what is missing."""
        for move in self._moves.values():
            move.state()

    def picture(self) -> View:
        """Return what is picked, as it stood, and what was done."""
        move = self._moves.get(self.views.names.value) if self._moves else None
        title = Title((Span(move.verb if move else self.title, Look.STRONG),))
        return View((title, *(move.result or move.drawn if move else ())))

    def _promote(self) -> Move:
        version, told = None, ""
        if self._ref is not None:
            version = self.registry.version(self._ref)
            if version.stage is self._stage:
                told = f"{version.ref} is {placed(version.stage)} already; another version is picked below."
            elif version.status is not Status.READY:
                told = f"{version.ref} is {version.status.value} and cannot be promoted; another is picked below."
        move = PromoteMove(self, version, self._stage)
        if told:
            self.strip.tell(told, tone="warn")
        return self._added(move)

    def _rollback(self) -> Move:
        name = None if self._ref is None else self.registry.model(Ref.parse(self._ref).name).name
        stage = self._stage if self._stage.single_holder else Stage.PRODUCTION
        return self._added(RollbackMove(self, name, stage))

    def _added(self, move: Move) -> Move:
        self._moves[move.verb] = move
        move.look()
        return move


def promote_panel(
    registry: Registry | None = None, ref: str | None = None, stage: str | Stage = Stage.PRODUCTION
) -> PromotePanel:
    """Return a panel that promotes, and rolls back.

    Parameters
    ----------
    ref : str
        What to pick at first, such as ``churn/3``.
    stage : str or Stage
        Where to.
    """
    return PromotePanel(registry if registry is not None else Registry(), ref, stage)


def opened(ask: Ask, values: Values) -> PromotePanel:
    """Open the panel of ``%promote --panel`` and ``%rollback --panel``."""
    stage = values["stage"] or Stage.PRODUCTION
    if "ref" in values:
        return PromotePanel(ask.registry, values["ref"], stage)
    return PromotePanel(ask.registry, values["name"], stage, rollback=True)
