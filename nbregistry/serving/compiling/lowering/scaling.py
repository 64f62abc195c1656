"""Steps that compute with numbers: scaling, projecting, choosing columns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from nbregistry.serving.compiling.assembly import Assembly, Block, Inconvertible, Trait
from nbregistry.serving.compiling.lowering import named

Array = npt.NDArray[np.float64]

_FUNCTIONS = {
    "log": ("Log",), "sqrt": ("Sqrt",), "exp": ("Exp",), "absolute": ("Abs",), "fabs": ("Abs",), "negative": ("Neg",),
    "tanh": ("Tanh",), "sin": ("Sin",), "cos": ("Cos",),
}  # fmt: skip


def affine(rows: Block, draw: Assembly, scale: Array | None, offset: Array | None, *, divide: bool = False) -> Block:
    """Draw ``(x + offset) / scale`` or ``x * scale + offset``, in the order of operations the original has."""
    name = rows.name
    if divide and offset is not None:
        name = draw.node("Add", name, draw.constant(offset))
    if scale is not None:
        name = draw.node("Div" if divide else "Mul", name, draw.constant(scale))
    if not divide and offset is not None:
        name = draw.node("Add", name, draw.constant(offset))
    ones, zeros = np.ones(rows.width), np.zeros(rows.width)
    slope = ones if scale is None else (1 / scale if divide else scale)
    shift = zeros if offset is None else (offset * slope if divide else offset)
    traits = tuple(
        replace(
            t, bound=t.bound * abs(a) + abs(b), scale=t.scale * a, offset=t.offset * a + b,
        )
        for t, a, b in zip(rows.traits, slope.tolist(), shift.tolist(), strict=True)
    )  # fmt: skip
    return Block(name, traits)


def _floats(values: Any) -> Array | None:
    return None if values is None else np.asarray(values, dtype=np.float64)


def standard(model: Any, rows: Block, draw: Assembly) -> Block:
    """Draw ``(x - mean) / scale``."""
    rows = draw.checked(rows, missing=True)
    mean = _floats(model.mean_) if model.with_mean else None
    return affine(rows, draw, _floats(model.scale_), None if mean is None else -mean, divide=True)


def min_max(model: Any, rows: Block, draw: Assembly) -> Block:
    """Draw ``x * scale + min``, within the range of training where that was asked for."""
    found = affine(draw.checked(rows, missing=True), draw, _floats(model.scale_), _floats(model.min_))
    if not model.clip:
        return found
    low, high = model.feature_range
    name = draw.node("Min", draw.node("Max", found.name, draw.constant(float(low))), draw.constant(float(high)))
    bound = float(max(abs(low), abs(high)))
    return Block(name, tuple(replace(t, bound=bound) for t in found.traits))


def max_abs(model: Any, rows: Block, draw: Assembly) -> Block:
    """Draw ``x / scale``."""
    return affine(draw.checked(rows, missing=True), draw, _floats(model.scale_), None, divide=True)


def robust(model: Any, rows: Block, draw: Assembly) -> Block:
    """Draw ``(x - center) / scale``."""
    rows = draw.checked(rows, missing=True)
    center = _floats(model.center_) if model.with_centering else None
    return affine(
        rows,
        draw,
        _floats(model.scale_) if model.with_scaling else None,
        None if center is None else -center,
        divide=True,
    )


def normalizer(model: Any, rows: Block, draw: Assembly) -> Block:
    """Draw each row divided by its norm."""
    rows = draw.checked(rows)
    axes = draw.constant([1], "int64")
    if model.norm == "l2":
        norm = draw.node("Sqrt", draw.node("ReduceSumSquare", rows.name, axes, keepdims=1))
    elif model.norm == "l1":
        norm = draw.node("ReduceSum", draw.node("Abs", rows.name), axes, keepdims=1)
    else:
        norm = draw.node("ReduceMax", draw.node("Abs", rows.name), axes, keepdims=1)
    whole = draw.node("Where", draw.node("Equal", norm, draw.constant(0.0)), draw.constant(1.0), norm)
    return Block(draw.node("Div", rows.name, whole), (Trait(bound=1.0),) * rows.width)


def components(model: Any, rows: Block, draw: Assembly) -> Block:
    """Draw a projection on components."""
    rows = draw.checked(rows)
    basis = np.asarray(model.components_, dtype=np.float64)
    name, mean = rows.name, getattr(model, "mean_", None)
    # the original projects first and shifts after
    name = draw.node("MatMul", name, draw.constant(basis.T))
    if mean is not None and np.any(mean):
        name = draw.node("Sub", name, draw.constant((np.asarray(mean).reshape(1, -1) @ basis.T).ravel()))
    if getattr(model, "whiten", False):
        scale = np.sqrt(model.explained_variance_)
        scale[scale < np.finfo(np.float64).eps] = np.finfo(np.float64).eps
        name = draw.node("Div", name, draw.constant(scale))
    return Block(name, (Trait(bound=float("inf")),) * len(basis))


def polynomial(model: Any, rows: Block, draw: Assembly) -> Block:
    """Draw products of powers of the columns."""
    rows = draw.checked(rows, limit=1e30)
    powers = np.asarray(model.powers_)
    found = []
    for row in powers:
        places = np.repeat(np.arange(rows.width), row).tolist()
        if not places:
            column = draw.columns(rows, [0])
            found.append(draw.node("Add", draw.node("Mul", column.name, draw.constant(0.0)), draw.constant(1.0)))
            continue
        name = draw.columns(rows, [places[0]]).name
        for place in places[1:]:
            name = draw.node("Mul", name, draw.columns(rows, [place]).name)
        found.append(name)
    if len(found) > 2_000:
        raise Inconvertible(f"{named(model)} with {len(found):,} products")
    return Block(draw.node("Concat", *found, axis=1), (Trait(bound=float("inf")),) * len(found))


def selected(model: Any, rows: Block, draw: Assembly) -> Block:
    """Draw the chosen columns."""
    return draw.columns(rows, np.flatnonzero(model.get_support()).tolist())


def function(model: Any, rows: Block, draw: Assembly) -> Block:
    """Draw a function of NumPy's that is known here, or none at all."""
    if model.func is None:
        return rows
    name = getattr(model.func, "__name__", "") if type(model.func).__name__ == "ufunc" else ""
    if model.kw_args or name not in {*_FUNCTIONS, "log1p", "expm1", "square"}:
        raise Inconvertible(f"{named(model)} of a function of its own")
    rows = draw.checked(rows, missing=any(t.missing for t in rows.traits))
    if name == "log1p":
        found = draw.node("Log", draw.node("Add", rows.name, draw.constant(1.0)))
    elif name == "expm1":
        found = draw.node("Sub", draw.node("Exp", rows.name), draw.constant(1.0))
    elif name == "square":
        found = draw.node("Mul", rows.name, rows.name)
    else:
        found = draw.node(_FUNCTIONS[name][0], rows.name)
    # outside its domain a function gives NaN or infinity, which the next step is to see as the original's does
    return Block(found, (Trait(bound=float("inf"), missing=True),) * rows.width)
