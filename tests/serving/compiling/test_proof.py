"""The proof sees what is wrong, and the compiled model never answers what the original refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import numpy_helper
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from nbregistry.capture.signature import infer
from nbregistry.serving.compiling.assembly import Inconvertible
from nbregistry.serving.compiling.conversion import convert
from nbregistry.serving.compiling.layout import NUMBER, UNUSED, WORD, Feed, Layout, Unanswered
from nbregistry.serving.compiling.proof import Proof
from nbregistry.serving.table import Shape, Table
from tests.serving.compiling.proving import Pair, paired

X, Y = load_iris(return_X_y=True)


def rows(values: Any) -> Table:
    """Return an array as a table."""
    return Table(Shape.ARRAY, np.asarray(values, dtype=np.float64), len(values))


@pytest.fixture(scope="module")
def forest() -> Pair:
    return paired(RandomForestClassifier(5, random_state=0).fit(X, Y), X)


@pytest.fixture(scope="module")
def linear() -> Pair:
    return paired(make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y), X)


def patched(graph: bytes, op: str, attribute: str, change: Any) -> bytes:
    """Return the graph with one attribute of the first node of a kind changed."""
    model = onnx.load_model_from_string(graph)
    node = next(n for n in model.graph.node if n.op_type == op)
    found = next(a for a in node.attribute if a.name == attribute)
    if found.type == onnx.AttributeProto.TENSOR:
        values = numpy_helper.to_array(found.t).copy()
        change(values)
        found.t.CopyFrom(numpy_helper.from_array(values))
    else:
        integers = list(found.ints)
        change(integers)
        found.ints[:] = integers
    return bytes(model.SerializeToString())


def moved(values: Any) -> None:
    values[0] = np.nextafter(values[0], -np.inf)


def turned(values: Any) -> None:
    values[0] = 1 - values[0]


def test_one_threshold_by_one_bit(forest: Pair) -> None:
    """A threshold of one node of one tree that is one step of a double too low is found by a row at that threshold."""
    graph = patched(forest.converted.graph, "TreeEnsemble", "nodes_splits", moved)
    assert forest.proof.equal
    found = forest.altered(graph=graph)
    assert not found.equal
    assert "thresholds" in found.why


def test_one_leaf(forest: Pair) -> None:
    """A leaf that leads to another one's value is found."""
    assert not forest.altered(graph=patched(forest.converted.graph, "TreeEnsemble", "leaf_weights", turned)).equal


def test_swapped_classes(linear: Pair) -> None:
    """Labels in another order are found."""
    found = linear.altered(classes=linear.converted.classes[::-1].copy())
    assert "its classes are not those of the original" == found.why


def test_scores_beyond_the_tolerance(linear: Pair) -> None:
    """Coefficients that are off by a millionth are found, though every label agrees."""
    model = onnx.load_model_from_string(linear.converted.graph)
    for tensor in model.graph.initializer:
        if tuple(tensor.dims) == (4, 3):
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) * (1 + 1e-6), tensor.name))
    found = linear.altered(graph=bytes(model.SerializeToString()))
    assert not found.equal
    assert "is allowed" in found.why


def test_wrong_labels_beside_right_scores(linear: Pair) -> None:
    """Labels are compared for themselves: the least likely class is found though every probability is right."""
    model = onnx.load_model_from_string(linear.converted.graph)
    next(n for n in model.graph.node if n.op_type == "ArgMax").op_type = "ArgMin"
    found = linear.altered(graph=bytes(model.SerializeToString()))
    assert not found.equal
    assert found.why.startswith("predict says")


def test_missing_values_that_go_the_other_way() -> None:
    """Missing values sent to the other side of a node are found."""
    gaps = X.copy()
    gaps[::7, 2] = np.nan
    pair = paired(HistGradientBoostingClassifier(max_iter=3).fit(gaps, Y), gaps)

    def all_turned(values: list[int]) -> None:
        values[:] = [1 - v for v in values]

    graph = patched(pair.converted.graph, "TreeEnsemble", "nodes_missing_value_tracks_true", all_turned)
    assert pair.proof.equal
    assert not pair.altered(graph=graph).equal


def test_single_precision_is_not_enough(linear: Pair) -> None:
    """A twin that rounds its input to single precision is found."""
    model = onnx.load_model_from_string(linear.converted.graph)
    node = next(n for n in model.graph.node if n.op_type == "Add")
    node.input[0], before = "rounded", node.input[0]
    place = list(model.graph.node).index(node)
    narrow = onnx.helper.make_node("Cast", [before], ["narrow"], to=onnx.TensorProto.FLOAT)
    wide = onnx.helper.make_node("Cast", ["narrow"], ["rounded"], to=onnx.TensorProto.DOUBLE)
    model.graph.node.insert(place, wide)
    model.graph.node.insert(place, narrow)
    assert not linear.altered(graph=bytes(model.SerializeToString())).equal


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_what_the_original_may_refuse_is_not_answered(linear: Pair, forest: Pair, value: float) -> None:
    """Rows with what the original refuses, or what would overflow on the way, are left to it, each by its number."""
    for pair in (linear, forest):
        table = rows([X[0], [*X[1][:3], value], X[2]])
        with pytest.raises(Unanswered) as found:
            pair.compiled.run(table, "predict", {})
        assert (1,) == found.value.rows


def test_unknown_category_is_not_answered() -> None:
    """A text that the original refuses is left to it; where it is ignored, it is answered."""
    frame = pd.DataFrame({"word": ["a", "b"] * 40, "size": np.arange(80.0)})
    for handling in ("error", "ignore"):
        step = make_pipeline(OneHotEncoder(handle_unknown=handling), LogisticRegression(max_iter=2_000))
        pair = paired(step.fit(frame[["word"]], [0, 1, 1, 1] * 20), frame[["word"]])
        assert pair.proof.equal
        table = pair.intake.from_columns({"word": ["a", "zebra"]})
        if handling == "ignore":
            assert 2 == len(pair.compiled.run(table, "predict_proba", {}))
        else:
            with pytest.raises(Unanswered) as found:
                pair.compiled.run(table, "predict", {})
            assert (1,) == found.value.rows


def test_answer_where_the_original_refuses_is_no_equality(linear: Pair) -> None:
    """A twin that answers rows with missing values, which the original refuses, is not proven."""

    class Strict:
        kind = "original"
        methods = linear.original.methods
        classes = linear.original.classes

        def run(self, table: Table, method: str, params: Any) -> Any:
            if (table.values[:, 0] == 0).any():
                raise ValueError("zeros are not for me")
            return linear.original.run(table, method, params)

    from nbregistry.serving.compiling.proof import prove

    found = prove(Strict(), linear.compiled, linear.lots)
    assert not found.equal
    assert "that the original refuses (" in found.why
    assert "zeros are not for me" in found.why


def test_near_ties_are_left_to_the_original() -> None:
    """A row so near to the border of two classes that rounding decides is not answered by the twin."""
    model = LogisticRegression().fit([[-1.0], [1.0]], ["no", "yes"])
    pair = paired(model, np.array([[-1.0], [1.0]]))
    with pytest.raises(Unanswered):
        pair.compiled.run(rows([[-model.intercept_[0] / model.coef_[0, 0]]]), "predict", {})
    assert ["yes"] == pair.compiled.run(rows([[0.5]]), "predict", {}).tolist()


def test_evidence_is_enough_and_repeatable(forest: Pair) -> None:
    """There are hundreds of rows of every kind, the same each time."""
    again = paired(forest.original.model, X)
    kinds = [
        "the captured example",
        "rows drawn from the profile",
        "rows at thresholds",
        "rows with one value at an edge",
    ]
    assert kinds == [lot.what for lot in forest.lots]
    for lot, other in zip(forest.lots, again.lots, strict=True):
        assert np.array_equal(lot.table.values, other.table.values, equal_nan=True)
    assert 600 < sum(lot.table.rows for lot in forest.lots) < 2_000


def test_evidence_meets_thresholds_exactly(forest: Pair) -> None:
    """Rows at thresholds hold thresholds, and the doubles on both sides of some."""
    found = forest.lots[2].table.values
    ties = np.array(forest.converted.ties[2])
    assert np.isin(found[:, 2], ties).any()
    assert np.isin(found[:, 2], np.nextafter(ties, np.inf)).any()
    assert np.isin(found[:, 2], np.nextafter(ties, -np.inf)).any()


def test_model_that_looks_at_the_batch_is_refused() -> None:
    """A step with a function of its own is not drawn, and the reason names it."""
    from sklearn.preprocessing import FunctionTransformer

    model = make_pipeline(FunctionTransformer(lambda X: X - X.mean(axis=0)), LogisticRegression(max_iter=1_000)).fit(
        X, Y
    )
    with pytest.raises(Inconvertible, match="FunctionTransformer"):
        convert(model, infer(X), ("predict",))


def test_proof_survives_being_stored(forest: Pair) -> None:
    """A proof comes back from JSON as it was."""
    import orjson

    proof = forest.proof
    assert proof.microseconds["compiled"]["1"] < proof.microseconds["original"]["1"]
    assert proof.bitwise
    assert proof == Proof.from_document(orjson.loads(orjson.dumps(proof.as_document())))


def test_narrow_rows_are_widened() -> None:
    """Integers are answered as doubles, those that a double cannot hold are not."""
    data, y = load_breast_cancer(return_X_y=True)
    whole = np.rint(data).astype(np.int64)
    pair = paired(RandomForestClassifier(5, random_state=0).fit(whole, y), whole)
    assert pair.proof.equal
    with pytest.raises(Unanswered):
        pair.compiled.run(Table(Shape.ARRAY, np.full((1, 30), 2**53 + 1), 1), "predict", {})


def test_one_value_beyond_a_double_concerns_its_row_only() -> None:
    """In rows held by column, a number that a double cannot hold, or no number, leaves its own row to the original."""
    feeds = Layout((Feed(NUMBER), Feed(WORD, ("a", "b")), Feed(UNUSED)))
    columns = ([1, 2**53 + 1, None, "4", True], ["a", "c", None, "b", "a"], [object()] * 5)
    with pytest.raises(Unanswered) as found:
        feeds.matrix(Table(Shape.COLUMNS, columns, 5))
    assert (1, 3) == found.value.rows
    kept = feeds.matrix(Table(Shape.COLUMNS, columns, 5).pick([0, 2, 4]))
    expected = np.array([[1.0, 0.0, 0.0], [np.nan, -1.0, 0.0], [1.0, 0.0, 0.0]])
    assert np.array_equal(expected, kept, equal_nan=True)
    assert feeds == Layout.from_document(feeds.as_document())


def test_unknown_word_has_a_code_of_its_own() -> None:
    """A word that the model does not know is neither missing nor any known one."""
    found = Layout((Feed(WORD, ("a", "b")),)).matrix(Table(Shape.COLUMNS, (["a", "b", None, "zebra"],), 4))
    assert [0.0, 1.0, -1.0, -2.0] == found[:, 0].tolist()
