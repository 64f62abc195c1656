"""The panel that registers: a model of the notebook, its data, its results, and what will be captured with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets as w

from nbregistry.capture import dataset
from nbregistry.capture.boundary import attempt
from nbregistry.capture.state import state_of
from nbregistry.capture.whereabouts import shell
from nbregistry.display import of_estimators, told
from nbregistry.display.blocks import Banner, Block, Code, Facts, Heading, Line, Look, Span, Title, View
from nbregistry.domain.entities import ModelVersion
from nbregistry.domain.estimators import Estimator, Estimators, Standing
from nbregistry.domain.lifecycle import Stage, Status
from nbregistry.domain.refs import alias_name, model_name
from nbregistry.domain.results import Card
from nbregistry.errors import InvalidInput, NotFound, did_you_mean
from nbregistry.flavors import table
from nbregistry.flavors.protocol import format_of
from nbregistry.registry import Registry
from nbregistry.types import Document
from nbregistry.verbs.asking import Ask
from nbregistry.verbs.grammar import Values
from nbregistry.verbs.here import here
from nbregistry.verbs.lines import Wanted, line
from nbregistry.verbs.namespace import lookup
from nbregistry.verbs.pairs import scalars
from nbregistry.verbs.words import split
from nbregistry.widgets import parts
from nbregistry.widgets.panel import Panel
from nbregistry.widgets.registering import Data, Foresight, Results, Said, Steps, named

_NOTHING = "There are no variables here. This panel registers what a notebook holds: run it in a cell of one."
_UNFIT = "There is no fitted estimator among the variables here: fit one, then press Refresh."
_OUTSIDE = "another variable"
_SUITS = "what suits the model"


def register_panel(registry: Registry | None = None, namespace: Mapping[str, Any] | None = None) -> RegisterPanel:
    """Return a panel that registers a model of the notebook.

    Parameters
    ----------
    registry : Registry, optional
        Where to; the one that the settings name unless given.
    namespace : mapping, optional
        The variables to choose from; those of the running notebook unless given.
    """
    running = shell()
    found = namespace if namespace is not None else getattr(running, "user_ns", {})
    return RegisterPanel(registry if registry is not None else Registry(), found)


def opened(ask: Ask, values: Values) -> RegisterPanel:
    """Open the panel of ``%register --panel``."""
    panel = RegisterPanel(ask.registry, ask.namespace)
    panel.fill(values)
    return panel


class RegisterPanel(Panel):
    """Registers a model; see ``register_panel``."""

    def __init__(self, registry: Registry, namespace: Mapping[str, Any]) -> None:
        super().__init__(registry, "Register a model")
        self.namespace = namespace
        self.found = Estimators()
        self.card: Card | None = None
        self.line = ""
        self._last: tuple[object, ModelVersion] | None = None
        self.model = parts.choice("Model", [], grow=True)
        self.refresh = parts.button("Refresh", tip="Look at the variables again")
        self.standing = Said()
        self.name = named()
        self.judged = Said()
        self.data = Data()
        self.foresight = Foresight()
        self.results = Results()
        self.note = parts.area("Note", hint="why this version exists", rows=2)
        self._more()
        self.register = parts.button("Register", tone="primary")
        self.steps = Steps()
        self.outcome = Said()
        self.again = parts.button("Register another", tip="Look at the variables again and pick")
        self._arrange()
        for button, call in ((self.refresh, self.anew), (self.again, self.start), (self.register, self.go)):
            self.press(button, call)
        self.watch(self.model, self._picked)
        self.watch(self.name, self._named)
        self.watch(self.data.X, self._data_picked)
        self.watch(self.data.y, self._foresee)
        self.watch(self.more, lambda: parts.shown(self.options, self.more.value))
        self._stand(filled=False)
        self.run(self.look)

    def _more(self) -> None:
        self.tags = parts.text("Tags", hint="team=risk reviewed=true", grow=True)
        stages = [("none", ""), *((s.value, s.value) for s in (Stage.STAGING, Stage.PRODUCTION))]
        self.stage = parts.choice("Stage", stages)
        self.alias = parts.text("Alias", hint="champion")
        self.format = parts.choice("Format", [(_SUITS, "")])
        self.more = w.ToggleButton(description="More options", value=False, tooltip="Tags, stage, alias and format")
        self.options = parts.row(self.tags, self.stage, self.alias, self.format)
        parts.shown(self.options, False)

    def _arrange(self) -> None:
        self.nothing = Said()
        self.top = parts.row(self.model, self.refresh)
        self.form = parts.stack(
            self.standing, parts.row(self.name, self.data), self.judged, self.results, self.note,
            parts.row(self.more), self.options, self.foresight, parts.row(self.register), self.steps,
        )  # fmt: skip
        self.body.children = (self.top, self.nothing, self.form, self.outcome, parts.row(self.again))

    # -- looking

    def start(self) -> None:
        """Begin with the next model."""
        self.strip.clear()
        self.results.forget()
        self.name.value = self.note.value = ""
        self.card = None
        self.outcome.show(None)
        self._stand(filled=False)
        self.anew()

    def anew(self) -> None:
        """Look at the variables again; what is registered after that is meant to be, also where nothing changed."""
        self._last = None
        self.look()

    def _stand(self, *, filled: bool) -> None:
        """Show either what was made or what can be filled in."""
        for widget, yes in ((self.again, filled), (self.top, not filled), (self.form, not filled)):
            parts.shown(widget, yes)

    def look(self) -> None:
        """Look at the variables again, and keep what was picked as far as it is still there."""
        before = self.model.value
        self.found = here(self.registry, self.namespace)
        options = [(_option(e), e.variable) for e in self.found]
        if before and before not in [variable for _, variable in options] and self._there(before):
            options.append((parts.plain(f"{before} · {_OUTSIDE}"), before))
        self.model.options = options
        self.model.value = before if before in [variable for _, variable in options] else self._first()
        why = _NOTHING if not self.namespace else _UNFIT if not options else ""
        self.nothing.show((Banner(Look.WARN, (Span(why),)),) if why else None)
        parts.shown(self.form, not why)
        self.name.options = tuple(model.name for model in self.registry.models())
        self.results.offer(self.namespace)
        self._picked()

    def _first(self) -> str | None:
        """Return the estimator that is likeliest meant: the last one that is in no version and in no other model."""
        whole = [e for e in self.found if not e.part_of] or list(self.found)
        fresh = [e for e in whole if e.standing is not Standing.REGISTERED]
        return (fresh or whole)[-1].variable if whole else None

    def _there(self, variable: str) -> bool:
        try:
            lookup(variable, self.namespace)
        except InvalidInput:
            return False
        return True

    def chosen(self) -> Estimator | None:
        """Return what is known of the model that is picked."""
        return next((e for e in self.found if e.variable == self.model.value), None)

    def _picked(self) -> None:
        self.standing.show(_standing(self.chosen()))
        if self.model.value is None:
            return
        chosen = self.chosen()
        if not self.name.value and chosen is not None and chosen.ref:
            self.name.value = chosen.ref.rpartition("/")[0]
        model = lookup(self.model.value, self.namespace)
        self.data.offer(model, self.namespace)
        self._offer_formats([form.name for form in table.flavor_of(model).formats])
        self._named()
        self._foresee()
        self.retake()

    def _offer_formats(self, names: Sequence[str]) -> None:
        before = self.format.value
        self.format.options = [(_SUITS, ""), *((name, name) for name in names)]
        self.format.value = before if before in names else ""

    def _named(self) -> None:
        self.judged.show(_judged(self.name.value.strip(), self.name.options, self.registry))

    def _data_picked(self) -> None:
        self.data.offer_targets(self.namespace)
        self._foresee()

    def _foresee(self) -> None:
        if self.model.value is not None:
            self.foresight.tell(self.registry, lookup(self.model.value, self.namespace), self.data)

    # -- registering

    def go(self) -> None:
        """Register what is picked."""
        wanted = self._wanted()
        model = lookup(wanted.model, self.namespace)
        data = [lookup(word, self.namespace) for word in wanted.data]
        X, y = [*data, None, None][:2]
        metrics = self.results.read(self.namespace)
        asked = (wanted, tuple(metrics.items()), id(model), state_of(model), _fingerprints(X, y))
        if made := self._just_made(asked):
            button = self.again if made.status is Status.READY else self.refresh
            told = f"{made.ref} was made by the press before this one: nothing was registered again."
            self.done(f"{told} Press {button.description} first if you want a further version.", tone="warn")
            return
        self.strip.clear()
        tags = scalars(split(" ".join(wanted.tags)), self.namespace, what="tag")
        with self.quietly(self.model, self.refresh), self.steps:
            card = self.registry.register_card(
                model, wanted.name, X=X, y=y, metrics=metrics, tags=tags,
                note=wanted.note or None, stage=wanted.stage or None, alias=wanted.alias or None,
                format=wanted.format or None, progress=self.steps.hear,
            )  # fmt: skip
        self._last = asked, card.version
        self._registered(card, wanted)

    def _just_made(self, asked: object) -> ModelVersion | None:
        """Return the version that the press before made of the same, so that a double click makes one version."""
        if self._last is None or self._last[0] != asked:
            return None
        try:
            return self.registry.version(self._last[1])
        except NotFound:  # deleted meanwhile
            return None

    def _wanted(self) -> Wanted:
        if self.model.value is None:
            raise InvalidInput(_UNFIT if self.namespace else _NOTHING)
        name = self.name.value.strip()
        if not name:
            raise InvalidInput("The model has no name yet: type one under which its versions are kept.")
        alias = self.alias.value.strip()
        return Wanted(
            model_name(name), self.model.value, self.data.words(), self.results.words(),
            self.note.value.strip(), tuple(word.raw for word in split(self.tags.value)), self.stage.value or "",
            alias_name(alias) if alias else "", self.format.value or "",
        )  # fmt: skip

    def _registered(self, card: Card, wanted: Wanted) -> None:
        self.card = card
        version = card.version
        self.line, left = line(wanted)
        self.look()
        self.outcome.show(self._outcome(left))
        self._stand(filled=version.status is Status.READY)
        if version.status is Status.READY:
            self.done(f"{version.ref} was registered{_twin(card)}.")
        else:
            why = version.status_reason or "no reason was recorded"
            self.done(f"{version.ref} was kept, but it FAILED and cannot be loaded: {why}", tone="bad")

    def _outcome(self, left: tuple[str, ...] = ()) -> View:
        card = self.card
        if card is None:
            return View(())
        blocks: list[Block] = [*told.view(card).blocks, Heading("The same as a line to keep"), Code((self.line,))]
        if left:
            blocks.append(Banner(Look.WARN, (Span(f"In one line it cannot be written: {', '.join(left)}."),)))
        return View((*blocks, Heading("Next"), Code((_next(card),))), framed=True)

    # -- from and for outside

    def fill(self, values: Values) -> None:
        """Fill in what was typed."""
        self.run(lambda: self._fill(values))

    def _fill(self, values: Values) -> None:
        if variable := values["model"]:
            lookup(variable, self.namespace)
            if variable not in [value for _, value in self.model.options]:
                self.model.options = [*self.model.options, (f"{parts.plain(variable)} · {_OUTSIDE}", variable)]
            self.nothing.show(None)
            parts.shown(self.form, True)
            self.model.value = variable
        self.name.value = values["name"] or self.name.value
        self.data.pick(values["data"], self.namespace)
        self.results.typed.value = " ".join(word.raw for word in values["metric"])
        self.note.value = values["note"] or ""
        self.tags.value = " ".join(word.raw for word in values["tag"])
        if values["stage"]:
            self.stage.value = Stage.parse(values["stage"]).value
        self.alias.value = values["alias"] or ""
        if values["format"]:
            format_of(table.flavor_of(lookup(self.model.value, self.namespace)), values["format"])
            self.format.value = values["format"]
        self.more.value = any(values[key] for key in ("tag", "stage", "alias", "format"))
        self._foresee()

    def picture(self) -> View:
        """Return what was registered, or else what could be."""
        if self.card is not None:
            return self._outcome()
        title = Title((Span(self.title, Look.STRONG),))
        return View((title, *of_estimators.estimators(self.found).blocks))


def _fingerprints(X: Any, y: Any) -> tuple[object, object]:
    """Return what the profile tells data apart by: the same object may hold other data by now."""
    nothing: Document = {}
    profile = attempt("", lambda: dataset.profile(X, y), nothing) if X is not None else nothing
    return profile.get("fingerprint"), (profile.get("target") or nothing).get("fingerprint")


def _option(found: Estimator) -> str:
    kind = found.kind.rpartition(".")[2] or found.kind
    return parts.plain(f"{found.variable} · {kind} · {of_estimators.words(found)}")


def _standing(found: Estimator | None) -> tuple[Block, ...] | None:
    """Tell what registering again would mean for a model that is a version already."""
    if found is None or found.standing is not Standing.REGISTERED or not found.ref:
        return None
    said: Line = (
        Span(found.variable, Look.CODE), Span("is"), Span(found.ref, Look.CODE),
        Span("already and has not changed since: registering it again makes a further version of the same content."),
    )  # fmt: skip
    return (Banner(Look.WARN, said),)


def _judged(name: str, names: Sequence[str], registry: Registry) -> tuple[Block, ...] | None:
    """Tell what a name would mean, as far as it is typed."""
    if not name:
        return None
    try:
        model_name(name)
    except InvalidInput as error:
        return (Banner(Look.BAD, (Span(str(error)),)),)
    if name in names:
        number = registry.model(name).last_number
        made: Line = (Span(f"{name}/{number + 1}", Look.CODE), Span(f"comes after {name}/{number}", Look.MUTED))
        return (Facts((("Version", made),)),)
    hint = did_you_mean(name, names)
    first = (Span(f"{name}/1", Look.CODE), Span("the first of a new model", Look.MUTED))
    made = (*first, Span(f"D{hint[3:]} That is there already.", Look.WARN)) if hint else first
    return (Facts((("Version", made),)),)


def _twin(card: Card) -> str:
    """Return a remark where the version before has the same stored bytes."""
    before = card.previous
    return f"; its content is that of {before.ref}" if before and before.digest == card.version.digest else ""


def _next(card: Card) -> str:
    version = card.version
    if version.status is not Status.READY:
        return f"%show {version.ref}"
    if card.previous is not None:
        return f"%compare {card.previous.ref} {version.ref}"
    return f"%promote {version.ref} Staging --panel"
