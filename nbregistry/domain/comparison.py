"""What a comparison is: sections of rows, with one value for each version.

A display needs only this: a ``Comparison`` has ``versions`` (its columns) and ``sections``; a ``Section`` has a title
and rows; a ``Row`` has a key, one plain value per version, how it changed and, for code, the lines of a unified diff.
Every key, value, note and line may hold whatever a user typed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from typing import Any, Final, TypeAlias

from nbregistry.domain.entities import ModelVersion
from nbregistry.domain.frames import Frame, frame
from nbregistry.errors import InvalidInput, NotFound, did_you_mean


class Absent(Enum):
    """The value of what a version does not have, unlike None, which it may have."""

    ABSENT = "absent"

    def __str__(self) -> str:
        return self.value

    def __bool__(self) -> bool:
        return False


ABSENT: Final = Absent.ABSENT

Value: TypeAlias = "str | int | float | bool | Absent | None"


class Change(StrEnum):
    """What became of something from the first version to the last; ``BUMPED`` and ``LOWERED`` are of releases."""

    SAME = "same"
    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"
    BUMPED = "bumped"
    LOWERED = "lowered"


@dataclass(frozen=True, slots=True)
class Row:
    """One thing, as each version has it.

    Attributes
    ----------
    key : str
        What it is called: ``auc``, ``clf__C``, ``numpy``, ``age.mean``, ``cell 3``.
    values : tuple
        One per version, in order; ``ABSENT`` where a version does not have it.
    status : Change
        From the first version to the last; ``CHANGED`` when only those between differ.
    delta, relative : float or None
        Last minus first, and that as a part of the first's size; of two versions with finite numbers only.
    better : "up", "down" or None
        The direction in which it gets better, where its name tells.
    note : str
        A few words beside it.
    lines : tuple of str
        Of a cell: unified diffs from each version to the next, with ``---``/``+++`` headers that name the versions.
    """

    key: str
    values: tuple[Value, ...]
    status: Change = Change.SAME
    delta: float | None = None
    relative: float | None = None
    better: str | None = None
    note: str = ""
    lines: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether not all versions have the same."""
        return self.status is not Change.SAME

    @property
    def improved(self) -> bool | None:
        """Whether the change is for the better; None where that cannot be told."""
        if not self.delta or self.better is None:
            return None
        return (self.delta > 0) == (self.better == "up")


@dataclass(frozen=True, slots=True)
class Section:
    """Rows under a title.

    Attributes
    ----------
    name : str
        ``metrics``, ``parameters``, ``environment``, ``schema``, ``data``, ``code``, ``files``, ``about``, or another.
    same : int
        How many rows without a difference were left out.
    note : str
        What the reader should know of the whole, such as that a version has no data profile.
    """

    name: str
    rows: tuple[Row, ...] = ()
    same: int = 0
    note: str = ""

    @property
    def title(self) -> str:
        """The name as a heading."""
        return self.name[:1].upper() + self.name[1:]

    @property
    def changed(self) -> bool:
        """Whether any row is."""
        return any(one.changed for one in self.rows)

    def only_differences(self) -> Section:
        """Return the section without the rows that are the same, which it counts."""
        kept = tuple(one for one in self.rows if one.changed)
        return replace(self, rows=kept, same=self.same + len(self.rows) - len(kept))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two to five versions side by side."""

    versions: tuple[ModelVersion, ...]
    sections: tuple[Section, ...]

    @property
    def refs(self) -> tuple[str, ...]:
        """The references of the versions, as headings of their columns."""
        return tuple(v.ref for v in self.versions)

    @property
    def differences(self) -> tuple[Section, ...]:
        """The sections in which something differs, with only the rows that do."""
        return tuple(section.only_differences() for section in self.sections if section.changed)

    def section(self, name: str) -> Section:
        """Return the section of that name."""
        for one in self.sections:
            if one.name == name.strip().casefold():
                return one
        names = [one.name for one in self.sections]
        hint = did_you_mean(name, names) or "."
        raise NotFound(f"This comparison has no section {name!r}{hint} Its sections are {', '.join(names)}.")

    def __getitem__(self, name: str) -> Section:
        return self.section(name)

    def with_section(self, section: Section) -> Comparison:
        """Return the comparison with one more section, last; one of the same name is replaced in its place."""
        for one in section.rows:
            if len(one.values) != len(self.versions):
                raise InvalidInput(
                    f"The row {one.key!r} of section {section.name!r} has {len(one.values)} values for"
                    f" {len(self.versions)} versions."
                )
        if section.name in {one.name for one in self.sections}:
            return replace(self, sections=tuple(section if s.name == section.name else s for s in self.sections))
        return replace(self, sections=(*self.sections, section))

    def to_frame(self) -> Frame:
        """Return one row per row: ``section``, ``key``, a column per version, ``status``, ``delta``, ``relative``."""
        found = [(section.name, one) for section in self.sections for one in section.rows]
        columns: dict[str, list[Any]] = {"section": [name for name, _ in found], "key": [one.key for _, one in found]}
        for n, ref in enumerate(self.refs):
            heading = ref if ref not in columns else f"{ref} ({n + 1})"
            columns[heading] = [None if one.values[n] is ABSENT else one.values[n] for _, one in found]
        columns["status"] = [one.status.value for _, one in found]
        for name in ("delta", "relative"):
            columns[name] = [math.nan if (value := getattr(one, name)) is None else value for _, one in found]
        return frame(columns)


def row(
    key: str, values: Iterable[Value], *, better: str | None = None, note: str = "", lines: Sequence[str] = (),
    status: Change | None = None,
) -> Row:  # fmt: skip
    """Return a row with its status, delta and relative change worked out; ``status`` overrules."""
    found = tuple(values)
    delta = relative = None
    if len(found) == 2:
        delta, relative = _delta(found[0], found[1])
    return Row(key, found, status or change(found), delta, relative, better, note, tuple(lines))


def change(values: Sequence[Any]) -> Change:
    """Return what became of a value from the first version to the last."""
    first, last = values[0], values[-1]
    if all(same(first, value) for value in values[1:]):
        return Change.SAME
    if first is ABSENT and last is not ABSENT:
        return Change.ADDED
    if last is ABSENT and first is not ABSENT:
        return Change.REMOVED
    return Change.CHANGED


def same(one: Any, other: Any) -> bool:
    """Whether two values say the same: ``nan`` does, 1 and 1.0 do, 1 and True do not."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one == other or (one != one and other != other)  # noqa: PLR0124  # nan
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    return bool(one == other)


def _delta(first: Value, last: Value) -> tuple[float | None, float | None]:
    if not isinstance(first, int | float) or not isinstance(last, int | float):
        return None, None
    if isinstance(first, bool) or isinstance(last, bool):
        return None, None
    try:
        delta = float(last - first)
        relative = delta / abs(first) if first else math.inf
    except OverflowError:  # whole numbers have no bounds, floats have
        return None, None
    return (delta, relative if math.isfinite(relative) else None) if math.isfinite(delta) else (None, None)


_UP = frozenset({
    "acc", "accuracy", "ap", "auc", "auprc", "auroc", "bleu", "dcg", "dice", "explained", "f1", "f1score", "f2",
    "fbeta", "gini", "iou", "jaccard", "kappa", "lift", "map", "mcc", "meteor", "mrr", "ndcg", "prauc", "precision",
    "r2", "recall", "rocauc", "rouge", "score", "sensitivity", "silhouette", "specificity", "tnr", "tpr",
})  # fmt: skip
_DOWN = frozenset({
    "brier", "cer", "crps", "deviance", "ece", "entropy", "err", "error", "errors", "false", "fnr", "fpr", "hinge",
    "latency", "logloss", "loss", "mae", "mape", "mdae", "mse", "msle", "nll", "perplexity", "ppl", "rmsd", "rmse",
    "rmsle", "smape", "wape", "wer",
})  # fmt: skip
_SPREAD = frozenset({"ci", "count", "sd", "sem", "std", "stdev", "stderr", "support", "var"})
_WORD = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*")


def direction(metric: str) -> str | None:
    """Return ``"up"`` or ``"down"``, whichever is better by the metric's name; None when the name does not tell."""
    words = [word.lower() for word in _WORD.findall(metric[:200])]
    if words[:1] == ["neg"]:  # scikit-learn's scorers: neg_log_loss is better when greater
        return "up"
    if _SPREAD.intersection(words):
        return None
    if _DOWN.intersection(words):
        return "down"
    return "up" if _UP.intersection(words) else None
