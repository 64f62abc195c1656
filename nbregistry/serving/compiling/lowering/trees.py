"""Trees of any library as one TreeEnsemble node in double precision (operator set ai.onnx.ml 5).

Every library adds up its trees one after the other, and so does ONNX Runtime with one thread, so that sums of doubles
are the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from nbregistry.serving.compiling.assembly import Assembly, Block, onnx

LEQ, LT, MEMBER = 0, 1, 6
"""Comparisons: a value goes left when it is at most the threshold, below it, or among the node's members."""

SINGLE = float(np.finfo(np.float32).max)

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Tree:
    """One tree; node 0 is its root.

    Attributes
    ----------
    left, right : ndarray of int
        Children of each node; -1 in a leaf. Nodes may share a child.
    feature, threshold : ndarray
        What is compared.
    missing_left : ndarray of bool
        Where a missing value goes.
    value : ndarray of float
        What a leaf adds.
    mode : ndarray of uint8 or int
        How each node compares.
    target : int
        To which sum the tree belongs.
    members : mapping of int to sequence of float
        By node that asks for them.
    """

    left: Array
    right: Array
    feature: Array
    threshold: Array
    missing_left: Array
    value: Array
    mode: Array | int = LEQ
    target: int = 0
    members: Mapping[int, Sequence[float]] = field(default_factory=dict)


def constant(value: float, target: int = 0) -> Tree:
    """Return a tree that adds the same to every row: where a library's sums begin."""
    none = np.array([-1])
    zero = np.zeros(1)
    return Tree(none, none, np.zeros(1, int), zero, zero.astype(bool), np.array([value]), LEQ, target)


@dataclass
class _Nodes:
    """The attributes of the operator, in the making."""

    roots: list[int] = field(default_factory=list)
    parts: dict[str, list[Array]] = field(default_factory=dict)
    members: list[float] = field(default_factory=list)
    inner: int = 0
    leaves: int = 0

    def put(self, **columns: Any) -> None:
        for name, values in columns.items():
            self.parts.setdefault(name, []).append(np.asarray(values))

    def add(self, tree: Tree) -> None:
        self.roots.append(self.inner)
        is_leaf = tree.left < 0
        inner, leaves = np.flatnonzero(~is_leaf), np.flatnonzero(is_leaf)
        place = np.empty(len(is_leaf), dtype=np.int64)
        place[leaves] = np.arange(len(leaves)) + self.leaves
        self.put(weight=tree.value[leaves], target=np.full(len(leaves), tree.target))
        self.leaves += len(leaves)
        if not len(inner):  # the operator writes a tree of one leaf as a node both of whose sides are that leaf
            self.put(feature=[0], threshold=[0.0], missing=[0], mode=[LEQ], true=place[:1], false=place[:1])
            self.put(true_leaf=[1], false_leaf=[1])
            self.inner += 1
            return
        place[inner] = np.arange(len(inner)) + self.inner
        left, right = tree.left[inner], tree.right[inner]
        mode = np.full(len(inner), tree.mode) if isinstance(tree.mode, int) else tree.mode[inner]
        self.put(
            feature=tree.feature[inner], threshold=tree.threshold[inner], missing=tree.missing_left[inner], mode=mode,
            true=place[left], false=place[right], true_leaf=is_leaf[left], false_leaf=is_leaf[right],
        )  # fmt: skip
        for node in sorted(tree.members, key=lambda n: int(place[n])):
            self.members += [*tree.members[node], float("nan")]
        self.inner += len(inner)

    def integers(self, name: str) -> list[int]:
        found: list[int] = np.concatenate(self.parts[name]).astype(np.int64).tolist()
        return found

    def _whole(self, name: str, dtype: Any) -> Array:
        return np.concatenate(self.parts[name]).astype(dtype)

    def attributes(self, targets: int, dtype: Any) -> dict[str, Any]:
        tensor = onnx(".numpy_helper").from_array
        return {
            "aggregate_function": 1, "post_transform": 0, "n_targets": targets, "tree_roots": self.roots,
            "nodes_featureids": self.integers("feature"), "nodes_splits": tensor(self._whole("threshold", dtype)),
            "nodes_modes": tensor(self._whole("mode", np.uint8)),
            "nodes_missing_value_tracks_true": self.integers("missing"),
            "nodes_truenodeids": self.integers("true"), "nodes_trueleafs": self.integers("true_leaf"),
            "nodes_falsenodeids": self.integers("false"), "nodes_falseleafs": self.integers("false_leaf"),
            **({"membership_values": tensor(np.array(self.members, dtype=dtype))} if self.members else {}),
            "leaf_weights": tensor(self._whole("weight", dtype)), "leaf_targetids": self.integers("target"),
        }  # fmt: skip


def sums(draw: Assembly, rows: str, trees: Sequence[Tree], targets: int, dtype: str = "float64") -> str:
    """Return what the trees add up to, one after the other; shape (rows, targets), of the dtype of ``rows``."""
    nodes = _Nodes()
    for tree in trees:
        nodes.add(tree)
    draw.trees = True
    return draw.node("TreeEnsemble", rows, domain="ai.onnx.ml", **nodes.attributes(targets, np.dtype(dtype)))


def single_precision(draw: Assembly, rows: Block, *, missing: bool) -> Block:
    """Return rows rounded to what a float32 holds, as doubles; what is beyond its range is not answered."""
    rows = draw.checked(rows, limit=SINGLE, missing=missing)
    return Block(draw.cast(draw.cast(rows.name, "float32"), "float64"), rows.traits)


def note_ties(draw: Assembly, rows: Block, trees: Sequence[Tree]) -> None:
    """Note the thresholds of each column, where a value a bit larger or smaller goes another way."""
    features = np.concatenate([t.feature[t.left >= 0] for t in trees])
    thresholds = np.concatenate([t.threshold[t.left >= 0] for t in trees])
    for place in np.unique(features).tolist():
        draw.tie(rows.traits[place], np.unique(thresholds[features == place]))
