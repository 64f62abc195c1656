"""Picks a version in two steps, the model and then which of its versions, however many of both there are."""

from __future__ import annotations

import ipywidgets as w

from nbregistry.domain.entities import ModelVersion
from nbregistry.domain.lifecycle import Stage
from nbregistry.registry import Registry
from nbregistry.widgets import parts
from nbregistry.widgets.panel import Panel


class Picker(w.HBox):
    """Two lists: models, and what can be meant of the one that is chosen.

    Parameters
    ----------
    panel : Panel
        Tells what goes wrong.
    name : str or None
        The model that is chosen at first.
    follow : bool
        Whether to offer what moves, too: the newest version, aliases and stages, before the versions themselves.
    """

    def __init__(self, panel: Panel, name: str | None = None, *, follow: bool = False) -> None:
        self._registry: Registry = panel.registry
        self._follow = follow
        names = [model.name for model in panel.registry.models()]
        self.model = parts.choice("Model", names, name)
        self.version = parts.choice("Version", [])
        super().__init__([self.model, self.version])
        self.add_class("nbr-row")
        panel.watch(self.model, self.offer)
        panel.run(self.offer)

    @property
    def ref(self) -> str | None:
        """What is picked; None where there is nothing to pick."""
        chosen: str | None = self.version.value
        return chosen

    def offer(self) -> None:
        """List what the chosen model has now, the newest version first; what was chosen stays so where it can."""
        name, before = self.model.value, self.version.value
        found = list(self._registry.versions(name)) if name else []
        options = [(parts.plain(_told(version)), version.ref) for version in found]
        if self._follow and found:
            model = self._registry.model(name)
            moving = [(f"newest, now {model.latest}", name)]
            moving += [(f"@{alias}, now {number}", f"{name}@{alias}") for alias, number in model.aliases.items()]
            moving += [(f"{stage}, now {number}", f"{name}/{stage}") for stage, number in model.stages.items()]
            options = [*((parts.plain(text), ref) for text, ref in moving), *options]
        refs = [ref for _, ref in options]
        self.version.options = options
        self.version.index = refs.index(before) if before in refs else (0 if refs else None)


def _told(version: ModelVersion) -> str:
    """Return a version for a list to choose from: its number, stage, aliases and first metric."""
    words = [str(version.number)]
    if version.stage is not Stage.NONE:
        words.append(version.stage.value)
    words += [f"@{alias}" for alias in version.aliases[:2]]
    words += [f"{name} {value:.4g}" for name, value in list(version.metrics.items())[:1]]
    return " · ".join(words)
