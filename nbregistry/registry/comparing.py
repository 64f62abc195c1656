"""Versions side by side, and what they predict on the same rows."""

from __future__ import annotations

from typing import Any

from nbregistry.domain import diff
from nbregistry.domain.comparison import Comparison, Section, row
from nbregistry.domain.entities import ModelVersion
from nbregistry.errors import InvalidInput
from nbregistry.evaluation.predictions import agreement, score
from nbregistry.flavors.boundary import foreign
from nbregistry.flavors.table import flavor
from nbregistry.registry import loading
from nbregistry.registry.core import Core, Target


def compare(core: Core, targets: tuple[Target, ...], *, X: Any, y: Any, only_differences: bool) -> Comparison:
    """Compare two to five versions; see ``Registry.compare``."""
    if not 2 <= len(targets) <= 5:
        raise InvalidInput(f"Comparing takes two to five versions, not {len(targets)}.")
    view = core.view()
    versions = tuple(core.version(view, core.locate(view, target)) for target in targets)
    found = diff.compare(versions, only_differences=only_differences)
    if X is None:
        if y is not None:
            raise InvalidInput("y= was given without X=: predictions need both, or X alone.")
        return found
    return found.with_section(_predictions(core, versions, X, y))


def _predictions(core: Core, versions: tuple[ModelVersion, ...], X: Any, y: Any) -> Section:
    """Return what the models say about the same rows: how far they agree with the first, and their score on ``y``."""
    said = []
    for version in versions:
        model = loading.load(core, version)
        with foreign(f"Predicting with {version.ref}"):
            said.append(flavor(version.flavor).predict(model, X))
    name = agreement(said[0], said[0])[0]
    against = [agreement(said[0], other)[1] for other in said]
    rows = [row(f"{name} with {versions[0].ref}", against)]
    if y is not None:
        scores = [score(y, answer) for answer in said]
        rows.append(row(scores[0][0], [value for _, value in scores], better="up"))
    return Section("predictions", tuple(rows))
