"""A compiled model at work: needs NumPy and ONNX Runtime, never the library that the model was trained with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbregistry.capture.example import decode_example, encode_example
from nbregistry.errors import InvalidInput
from nbregistry.flavors.boundary import foreign, library
from nbregistry.serving.compiling.layout import Layout, Unanswered
from nbregistry.serving.table import Table
from nbregistry.types import Document

_VALID = "valid"
_INPUT = "X"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a compiled graph is fed with and what its outputs mean.

    Attributes
    ----------
    outputs : mapping of method to dtype
        In the order the original has its methods; the dtype is the original's.
    others : tuple of str
        Methods that only the original answers.
    classes : ndarray or None
        Labels, in the order of the columns of ``predict_proba``.
    spelled : bool
        Whether the graph gives labels themselves, and not their places among the classes.
    """

    layout: Layout
    outputs: Mapping[str, str]
    others: tuple[str, ...] = ()
    classes: Any = None
    spelled: bool = False

    def as_document(self) -> Document:
        """Return plain JSON data."""
        return {
            "layout": self.layout.as_document(), "outputs": list(self.outputs.items()), "others": list(self.others),
            "classes": None if self.classes is None else encode_example(self.classes), "spelled": self.spelled,
        }  # fmt: skip

    @classmethod
    def from_document(cls, found: Mapping[str, Any]) -> Plan:
        """Inverse of ``as_document``."""
        classes = found["classes"]
        return cls(
            Layout.from_document(found["layout"]), dict(found["outputs"]), tuple(found["others"]),
            None if classes is None else decode_example(classes), bool(found["spelled"]),
        )  # fmt: skip


class Compiled:
    """A graph that answers like the model it was made from, or not at all.

    Parameters
    ----------
    graph : bytes
        The ONNX model.
    plan : Plan
        Its inputs and outputs.

    Attributes
    ----------
    methods : tuple of str
        What it answers.
    others : tuple of str
        What only the original can be asked.
    classes : ndarray or None
        The labels that the columns of ``predict_proba`` stand for.
    """

    kind = "compiled"

    def __init__(self, graph: bytes, plan: Plan) -> None:
        import numpy as np

        self.plan = plan
        self.methods, self.others, self.classes = tuple(plan.outputs), plan.others, plan.classes
        self._dtypes = {method: np.dtype(dtype) for method, dtype in plan.outputs.items()}
        self._labels: Any = None
        if plan.classes is not None and not plan.spelled and "predict" in self._dtypes:
            self._labels = plan.classes.astype(self._dtypes["predict"])
        self._fetched = {method: [method, _VALID] for method in self.methods}
        self._session = _session(graph)

    def run(self, table: Table, method: str, params: Mapping[str, Any]) -> Any:
        """Return what the original would.

        Raises
        ------
        Unanswered
            There are rows that only the original can answer, or refuse.
        """
        if method not in self._fetched:
            raise InvalidInput(f"The compiled model has no {method!r}: it has {', '.join(self.methods)}.")
        matrix = self.plan.layout.matrix(table)
        if not len(matrix):
            raise Unanswered("there are no rows")
        with foreign("Running the compiled model"):
            found, valid = self._session.run(self._fetched[method], {_INPUT: matrix})
        if not valid.all():
            raise Unanswered("rows beyond what the compiled model was proven for", (valid == 0).nonzero()[0].tolist())
        if method == "predict" and self._labels is not None:
            return self._labels[found]
        return found.astype(self._dtypes[method], copy=False)


def _session(graph: bytes) -> Any:
    runtime = library("onnxruntime", extra="compile", purpose="Serving a compiled model")
    options = runtime.SessionOptions()
    # one thread: the order of additions is part of the proof, and the server has its own workers
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    with foreign("Opening the compiled model"):
        return runtime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
