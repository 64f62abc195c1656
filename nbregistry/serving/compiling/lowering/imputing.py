"""Steps that fill or point out missing values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from nbregistry.serving.compiling.assembly import Assembly, Block, Inconvertible, Trait
from nbregistry.serving.compiling.layout import MISSING
from nbregistry.serving.compiling.lowering import named


def gone(rows: Block, draw: Assembly) -> str:
    """Return where values are missing, as booleans of the shape (rows, columns)."""
    words = [t.words is not None for t in rows.traits]
    if all(words):
        return draw.node("Equal", rows.name, draw.constant(MISSING))
    if any(words):
        raise Inconvertible("numbers and words in one step")
    return draw.node("IsNaN", rows.name)


def _is_nan(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)  # noqa: PLR0124 - only NaN differs from itself


def simple(model: Any, rows: Block, draw: Assembly) -> Block:
    """Draw missing values replaced by what was learned, and the indicator beside them where there is one."""
    wanted = model.missing_values
    if not _is_nan(wanted) and type(wanted).__name__ != "NAType":
        raise Inconvertible(f"{named(model)} for {wanted!r}")
    if all(t.words is None for t in rows.traits):
        rows = draw.checked(rows, missing=True)
    filling = model.statistics_
    if len(filling) != rows.width:
        raise Inconvertible(f"{named(model)} of {len(filling)} columns")
    empty = [_is_nan(v) and not getattr(model, "keep_empty_features", False) for v in filling.tolist()]
    kept = [place for place, none in enumerate(empty) if not none]
    found = draw.columns(rows, kept)
    values, traits = [], []
    for trait, place in zip(found.traits, kept, strict=True):
        value = filling[place]
        code = float(value) if trait.words is None else trait.words.code(str(value))
        values.append(code)
        traits.append(replace(trait, missing=False, bound=max(trait.bound, abs(code))))
    name = draw.node("Where", gone(found, draw), draw.constant(values), found.name)
    filled = Block(name, tuple(traits))
    if not model.add_indicator:
        return filled
    return draw.side_by_side([filled, indicator(model.indicator_, rows, draw)])


def indicator(model: Any, rows: Block, draw: Assembly) -> Block:
    """Draw which values are missing, as 0 and 1."""
    features = np.asarray(model.features_).tolist()
    if model.features == "missing-only" and model.error_on_new:
        rest = [p for p in range(rows.width) if p not in features]
        if rest and any(rows.traits[p].missing for p in rest):
            draw.require(draw.node("Not", gone(draw.columns(rows, rest), draw)))
    if not features:
        return Block("", ())
    found = gone(draw.columns(rows, features), draw)
    return Block(draw.cast(found, "float64"), (Trait(bound=1.0),) * len(features))
