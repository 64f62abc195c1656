"""Several answers to the same rows, and the one that is made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from nbregistry.domain.graph_nodes import Combine, Ensemble, Function
from nbregistry.errors import Damaged, InvalidInput, ModelFailed
from nbregistry.serving.graph.parts import Part, Setting, together
from nbregistry.serving.graph.routing import shared
from nbregistry.serving.graph.rows import all_of, count
from nbregistry.serving.node import Batch

_SMALL = 4096
_SCORES = ("predict_proba", "decision_function")


class Combined:
    """Members that answer at the same time. When one fails the answer fails: a mean of the rest would be another model.

    ``mean`` asks members for numbers; where they are classifiers, that leaves their probabilities, and labels are not
    offered. ``vote`` counts labels, with the members' weights, and takes the member listed first where there is a tie.
    """

    def __init__(self, node: Ensemble, path: str, members: Sequence[Part], setting: Setting) -> None:
        self._path, self._members, self._setting = path, tuple(members), setting
        self._weights = [arm.weight for arm in node.members]
        self._how = node.combine
        self._call: Callable[[list[Any]], Any] = self._combiner()

    def _combiner(self) -> Callable[[list[Any]], Any]:
        how = self._how
        if isinstance(how, Function):
            if how.call is None:
                raise Damaged(f"The function {how.name!r} of the graph {self._setting.name} is not there.")
            return how.call
        if how is Combine.MEAN:
            return lambda outputs: mean(outputs, self._weights, self._path)
        return lambda outputs: vote(outputs, self._weights, self._path)

    @property
    def methods(self) -> tuple[str, ...]:
        """What all members can be asked and can be combined."""
        found = shared([part.methods for part in self._members])
        scores = [method for method in found if method in _SCORES]
        if self._how is Combine.MEAN and scores:
            return tuple(sorted((m for m in found if m != "predict"), key=lambda m: m not in scores))
        if self._how is Combine.VOTE:
            return tuple(method for method in found if method == "predict")
        return found

    def told(self, answer: Batch) -> dict[str, Any]:
        """Return how many answers went in, and how."""
        how = self._how.name if isinstance(self._how, Function) else self._how.value
        return {"members": len(self._members), "combine": how}

    async def __call__(self, batch: Batch) -> Batch:
        """Answer."""
        if self._how is Combine.VOTE and batch.method != "predict":
            raise InvalidInput(f"{self._path} is a vote, which answers predict and not {batch.method[:40]}.")
        answers = await together(part(batch) for part in self._members)
        outputs = [answer.outputs for answer in answers]
        if isinstance(self._how, Function):
            doing = f"The function {self._how.name}"
            found = await self._setting.threads.run(doing, lambda: self._call(outputs))
        elif sum(getattr(o, "size", batch.table.rows) for o in outputs) <= _SMALL:
            doing, found = self._path, self._call(outputs)
        else:
            doing = self._path
            found = await self._setting.threads.run(f"Combining in {doing}", lambda: self._call(outputs))
        if count(found) != batch.table.rows:
            raise ModelFailed(f"{doing} gave {count(found)} rows for {batch.table.rows}: it has to give one for each.")
        return batch.answered(found, all_of(*(answer.by for answer in answers)))


def mean(outputs: Sequence[Any], weights: Sequence[float], path: str) -> Any:
    """Return the weighted mean of arrays of the same shape.

    Raises
    ------
    nbregistry.errors.InvalidInput
        They are labels and no numbers, or differ in shape.
    """
    import numpy as np

    arrays = _same([np.asarray(values) for values in outputs], path)
    if any(array.dtype.kind not in "fiub" for array in arrays):
        raise InvalidInput(
            f"{path} takes a mean, and its members answered with labels: ask for predict_proba, or combine by 'vote'."
        )
    return np.average(np.stack(arrays), axis=0, weights=weights)


def vote(outputs: Sequence[Any], weights: Sequence[float], path: str) -> Any:
    """Return for each row the label with most votes; of labels with as many, that of the member listed first."""
    import numpy as np

    arrays = _same([np.asarray(values) for values in outputs], path)
    stacked = np.stack(arrays)  # members first
    flat = stacked.reshape(len(arrays), -1)
    found = np.empty(flat.shape[1], dtype=stacked.dtype)
    # votes[i]: weight of all members that say what member i says; the first of the largest wins.
    votes = np.zeros(flat.shape)
    for weight, said in zip(weights, flat, strict=True):
        votes += weight * (flat == said)
    winners = np.argmax(votes.round(9), axis=0)
    found[:] = flat[winners, np.arange(flat.shape[1])]
    return found.reshape(stacked.shape[1:])


def _same(arrays: list[Any], path: str) -> list[Any]:
    if len({array.shape for array in arrays}) > 1:
        shapes = ", ".join(str(array.shape) for array in arrays[:8])
        raise InvalidInput(
            f"The members of {path} answered in different shapes ({shapes}): their classes or outputs differ."
        )
    return arrays
