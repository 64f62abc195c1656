"""From a fitted model and its signature to one graph, in double precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nbregistry.capture.values import decode
from nbregistry.domain.signature import Column, Signature
from nbregistry.serving.compiling.assembly import INPUT, Answers, Assembly, Block, Inconvertible, Trait, Vocabulary
from nbregistry.serving.compiling.layout import NUMBER, UNUSED, WORD, Feed, Layout
from nbregistry.serving.compiling.lowering import drawn, named

_NUMERIC = ("int", "uint", "float", "bool", "any")


@dataclass(frozen=True)
class Converted:
    """A graph that is yet to be proven.

    Attributes
    ----------
    outputs : tuple of str
        The methods it answers.
    ties : mapping of int to list of float
        By input column: values at which the model changes its mind.
    """

    graph: bytes
    layout: Layout
    outputs: tuple[str, ...]
    classes: Any
    spelled: bool
    ties: Mapping[int, Sequence[float]]


class _Beyond(Vocabulary):
    """Stands for a column whose values no graph of ours takes; harmless as long as no step looks at it."""

    def code(self, word: Any) -> float:
        """Refuse."""
        raise Inconvertible("a column that is neither number, text nor category")


def convert(model: Any, signature: Signature | None, methods: Sequence[str]) -> Converted:
    """Draw the model's graph.

    Parameters
    ----------
    model : object
        As ``Registry.load`` gave it.
    methods : sequence of str
        What the original can be asked.

    Raises
    ------
    Inconvertible
        It, or its signature, is of a kind that cannot be drawn; says which.
    """
    if type(model).__name__ == "OnnxModel":
        raise Inconvertible("a graph already, which is served as it is")
    traits, kinds = _inputs(signature)
    # Words are numbered while drawing, and tables need all of them: the second drawing knows what the first one met.
    _draw(model, signature, traits)
    draw, answers = _draw(model, signature, traits)
    outputs = {m: answers.outputs[m] for m in methods if m in answers.outputs}
    if not outputs or (methods and methods[0] not in outputs):
        raise Inconvertible(f"{named(model)} whose {methods[0] if methods else 'methods'} cannot be drawn")
    feeds = tuple(
        Feed(WORD, tuple(t.words.words)) if t.words is not None and kind == WORD else Feed(kind)
        for t, kind in zip(traits, kinds, strict=True)
    )
    return Converted(
        draw.model(len(feeds), outputs), Layout(feeds), tuple(outputs), answers.classes, answers.spelled, draw.ties
    )


def _draw(model: Any, signature: Signature | None, traits: Sequence[Trait]) -> tuple[Assembly, Answers]:
    draw = Assembly()
    limited = draw.node("Abs", INPUT)
    nullable = any(t.missing and t.words is None for t in traits)
    most = draw.constant(traits[0].bound if traits else 0.0)
    # NaN compares false: where a column may miss values it passes, and the steps look at it
    draw.require(
        draw.node("Not", draw.node("Greater", limited, most)) if nullable else draw.node("LessOrEqual", limited, most)
    )
    rows = Block(INPUT, tuple(replace(t, source=place) for place, t in enumerate(traits)))
    return draw, drawn(model, _in_order(model, signature, rows, draw), draw)


def _in_order(model: Any, signature: Signature | None, rows: Block, draw: Assembly) -> Block:
    """Return the columns in the order the model was trained with, where it knows them by name."""
    names = getattr(model, "feature_names_in_", None)
    if signature is None or signature.container != "frame" or names is None:
        return rows
    known = {name: place for place, name in enumerate(signature.names)}
    if absent := [n for n in names if n not in known]:
        raise Inconvertible(f"{named(model)} takes {str(absent[0])[:40]!r}, which its signature does not have")
    return draw.columns(rows, [known[n] for n in names])


def _inputs(signature: Signature | None) -> tuple[list[Trait], list[str]]:
    if signature is None:
        raise Inconvertible("a model of which nobody knows what it takes; register with X=")
    if signature.container == "frame":
        pairs = [_of(column) for column in signature.inputs]
        return [t for t, _ in pairs], [k for _, k in pairs]
    if signature.container in ("array", "unknown") and len(signature.inputs) == 1:
        column = signature.inputs[0]
        width = (column.shape or ())[1:]
        if len(width) == 1 and width[0] > 0 and column.dtype.lower().startswith(_NUMERIC):
            return [Trait(missing=column.nullable)] * width[0], [NUMBER] * width[0]
    raise Inconvertible(f"a model that takes a {signature.container} of this form")


def _of(column: Column) -> tuple[Trait, str]:
    extra = column.extra or {}
    if column.dtype == "category" and column.categories is not None:
        words = tuple(decode(c) for c in column.categories)
        kinds = {type(w) for w in words}
        if kinds <= {str} or kinds <= {int, float} or kinds <= {bool}:
            return Trait(missing=column.nullable, words=Vocabulary(words, fixed=True)), WORD
    elif "storage" in extra or (column.dtype == "object" and extra.get("holds") == "string"):
        return Trait(missing=column.nullable, words=Vocabulary()), WORD
    elif column.dtype.lower().startswith(_NUMERIC) and "complex" not in column.dtype:
        return Trait(missing=column.nullable), NUMBER
    return Trait(words=_Beyond()), UNUSED
