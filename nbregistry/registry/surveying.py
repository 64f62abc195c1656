"""Every model at a glance: the version that matters, its first metric, and how that metric went.

Indexes tell which versions that takes: a few of each model, whatever there is of it besides. A registry of a hundred
thousand versions is surveyed without looking at a hundred thousand documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbregistry.domain.entities import RegisteredModel, numbers
from nbregistry.domain.lifecycle import Stage
from nbregistry.registry import reading
from nbregistry.registry.core import Core
from nbregistry.storage.tiny import View

CHAMPION = "champion"
COURSE = 20
"""Versions of a model whose metric is looked at, the newest."""

BUDGET = 10_000
"""Versions of all models together that are looked at, so that many models are surveyed as quickly as few."""

_LEAST = 8


@dataclass(frozen=True, slots=True)
class Glance:
    """A model and what one wants to know of it first.

    Attributes
    ----------
    head : int or None
        Number of the version that stands for it: in Production, else its champion, else the newest; None for none.
    metric : str
        The metric that version was given first; empty for none.
    value : float or None
        Of that metric, of that version.
    course : tuple of float or None
        That metric of the newest versions, the oldest of them first; None where a version does not have it.
    """

    model: RegisteredModel
    head: int | None = None
    metric: str = ""
    value: float | None = None
    course: tuple[float | None, ...] = ()


def survey(core: Core) -> list[Glance]:
    """Return a glance at every model that is not in the trash, by name."""
    with core.steady() as view:
        models = reading.models(view)
        course = min(COURSE, max(_LEAST, BUDGET // max(len(models), 1)))
        return [glance(view, found, course=course) for found in models]


def glance(view: View, model: RegisteredModel, *, course: int = COURSE) -> Glance:
    """Return a glance at one model."""
    number = head(model)
    if number is None:
        return Glance(model)
    metrics = _metrics(view, model.name, number)
    name = next(iter(metrics), "")
    if not name:
        return Glance(model, number)
    newest = view.index.ready[model.name][-course:]
    went = tuple(_metrics(view, model.name, n).get(name) for n in newest)
    return Glance(model, number, name, metrics[name], went)


def head(model: RegisteredModel) -> int | None:
    """Return the number of the version that stands for a model."""
    found = model.stages.get(Stage.PRODUCTION.value) or model.aliases.get(CHAMPION) or model.latest
    return found or None


def _metrics(view: View, name: str, number: int) -> Mapping[str, Any]:
    return numbers(view.versions[view.index.numbers[name][number]]["metrics"])
