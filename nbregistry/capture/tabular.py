"""A frame in a signature's columns, order and dtypes, from a frame, an array, lists or dictionaries. About pandas."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import pandas as pd

from nbregistry.capture.containers import ARRAY, FRAME, LIST, MAPPING, SERIES, as_pandas, kind_of
from nbregistry.capture.conversion import Expected, convert, same_dtype
from nbregistry.capture.dtypes import missing_columns, rebuild_labels
from nbregistry.capture.mismatch import Mismatch
from nbregistry.capture.values import encode_or_text, text_of
from nbregistry.domain.signature import Signature
from nbregistry.errors import InvalidInput, did_you_mean

MOST_PROBLEMS = 20


class Tabular:
    """The columns of a signature, prepared once and applied to any number of inputs.

    Parameters
    ----------
    signature : Signature
        One whose container is a frame.
    """

    def __init__(self, signature: Signature) -> None:
        self.columns = [Expected.of(c) for c in signature.inputs]
        self.labels = [e.label for e in self.columns]
        self.keys = [("text", e.column.name) if e.lost_label else _key(e.label) for e in self.columns]
        self.repeated = len(set(self.keys)) < len(self.keys)
        self.index = rebuild_labels(self.labels, (signature.extra or {}).get("columns"))
        self.by_label = dict(zip(self.keys, self.columns, strict=True))

    def apply(self, data: Any, *, strict: bool) -> pd.DataFrame:
        """Return the frame; the same object when nothing has to change.

        Raises
        ------
        InvalidInput
            Names every column that does not fit, at most 20.
        """
        frame = self._framed(data)
        made = frame is not data
        given = frame.columns.tolist()
        keys = given if all(type(label) is str for label in given) else [_key(label) for label in given]
        if keys == self.keys:
            if self._fits(frame):
                if made:
                    frame.columns = self.index
                return frame
            positions: list[int] = list(range(len(given)))
            problems: list[str] = []
        else:
            positions, problems = self._matched(given, keys, strict=strict)
        changed = self._converted(frame, positions, problems)
        if problems:
            raise InvalidInput(_told(problems))
        if positions != list(range(len(given))):
            frame = frame.iloc[:, positions]
        renamed = made or [keys[p] for p in positions] != self.keys
        if changed or renamed:
            frame = frame.copy(deep=False)
        for place, column in changed.items():
            frame.isetitem(place, cast(Any, column))
        if renamed:
            frame.columns = self.index
        return frame

    def _fits(self, frame: pd.DataFrame) -> bool:
        """Whether nothing has to change, asked once for the whole frame: the path that serving takes."""
        for dtype, expected in zip(frame.dtypes.tolist(), self.columns, strict=True):
            if expected.holds or not (expected.column.dtype == "any" or same_dtype(dtype, expected)):
                return False
        demanding = np.array([not e.column.nullable and e.column.dtype != "any" for e in self.columns], dtype=bool)
        return not demanding.any() or not (missing_columns(frame) & demanding).any()

    def _converted(self, frame: pd.DataFrame, positions: list[int], problems: list[str]) -> dict[int, pd.Series[Any]]:
        """Return the columns that change, by their new place; add to the problems."""
        changed = {}
        for place, (position, expected) in enumerate(zip(positions, self.columns, strict=True)):
            if position < 0:
                continue
            column = frame.iloc[:, position]
            try:
                found = convert(column, expected)
            except Mismatch as fault:
                name = _said(expected.label)
                problems.append(f"{name}: expected {expected.said()}, got {fault.came}: {fault.advice}.")
                continue
            if found is not column:
                changed[place] = found
        return changed

    def _matched(self, given: list[Any], keys: list[Any], *, strict: bool) -> tuple[list[int], list[str]]:
        """Return where each expected column is among the given (-1: nowhere) and what is wrong."""
        if self.repeated:
            told = ", ".join(_said(label) for label in self.labels[:MOST_PROBLEMS])
            problem = f"the model's column names repeat and only their order tells them apart: send exactly {told}."
            return [-1] * len(self.keys), [problem]
        places: dict[Any, list[int]] = {}
        for position, key in enumerate(keys):
            places.setdefault(key, []).append(position)
        problems: list[str] = []
        positions: list[int] = []
        wanted = set(self.keys)
        for expected, key in zip(self.columns, self.keys, strict=True):
            name = expected.column.name
            # a label that is no text comes out of JSON as text
            found = places.get(key) or (places.get(name, []) if name not in wanted else [])
            positions.append(found[0] if len(found) == 1 else -1)
            if len(found) > 1:
                problems.append(f"{_said(expected.label)}: {len(found)} columns have that name: keep one.")
            elif not found:
                spare = [g for g, k in zip(given, keys, strict=True) if isinstance(g, str) and k not in wanted]
                hint = did_you_mean(name, spare) if len(spare) <= 1_000 else ""
                problems.append(f"{_said(expected.label)}: missing, expected {expected.said()}{hint or '.'}")
        extra = [_said(g) for i, g in enumerate(given) if i not in positions]
        if strict and extra:
            told = ", ".join(extra[:MOST_PROBLEMS])
            problems.append(f"{told}: not in the signature: leave out, or do not ask for strict.")
        return positions, problems

    def _framed(self, data: Any) -> pd.DataFrame:
        kind = kind_of(data)
        if kind == FRAME:
            found: pd.DataFrame = as_pandas(data)
            return found
        if kind == ARRAY:
            return self._of_array(data)
        if kind == MAPPING:
            return self._of_mapping(data)
        if kind == LIST:
            return self._of_list(data)
        raise InvalidInput(
            f"The model takes a frame of {len(self.columns)} columns, not a {type(data).__name__}: send a DataFrame,"
            " an array, a dictionary of lists or a list of rows."
        )

    def _of_array(self, data: Any) -> pd.DataFrame:
        if data.dtype.names:
            return pd.DataFrame(data)
        if data.ndim != 2 or data.shape[1] != len(self.columns):
            raise InvalidInput(
                f"The model takes {len(self.columns)} columns ({_names(self.labels)}), and the array has the shape"
                f" {data.shape}: send one row per example, as in array.reshape(1, -1)."
            )
        return pd.DataFrame(data, columns=self.index)

    def _of_list(self, data: Sequence[Any]) -> pd.DataFrame:
        if data and all(isinstance(row, Mapping) for row in data):
            labels = list(dict.fromkeys(label for row in data for label in row))
            columns: list[list[Any]] = [[row.get(label) for row in data] for label in labels]
            return self._of_columns(labels, columns, len(data))
        for number, row in enumerate(data):
            if not isinstance(row, (list, tuple, np.ndarray)) or len(row) != len(self.columns):
                came = f"{len(row)} values" if isinstance(row, (list, tuple, np.ndarray)) else f"a {type(row).__name__}"
                raise InvalidInput(
                    f"Row {number} has {came}; the model takes {len(self.columns)} columns ({_names(self.labels)}):"
                    " send a list of rows, each a list of that many values."
                )
        rows = [row.tolist() if isinstance(row, np.ndarray) else row for row in data]
        found = self._of_columns(
            self.labels, [list(c) for c in zip(*rows, strict=True)] or [[] for _ in self.labels], len(rows)
        )
        found.columns = self.index
        return found

    def _of_mapping(self, data: Mapping[Any, Any]) -> pd.DataFrame:
        columns = {k: _listed(v) for k, v in data.items()}
        if columns and not any(isinstance(v, (list, pd.Series)) for v in columns.values()):
            columns = {k: [v] for k, v in columns.items()}  # one record
        lengths = {k: len(v) if isinstance(v, (list, pd.Series)) else None for k, v in columns.items()}
        if len(set(lengths.values())) > 1:
            some = list(lengths.items())[:MOST_PROBLEMS]
            told = ", ".join(f"{_said(k)}: {'one value' if n is None else n}" for k, n in some)
            raise InvalidInput(f"The columns differ in length ({told}): send as many values for each.")
        return self._of_columns(list(columns), list(columns.values()), next(iter(lengths.values()), 0) or 0)

    def _of_columns(self, labels: list[Any], columns: list[Any], rows: int) -> pd.DataFrame:
        """Build a frame; lists that are not plainly of the expected dtype stay objects: guessing hides what came."""
        held: dict[int, Any] = {}
        for place, (label, values) in enumerate(zip(labels, columns, strict=True)):
            held[place] = values
            if isinstance(values, list):
                expected = self.by_label.get(_key(label))
                quick = None if expected is None else _quick(values, expected)
                held[place] = pd.Series(values, dtype=object, index=range(rows)) if quick is None else quick
        frame = pd.DataFrame(held, index=pd.RangeIndex(rows))
        frame.columns = pd.Index(labels, dtype=object, tupleize_cols=False)
        return frame


def _listed(values: Any) -> Any:
    """Return a column's values as a list, or as a series where they have a dtype."""
    if isinstance(values, tuple):
        return list(values)
    kind = kind_of(values)
    if kind == SERIES:
        return as_pandas(values).reset_index(drop=True)
    if kind == ARRAY:
        return pd.Series(values if values.ndim == 1 else list(values))
    return values


_QUICK = {"float64": frozenset((float, int)), "int64": frozenset((int,)), "bool": frozenset((bool,))}


def _quick(values: list[Any], expected: Expected) -> Any:
    """Return values of the plainest kinds as an array, the way of nearly every request; None where care is needed."""
    kinds = _QUICK.get(expected.column.dtype)
    if kinds is None or not kinds.issuperset(map(type, values)):
        return None
    try:
        return np.array(values, dtype=expected.dtype)
    except OverflowError:
        return None


def _key(label: Any) -> Any:
    """Return what makes two labels the same; a missing one never equals itself, a strange one is its text."""
    if isinstance(label, tuple):
        return tuple(map(_key, label))
    if isinstance(label, (str, int)):
        return label
    if label is None or label is pd.NA or label is pd.NaT or (isinstance(label, float) and math.isnan(label)):
        return ("missing", type(label).__name__)
    return label if encode_or_text(label)[1] else ("text", text_of(label, 200))


def _said(label: Any) -> str:
    return repr(text_of(label)) if isinstance(label, str) else text_of(label)


def _names(labels: list[Any]) -> str:
    return ", ".join(map(_said, labels[:5])) + (" ..." if len(labels) > 5 else "")


def _told(problems: list[str]) -> str:
    shown = "".join(f"\n  {p}" for p in problems[:MOST_PROBLEMS])
    more = f"\n  ... and {len(problems) - MOST_PROBLEMS} more" if len(problems) > MOST_PROBLEMS else ""
    return f"The data does not fit the model's signature:{shown}{more}"
