"""`production` and `export-site`: what is told to whoever answers for a model, and taken along."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from nbregistry.registry import Registry
from tests.cli.conftest import Said

Nb = Callable[..., Said]


def test_production_tells_who_and_why(nb: Nb, stocked: Registry) -> None:
    """What is in production as text and as JSON, of one model, of all, and as of a time."""
    assert "No version of churn has ever been in Production." in nb("production", "churn").out
    stocked.promote("churn/1", "Production", because="first")
    then = stocked.core.view().time
    stocked.promote("churn/2", "Production", because="better")
    said = nb("production", "churn")
    assert (0, "") == (said.status, said.err)
    assert "churn/2 has been in Production since" in said.out
    assert "“better”" in said.out
    assert "In Production 1 of 1 model" in nb("production").out
    told = json.loads(nb("production", "--json").out)
    expected = [("churn/2", "better", "churn/1", None), ("churn/1", "first", None, "churn/2")]
    assert expected == [(t["ref"], t["because"], t["replaced"], t["replaced_by"]) for t in told]
    assert ["churn/1"] == [t["ref"] for t in json.loads(nb("production", "--as-of", then, "--json").out)]
    assert 1 == nb("production", "chrun").status


def test_export_site_writes_one_page_and_says_what(nb: Nb, stocked: Registry, tmp_path: Path) -> None:
    """A file, or a file in a folder; what is not ours is kept unless forced; what cannot be meant is wrong use."""
    said = nb("export-site")
    assert (0, "") == (said.status, said.err)
    assert "registry.html" in said.out
    assert (tmp_path / "registry.html").is_file()
    options = ("--model", "churn", "--newest", "1", "--title", "For the board", "--json")
    facts = dict(json.loads(nb("export-site", "out/", *options).out)["facts"])
    assert ("out/churn.html", 1, 2, 2) == (facts["Page"], facts["Models"], facts["Versions"], facts["Cards"])
    assert "<title>For the board</title>" in (tmp_path / "out" / "churn.html").read_text("utf-8")
    (tmp_path / "mine.html").write_text("mine")
    refused = nb("export-site", "mine.html")
    assert (1, True) == (refused.status, "is no exported page" in refused.err)
    assert 0 == nb("export-site", "mine.html", "--force").status
    assert (2, 1) == (nb("export-site", "--all", "--newest", "2").status, nb("export-site", "--model", "nobody").status)
    assert not (tmp_path / "nobody.html").exists()
