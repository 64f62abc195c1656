"""Answers of many things: lists that keep their kind and become frames."""

from __future__ import annotations

import math
import sys

import pandas as pd
import pytest

from nbregistry.domain.results import Annotations, Events, Models, Versions
from nbregistry.errors import MissingDependency
from tests.display import samples


def test_versions_become_a_frame() -> None:
    """One row per version; metrics, parameters and tags are columns, what a version lacks is missing."""
    frame = samples.versions().to_frame()
    assert ["churn/4", "churn/3", "churn/2", "churn/1"] == frame["ref"].tolist()
    assert ["FAILED", "READY", "READY", "READY"] == frame["status"].tolist()
    assert [0.9312, 0.91, 0.5] == frame["metrics.auc"].tolist()[1:]
    assert math.isnan(frame["metrics.auc"][0])
    assert "float64" == str(frame["metrics.auc"].dtype)
    assert 0.5 == frame["params.clf__C"][0]
    assert "risk" == frame["tags.team"][0]
    assert isinstance(frame["created_at"].dtype, pd.DatetimeTZDtype)
    assert ("champion", "blue") == frame["aliases"][2]


def test_the_order_of_columns_is_that_of_first_use() -> None:
    """Plain columns first, then metrics, parameters and tags as the versions name them."""
    found = Versions([samples.version(2, metrics={"b": 1.0}), samples.version(1, metrics={"a": 1.0, "b": 2.0})])
    columns = [c for c in found.to_frame().columns if c.startswith("metrics.")]
    assert ["metrics.b", "metrics.a"] == columns


@pytest.mark.parametrize(
    "full",
    [samples.versions(), Models([samples.model()]), samples.events(), samples.thread()],
    ids=lambda full: type(full).__name__,
)
def test_an_empty_answer_has_the_same_plain_columns(full: Versions | Models | Events | Annotations) -> None:
    """Code that reads a column does not break on an empty answer, and times are times there too."""
    empty, frame = type(full)().to_frame(), full.to_frame()
    assert [c for c in frame.columns if "." not in c] == list(empty.columns)
    moments = [c for c in frame.columns if isinstance(frame[c].dtype, pd.DatetimeTZDtype)]
    assert len(moments) >= 1
    assert moments == [c for c in empty.columns if isinstance(empty[c].dtype, pd.DatetimeTZDtype)]


def test_models_events_and_annotations_become_frames() -> None:
    """Each has its own columns."""
    assert 2 == Models([samples.model()]).to_frame()["stages.Production"][0]
    assert 2 == Models([samples.model()]).to_frame()["aliases.champion"][0]
    assert ["register", "refuse", "promote"] == samples.events().to_frame()["action"].tolist()
    assert {"stage": "Production", "holder": "churn/3"} == samples.events().to_frame()["after"][2]
    frame = samples.thread().to_frame()
    assert ["note", "warning", "decision", "note", "incident"] == frame["kind"].tolist()
    assert [0, 1, 0, 0, 0] == frame["edits"].tolist()


def test_a_frame_without_pandas_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingDependency, match=r'A data frame needs pandas.*pip install "nbregistry\[lab\]"'):
        Versions().to_frame()


def test_a_slice_keeps_its_kind() -> None:
    """The first five versions are versions still; one of them is one."""
    found = samples.versions()
    assert isinstance(found[:2], Versions)
    assert ["churn/4", "churn/3"] == [v.ref for v in found[:2]]
    assert "churn/1" == found[-1].ref
    assert isinstance(samples.events()[1:], Events)


def test_versions_carry_a_cursor() -> None:
    """The next page's cursor comes with a page, and not with a part of it."""
    found = Versions(samples.versions(), cursor="abc")
    assert "abc" == found.cursor
    assert found[:1].cursor is None
