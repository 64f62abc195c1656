"""What was captured with a version, each kind with a view of its own: data, code, environment, lineage, metrics."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from nbregistry.display import (
    as_html,
    as_markdown,
    as_text,
    of_course,
    of_environment,
    of_lineage,
    of_profile,
    of_source,
)
from nbregistry.display.blocks import View
from nbregistry.domain.entities import ModelVersion
from nbregistry.domain.lifecycle import Stage
from nbregistry.errors import Damaged
from tests.display import samples
from tests.display.corpus import CANARY, EVERYTHING
from tests.display.hostile import faults
from tests.display.seen import Seen

NOW = datetime(2026, 3, 3, tzinfo=UTC)
PROFILE: dict[str, Any] = {
    "rows": 500, "fingerprint": "be627aa1469797f4ffa1eca629bae1dc", "columns": [
        {"name": "income", "dtype": "float64", "missing": 21, "distinct": 479, "min": 3801.5, "max": 97942.0,
         "mean": 24604.0, "std": 15030.0, "histogram": {"counts": [96, 175, 2], "edges": [0, 1, 2, 3]}},
        {"name": "plan", "dtype": "str", "missing": 0, "distinct": 2, "top": [["basic", 301], ["pro", 52]]},
        {"name": "since", "dtype": "datetime64[us]", "missing": 0, "distinct": 3,
         "min": "2020-01-03T00:00:00.000000", "max": "2024-02-01T08:30:00.000000"},
        {"name": "id", "dtype": "str", "missing": 0, "distinct": 500, "lengths": {"min": 8, "max": 9, "mean": 8.5}},
    ],
    "target": {"name": "churned", "dtype": "bool", "missing": 0, "distinct": 2, "top": [[True, 400], [False, 100]]},
}  # fmt: skip
SOURCE: dict[str, Any] = {
    "notebook": "churn.ipynb",
    "cells": [
        {"id": "a", "count": 3, "code": "X = load()", "ok": True, "seconds": 0.0123,
         "started": "2026-03-02T00:00:00.000000Z", "flags": ["edited after run"]},
        {"id": "b", "count": 9, "code": "clf.fit(X)", "ok": False, "seconds": 600, "secrets": [{"kind": "x"}]},
    ],
    "git": {"commit": "8f9cec465fee8f9cec46", "branch": "main", "changed": ["a.py"], "diff": "--- a\n+++ b\n-x\n+y"},
}  # fmt: skip
ENVIRONMENT: dict[str, Any] = {
    "python": "3.11.7", "implementation": "CPython", "os": "Linux 6", "machine": "x86_64", "cpu": "EPYC", "cpus": 2,
    "packages": {"numpy": "2.4.6", "mine": "0.1"}, "editable": ["mine"],
}  # fmt: skip


def text(view: View) -> str:
    return as_text.render(view, 140)


def test_data_in_pictures() -> None:
    """Each column has its type, what is missing, a distribution and what its values are; so has the target."""
    told = text(of_profile.profile(PROFILE))
    assert "500 rows of 4 columns" in told
    assert "4.2%" in told
    assert "█▃" in told
    assert "mean 24,604 ± 15,030" in told
    assert "basic 301 · pro 52" in told
    assert "2020-01-03 to 2024-02-01 08:30:00" in told
    assert "8 to 9 characters; not kept" in told
    assert "True 400 · False 100" in told
    html = as_html.render(of_profile.profile(PROFILE), NOW)
    assert 3 == html.count("<svg")
    assert 'aria-label="histogram of 3 bins"' in html


def test_half_a_distribution_is_not_drawn() -> None:
    """Counts of which some are none would draw a wrong picture: none is drawn."""
    for counts in ([1, None, 3], [1, -2, 3], [1, "2", 3]):
        column = {"name": "a", "dtype": "int64", "histogram": {"counts": counts}}
        assert "<svg" not in as_html.render(of_profile.profile({"rows": 3, "columns": [column]}), NOW)


def test_a_sample_is_called_one() -> None:
    """Figures of a part of the rows or of the columns say so."""
    told = text(of_profile.profile({**PROFILE, "sampled": True, "sample_rows": 100, "columns_total": 900}))
    assert "500 rows of 900 columns · figures of 100 rows" in told
    assert "21.0%" in told
    assert "896 more columns" in told


def test_cells_as_they_ran() -> None:
    """Cells stand in the order they ran, with how it went, and whether they were edited since."""
    told = text(of_source.source(SOURCE))
    assert told.index("In [3]") < told.index("X = load()") < told.index("In [9]") < told.index("clf.fit(X)")
    assert "In [3] · [edited after run] · 12 ms · 2026-03-02 00:00 UTC" in told
    assert "In [9] · [failed] · 10 min · 1 secret taken out" in told
    assert "churn.ipynb" in told
    assert "8f9cec465fee main" in told
    assert "Changes that were not committed" in told
    many = text(of_source.source({"cells": [{"count": n, "code": f"x{n}"} for n in range(100)]}))
    assert "40 earlier cells are not shown." in many
    assert "x40" in many
    assert "x39" not in many


def test_where_it_was_made() -> None:
    """Interpreter, machine and packages; those that are not pinned are marked."""
    told = text(of_environment.environment(ENVIRONMENT))
    assert "3.11.7 (CPython)" in told
    assert "EPYC (2 cores)" in told
    assert "[no: editable]" in told
    assert "2 were loaded" in told


def _reader(files: dict[str, Any]) -> ModelVersion:
    return replace(samples.version(), files={name: name for name in files}, reader=lambda digest: files[digest])


def test_lineage() -> None:
    """The chain from data over code to the version and its stages; a gap says what would fill it."""
    v = replace(_reader({"profile": PROFILE, "source": SOURCE}), name="churn", number=3)
    came = {"churn/3": "None", "churn/2": "Production"}, {"churn/3": "Production"}
    went = {"old/3": "Production"}, {"old/3": "Archived", "old/4": "Production"}
    moves = (replace(samples.event(), reason="so", before=before, after=after) for before, after in (came, went))
    events = [samples.event(), *moves]
    told = text(of_lineage.lineage(v, events, v))
    assert "500 rows of 4 columns · be627aa14697 · the same as churn/3" in told
    assert "churn.ipynb · 2 cells, In [3] to In [9] · 1 edited after run · git" in told
    stages = told.partition("Stages")[2]
    assert 2 == stages.count("so")
    assert "[Production] → [Archived]" in stages
    bare = text(of_lineage.lineage(_reader({}), ()))
    assert "not captured: register with X=" in bare
    assert "It was never promoted." in bare


def test_damage_costs_its_line() -> None:
    """A captured file that cannot be read is named in the lineage, and the rest is told."""

    def broken(digest: str) -> dict[str, Any]:
        raise Damaged("gone")

    v = replace(samples.version(), files={"profile": "x", "source": "y"}, reader=broken)
    told = text(of_lineage.lineage(v, ()))
    assert 2 == told.count("cannot be read; verify() tells more")
    assert v.ref in told


def test_course_of_metrics() -> None:
    """Each metric beside the one before and the best ever; what is better decides which that is."""
    versions = [
        replace(samples.version(), number=n, metrics={"auc": auc, "log_loss": loss, "size": 3.0})
        for n, (auc, loss) in enumerate(((0.7, 0.5), (0.9, 0.2), (0.8, 0.3)), 1)
    ]
    lines = text(of_course.course(versions[-1], versions[:-1])).splitlines()
    assert ["auc", "0.8", "0.9", "▼", "-0.10", "0.9", "▁█▅"] == lines[2].split()
    assert ["log_loss", "0.3", "0.2", "▲", "+0.10", "0.2", "█▁▃"] == lines[3].split()
    assert ["size", "3", "3", "±0", "—", "▅▅▅"] == lines[4].split()
    assert "No metrics" in text(of_course.course(replace(samples.version(), metrics={}), ()))


def _everywhere(found: Any, said: str) -> Any:
    """Return a document in which every text, and every name that is not ours, is another text."""
    ours = {*PROFILE, *SOURCE, *ENVIRONMENT, *PROFILE["columns"][0], *SOURCE["cells"][0], *SOURCE["git"], "top",
            "lengths", "counts", "secrets"}  # fmt: skip
    if isinstance(found, dict):
        return {key if key in ours else said: _everywhere(value, said) for key, value in found.items()}
    if isinstance(found, list):
        return [_everywhere(value, said) for value in found]
    return said if isinstance(found, str) else found


@pytest.mark.parametrize("tell", [of_profile.profile, of_source.source, of_environment.environment])
def test_hostile_captures_are_text(tell: Any) -> None:
    """Whatever stands in a captured file becomes text, in every representation."""
    found = {of_profile.profile: PROFILE, of_source.source: SOURCE, of_environment.environment: ENVIRONMENT}[tell]
    for said in EVERYTHING:
        view = tell(_everywhere(found, said))
        html = as_html.render(view, NOW)
        assert [] == faults(html)
        assert CANARY[:3] in Seen(html).text
        assert "<" not in as_markdown.render(view).replace("<br>", "")
        assert not any(char < " " and char != "\n" for char in text(view))


@pytest.mark.parametrize("junk", [None, 7, "x", [], {}, [[]], [None, 7, "x", {}], {"a": 1}, -1, 1e308, True])
def test_files_of_others_are_told_as_far_as_they_go(junk: Any) -> None:
    """A captured file that somebody else's program wrote may hold anything in any place; the rest is told."""
    for tell, found in (
        (of_profile.profile, PROFILE), (of_source.source, SOURCE), (of_environment.environment, ENVIRONMENT),
    ):  # fmt: skip
        for key in found:
            text(tell({**found, key: junk}))
        assert text(tell({})).startswith("No")
    for key in PROFILE["columns"][0] | PROFILE["columns"][1]:
        text(of_profile.profile({**PROFILE, "columns": [{**PROFILE["columns"][0], key: junk}]}))
    for key in SOURCE["cells"][0]:
        text(of_source.source({**SOURCE, "cells": [{**SOURCE["cells"][0], key: junk}]}))
    for key in SOURCE["git"]:
        text(of_source.source({**SOURCE, "git": {**SOURCE["git"], key: junk}}))


def test_stages_are_those_of_the_house() -> None:
    """An audit line that gives a version another word than a stage is no move."""
    event = replace(samples.event(), before={}, after={"churn/3": "Somewhere"})
    assert "never promoted" in text(of_lineage.lineage(replace(samples.version(), number=3), [event]))
    assert {"None", "Staging", "Production", "Archived"} == {stage.value for stage in Stage}
