"""The panel that compares: versions are picked, and what differs is looked at part by part.

What the versions' documents say is the registry's own comparison. What their models say about the data that were given
is asked when it is first looked at: each model is loaded through the registry, so that its rules of trust hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import ipywidgets as w

from nbregistry.display import of_comparison, of_judging
from nbregistry.display.blocks import Block, Code, Span, Title, View
from nbregistry.domain.comparison import Comparison
from nbregistry.domain.diff import MAX_VERSIONS
from nbregistry.domain.entities import ModelVersion
from nbregistry.errors import InvalidInput, RegistryError
from nbregistry.evaluation.answers import Answer, ask
from nbregistry.evaluation.judging import judged
from nbregistry.registry import Registry
from nbregistry.verbs.asking import Ask
from nbregistry.verbs.grammar import Values
from nbregistry.verbs.reading import data
from nbregistry.verbs.reading import view as seen
from nbregistry.widgets import parts
from nbregistry.widgets.panel import Panel
from nbregistry.widgets.picking import Picker

_METRICS, _PREDICTIONS = "Metrics", "Predictions"
_SECTIONS = {
    "Parameters": "parameters", "Code": "code", "Data": "data", "Environment": "environment", "Schema": "schema",
    "Files": "files", "About": "about",
}  # fmt: skip


def compare_panel(
    registry: Registry | None = None, refs: Sequence[str | ModelVersion] = (), X: Any = None, y: Any = None
) -> ComparePanel:
    """Return a panel that compares two to five versions, of one model or of several.

    Parameters
    ----------
    refs : sequence of str or ModelVersion
        What is picked at first; changes are told from the first one.
    X, y : array-like or data frame, optional
        Rows that the models are asked about, and the truth for them: agreement, scores, curves.
    """
    return ComparePanel(registry or Registry(), refs, X, y)


def opened(ask: Ask, values: Values) -> ComparePanel:
    """Open the panel for what was typed."""
    features, target = data(ask, values)
    panel = ComparePanel(seen(ask, values), values["refs"] or (), features, target)
    panel.only.value = not values["all"]
    return panel


class ComparePanel(Panel):
    """Versions side by side; see ``compare_panel``."""

    def __init__(self, registry: Registry, refs: Sequence[str | ModelVersion], X: Any = None, y: Any = None) -> None:
        super().__init__(registry, "Compare versions")
        if X is None and y is not None:
            raise InvalidInput("y= was given without X=: predictions need both, or X alone.")
        self.X, self.y = X, y
        self.versions: list[ModelVersion] = []
        self.run(lambda: self._pick(refs))
        self._compared: dict[tuple[tuple[str, ...], bool], Comparison] = {}
        self._asked: dict[str, Answer | str] = {}
        self._judged: tuple[tuple[str, ...], View] | None = None
        self.picker = Picker(self, self.versions[0].name if self.versions else None)
        self.add = parts.button("Add", tip="Compare this version too")
        self.only = parts.tick("Only differences", True)
        self.picked = parts.row()
        self.hint = parts.Drawn()
        self.bar = w.IntProgress(min=0, max=1)
        self.bar.add_class("nbr-bar")
        parts.shown(self.bar, False)
        makers: dict[str, Callable[[], w.Widget]] = {_METRICS: self._metrics}
        makers |= {title: partial(self._section, name) for title, name in _SECTIONS.items()}
        makers[_PREDICTIONS] = self._predictions
        self.views = parts.Views("What to compare", makers, self.run)
        parts.shown(self.views, len(self.versions) > 1)
        self.body.children = (
            parts.row(self.picker, self.add), self.picked, self.hint, self.only, self.bar, self.views,
        )  # fmt: skip
        self.watch(self.only, self._changed)
        self.press(self.add, self._add)
        self._show_picked()

    # -- picking

    @property
    def refs(self) -> tuple[str, ...]:
        """What is compared, the first one first."""
        return tuple(version.ref for version in self.versions)

    def _pick(self, refs: Iterable[str | ModelVersion]) -> None:
        """Take versions in, as many as there is room for."""
        for ref in refs:
            version = self.registry.version(ref)
            if version.ref in self.refs:
                continue
            if len(self.versions) == MAX_VERSIONS:
                raise InvalidInput(f"Up to {MAX_VERSIONS} versions are compared: take one out first.")
            self.versions.append(version)

    def _add(self) -> None:
        if self.picker.ref is None:
            raise InvalidInput("There is no version to add: register one first.")
        self._pick([self.picker.ref])
        self._changed()

    def _remove(self, ref: str) -> None:
        self.versions = [version for version in self.versions if version.ref != ref]
        self._changed()

    def _changed(self) -> None:
        self.strip.clear()
        self._show_picked()
        parts.shown(self.views, len(self.versions) > 1)
        self.views.forget()
        self.retake()

    def _show_picked(self) -> None:
        buttons = []
        for version in self.versions:
            button = parts.button(f"{version.ref} ✕", tip=f"Take {version.ref} out")
            self.press(button, partial(self._remove, version.ref))
            buttons.append(button)
        old, self.picked.children = self.picked.children, tuple(buttons)
        for button in old:
            parts.discard(button)
        count = len(self.versions)
        if count < 2:
            what = "two to five versions" if not count else "at least one more version"
            said = (
                f"Pick {what}, of one model or of several." if self.picker.model.options else "There is no model yet."
            )
            self.hint.show(parts.hint(said))
        parts.shown(self.hint, count < 2)
        parts.shown(self.only, count > 1)

    # -- looking

    def compared(self) -> Comparison:
        """Return the comparison of what is picked; kept until something else is."""
        key = self.refs, bool(self.only.value)
        if key not in self._compared:
            self._compared.clear()
            self._compared[key] = self.registry.compare(*self.versions, only_differences=key[1])
        return self._compared[key]

    def _metrics(self) -> w.Widget:
        if len(self.versions) < 2:
            return parts.Drawn()
        return parts.blocks(*of_judging.metrics(self.compared().section("metrics"), self.refs))

    def _section(self, name: str) -> w.Widget:
        if len(self.versions) < 2:
            return parts.Drawn()
        return parts.blocks(*self._differences(name))

    def _differences(self, name: str) -> tuple[Block, ...]:
        section = self.compared().section(name)
        blocks = of_comparison.section_blocks(section, self.refs)
        if section.rows:
            return blocks
        said = section.note or ("Nothing differs." if section.same else "Nothing was captured.")
        return (*blocks, *parts.hint(said))

    # -- asking the models

    def _predictions(self) -> w.Widget:
        if len(self.versions) < 2:
            return parts.Drawn()
        if self.X is None:
            line = f"%compare {' '.join(self.refs)} --panel --data X_test y_test"
            told = "The models are asked about rows of yours when they are given:"
            return parts.blocks(Title((Span(told),)), Code((line,)))
        return parts.Drawn(self._verdict())

    def _verdict(self) -> View:
        if self._judged is not None and self._judged[0] == self.refs:
            return self._judged[1]
        self.bar.max, self.bar.value = len(self.versions), 0
        parts.shown(self.bar, True)
        try:
            for at, version in enumerate(self.versions):
                self.strip.tell(f"Asking {version.ref}, {at + 1} of {len(self.versions)} …", tone="warn")
                self._ask(version)
                self.bar.value = at + 1
        finally:
            self.strip.clear()
            parts.shown(self.bar, False)
        answers = [(ref, a) for ref in self.refs if isinstance(a := self._asked[ref], Answer)]
        failed = [(ref, why) for ref in self.refs if isinstance(why := self._asked[ref], str)]
        self._judged = self.refs, of_judging.verdict(judged(answers, self.y), failed)
        self.retake()
        return self._judged[1]

    def _ask(self, version: ModelVersion) -> None:
        """Ask a model once; that it cannot be loaded, or fails, is its answer."""
        if version.ref in self._asked:
            return
        try:
            model = self.registry.load(version)
            self._asked[version.ref] = ask(model, version.flavor, self.X, subject=version.ref)
        except RegistryError as error:
            self._asked[version.ref] = str(error)

    # -- afterwards

    def picture(self) -> View:
        """Return everything that differs, and what the models said where they were asked."""
        if len(self.versions) < 2:
            return super().picture()
        found = self.compared()
        whole = of_comparison.comparison(found)
        metrics = of_judging.metrics(found.section("metrics"), self.refs)
        said = self._judged[1].blocks if self._judged is not None and self._judged[0] == self.refs else ()
        return View((*super().picture().blocks, *whole.blocks[:1], *metrics, *said, *whole.blocks[1:]))
