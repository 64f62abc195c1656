"""The registry as a panel: its models, the versions of one of them, and the card of a version."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from nbregistry.display import marks, told
from nbregistry.display.blocks import GAP, Column, Look, Span, Spark, Title, View, When
from nbregistry.display.figures import figure
from nbregistry.display.visible import first_line, inline, ours
from nbregistry.domain.entities import ModelVersion
from nbregistry.domain.results import Versions
from nbregistry.registry import Registry, surveying
from nbregistry.registry.surveying import CHAMPION, Glance
from nbregistry.verbs import reading
from nbregistry.verbs.asking import Ask
from nbregistry.verbs.grammar import Values
from nbregistry.widgets import parts
from nbregistry.widgets.card import CardPanel
from nbregistry.widgets.panel import Panel
from nbregistry.widgets.rows import Cell, Number, Row, Rows

MOST_VERSIONS = 1_000
"""Versions of one model that are listed, the newest."""

_MODELS = (
    Column("Model"),
    Column("Stages", firm=True),
    Column("Champion", right=True),
    Column("Latest", right=True),
    Column("Versions", right=True),
    Column("Metric"),
    Column("Trend", firm=True),
    Column("Changed", firm=True),
)
_MOST_METRICS = 4
_NAME = 20  # characters of a metric's name beside its value
_EMPTY = "No model is registered here yet: %register is how the first one comes in."


def registry_panel(registry: Registry | None = None, *, actions: Collection[str] | None = None) -> RegistryPanel:
    """Return a registry as a panel.

    Parameters
    ----------
    registry : Registry
        The default one unless told.
    actions : collection of str
        What to offer with a version, of ``card.ACTIONS``; unless told, all that the registry allows.
    """
    return RegistryPanel(Registry() if registry is None else registry, actions=actions)


def opened(ask: Ask, values: Values) -> Panel:
    """Return the panel of ``%models``."""
    return registry_panel(reading.view(ask, values))


class RegistryPanel(Panel):
    """A registry: selecting a model shows its versions, selecting a version its card below them.

    Parameters
    ----------
    actions : collection of str, optional
        What to offer with a version.

    Attributes
    ----------
    models, versions : Rows
        Keys are names and references.
    name : str
        The model whose versions are shown; empty for the list of models.
    card : CardPanel or None
        Of the version that is selected.
    """

    def __init__(self, registry: Registry, *, actions: Collection[str] | None = None) -> None:
        super().__init__(registry, "Models")
        self._actions = actions
        self._seq = -1
        self.name = ""
        self.card: CardPanel | None = None
        self.models = Rows(_MODELS, label="models", page=15, empty=_EMPTY)
        self.versions = Rows((Column("Version"),), label="versions", page=10, empty="No version can be used.")
        self.again = parts.button("Refresh", tip="Read the registry again")
        self.press(self.again, self.refresh)
        self.back = parts.button("Models", tip="Back to the list of models")
        self.press(self.back, self.show_models)
        self.where = parts.Drawn()
        trail = parts.row(self.back, self.where)
        trail.add_class("nbr-trail")
        top = parts.row(trail, self.again)
        top.add_class("nbr-apart")
        self.about, self.hint, self.place = parts.Drawn(), parts.Drawn(), parts.stack()
        self.place.add_class("nbr-below")
        self.one = parts.stack(self.about, self.versions, self.hint, self.place)
        # An anywidget does not follow its classes: it is the box around it that is hidden.
        self.all = parts.stack(self.models)
        # Both stay in the page, so that one comes back to the page, the order and the search that one left.
        self.body.children = (top, self.all, self.one)
        parts.shown(self.head, False)
        self.watch(self.models, self._model_chosen, "selected")
        self.watch(self.versions, self._version_chosen, "selected")
        self.show_models()

    # -- where one is

    def show_models(self) -> None:
        """Show the list of models."""
        self.name = ""
        self._close_card()
        self.models.select()
        self._read_models()
        self._show()

    def look_at(self, name: str) -> None:
        """Show the versions of a model."""
        self._close_card()
        self.name = name
        self.versions.select()
        self._read_versions()
        self._show()

    def _show(self) -> None:
        self.where.show((Title((Span("/", Look.MUTED), Span(self.name)) if self.name else (Span("Models"),)),))
        parts.shown(self.all, not self.name)
        parts.shown(self.back, bool(self.name))
        parts.shown(self.one, bool(self.name))
        self.retake()

    def open_version(self, ref: str) -> None:
        """Show the card of a version below the versions of its model."""
        version = self.registry.version(ref)
        if self.name != version.name:
            self.look_at(version.name)
        self.versions.select(version.ref)

    def _model_chosen(self) -> None:
        if self.models.selected:
            self.look_at(self.models.selected[0])

    def _version_chosen(self) -> None:
        self._close_card()
        if self.versions.selected:
            ref = self.versions.selected[0]
            self.card = CardPanel(self.registry, ref, actions=self._actions, changed=self.follow)
            self.place.children = (self.card,)
        parts.shown(self.hint, self.card is None)
        parts.shown(self.place, self.card is not None)
        self.retake()

    def _close_card(self) -> None:
        parts.shown(self.place, False)
        self.place.children = ()
        if self.card is not None:
            parts.discard(self.card)
            self.card = None

    # -- what there is

    def follow(self) -> None:
        """Read again what is shown, where the registry has changed."""
        if self.registry.core.view().seq != self._seq:
            self._read()

    def refresh(self) -> None:
        """Read again what is shown."""
        self._read()
        if self.card is not None:
            self.card.refresh()
        self.retake()

    def _read(self) -> None:
        if self.name:
            self._read_versions()
        else:
            self._read_models()

    def _read_models(self) -> None:
        self._seq = self.registry.core.view().seq
        self.models.replace([_model(found) for found in surveying.survey(self.registry.core)])

    def _read_versions(self) -> None:
        self._seq = self.registry.core.view().seq
        found = self.registry.versions(self.name)
        listed, metrics = found[:MOST_VERSIONS], _common(found[:MOST_VERSIONS])
        self.versions.replace([_version(v, metrics) for v in listed], _columns(metrics))
        told_model = told.view(self.registry.model(self.name))
        self.about.show(View(told_model.blocks[:-1]))
        beyond = f" The newest {len(listed):,} of {len(found):,} are listed." if len(found) > len(listed) else ""
        self.hint.show((Title((Span(f"Select a version to see its card.{beyond}", Look.MUTED),)),))
        parts.shown(self.hint, self.card is None)

    def picture(self) -> View:
        """Return the table that is shown, and the card below it."""
        if not self.name:
            return View((*super().picture().blocks, self.models.blocks()))
        shown = self.card.picture().blocks if self.card is not None else ()
        return View((Title((Span(self.name, Look.STRONG),)), self.versions.blocks(), *shown))


def _model(found: Glance) -> Row:
    m = found.model
    stages: Cell = tuple(
        part
        for stage in sorted(m.stages, key=lambda name: name != "Production")
        for part in (
            Span(stage, Look.BADGE_GOOD if stage == "Production" else Look.BADGE_INFO),
            Number(m.stages[stage], str(m.stages[stage])),
        )
    )
    champion = m.aliases.get(CHAMPION)
    metric: Cell = (GAP,)
    if found.metric:
        name = inline(found.metric[:_NAME]) + ("…" if len(found.metric) > _NAME else "")
        metric = (Number(found.value, figure(found.value)), Span(name, Look.MUTED))
    return Row(
        m.name,
        (
            (Span(m.name, Look.CODE),),
            stages or (GAP,),
            (Number(champion, str(champion)),) if champion else (GAP,),
            (Number(m.latest, str(m.latest)),) if m.latest else (GAP,),
            (Number(m.versions),),
            metric,
            (_spark(found.course),) if len(found.course) > 1 else (),
            (When(m.updated_at),),
        ),
    )


def _spark(course: Sequence[float | None]) -> Spark:
    known = [value for value in course if value is not None]
    told_ = f"{len(course)} versions, from {figure(known[0])} to {figure(known[-1])}" if known else ""
    return Spark(tuple(course), told=told_ if ours(told_) else "")


def _common(found: Versions) -> list[str]:
    """Return the metrics that most versions have, in the order of their first use."""
    counted = Counter(name for v in found for name in v.metrics)
    most = {name for name, _ in counted.most_common(_MOST_METRICS)}
    return [name for name in counted if name in most]


def _columns(metrics: Sequence[str]) -> tuple[Column, ...]:
    return (
        Column("Version"),
        Column("Stage", firm=True),
        Column("Aliases"),
        *(Column(inline(name, 40), right=True) for name in metrics),
        Column("Note", wide=True),
        Column("Created", firm=True),
        Column("By"),
    )


def _version(v: ModelVersion, metrics: Sequence[str]) -> Row:
    values = [v.metrics.get(name) for name in metrics]
    return Row(
        v.ref,
        (
            (Number(v.number, str(v.number)),),
            marks.state(v, told=True),
            marks.aliases(v.aliases),
            *((Number(value),) for value in values),
            (Span(first_line(v.note)),) if v.note.strip() else (),
            (When(v.created_at),),
            (Span(inline(v.created_by, 40)),),
        ),
    )
