"""From scores to labels and probabilities, as scikit-learn and the boosting libraries do it."""

from __future__ import annotations

from nbregistry.serving.compiling.assembly import Assembly

MARGIN = 1e-9
"""Two scores closer than this, relative and absolute, are a tie that rounding decides: the original is asked."""


def flat(draw: Assembly, name: str) -> str:
    """Return a tensor of the shape (rows, 1) as (rows,)."""
    return draw.node("Reshape", name, draw.constant([-1], "int64"))


def clear(draw: Assembly, score: str, margin: float = MARGIN) -> None:
    """Leave rows to the original whose one score, shape (rows, 1), is so near to zero that rounding decides."""
    draw.require(draw.node("Greater", draw.node("Abs", score), draw.constant(margin)))


def clear_of_others(draw: Assembly, scores: str, margin: float = MARGIN) -> None:
    """Leave rows to the original whose two best scores, shape (rows, n), are so near that rounding decides."""
    helper, indices = draw.fresh(), draw.fresh()
    draw.several("TopK", (scores, draw.constant([2], "int64")), (helper, indices), axis=1)
    first = draw.node("Slice", helper, *(draw.constant([v], "int64") for v in (0, 1, 1)))
    second = draw.node("Slice", helper, *(draw.constant([v], "int64") for v in (1, 2, 1)))
    scale = draw.node("Max", draw.node("Abs", first), draw.constant(1.0))
    gap = draw.node("Div", draw.node("Sub", first, second), scale)
    draw.require(draw.node("Greater", gap, draw.constant(margin)))


def above(draw: Assembly, score: str, *, inclusive: bool = False) -> str:
    """Return 1 where the score, shape (rows, 1), is above zero, else 0; shape (rows,)."""
    op = "GreaterOrEqual" if inclusive else "Greater"
    return flat(draw, draw.cast(draw.node(op, score, draw.constant(0.0)), "int64"))


def best(draw: Assembly, scores: str) -> str:
    """Return the place of the first of the highest scores, shape (rows,)."""
    return draw.node("ArgMax", scores, axis=1, keepdims=0)


def both(draw: Assembly, positive: str) -> str:
    """Return the probabilities of two classes from that of the second, shape (rows, 1)."""
    return draw.node("Concat", draw.node("Sub", draw.constant(1.0), positive), positive, axis=1)


def logistic(draw: Assembly, score: str) -> str:
    """Return 1 / (1 + exp(-score))."""
    return draw.node("Sigmoid", score)


def softmax(draw: Assembly, scores: str) -> str:
    """Return exp(score) over the sum of them."""
    return draw.node("Softmax", scores, axis=1)


def shares(draw: Assembly, scores: str) -> str:
    """Return logistic scores divided by their sum; equal ones where all of them are zero."""
    found = logistic(draw, scores)
    total = draw.node("ReduceSum", found, draw.constant([1], "int64"), keepdims=1)
    draw.require(draw.node("Greater", total, draw.constant(0.0)))
    return draw.node("Div", found, total)
