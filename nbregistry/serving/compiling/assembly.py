"""A graph in the making: nodes, constants, and the conditions under which its answer holds. About onnx."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from nbregistry.errors import RegistryError
from nbregistry.flavors.boundary import library

INPUT, VALID = "X", "valid"
"""Names of the graph's input and of the output that says which rows it answers."""

LARGEST = 1e30
"""Rows with a number beyond this are left to the original: what overflows on the way need not be imitated."""

_TYPES = {"float64": 11, "float32": 1, "int64": 7, "int32": 6, "bool": 9}
_OPSET, _TREES, _ML, _IR = 20, 5, 3, 10
_ML_DOMAIN = "ai.onnx.ml"


class Inconvertible(RegistryError):
    """A model, or a part of it, cannot be converted; says what and why."""


def onnx(part: str = "") -> Any:
    """Return the library, or a module of it."""
    return library(f"onnx{part}", extra="compile", purpose="Converting a model to be served compiled")


class Vocabulary:
    """The words of one column, each with its code, which is its place.

    Parameters
    ----------
    words : sequence
        Known from the start; ``fixed`` when there can be no others.
    """

    def __init__(self, words: tuple[Any, ...] = (), *, fixed: bool = False) -> None:
        self.words: list[Any] = list(words)
        self.fixed = fixed

    def code(self, word: Any) -> float:
        """Return a word's code; one that is new gets the next."""
        try:
            return float(self.words.index(word))
        except ValueError:
            if not isinstance(word, str | int | float) or (self.words and isinstance(word, bool)):
                raise Inconvertible(f"words of the type {type(word).__name__}") from None
            self.words.append(word)
            return float(len(self.words) - 1)


@dataclass(frozen=True, slots=True)
class Trait:
    """What is known of one column on its way through the graph.

    Attributes
    ----------
    bound : float
        No value is larger in magnitude.
    missing : bool
        Whether it may hold NaN (of words: the code of a missing one).
    words : Vocabulary or None
        Of a column that holds codes of words.
    source : int
        The input column that it is ``scale * x + offset`` of, -1 for none.
    """

    bound: float = LARGEST
    missing: bool = False
    words: Vocabulary | None = None
    source: int = -1
    scale: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Block:
    """A tensor of doubles, shape (rows, columns), and what is known of its columns."""

    name: str
    traits: tuple[Trait, ...]

    @property
    def width(self) -> int:
        """How many columns."""
        return len(self.traits)

    @property
    def bound(self) -> float:
        """No value is larger in magnitude."""
        return max((t.bound for t in self.traits), default=0.0)


@dataclass(frozen=True, slots=True)
class Answers:
    """What a model's graph gives.

    Attributes
    ----------
    outputs : mapping of method to tensor
        ``predict`` of a classifier is the place of the label among ``classes``, unless ``spelled``.
    classes : ndarray or None
        Labels, in the model's order and dtype.
    spelled : bool
        Whether ``predict`` gives labels themselves.
    """

    outputs: Mapping[str, str]
    classes: Any = None
    spelled: bool = False


@dataclass
class Assembly:
    """Collects nodes and constants; names of tensors are numbered.

    Attributes
    ----------
    ties : dict of int to list of float
        By input column: values at which a model changes its mind.
    """

    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    ties: dict[int, list[float]] = field(default_factory=dict)
    trees: bool = False
    _count: int = 0
    _known: dict[Any, str] = field(default_factory=dict)

    def fresh(self) -> str:
        """Return a name that no tensor has."""
        self._count += 1
        return f"t{self._count}"

    def constant(self, values: npt.ArrayLike, dtype: str = "float64") -> str:
        """Return the name of a constant tensor; equal ones are kept once."""
        array = np.ascontiguousarray(values, dtype=dtype).reshape(np.shape(values))
        key = (dtype, array.shape, array.tobytes())
        if key not in self._known:
            self._known[key] = self.fresh()
            self.constants.append(onnx(".numpy_helper").from_array(array, self._known[key]))
        return self._known[key]

    def node(self, op: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output and return the output's name."""
        name = self.fresh()
        self.nodes.append(onnx(".helper").make_node(op, list(inputs), [name], domain=domain, **attributes))
        return name

    def several(self, op: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> None:
        """Add a node with several outputs, named by ``fresh``."""
        self.nodes.append(onnx(".helper").make_node(op, list(inputs), list(outputs), **attributes))

    def cast(self, name: str, dtype: str) -> str:
        """Return the tensor in another dtype."""
        return self.node("Cast", name, to=_TYPES[dtype])

    def columns(self, block: Block, places: list[int]) -> Block:
        """Return some columns of a block, in the order asked for."""
        if places == list(range(block.width)):
            return block
        name = self.node("Gather", block.name, self.constant(places, "int64"), axis=1)
        return Block(name, tuple(block.traits[p] for p in places))

    def side_by_side(self, blocks: list[Block]) -> Block:
        """Return the columns of several blocks in one."""
        blocks = [b for b in blocks if b.width]
        if not blocks:
            raise Inconvertible("a step that leaves no columns")
        traits = tuple(t for b in blocks for t in b.traits)
        return Block(
            blocks[0].name if len(blocks) == 1 else self.node("Concat", *(b.name for b in blocks), axis=1), traits
        )

    def require(self, condition: str) -> None:
        """Answer only rows for which every entry of this boolean tensor, shape (rows, n), is true."""
        self.conditions.append(condition)

    def checked(self, block: Block, *, limit: float = LARGEST * 1e70, missing: bool = False) -> Block:
        """Return the block, answering only rows within ``limit`` and, unless allowed, without missing values."""
        if any(t.words is not None for t in block.traits):
            raise Inconvertible("words where numbers are computed with")
        gone = not missing and any(t.missing for t in block.traits)
        if block.bound <= limit and not gone:
            return block
        size, most = self.node("Abs", block.name), self.constant(limit)
        # comparisons with NaN are false, so that one form lets it pass and the other does not
        self.require(
            self.node("Not", self.node("Greater", size, most)) if missing else self.node("LessOrEqual", size, most)
        )
        traits = tuple(replace(t, bound=min(t.bound, limit), missing=t.missing and missing) for t in block.traits)
        return Block(block.name, traits)

    def tie(self, trait: Trait, values: npt.ArrayLike) -> None:
        """Note values of a column at which the model changes its mind, as values of the input it comes from."""
        if trait.source >= 0 and trait.words is None and trait.scale:
            found = (np.asarray(values, dtype=np.float64).ravel() - trait.offset) / trait.scale
            self.ties.setdefault(trait.source, []).extend(found[np.isfinite(found)].tolist())

    def model(self, width: int, outputs: Mapping[str, str]) -> bytes:
        """Return the graph's bytes.

        Parameters
        ----------
        width : int
            Columns of the input.
        outputs : mapping of str to str
            Name of each output and the tensor that it is.
        """
        helper = onnx(".helper")
        for name, tensor in {**outputs, VALID: self._valid()}.items():
            self.nodes.append(helper.make_node("Identity", [tensor], [name]))
        untyped = [onnx().ValueInfoProto(name=name) for name in (*outputs, VALID)]
        given = helper.make_tensor_value_info(INPUT, _TYPES["float64"], [None, width])
        graph = helper.make_graph(self.nodes, "model", [given], untyped, self.constants)
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_ML_DOMAIN, _TREES if self.trees else _ML)]
        made = helper.make_model(graph, opset_imports=opsets, ir_version=_IR, producer_name="nbregistry")
        return bytes(made.SerializeToString())

    def _valid(self) -> str:
        """Return which rows every condition holds for, as int32 of the shape (rows,)."""
        if not self.conditions:
            self.require(self.node("Less", self.node("Mul", INPUT, self.constant(0.0)), self.constant(1.0)))
        every = self.conditions[0] if len(self.conditions) == 1 else self.node("Concat", *self.conditions, axis=1)
        return self.node("ReduceMin", self.cast(every, "int32"), self.constant([1], "int64"), keepdims=0)
