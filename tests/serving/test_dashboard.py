"""The dashboard file: sane, and about metrics that exist."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import nbregistry.serving
from nbregistry.serving.measures import SHAPES

FILE = Path(nbregistry.serving.__file__).parent / "grafana.json"


def expressions(found: Any) -> list[str]:
    """Every query in a document, wherever it stands."""
    if isinstance(found, dict):
        own = [v for k, v in found.items() if k in ("expr", "definition") and isinstance(v, str)]
        return own + [e for v in found.values() for e in expressions(v)]
    return [e for v in found for e in expressions(v)] if isinstance(found, list) else []


def series() -> dict[str, set[str]]:
    """The series that a scrape gives, with their labels."""
    found = {}
    for shape in SHAPES:
        ends = ("_bucket", "_sum", "_count") if shape.kind == "histogram" else ("",)
        for end in ends:
            found[shape.name + end] = {*shape.labels, *({"le"} if end == "_bucket" else ())}
    return found


def test_every_metric_exists() -> None:
    """Each query names series that are exposed, and only labels that these have."""
    known, queries = series(), expressions(json.loads(FILE.read_text("utf-8")))
    assert len(queries) > 25
    for query in queries:
        names = set(re.findall(r"\b(?:nbregistry|process)_\w+", query))
        assert names and names <= set(known), query
        grouped = {label.strip() for part in re.findall(r"by \(([^)]*)\)", query) for label in part.split(",")}
        selected = set(re.findall(r"[{,]\s*(\w+)\s*=", query))
        for name in names:
            assert grouped | selected <= known[name] | ({"le"} if name.endswith("_bucket") else set()), query


def test_every_metric_is_shown() -> None:
    """No family is counted that nobody will ever see."""
    text = FILE.read_text("utf-8")
    assert [] == [shape.name for shape in SHAPES if shape.name not in text]


def test_counters_are_shown_as_rates() -> None:
    """A counter that is drawn as it is only ever rises; it stands in rate() or increase(), or divides a sum."""
    for query in expressions(json.loads(FILE.read_text("utf-8"))):
        for name in re.findall(r"\w+_total", query):
            assert re.search(rf"(rate|increase|label_values)\({name}", query) or "feedback" in name, query


def test_the_model_of_the_dashboard_is_sane() -> None:
    """Ids are unique, panels lie beside each other on 24 columns, none over another, each with a title and a query."""
    found = json.loads(FILE.read_text("utf-8"))
    panels = found["panels"]
    assert len(panels) == len({p["id"] for p in panels})
    cells: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24 and panel["title"]
        own = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not own & cells, panel["title"]
        cells |= own
        assert panel["type"] == "row" or all(t["expr"] and t["refId"] for t in panel["targets"])
    assert {"datasource", "model"} == {v["name"] for v in found["templating"]["list"]}
