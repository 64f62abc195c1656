"""Steps that write categories as numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from nbregistry.serving.compiling.assembly import Assembly, Block, Inconvertible, Trait
from nbregistry.serving.compiling.layout import MISSING, UNKNOWN
from nbregistry.serving.compiling.lowering import named

_NAN = -1.7e308
"""Stands for NaN where categories are compared; rows hold nothing as small."""


def _codes(categories: Any, trait: Trait) -> list[float]:
    """Return what the values of a column are compared with."""
    found = []
    for value in np.asarray(categories).tolist():
        missing = value is None or (isinstance(value, float) and value != value)  # noqa: PLR0124 - NaN
        if trait.words is not None:
            found.append(MISSING if missing else trait.words.code(value))
        elif missing:
            found.append(_NAN)
        elif isinstance(value, bool | int | float):
            found.append(float(value))
        else:
            raise Inconvertible(f"categories of the type {type(value).__name__} in a column of numbers")
    return found


def _comparable(rows: Block, draw: Assembly) -> Block:
    """Return rows whose missing numbers equal ``_NAN``."""
    numbers = [t.words is None and t.missing for t in rows.traits]
    if not any(numbers):
        return rows
    name = draw.node("Where", draw.node("IsNaN", rows.name), draw.constant(_NAN), rows.name)
    return Block(name, rows.traits)


def coded(rows: Block, draw: Assembly) -> Block:
    """Return words as the places of their categories, NaN for a missing one, as the boosting libraries take them."""
    words = [t.words is not None for t in rows.traits]
    if not any(words):
        return rows
    if not all(t.words is None or t.words.fixed for t in rows.traits):
        raise Inconvertible("texts where categories are taken")
    mask = draw.node("And", draw.node("Equal", rows.name, draw.constant(MISSING)), draw.constant(words, "bool"))
    name = draw.node("Where", mask, draw.constant(float("nan")), rows.name)
    traits = (
        t if t.words is None else replace(t, words=None, missing=True, source=-1, bound=float(len(t.words.words)))
        for t in rows.traits
    )
    return Block(name, tuple(traits))


def one_hot(model: Any, rows: Block, draw: Assembly) -> Block:
    """Draw a column of 0 and 1 for each category."""
    if any(part is not None for part in getattr(model, "_infrequent_indices", ()) or ()):
        return _one_hot_infrequent(model, rows, draw)
    rows = _comparable(rows, draw)
    drops = model.drop_idx_ if model.drop_idx_ is not None else [None] * rows.width
    codes = [_codes(c, t) for c, t in zip(model.categories_, rows.traits, strict=True)]
    if model.handle_unknown == "error":
        for place, known in enumerate(codes):
            _known_only(draw.columns(rows, [place]), known, draw)
    kept = [[v for i, v in enumerate(known) if i != drop] for known, drop in zip(codes, drops, strict=True)]
    places = [place for place, values in enumerate(kept) for _ in values]
    wide = draw.node("Gather", rows.name, draw.constant(places, "int64"), axis=1)
    same = draw.node("Equal", wide, draw.constant([v for values in kept for v in values]))
    return Block(draw.cast(same, "float64"), (Trait(bound=1.0),) * len(places))


def _known_only(column: Block, known: list[float], draw: Assembly) -> None:
    trait = column.traits[0]
    words = trait.words if trait.words is not None and trait.words.fixed and not trait.missing else None
    if words is not None and {float(i) for i in range(len(words.words))} <= set(known):
        return
    same = draw.cast(draw.node("Equal", column.name, draw.constant([known])), "int32")
    most = draw.node("ReduceMax", same, draw.constant([1], "int64"), keepdims=1)
    draw.require(draw.cast(most, "bool"))


def _one_hot_infrequent(model: Any, rows: Block, draw: Assembly) -> Block:
    """Draw categories some of which share one column, by a table from each category to its columns."""
    rows = _comparable(rows, draw)
    found = []
    for place, (categories, trait) in enumerate(zip(model.categories_, rows.traits, strict=True)):
        column = draw.columns(rows, [place])
        known = _codes(categories, trait)
        mapping = model._default_to_infrequent_mappings[place]
        groups = np.arange(len(known)) if mapping is None else np.asarray(mapping)
        count = int(groups.max()) + 1
        table = np.zeros((len(known), count))
        table[np.arange(len(known)), groups] = 1.0
        same = draw.cast(draw.node("Equal", column.name, draw.constant([known])), "float64")
        name = draw.node("MatMul", same, draw.constant(table))
        if model.handle_unknown == "error":
            _known_only(column, known, draw)
        elif model.handle_unknown == "infrequent_if_exist" and mapping is not None:
            strange = draw.node("Sub", draw.constant(1.0), draw.node("ReduceMax", same, draw.constant([1], "int64")))
            row = np.zeros((1, count))
            row[0, count - 1] = 1.0
            name = draw.node("Add", name, draw.node("Mul", strange, draw.constant(row)))
        block = Block(name, (Trait(bound=1.0),) * count)
        drop = None if model.drop_idx_ is None else model.drop_idx_[place]
        if drop is not None:
            dropped = int(groups[drop])
            block = draw.columns(block, [c for c in range(count) if c != dropped])
        found.append(block)
    return draw.side_by_side(found)


def ordinal(model: Any, rows: Block, draw: Assembly) -> Block:
    """Draw the place of each category in its column's list."""
    if any(part is not None for part in getattr(model, "_infrequent_indices", ()) or ()):
        raise Inconvertible(f"{named(model)} with infrequent categories")
    rows = _comparable(rows, draw)
    found = []
    for place, (categories, trait) in enumerate(zip(model.categories_, rows.traits, strict=True)):
        column, known = draw.columns(rows, [place]), _codes(categories, trait)
        values = np.arange(len(known), dtype=np.float64)
        blank = float(model.encoded_missing_value)
        for position, code in enumerate(known):
            if code in (MISSING, _NAN) and (trait.words is not None or code == _NAN):
                values[position] = blank
        strange = float("nan")
        if model.handle_unknown == "error":
            _known_only(column, known, draw)
        else:
            strange = float(model.unknown_value)
        name = _looked_up(column, known, values, strange, draw)
        given = np.array([*values.tolist(), strange])
        missing = bool(np.isnan(given).any())
        bound = float(np.nanmax(np.abs(given), initial=0.0))
        found.append(Block(name, (Trait(bound=bound, missing=missing),)))
    return draw.side_by_side(found)


def _looked_up(column: Block, known: list[float], values: Any, strange: float, draw: Assembly) -> str:
    """Return, of the shape (rows, 1), the value beside the category that a row holds, else ``strange``."""
    words = column.traits[0].words
    if words is not None:
        table = np.full(len(words.words) + 2, strange)
        table[(np.asarray(known) - UNKNOWN).astype(np.int64)] = values
        places = draw.cast(draw.node("Sub", column.name, draw.constant(UNKNOWN)), "int64")
        return draw.node("Gather", draw.constant(table), places, axis=0)
    same = draw.cast(draw.node("Equal", column.name, draw.constant([known])), "int32")
    most = draw.node("ReduceMax", same, draw.constant([1], "int64"), keepdims=1)
    looked = draw.node("Gather", draw.constant(values), draw.node("ArgMax", same, axis=1, keepdims=1))
    return draw.node("Where", draw.cast(most, "bool"), looked, draw.constant(strange))


def binned(model: Any, rows: Block, draw: Assembly) -> Block:
    """Draw the bin of each value, as its place or as columns of 0 and 1."""
    rows = draw.checked(rows)
    found = []
    for place, edges in enumerate(model.bin_edges_):
        column, bins = draw.columns(rows, [place]), int(model.n_bins_[place])
        inner = draw.constant([np.asarray(edges, dtype=np.float64)[1:-1].tolist()])
        above = draw.cast(draw.node("GreaterOrEqual", column.name, inner), "float64")
        bin_ = draw.node("ReduceSum", above, draw.constant([1], "int64"), keepdims=1)
        draw.tie(column.traits[0], edges)
        if model.encode.startswith("onehot"):
            same = draw.node("Equal", bin_, draw.constant([list(range(bins))]))
            found.append(Block(draw.cast(same, "float64"), (Trait(bound=1.0),) * bins))
        else:
            found.append(Block(bin_, (Trait(bound=float(bins)),)))
    return draw.side_by_side(found)
