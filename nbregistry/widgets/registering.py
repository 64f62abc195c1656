"""Parts of the panel that registers: the data, the results, what will be captured, and how far it is."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import ipywidgets as w

from nbregistry.display.blocks import Facts, Heading, Look, Span
from nbregistry.display.figures import figure
from nbregistry.errors import InvalidInput
from nbregistry.registry import Registry
from nbregistry.verbs.foreseeing import foresee
from nbregistry.verbs.measured import Measure, measures
from nbregistry.verbs.pairs import metrics as read_metrics
from nbregistry.verbs.suiting import Candidate, features, targets
from nbregistry.verbs.words import split
from nbregistry.widgets import parts

_EVERY = 0.2  # seconds between two messages to the page
_STEPS = ("looking", "storing", "stored", "loading")


def named() -> Any:
    """Return the field for a model's name, which offers those there are."""
    found = w.Combobox(description="Name", placeholder="such as churn", ensure_option=False, continuous_update=True)
    found.description_allow_html = False
    found.add_class("nbr-field")
    found.add_class("nbr-grow")
    return found


class Data(w.HBox):
    """X and y, picked among the variables of fitting shape."""

    def __init__(self) -> None:
        self.X, self.y = parts.choice("X", [], grow=True), parts.choice("y", [], grow=True)
        self._features: list[Candidate] = []
        self._targets: list[Candidate] = []
        super().__init__([self.X, self.y])
        self.add_class("nbr-row")
        self.add_class("nbr-grow")

    def offer(self, model: Any, namespace: Mapping[str, Any]) -> None:
        """Offer the data that suits a model first, and pick it where it can hardly be other data."""
        self._features = features(model, namespace)
        before = self.X.value
        names = [candidate.name for candidate in self._features]
        suiting = next((c.name for c in self._features if c.suits), None)
        self.X.options = [("none", None), *((_told(c), c.name) for c in self._features)]
        kept = before if before in names and (suiting is None or self._candidate(before).suits) else suiting
        self.X.value = kept
        self.offer_targets(namespace)

    def offer_targets(self, namespace: Mapping[str, Any]) -> None:
        """Offer what could be y for the X that is picked."""
        before = self.y.value
        chosen = next((c for c in self._features if c.name == self.X.value), None)
        self._targets = targets(chosen, namespace) if chosen is not None else []
        names = [candidate.name for candidate in self._targets]
        likely = next((n for n in names if n[:1].casefold() in "yt"), None)
        self.y.options = [("none", None), *((_told(c), c.name) for c in self._targets)]
        self.y.value = before if before in names else likely

    def pick(self, words: tuple[str, ...], namespace: Mapping[str, Any]) -> None:
        """Pick what was typed; a slice or an item is offered as it is."""
        for field, word, found in zip((self.X, self.y), words, (self._features, self._targets), strict=False):
            if word not in [value for _, value in field.options]:
                field.options = [*field.options, (parts.plain(word), word)]
                found.append(Candidate(word, (0, 0), True))
            field.value = word
        if len(words) == 1:
            self.y.value = None

    def picked(self) -> tuple[Candidate | None, Candidate | None]:
        """Return X and y as far as they are picked."""
        X = next((c for c in self._features if c.name == self.X.value), None)
        return X, next((c for c in self._targets if c.name == self.y.value), None)

    def words(self) -> tuple[str, ...]:
        """Return X and y as one types them."""
        return tuple(word for word in (self.X.value, self.y.value) if word) if self.X.value else ()

    def _candidate(self, name: str) -> Candidate:
        return next(c for c in self._features if c.name == name)


def _told(found: Candidate) -> str:
    return parts.plain(
        f"{found.name} · {found.told}{'' if found.suits else ' · other columns' if len(found.shape) > 1 else ''}"
    )


class Results(w.VBox):
    """Metrics: numbers among the variables to tick, and others to type."""

    def __init__(self) -> None:
        self.label = parts.Drawn((Heading("Metrics"),))
        self.ticks = parts.row()
        self.typed = parts.text("Further metrics", hint="f1=0.81 recall=0.7", grow=True)
        self._measures: dict[str, tuple[Measure, Any]] = {}
        super().__init__([self.label, self.ticks, parts.row(self.typed)])
        self.add_class("nbr-stack")

    def offer(self, namespace: Mapping[str, Any]) -> None:
        """Offer the numbers that there are now; what was ticked stays ticked."""
        ticked = {name for name, (_, box) in self._measures.items() if box.value}
        found = measures(namespace)
        self._measures = {m.name: (m, parts.tick(f"{m.name} = {figure(m.value)}", m.name in ticked)) for m in found}
        for measure, box in self._measures.values():
            box.tooltip = parts.plain(measure.variable)
        old, self.ticks.children = self.ticks.children, tuple(box for _, box in self._measures.values())
        for box in old:
            parts.discard(box)
        parts.shown(self.ticks, bool(self._measures))

    def forget(self) -> None:
        """Untick everything: results belong to one model."""
        for _, box in self._measures.values():
            box.value = False
        self.typed.value = ""

    def words(self) -> tuple[str, ...]:
        """Return the metrics as one types them; a variable is read again when the line is run."""
        ticked = [measure.word for measure, box in self._measures.values() if box.value]
        return (*ticked, *(word.raw for word in split(self.typed.value)))

    def read(self, namespace: Mapping[str, Any]) -> dict[str, Any]:
        """Return the metrics, as the variables are now; what was typed goes before what was ticked."""
        words = [measure.word for measure, box in self._measures.values() if box.value]
        ticked = read_metrics(split(" ".join(words)), namespace)
        typed = read_metrics(split(self.typed.value), namespace)
        if twice := ticked.keys() & typed.keys():
            raise InvalidInput(f"The metric {min(twice)!r} is ticked and typed: which one is meant?")
        return {**ticked, **typed}


class Said(parts.Drawn):
    """Something drawn that takes no room while there is nothing to say."""

    def show(self, shown: object) -> None:
        """Draw something else in its place."""
        super().show(shown)
        parts.shown(self, shown is not None)


class Foresight(parts.Drawn):
    """What will be captured, and how to get what will not be."""

    def tell(self, registry: Registry, model: Any, data: Data) -> None:
        """Tell it anew."""
        rows = []
        for one in foresee(registry, model, *data.picked()):
            look = Look.PLAIN if one.there else Look.MUTED
            mark = Span("✓", Look.GOOD) if one.there else Span("○", Look.MUTED)
            rows.append((one.what, (mark, Span(one.told, look))))
        self.show((Heading("What will be captured"), Facts(tuple(rows))))


class Steps(w.VBox):
    """How far registering is: a bar, and the step in words."""

    def __init__(self) -> None:
        self.bar = w.IntProgress(value=0, min=0, max=len(_STEPS) + 1)
        self.bar.add_class("nbr-bar")
        self.words = w.Label("")
        self._next = 0.0
        super().__init__([self.bar, self.words])
        self.add_class("nbr-stack")
        parts.shown(self, False)

    def __enter__(self) -> Self:
        self.bar.value, self._next = 0, 0.0
        self.hear("looking")
        parts.shown(self, True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        parts.shown(self, False)

    def hear(self, state: str) -> None:
        """Show a state; the many of a long write are shown five times a second."""
        step = next((i for i, word in enumerate(_STEPS, 1) if word in state), self.bar.value)
        now = time.monotonic()
        if step == self.bar.value and now < self._next:
            return
        self._next = now + _EVERY
        self.bar.value, self.words.value = max(step, self.bar.value), state[:1].upper() + state[1:]
