"""ONNX graphs: converted from scikit-learn, kept as they are, and never allowed to read the reader's files."""

from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import cluster, compose, ensemble, linear_model, pipeline, preprocessing

from nbregistry.errors import Conflict, InvalidInput, Untrusted
from nbregistry.flavors import opening, table
from nbregistry.flavors.answers import same
from nbregistry.flavors.onnx import OnnxFlavor, OnnxModel
from nbregistry.flavors.sklearn import SklearnFlavor
from nbregistry.flavors.trust import Keyring
from tests.flavors import toys

onnx: Any = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("skl2onnx")

FRAME = pd.DataFrame(
    {"a": toys.X[:, 0], "b": toys.X[:, 1], "n": np.arange(toys.ROWS), "kind": ["x", "y"] * (toys.ROWS // 2)}
)


def converted(model: Any, example: Any = None) -> OnnxModel:
    file = io.BytesIO()
    SklearnFlavor().save(model, file, "onnx", example=example)
    found = SklearnFlavor().load(file, "onnx")
    assert isinstance(found, OnnxModel)
    return found


def graph(*, outside: str = "") -> Any:
    """Make a graph that adds a stored weight, inside the file or in another."""
    numbers = {"name": "w", "data_type": onnx.TensorProto.FLOAT, "dims": [1]}
    weight = onnx.TensorProto(**numbers, raw_data=np.ones(1, dtype="float32").tobytes())
    if outside:
        weight = onnx.TensorProto(**numbers, data_location=onnx.TensorProto.EXTERNAL)
        weight.external_data.add(key="location", value=outside)
    shape = [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [None]) for n in ("x", "y")]
    made = onnx.helper.make_graph(
        [onnx.helper.make_node("Add", ["x", "w"], ["y"])], "g", shape[:1], shape[1:], [weight]
    )
    return onnx.helper.make_model(made, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)


@pytest.mark.parametrize(
    "model",
    [
        linear_model.LogisticRegression(), linear_model.Ridge(), ensemble.RandomForestClassifier(5, random_state=0),
        pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression()),
        cluster.KMeans(2, n_init=1, random_state=0), preprocessing.StandardScaler(),
    ],
    ids=lambda model: type(model).__name__,
)  # fmt: skip
def test_a_converted_model_says_the_same(model: Any) -> None:
    """Labels are equal and numbers within single precision, in the same shape, without any example."""
    fitted = model.fit(toys.X, toys.CLASSES)
    found = converted(fitted)
    assert same(SklearnFlavor().predict(fitted, toys.X), found.predict(toys.X), tolerance=1e-6)
    if hasattr(fitted, "predict_proba"):
        assert same(fitted.predict_proba(toys.X), found.predict_proba(toys.X).astype(float), tolerance=1e-6)


def test_columns_of_several_types_need_an_example() -> None:
    """A pipeline over a mixed frame is converted with the data it was trained on, and asked with a frame."""
    columns = compose.ColumnTransformer(
        [("number", preprocessing.StandardScaler(), ["a", "b", "n"]), ("kind", preprocessing.OneHotEncoder(), ["kind"])]
    )
    model = pipeline.make_pipeline(columns, linear_model.LogisticRegression()).fit(FRAME, toys.CLASSES)
    with pytest.raises(InvalidInput, match="give the data it was trained on"):
        converted(model)
    found = converted(model, FRAME)
    assert ("a", "b", "n", "kind") == found.inputs
    assert same(model.predict(FRAME), found.predict(FRAME))
    with pytest.raises(InvalidInput, match="This graph has 4 inputs"):
        found.predict(toys.X)
    with pytest.raises(InvalidInput, match="input 'kind' is not in the data"):
        found.predict(FRAME.drop(columns="kind"))


def test_what_cannot_be_converted_says_so() -> None:
    """An estimator without a converter, or of unknown width, is refused with the way out."""
    transformer = preprocessing.FunctionTransformer(lambda X: X)
    for model in (transformer.fit(toys.X), preprocessing.LabelEncoder().fit(["a"])):
        with pytest.raises(InvalidInput, match=r"cannot be stored as onnx|does not tell how many columns"):
            converted(model)


def test_a_graph_is_kept_as_it_is() -> None:
    """A ModelProto, and what load gave, are stored and come back."""
    flavor, made = OnnxFlavor(), graph()
    assert ("onnx", "onnx") == (table.flavor_of(made).name, table.flavor_of(OnnxModel(b"")).name)
    file = io.BytesIO()
    flavor.save(made, file, "onnx")
    assert made.SerializeToString() == file.getvalue()
    found: Any = flavor.load(file, "onnx")
    x = np.array([1.0, 2.0], dtype="float32")
    assert same(x + 1, flavor.predict(found, x)) and same(x + 1, flavor.predict(made, x))
    again = io.BytesIO()
    flavor.save(found, again, "onnx")
    assert file.getvalue() == again.getvalue()
    assert (("x",), ("y",)) == (found.inputs, found.outputs)
    with pytest.raises(InvalidInput, match="one output, 'y', and so no probabilities"):
        found.predict_proba(x)
    assert same(x + 1, pickle.loads(pickle.dumps(found)).predict(x))


@pytest.mark.parametrize("location", ["weights.bin", "../../etc/passwd", "/etc/passwd"])
def test_a_graph_that_reads_files_is_refused(keyring: Keyring, location: str) -> None:
    """A graph with weights in other files is neither stored nor loaded, not even from a trusted signer."""
    hostile = graph(outside=location)
    with pytest.raises(InvalidInput, match="keeps weights in files beside it"):
        OnnxFlavor().save(hostile, io.BytesIO(), "onnx")
    content = hostile.SerializeToString()
    assert (f"file {location}",) == OnnxFlavor().audit(io.BytesIO(content), "onnx")
    for about in ({}, {"signer": keyring.fingerprint, "vouched": True}):
        origin = opening.Origin(**about)  # type: ignore[arg-type]  # the two fields it takes
        with pytest.raises(Untrusted, match=r"from this disk|not known to be harmless"):
            opening.load(io.BytesIO(content), flavor="onnx", format="onnx", origin=origin, keyring=keyring)


def test_outside_files_are_found_in_subgraphs_and_functions() -> None:
    """Weights hidden in a branch, an attribute or a function are found as well."""
    hidden = onnx.helper.make_node("Constant", [], ["c"], value=graph(outside="x.bin").graph.initializer[0])
    branch = onnx.helper.make_graph([hidden], "b", [], [onnx.helper.make_tensor_value_info("c", 1, [None])])
    for node in (onnx.helper.make_node("If", ["x"], ["y"], then_branch=branch, else_branch=branch), hidden):
        model = graph()
        model.graph.node.append(node)
        assert ("file x.bin",) == OnnxFlavor().audit(io.BytesIO(model.SerializeToString()), "onnx")
    model = graph()
    model.functions.append(onnx.helper.make_function("d", "f", [], ["c"], [hidden], [onnx.helper.make_opsetid("", 17)]))
    assert ("file x.bin",) == OnnxFlavor().audit(io.BytesIO(model.SerializeToString()), "onnx")


def test_a_graph_that_cannot_run_fails_when_loaded() -> None:
    """A graph of unknown operations is refused at once, not at the first prediction."""
    model = graph()
    model.graph.node[0].op_type = "NoSuchOperation"
    with pytest.raises(Conflict, match="Opening the ONNX graph failed"):
        OnnxFlavor().load(io.BytesIO(model.SerializeToString()), "onnx")
