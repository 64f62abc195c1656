"""What registering would capture, told before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from nbregistry import Registry
from nbregistry.verbs.foreseeing import foresee
from nbregistry.verbs.suiting import Candidate

X, y = load_iris(return_X_y=True, as_frame=True)


@pytest.fixture
def r(tmp_path: Path) -> Iterator[Registry]:
    with Registry(tmp_path / "store") as registry:
        yield registry


def test_what_is_foreseen_is_what_is_captured(r: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told to be there is in the version afterwards, and what is told to be missing is not."""
    monkeypatch.chdir(tmp_path)
    model = LogisticRegression(max_iter=300).fit(X, y)
    files = {"signature": "signature", "data profile": "profile", "example": "example", "environment": "environment"}
    for data in ({}, {"X": X, "y": y}):
        candidates = [Candidate(name, value.shape, True) for name, value in data.items()]
        first, second = [*candidates, None, None][:2]
        told = {one.what: one.there for one in foresee(r, model, first, second)}
        captured: Any = r.register(model, "churn", **data).files
        assert {what: told[what] for what in files} == {what: file in captured for what, file in files.items()}


def test_what_is_missing_says_how_to_get_it(r: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without data, cells and git each is told with what would bring it; with them, what it will be."""
    monkeypatch.chdir(tmp_path)

    class Plain:
        def predict(self, X: object) -> object:
            return X

    told = {one.what: one.told for one in foresee(r, Plain(), None, None)}
    assert "pick the data" in told["signature"]
    assert "%load_ext" in told["source"]
    assert "git init" in told["git"]
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    r.core.cells = lambda shell: [{"code": "x = 1"}, {"code": "y = 2"}]
    told = {one.what: one.told for one in foresee(r, Plain(), Candidate("X", (3, 2), True), None)}
    assert "the 2 cells executed" in told["source"]
    assert tmp_path.name in told["git"]
    assert ("the first 3 rows of X" in told["example"], "2 columns of X" in told["signature"]) == (True, True)
