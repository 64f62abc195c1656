"""ONNX: graphs of plain numbers, kept as they are or converted from scikit-learn, and run by ONNX Runtime.

A loaded graph is an ``OnnxModel``, which predicts from arrays and frames; it is never the estimator it was made from.
Loading runs no code of the file's. A graph may point at files outside itself, though, which would be read from the
reader's disk, so such graphs are refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, BinaryIO

from nbregistry.errors import InvalidInput, Untrusted
from nbregistry.flavors.boundary import foreign, library, summary
from nbregistry.flavors.estimator import type_name
from nbregistry.flavors.protocol import Format, Params, expect, format_of

# A ModelProto begins with its first field, ir_version: tag 0x08. No pickle and no archive does.
FORMAT = Format("onnx", safe=True, magic=b"\x08", suffix=".onnx")

_VERB = "nbregistry.verb"
_TYPES = {
    "tensor(double)": "float64", "tensor(float)": "float32", "tensor(float16)": "float16", "tensor(int64)": "int64",
    "tensor(int32)": "int32", "tensor(int16)": "int16", "tensor(int8)": "int8", "tensor(uint64)": "uint64",
    "tensor(uint32)": "uint32", "tensor(uint16)": "uint16", "tensor(uint8)": "uint8", "tensor(bool)": "bool",
    "tensor(string)": "object",
}  # fmt: skip


def _onnx(purpose: str) -> Any:
    return library("onnx", extra="onnx", purpose=purpose)


class OnnxModel:
    """A graph that can be asked like an estimator; sessions are made on first use and are not pickled.

    Parameters
    ----------
    graph : bytes
        A serialised ModelProto.
    """

    def __init__(self, graph: bytes) -> None:
        self.graph = graph
        self._session: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {"graph": self.graph, "_session": None}

    @property
    def session(self) -> Any:
        """The ``onnxruntime.InferenceSession``, on the CPU."""
        if self._session is None:
            runtime = library("onnxruntime", extra="onnx", purpose="Running an ONNX model")
            with foreign("Opening the ONNX graph"):
                self._session = runtime.InferenceSession(self.graph, providers=["CPUExecutionProvider"])
        return self._session

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the graph's inputs."""
        return tuple(i.name for i in self.session.get_inputs())

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the graph's outputs."""
        return tuple(o.name for o in self.session.get_outputs())

    def run(self, X: Any) -> list[Any]:
        """Return every output for ``X``.

        Parameters
        ----------
        X : array, DataFrame or mapping of input name to array
            One array where the graph has one input, else one column (or entry) per input, by name.
        """
        session = self.session
        with foreign("Running the ONNX graph"):
            return list(session.run(None, _feeds(session.get_inputs(), X)))

    def predict(self, X: Any) -> Any:
        """Return the first output: labels of a classifier, values of a regressor, whatever the graph gives first."""
        first = self.run(X)[0]
        # The converter gives regressors a column where scikit-learn gives a vector.
        verb = self.session.get_modelmeta().custom_metadata_map.get(_VERB)
        return first.ravel() if verb == "predict" and getattr(first, "ndim", 0) == 2 and first.shape[1] == 1 else first

    def predict_proba(self, X: Any) -> Any:
        """Return the second output, where a converted classifier has its probabilities."""
        outputs = self.run(X)
        if len(outputs) < 2:
            raise InvalidInput(f"This graph has one output, {self.outputs[0]!r}, and so no probabilities: use predict.")
        return outputs[1]


def _feeds(inputs: Any, X: Any) -> dict[str, Any]:
    numpy = library("numpy", extra="onnx", purpose="Running an ONNX model")
    named = isinstance(X, Mapping) or (hasattr(X, "columns") and len(inputs) > 1)
    if not named and len(inputs) > 1:
        raise InvalidInput(
            f"This graph has {len(inputs)} inputs ({', '.join(i.name for i in inputs[:10])}): give a DataFrame."
        )
    feeds = {}
    for wanted in inputs:
        if named and wanted.name not in X:
            raise InvalidInput(f"The graph's input {wanted.name!r} is not in the data, which has {list(X)[:10]}.")
        array = numpy.asarray(X[wanted.name] if named else X, dtype=_TYPES.get(wanted.type))
        feeds[wanted.name] = array.reshape(-1, 1) if array.ndim == 1 and len(wanted.shape or ()) == 2 else array
    return feeds


def convert(model: Any, file: BinaryIO, *, example: Any = None) -> None:
    """Convert a scikit-learn model and write the graph, in double precision.

    Raises
    ------
    InvalidInput
        It cannot be converted; says why.
    """
    skl2onnx = library("skl2onnx", extra="onnx", purpose="Storing a scikit-learn model as ONNX")
    # Types alone are wanted: rows would be copied, and one is enough to see them.
    types = {"X": example[:1]} if example is not None else {"initial_types": _by_width(skl2onnx, model)}
    options = {"zipmap": False} if hasattr(model, "classes_") else None

    def told(error: Exception) -> InvalidInput:
        return InvalidInput(
            f"{type_name(model)} cannot be stored as onnx ({summary(error)}). Where columns have different types, give"
            " the data it was trained on; otherwise use format='cloudpickle'."
        )

    with foreign("Converting", told=told):
        graph = skl2onnx.to_onnx(model, options=options, **types)
    entry = graph.metadata_props.add()
    entry.key, entry.value = _VERB, "predict" if hasattr(model, "predict") else "transform"
    file.write(graph.SerializeToString())


def _by_width(skl2onnx: Any, model: Any) -> list[tuple[str, Any]]:
    width = getattr(model, "n_features_in_", None)
    if not isinstance(width, int):
        raise InvalidInput(
            f"ONNX needs to know the input, and {type_name(model)} does not tell how many columns it takes: give the"
            " data it was trained on."
        )
    types = library("skl2onnx.common.data_types", extra="onnx", purpose="Storing a scikit-learn model as ONNX")
    return [("X", types.DoubleTensorType([None, width]))]


def outside_files(file: BinaryIO) -> tuple[str, ...]:
    """List the files outside itself that the graph would read."""
    onnx = _onnx("Looking at an ONNX model before it is loaded")
    file.seek(0)
    with foreign("Reading the ONNX graph"):
        model = onnx.load_model_from_string(file.read())
        found = [
            f"file {entry.value}"
            for tensor in _tensors(model)
            for entry in tensor.external_data
            if entry.key == "location"
        ]
    file.seek(0)
    return tuple(sorted(set(found)))


def _tensors(message: Any) -> Iterator[Any]:
    """Yield every tensor that the graph, its subgraphs and functions hold; the parser has bounded the depth."""
    if message.DESCRIPTOR.name == "TensorProto":
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in value if _is_repeated(value) else (value,):
                yield from _tensors(part)


def _is_repeated(value: Any) -> bool:
    return not hasattr(value, "DESCRIPTOR")


def load(file: BinaryIO) -> OnnxModel:
    """Build the model.

    Raises
    ------
    Untrusted
        The graph would read files of the reader's; nobody can allow that.
    """
    if files := outside_files(file):
        raise Untrusted(f"The ONNX graph would read from this disk: {', '.join(files[:5])}. Nothing was loaded.")
    model = OnnxModel(file.read())
    if model.session is None:  # made here, so that a graph that cannot run fails now and not at the first prediction
        raise AssertionError
    return model


class OnnxFlavor:
    """Graphs as they are, and what came out of ``load``."""

    name = "onnx"
    formats = (FORMAT,)

    def matches(self, model: object) -> bool:
        """Whether it is a ModelProto or a loaded graph."""
        return isinstance(model, OnnxModel) or type(model).__name__ == "ModelProto"

    def default(self, model: object) -> str:
        """There is one format."""
        return FORMAT.name

    def describe(self, model: object) -> str:
        """Return the type's dotted name."""
        return type_name(model)

    def params(self, model: object) -> Params:
        """Return none: a graph has no parameters to choose."""
        return Params({}, ())

    def is_fitted(self, model: object) -> bool | None:
        """Return True: a graph is always complete."""
        return True

    def predict(self, model: object, X: object) -> object:
        """Run the graph."""
        return (model if isinstance(model, OnnxModel) else OnnxModel(_bytes(model))).predict(X)

    def save(self, model: object, file: BinaryIO, format: str, *, example: object | None = None) -> None:
        """Write the graph's bytes."""
        format_of(self, format)
        graph = model.graph if isinstance(model, OnnxModel) else _bytes(model)
        onnx = _onnx("Storing an ONNX model")
        with foreign("Reading the ONNX graph"):
            outside = any(t.external_data for t in _tensors(onnx.load_model_from_string(graph)))
        if outside:
            raise InvalidInput(
                "This graph keeps weights in files beside it, which would be left behind: load it with"
                " onnx.load(path, load_external_data=True) and register that."
            )
        file.write(graph)

    def audit(self, file: BinaryIO, format: str) -> tuple[str, ...]:
        """List files outside the graph that loading would read; none may."""
        expect(self, file, format)
        return outside_files(file)

    def load(self, file: BinaryIO, format: str, *, estimator: str = "", trusted: Collection[str] = ()) -> object:
        """Build an ``OnnxModel``."""
        expect(self, file, format)
        return load(file)


def _bytes(model: Any) -> bytes:
    with foreign("Writing the ONNX graph"):
        return bytes(model.SerializeToString())
