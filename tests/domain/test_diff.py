"""Comparisons: what each section says of two versions, of more, and of versions with things missing or hostile."""

from __future__ import annotations

import json
import sys
import time
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbregistry.domain.alignment import executed
from nbregistry.domain.diff import ABSENT, Change, Comparison, Row, Section, compare, row
from nbregistry.domain.entities import ModelVersion
from nbregistry.errors import InvalidInput, MissingDependency, NotFound

FILES = ("signature", "environment", "source", "profile")


def version(number: int, **others: Any) -> ModelVersion:
    """Return a version; what is captured is given by the name of its file."""
    blobs = {f"{number}-{file}": others.pop(file) for file in FILES if file in others}
    doc = {
        "name": "churn", "number": number, "uid": "u", "status": "READY", "stage": "None", "aliases": [], "metrics": {},
        "params": {}, "tags": {}, "flavor": "sklearn", "format": "cloudpickle", "estimator": "Pipeline", "digest": "ab",
        "size": 100, "files": {key.partition("-")[2]: key for key in blobs}, "created_by": "ana",
        "created_at": f"2026-11-{number:02}T00:00:00.000000Z", "updated_at": "2026-11-21T00:00:00.000000Z", **others,
    }  # fmt: skip
    return ModelVersion.from_document(doc, reader=blobs.__getitem__)


def rows(comparison: Comparison, section: str) -> dict[str, Row]:
    return {one.key: one for one in comparison.section(section).rows}


def told(comparison: Comparison, section: str) -> dict[str, tuple[Any, ...]]:
    return {one.key: (*one.values, one.status.value) for one in comparison.section(section).rows}


def test_metrics() -> None:
    """Metrics tell both values, the difference, its part of the first, and whether it is for the better."""
    one = version(1, metrics={"auc": 0.8, "loss": 0.5, "old": 1, "bad": "nan", "f1": 0.5})
    two = version(2, metrics={"auc": 0.9, "loss": 0.4, "new": 2, "bad": "nan", "f1": 0.4})
    found = rows(compare([one, two], only_differences=False), "metrics")
    assert ["auc", "loss", "old", "bad", "f1", "new"] == list(found)
    auc = found["auc"]
    assert (0.8, 0.9) == auc.values
    assert pytest.approx(0.1) == auc.delta
    assert pytest.approx(0.125) == auc.relative
    assert ("up", True, True) == (auc.better, auc.improved, auc.changed)
    assert ("down", True) == (found["loss"].better, found["loss"].improved)
    assert ("up", False) == (found["f1"].better, found["f1"].improved)
    assert ((1, ABSENT), Change.REMOVED, None) == (found["old"].values, found["old"].status, found["old"].delta)
    assert ((ABSENT, 2), Change.ADDED, None) == (found["new"].values, found["new"].status, found["new"].delta)
    assert (False, None, None) == (found["bad"].changed, found["bad"].delta, found["bad"].improved)


@pytest.mark.parametrize(
    ("first", "last", "delta", "relative"),
    [
        (0, 2, 2, None),
        (-4, -2, 2, 0.5),
        (1, 1.0, 0, 0),
        (1, float("inf"), None, None),
        (1.5e308, -1.5e308, None, None),
        (10**400, 1, None, None),
        (10**400, 0.5, None, None),
        (True, 2, None, None),
        ("1", "2", None, None),
        (None, 1, None, None),
        (5e-324, 1.0, 1.0, None),
    ],
)
def test_difference_of_numbers(first: Any, last: Any, delta: float | None, relative: float | None) -> None:
    """A difference is given where it is a finite number, and as a part of the first where that makes sense."""
    found = row("x", [first, last])
    assert (delta, relative) == (found.delta, found.relative)


BETTER = {
    "up": "auc roc_auc val_auc F1 f1_macro accuracy balanced_accuracy R2 r2_score test-precision recall@10 ROC.AUC"
    " valAUC neg_log_loss neg_mean_squared_error explained_variance ndcg@5 mean_auc jaccard",
    "down": "loss val_loss log_loss logLoss RMSE rmse_test mae MSE mean_squared_error error_rate max_error brier_score"
    " false_positive_rate hinge-loss cross_entropy mape",
    None: "n rows time_std auc_std loss.std n_estimators fee threshold '' x 42 lossy aucx support",
}


@pytest.mark.parametrize("better", BETTER, ids=str)
def test_direction_of_well_known_metrics(better: str | None) -> None:
    """A well-known word in a metric's name tells which way is better; other names tell nothing."""
    names = BETTER[better].split()
    found = rows(compare([version(1, metrics=dict.fromkeys(names, 1)), version(2)]), "metrics")
    assert dict.fromkeys(names, better) == {name: found[name].better for name in names}


def test_parameters() -> None:
    """Parameters keep their types: None is a value, 1 and 1.0 are the same, 1 and True are not."""
    one = version(1, params={"C": 1, "max_iter": None, "fit": True, "gone": "x", "same": 3, "bool": 1})
    two = version(2, params={"C": 1.0, "max_iter": 100, "fit": False, "same": 3, "new": None, "bool": True})
    assert {
        "max_iter": (None, 100, "changed"),
        "fit": (True, False, "changed"),
        "gone": ("x", ABSENT, "removed"),
        "bool": (1, True, "changed"),
        "new": (ABSENT, None, "added"),
    } == told(compare([one, two]), "parameters")


def test_environment() -> None:
    """Packages are added, removed, bumped or lowered, by version and whatever the spelling of their names."""
    one = {
        "python": "3.11.4", "os": "Linux", "editable": ["mine"],
        "packages": {"numpy": "1.9", "scikit_learn": "1.4", "old": "1", "same": "2", "odd": "x", "torch": "2.5"},
    }  # fmt: skip
    two = {
        "python": "3.12.0", "os": "Linux",
        "packages": {"numpy": "1.10", "Scikit-Learn": "1.3", "new": "1", "same": "2", "odd": "y", "torch": "2.5+cpu"},
    }  # fmt: skip
    found = compare([version(1, environment=one), version(2, environment=two)])
    assert {
        "python": ("3.11.4", "3.12.0", "changed"),
        "new": (ABSENT, "1", "added"),
        "numpy": ("1.9", "1.10", "bumped"),
        "odd": ("x", "y", "changed"),
        "old": ("1", ABSENT, "removed"),
        "scikit-learn": ("1.4", "1.3", "lowered"),
        "torch": ("2.5", "2.5+cpu", "changed"),
        "editable installs": ("mine", ABSENT, "removed"),
    } == told(found, "environment")
    assert 2 == found["environment"].same


def test_schema() -> None:
    """Columns come, go, change their type or what is allowed in them, and change places."""
    age = {"name": "age", "dtype": "int64"}
    plan = {"name": "plan", "dtype": "category", "categories": ["a", "b"]}
    one = {"inputs": [age, plan, {"name": "gone", "dtype": "str"}], "outputs": [{"name": "", "dtype": "int64"}]}
    two = {
        "inputs": [{**age, "dtype": "Int64", "nullable": True}, {**plan, "categories": ["a", "c"], "ordered": True}],
        "outputs": [{"name": "", "dtype": "int64", "shape": [-1, 2]}], "container": "frame",
    }  # fmt: skip
    assert {
        "input age": ("int64", "Int64, may be missing", "changed"),
        "input plan": ("category, a, b", "category, ordered: a, c", "changed"),
        "input gone": ("str", ABSENT, "removed"),
        "output": ("int64", "int64, shape -1x2", "changed"),
        "container": (ABSENT, "frame", "added"),
    } == told(compare([version(1, signature=one), version(2, signature=two)]), "schema")


def test_schema_order_and_equal_names() -> None:
    """The same columns in another order is a difference; columns of the same name are told apart."""
    a, b = {"name": "a", "dtype": "int64"}, {"name": "b", "dtype": "str"}
    found = compare([version(1, signature={"inputs": [a, b]}), version(2, signature={"inputs": [b, a]})])
    assert {"order of inputs": ("a, b", "b, a", "changed")} == told(found, "schema")
    twice = compare(
        [version(1, signature={"inputs": [a, a]}), version(2, signature={"inputs": [a, {**a, "dtype": "str"}]})]
    )
    assert {"input a (2)": ("int64", "str", "changed")} == told(twice, "schema")


def test_schema_sees_what_the_text_cannot_show() -> None:
    """A difference far down a long list of categories is a difference, though both are shown clipped."""
    many = [str(n) for n in range(1000)]
    columns = [[{"name": "k", "dtype": "category", "categories": c}] for c in (many, [*many, "x"])]
    found = compare([version(n, signature={"inputs": c}) for n, c in enumerate(columns, 1)])
    one = found["schema"].rows[0]
    assert one.values[0] == one.values[1]
    assert Change.CHANGED is one.status
    assert len(str(one.values[0])) <= 200


def test_data() -> None:
    """The profile tells rows, fingerprint, columns that come and go, and every statistic that moved."""
    age = {"name": "age", "dtype": "int64", "missing": 0, "mean": 40.0, "std": 10.0, "quantiles": [1, 2.5, 3], "min": 1}
    plan = {"name": "plan", "dtype": "str", "missing": 1, "top": [["a", 1200], ["b", 3]]}
    one = {"rows": 100, "fingerprint": "f1", "columns": [age, plan, {"name": "gone", "dtype": "bool"}]}
    two = {
        "rows": 120, "fingerprint": "f2",
        "columns": [
            {**age, "mean": 45.0, "quantiles": [1, 2.5, 4], "histogram": {"counts": [1, 2]}},
            {**plan, "top": [["a", 1200], ["b", 4]], "missing": 2}, {"name": "new"},
        ],
    }  # fmt: skip
    found = compare([version(1, profile=one), version(2, profile=two)])
    assert {
        "rows": (100, 120, "changed"),
        "fingerprint": ("f1", "f2", "changed"),
        "age.mean": (40.0, 45.0, "changed"),
        "age.quantiles": ("1, 2.5, 3", "1, 2.5, 4", "changed"),
        "plan.missing": (1, 2, "changed"),
        "plan.top": ("a (1,200), b (3)", "a (1,200), b (4)", "changed"),
        "column gone": ("bool", ABSENT, "removed"),
        "column new": (ABSENT, "column", "added"),
    } == told(found, "data")
    assert "+0.5 sd" == rows(found, "data")["age.mean"].note


def cell(id_: str | None, code: str, count: int | None = None) -> dict[str, Any]:
    return {"id": id_, "count": count, "code": code, "ok": True}


def source(*cells: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {"cells": list(cells), **others}


def test_code() -> None:
    """Cells are matched by id, by equal code, then by likeness; each says what became of it, line by line."""
    one = source(
        cell("a", "import numpy as np"), cell("b", "x = load()\ny = 1"),
        cell(None, "model = LogisticRegression(C=1.0)"), cell("z", "print('bye')"), cell("moved", "plot(x)"),
        notebook="a.ipynb", git={"commit": "c1", "dirty": False},
    )  # fmt: skip
    two = source(
        cell("a", "import numpy as np", 1), cell("new", "z = clean(x, drop=True)", 2),
        cell("b", "x = load()\ny = 2", 3), cell("q", "model = LogisticRegression(C=0.5)", 4),
        cell("other", "plot(x)", 5), notebook="a.ipynb", git={"commit": "c2", "dirty": False},
    )  # fmt: skip
    found = compare([version(1, source=one), version(2, source=two)], only_differences=False)
    assert {
        "notebook": "same", "git commit": "changed", "git dirty": "same", "cell 1": "same", "cell 2": "added",
        "cell 3": "changed", "cell 4": "changed", "cell 4 of churn/1": "removed", "cell 5": "same",
    } == {one.key: one.status.value for one in found["code"].rows}  # fmt: skip
    by_key = rows(found, "code")
    assert ("--- churn/1", "+++ churn/2", "@@ -1,2 +1,2 @@", " x = load()", "-y = 1", "+y = 2") == by_key[
        "cell 3"
    ].lines
    assert ("x = load()\ny = 1", "x = load()\ny = 2") == by_key["cell 3"].values
    assert (ABSENT, "z = clean(x, drop=True)") == by_key["cell 2"].values
    assert ("--- churn/1", "+++ churn/2", "@@ -0,0 +1 @@", "+z = clean(x, drop=True)") == by_key["cell 2"].lines
    assert "-print('bye')" == by_key["cell 4 of churn/1"].lines[-1]
    assert () == by_key["cell 1"].lines
    assert "In [3]" == by_key["cell 3"].note


def test_code_of_a_cell_that_ran_more_than_once() -> None:
    """Of a cell that was run again and again, the last run is compared."""
    one = source(
        cell("a", "x = 1", 1), cell("b", "f()", 2), cell("a", "x = 2", 3), cell(None, "g()"), cell(None, "g()")
    )
    two = source(cell("b", "f()", 1), cell("a", "x = 2", 2), cell(None, "g()"))
    found = compare([version(1, source=one), version(2, source=two)], only_differences=False)
    assert {"cell 1": "same", "cell 2": "same", "cell 3": "same"} == {r.key: r.status.value for r in found["code"].rows}


def test_cells_stand_where_they_ran_last() -> None:
    """The place of a cell is that of its last run among the cells that are compared; what is no code is no cell."""
    cells = [cell("a", "x = 1", 1), cell("b", "f()", 2), cell("a", "x = 2", 3), cell("c", " \n"), {"id": "d"}, "junk"]
    found = [(one.id, one.code, one.ran, one.position) for one in executed({"cells": cells})]
    assert [("b", "f()", 2, 1), ("a", "x = 2", 3, 2)] == found


def test_cells_that_moved_far_are_found() -> None:
    """However long the notebook, a cell with the same code is the same cell, wherever it stands."""
    codes = [f"step_{n}(a, b, c)" for n in range(400)]
    one, two = source(*[cell(None, c) for c in codes]), source(*[cell(None, c) for c in reversed(codes)])
    assert 400 == compare([version(1, source=one), version(2, source=two)])["code"].same


def test_code_of_more_versions() -> None:
    """Each version stands beside the others, with a diff for each step in which the cell changed."""
    found = compare(
        [
            version(1, source=source(cell("a", "x = 1"), cell("b", "f()"))),
            version(2, source=source(cell("a", "x = 2"), cell("c", "g(1, 2, 3)"))),
            version(3, source=source(cell("c", "g(1, 2, 3)"), cell("a", "x = 1"), cell("b", "f()"))),
        ]
    )
    by_key = rows(found, "code")
    assert {"cell 1": "added", "cell 2": "changed", "cell 3": "changed"} == {
        k: r.status.value for k, r in by_key.items()
    }
    assert ("x = 1", "x = 2", "x = 1") == by_key["cell 2"].values
    assert ("f()", ABSENT, "f()") == by_key["cell 3"].values
    headers = [line for line in by_key["cell 2"].lines if line.startswith(("---", "+++"))]
    assert ["--- churn/1", "+++ churn/2", "--- churn/2", "+++ churn/3"] == headers


def test_more_versions() -> None:
    """With three versions a change in the middle is seen, and no difference of two numbers is made up."""
    found = compare([version(n, metrics={"auc": auc}) for n, auc in enumerate([0.8, 0.9, 0.8], 1)])
    one = rows(found, "metrics")["auc"]
    assert ((0.8, 0.9, 0.8), Change.CHANGED, None, None) == (one.values, one.status, one.delta, one.relative)


def test_files_and_about() -> None:
    """What is stored, and who, what and where from; an empty text is none; times, which always differ, are left out."""
    one = version(1, environment={"python": "3.11"}, tags={"team": "risk"}, note="first", aliases=["a", "b"])
    two = version(2, flavor="xgboost", created_by="bo", size=200, tags={"team": "ops", "k": 1}, stage="Production")
    found = compare([one, two])
    assert {"environment": ("1-environment", ABSENT, "removed")} == told(found, "files")
    assert {
        "flavor": ("sklearn", "xgboost", "changed"),
        "size": (100, 200, "changed"),
        "author": ("ana", "bo", "changed"),
        "stage": ("None", "Production", "changed"),
        "aliases": ("a, b", ABSENT, "removed"),
        "note": ("first", ABSENT, "removed"),
        "tag team": ("risk", "ops", "changed"),
        "tag k": (ABSENT, 1, "added"),
    } == told(found, "about")


def test_what_was_not_captured_is_a_note() -> None:
    """A version without a captured file makes a note and no differences; the others are compared all the same."""
    one, two = version(1), version(2, environment={"packages": {"numpy": "1"}})
    three = version(3, environment={"packages": {"numpy": "2"}})
    pair = compare([one, two])["environment"]
    assert ((), "No environment was captured for churn/1.") == (pair.rows, pair.note)
    found = compare([one, two, three])["environment"]
    assert [Row("numpy", (ABSENT, "1", "2"), Change.BUMPED)] == list(found.rows)
    assert "No environment was captured for churn/1." == found.note
    assert "No data was captured for churn/1, churn/2." == compare([one, two])["data"].note


def test_only_differences() -> None:
    """By default what is the same is counted and not shown; asked for, all is there."""
    one, two = version(1, metrics={"a": 1, "b": 2, "c": 3}), version(2, metrics={"a": 1, "b": 2, "c": 4})
    short, whole = compare([one, two]), compare([one, two], only_differences=False)
    assert (["c"], 2) == ([r.key for r in short["metrics"].rows], short["metrics"].same)
    assert (["a", "b", "c"], 0) == ([r.key for r in whole["metrics"].rows], whole["metrics"].same)
    names = ["metrics", "parameters", "environment", "schema", "data", "code", "files", "about"]
    assert names == [section.name for section in short.sections] == [section.name for section in whole.sections]
    assert ["metrics"] == [section.name for section in whole.differences]
    assert whole.differences[0] == short["metrics"]


def test_a_version_is_like_itself() -> None:
    """Nothing differs between a version and itself."""
    one = version(
        1, metrics={"a": "nan"}, params={"p": None}, environment={"packages": {"a": "1"}},
        source=source(cell("a", "x")), signature={"inputs": [{"name": "a", "dtype": "int64"}]},
        profile={"columns": [{"name": "a", "mean": float("nan")}]},
    )  # fmt: skip
    assert () == compare([one, one]).differences


@pytest.mark.parametrize("count", [0, 1, 6])
def test_two_to_five_versions(count: int) -> None:
    """Fewer or more are refused with the number."""
    with pytest.raises(InvalidInput, match=f"Two to 5 versions can be compared, not {count}"):
        compare([version(n) for n in range(1, count + 1)])


def test_sections_are_found_by_name() -> None:
    """A section is found by its name, and an unknown one suggests the nearest."""
    found = compare([version(1), version(2)])
    assert "Metrics" == found["metrics"].title
    assert found["data"] is found.section("Data")
    with pytest.raises(NotFound, match="did you mean 'metrics'"):
        found["metrix"]


def test_a_caller_adds_sections() -> None:
    """A section of the caller's comes last, a second of its name takes its place, a row of another width is refused."""
    found = compare([version(1), version(2)])
    more = found.with_section(Section("predictions", (row("agreement", [1.0, 0.9], better="up"),)))
    assert "predictions" == more.sections[-1].name
    assert more["predictions"].rows[0].improved is False
    again = more.with_section(Section("predictions"))
    assert len(more.sections) == len(again.sections)
    assert () == again["predictions"].rows
    assert "predictions" not in [section.name for section in found.sections]
    with pytest.raises(InvalidInput, match="3 values for 2 versions"):
        found.with_section(Section("x", (row("k", [1, 2, 3]),)))


def test_to_frame() -> None:
    """One line for each row; what is absent is empty."""
    one, two = version(1, metrics={"auc": 0.5}, params={"C": 1}), version(2, metrics={"auc": 1.0})
    frame = compare([one, two]).to_frame()
    assert ["section", "key", "churn/1", "churn/2", "status", "delta", "relative"] == list(frame.columns)
    assert ["metrics", "auc", 0.5, 1.0, "changed", 0.5, 1.0] == frame.iloc[0].tolist()
    assert ["parameters", "C", 1] == frame.iloc[1].tolist()[:3]
    assert [False, True] == frame["churn/2"].isna().tolist() == frame["delta"].isna().tolist()
    itself = compare([one, one]).to_frame()
    assert (0, "churn/1 (2)") == (len(itself), itself.columns[3])


def test_to_frame_without_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pandas the error names what to install."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingDependency, match=r"nbregistry\[lab\]"):
        compare([version(1), version(2)]).to_frame()


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=6,
)
CELLS = st.lists(
    st.fixed_dictionaries({}, optional={"id": st.sampled_from(["a", "b", None, ""]), "count": JSON, "code": JSON}),
    max_size=4,
)
COLUMNS = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["a", "rows", "a.mean", ""])},
        optional={"dtype": st.text(max_size=3), "mean": JSON, "std": JSON},
    ),
    max_size=3,
)
CAPTURED = st.fixed_dictionaries(
    {},
    optional={
        "source": st.fixed_dictionaries({"cells": CELLS}, optional={"git": JSON, "notebook": JSON}),
        "profile": st.fixed_dictionaries({"columns": COLUMNS}, optional={"rows": JSON}),
        "signature": st.fixed_dictionaries({"inputs": COLUMNS}),
        "environment": st.fixed_dictionaries(
            {}, optional={"python": JSON, "packages": st.one_of(JSON, st.just({"python": "1"}))}
        ),
        "metrics": st.dictionaries(st.text(max_size=3), st.floats(), max_size=2),
        "params": st.dictionaries(st.text(max_size=3), JSON, max_size=2),
    },
)


@given(st.lists(CAPTURED, min_size=2, max_size=5))
def test_any_capture_can_be_compared(captured: list[dict[str, Any]]) -> None:
    """Whatever was captured, there is an answer: plain values, one per version, and keys that do not repeat."""
    versions = [version(n, **others) for n, others in enumerate(captured, 1)]
    found = compare(versions, only_differences=False)
    for section in found.sections:
        keys = [one.key for one in section.rows]
        assert sorted(set(keys)) == sorted(keys)
        for one in section.rows:
            assert len(versions) == len(one.values)
            assert all(v is None or v is ABSENT or isinstance(v, str | int | float) for v in one.values)
    assert () == compare([versions[0]] * 2).differences


def test_long_notebooks_take_their_time_and_no_more() -> None:
    """Thousands of rewritten cells, and a cell of a hundred thousand alternating lines, are compared within seconds."""
    one = source(*[cell(f"a{n}", f"value_{n} = compute(table_{n}, {n})\nprint(value_{n})") for n in range(3000)])
    two = source(*[cell(f"b{n}", f"value_{n} = compute(table_{n}, {n + 1})\nshow(value_{n})") for n in range(3000)])
    big = [source(cell("x", "\n".join("ab"[(n + s) % 2] for n in range(100_000)))) for s in (0, 1)]
    started = time.perf_counter()
    found = compare([version(1, source=one), version(2, source=two)])
    assert {"changed"} == {r.status.value for r in found["code"].rows}
    assert 3000 == len(found["code"].rows)
    (only,) = compare([version(n, source=s) for n, s in enumerate(big, 1)])["code"].rows
    assert "too long to show" in only.lines[-1]
    assert time.perf_counter() - started < 20


def test_comparison_is_frozen_and_documents_stay() -> None:
    """Comparing changes nothing of what it compares."""
    one, two = version(1, params={"a": [1]}), version(2, params={"a": [2]})
    before = json.dumps([dict(one.params), dict(two.params)])
    found = compare([one, two])
    assert before == json.dumps([dict(one.params), dict(two.params)])
    assert isinstance(one.params, MappingProxyType)
    with pytest.raises(AttributeError):
        found.versions = ()  # type: ignore[misc]  # the point of the test
