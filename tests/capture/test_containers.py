from __future__ import annotations

import subprocess
import sys
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from nbregistry.capture.containers import as_pandas, first_rows, kind_of, row_count
from nbregistry.capture.dataset import profile
from nbregistry.capture.signature import enforce, infer
from nbregistry.errors import InvalidInput


class PolarsFrame:
    """As much of a polars frame as is used, for environments without the library."""

    def __init__(self, columns: dict[str, list[Any]], *, arrow: bool = True) -> None:
        self._columns, self._arrow = columns, arrow
        self.columns = list(columns)
        self.shape = (len(next(iter(columns.values()))), len(columns))

    def __getitem__(self, rows: Any) -> PolarsFrame:
        taken = rows if isinstance(rows, list) else range(self.shape[0])[rows]
        return PolarsFrame({k: [v[i] for i in taken] for k, v in self._columns.items()}, arrow=self._arrow)

    def to_pandas(self) -> pd.DataFrame:
        if not self._arrow:
            raise ModuleNotFoundError("pa.Table requires 'pyarrow' module to be installed")
        return pd.DataFrame(self._columns)

    def to_dict(self, *, as_series: bool) -> dict[str, list[Any]]:
        assert not as_series
        return self._columns


class PolarsSeries:
    name = "y"

    def to_pandas(self) -> Any:
        raise ImportError

    def to_list(self) -> list[int]:
        return [1, 2]


@pytest.fixture
def polars(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("polars")
    module.DataFrame, module.Series = PolarsFrame, PolarsSeries  # type: ignore[attr-defined]  # a stand-in
    monkeypatch.setitem(sys.modules, "polars", module)


@pytest.mark.usefixtures("polars")
@pytest.mark.parametrize("arrow", [True, False])
def test_a_polars_frame_is_a_frame(arrow: bool) -> None:
    """With and without pyarrow: signature, enforcement, profile and example are those of the pandas frame."""
    frame: Any = PolarsFrame({"a": [1, 2], "b": ["x", "y"]}, arrow=arrow)
    expected = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    assert "frame" == kind_of(frame)
    assert infer(expected) == infer(frame)
    assert_frame_equal(expected, enforce(infer(frame), frame))
    assert_frame_equal(expected.head(1), first_rows(frame, 1))
    assert profile(expected) == profile(frame)
    large: Any = PolarsFrame({"a": list(range(120_000))}, arrow=arrow)
    assert profile(pd.DataFrame({"a": range(120_000)})) == profile(large)
    series: Any = PolarsSeries()
    assert ("series", [1, 2], "y") == (kind_of(series), as_pandas(series).tolist(), as_pandas(series).name)


@pytest.mark.parametrize(
    ("data", "kind", "rows"),
    [
        (pd.DataFrame({"a": [1, 2]}), "frame", 2),
        (pd.Series([1]), "series", 1),
        (pd.Index([1]), "series", 1),
        (np.zeros((3, 2)), "array", 3),
        (np.array(1), "array", None),
        ([1, 2], "list", 2),
        ((), "list", 0),
        ({"a": [1, 2], "b": [3, 4]}, "dict", 2),
        ({"a": [1], "b": [3, 4]}, "dict", None),
        ("ab", "unknown", None),
        (b"ab", "unknown", None),
        (7, "unknown", None),
        (iter([]), "unknown", None),
    ],
)
def test_containers_are_told_apart(data: Any, kind: str, rows: int | None) -> None:
    """Kind and number of rows of what people pass; None where there is no telling."""
    assert (kind, rows) == (kind_of(data), row_count(data))


def test_rows_of_the_unknown_cannot_be_taken() -> None:
    """What has no rows is refused with what to pass."""
    with pytest.raises(InvalidInput, match="pass a DataFrame"):
        first_rows(7, 1)


def test_nothing_is_imported_to_find_out() -> None:
    """Looking at plain lists in a process without NumPy and pandas loads neither for their kind."""
    code = """
import sys
from nbregistry.capture import containers, cells, dataset, environment, example, secrets, signature, source
assert ("list", 2) == (containers.kind_of([1, 2]), containers.row_count([1, 2]))
print(sorted({"numpy", "pandas", "scipy", "sklearn", "IPython", "polars"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "[]" == done.stdout.strip()


def test_without_numpy_and_pandas() -> None:
    """A plain callable on plain lists is captured in an environment that has neither library."""
    code = """
import sys
for name in ("numpy", "pandas", "scipy"):
    sys.modules[name] = None
from nbregistry.capture.dataset import profile
from nbregistry.capture.example import decode_example, encode_example, sample_example
from nbregistry.capture.signature import enforce, infer
from nbregistry.capture.environment import capture_environment
data = [["a", 1], ["b", 2]]
assert data is enforce(infer(data), data)
assert ["x"] is not None and ["x", "y"] == enforce(infer(["a", "b"]), ["x", "y"])
assert data == decode_example(encode_example(sample_example(data)))
found = profile(data, data)
print(found["rows"], len(found["fingerprint"]), bool(capture_environment()["python"]))
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert ("2 64 True", "") == (done.stdout.strip(), done.stderr)
