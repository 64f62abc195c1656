"""Steps made of steps: pipelines, unions, and columns that go different ways."""

from __future__ import annotations

from typing import Any

from nbregistry.serving.compiling.assembly import Answers, Assembly, Block, Inconvertible
from nbregistry.serving.compiling.lowering import drawn, named, transformed


def piped(model: Any, rows: Block, draw: Assembly) -> Block:
    """Draw one step after the other."""
    for _, step in model.steps:
        rows = transformed(step, rows, draw)
    return rows


def searched(model: Any, rows: Block, draw: Assembly) -> Answers:
    """Draw the estimator that a search found best."""
    return drawn(model.best_estimator_, rows, draw)


def frozen(model: Any, rows: Block, draw: Assembly) -> Answers:
    """Draw the estimator that was frozen."""
    return drawn(model.estimator, rows, draw)


def united(model: Any, rows: Block, draw: Assembly) -> Block:
    """Draw the steps side by side."""
    weights = model.transformer_weights or {}
    found = []
    for name, step in model.transformer_list:
        if isinstance(step, str) and step == "drop":
            continue
        block = transformed(step, rows, draw)
        if name in weights:
            raise Inconvertible(f"{named(model)} with weights")
        found.append(block)
    return draw.side_by_side(found)


def by_column(model: Any, rows: Block, draw: Assembly) -> Block:
    """Draw each step on its columns, in the order of the original's output."""
    places = getattr(model, "_transformer_to_input_indices", None)
    if places is None or model.transformer_weights:
        raise Inconvertible(f"{named(model)} with weights, or of an unknown form")
    found = []
    for name, step, _ in model.transformers_:
        taken = list(map(int, places[name]))
        if not taken or (isinstance(step, str) and step == "drop"):
            continue
        found.append(transformed(step, draw.columns(rows, taken), draw))
    return draw.side_by_side(found)
