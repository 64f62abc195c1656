"""The nodes of one tree in the making, some of which ask for membership instead of comparing with a threshold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nbregistry.serving.compiling.lowering.trees import LEQ, MEMBER, Array, Tree


class Branches:
    """The nodes of one tree.

    Parameters
    ----------
    left, right, feature, threshold, missing_left, value : ndarray
        As of ``Tree``.
    mode : int
        How the numeric nodes compare.
    """

    def __init__(
        self,
        left: Array,
        right: Array,
        feature: Array,
        threshold: Array,
        missing_left: Array,
        *,
        value: Array,
        mode: int = LEQ,
    ) -> None:
        self._left, self._right, self._missing = left.copy(), right.copy(), missing_left.copy()
        self._feature, self._threshold, self._value = feature, threshold.copy(), value
        self._modes = np.full(len(left), mode, dtype=np.uint8)
        self._members: dict[int, list[float]] = {}

    def member(self, place: int, known: Sequence[int], *, right: bool = False) -> None:
        """Send these categories to one side of a node, everything else to the other, missing ones where it says."""
        if right:
            self._left[place], self._right[place] = self._right[place], self._left[place]
            self._missing[place] = not self._missing[place]
        self._modes[place], self._threshold[place] = MEMBER, 0.0
        # no category is negative: this stands for none at all
        self._members[place] = sorted(map(float, known)) or [-1.0]

    def tree(self, target: int) -> Tree:
        """Return the tree."""
        return Tree(
            self._left, self._right, self._feature, self._threshold, self._missing, self._value, self._modes, target,
            self._members,
        )  # fmt: skip
