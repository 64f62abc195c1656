"""Splits on categories, written as comparisons with one category after the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nbregistry.serving.compiling.lowering.trees import EQ, LEQ, Array, Tree


class Branches:
    """The nodes of one tree, to which chains of comparisons can be added.

    Parameters
    ----------
    left, right, feature, threshold, missing_left, value : ndarray
        As of ``Tree``.
    mode : int
        How the numeric nodes compare.
    """

    def __init__(  # noqa: PLR0917 - the columns of one table of nodes, in the order of ``Tree``
        self,
        left: Array,
        right: Array,
        feature: Array,
        threshold: Array,
        missing_left: Array,
        value: Array,
        mode: int = LEQ,
    ) -> None:
        self._columns = [
            list(map(column.dtype.type, column)) for column in (left, right, feature, threshold, missing_left, value)
        ]
        self._modes = [mode] * len(left)

    def member(self, place: int, left: Sequence[int]) -> None:
        """Send these categories left at a node, everything else right, and missing ones where the node says."""
        lefts, rights, features, thresholds, missing, _ = self._columns
        yes, no, feature, gone = lefts[place], rights[place], features[place], bool(missing[place])
        members = list(left)
        if not members:
            # nothing goes left but what is missing: no category equals NaN, and none is negative
            members = [-1]
        for position, category in enumerate(members):
            last = position == len(members) - 1
            follower = no if last else np.int64(len(lefts))
            lefts[place], rights[place] = yes, follower
            thresholds[place], missing[place], self._modes[place] = np.float64(category), np.bool_(gone), EQ
            if not last:
                place = len(lefts)
                for column, entry in zip(self._columns, (yes, no, feature, 0.0, gone, 0.0), strict=True):
                    column.append(entry)
                self._modes.append(EQ)

    def tree(self, target: int) -> Tree:
        """Return the tree."""
        left, right, feature, threshold, missing, value = self._columns
        return Tree(
            np.array(left, dtype=np.int64), np.array(right, dtype=np.int64), np.array(feature, dtype=np.int64),
            np.array(threshold, dtype=np.float64), np.array(missing, dtype=bool), np.array(value, dtype=np.float64),
            np.array(self._modes, dtype=np.uint8), target,
        )  # fmt: skip
