"""Panels without a browser: a registry with real models, and ways to find and read what a panel shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ipywidgets as w
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nbregistry import Registry
from tests.display.seen import Seen


@pytest.fixture(scope="session")
def iris() -> tuple[Any, Any]:
    """The iris flowers, (150, 4) and (150,)."""
    X, y = load_iris(return_X_y=True, as_frame=True)
    return X, y


@pytest.fixture(scope="session")
def model(iris: tuple[Any, Any]) -> Any:
    """A fitted pipeline."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=2.0, max_iter=300)).fit(*iris)


@pytest.fixture
def r(tmp_path: Path) -> Iterator[Registry]:
    """An empty registry."""
    with Registry(tmp_path / "store") as registry:
        yield registry


@pytest.fixture
def churn(r: Registry, model: Any, iris: tuple[Any, Any]) -> Registry:
    """A registry with churn/1 to churn/3, auc 0.91 to 0.93; churn/1 is in Production, churn/2 in Staging."""
    for number in (1, 2, 3):
        r.register(model, "churn", X=iris[0], y=iris[1], metrics={"auc": 0.9 + number / 100}, note=f"try {number}")
    r.promote("churn/1", "Production", because="first model")
    r.promote("churn/2", "Staging", because="looks better")
    return r


def walk(widget: w.Widget) -> Iterator[w.Widget]:
    """Yield a widget and everything in it that is shown."""
    if "nbr-hidden" in widget._dom_classes:
        return
    yield widget
    for child in getattr(widget, "children", ()):
        yield from walk(child)


def html(panel: w.Widget) -> str:
    """Return all HTML that a panel shows."""
    return "\n".join(found.value for found in walk(panel) if isinstance(found, w.HTML))


def read(panel: w.Widget) -> str:
    """Return all text that a panel shows, controls' values and labels included."""
    told = [Seen(html(panel)).text]
    for found in walk(panel):
        told += [
            str(getattr(found, name))
            for name in ("description", "value")
            if isinstance(found, w.ValueWidget | w.Button) and hasattr(found, name) and not isinstance(found, w.HTML)
        ]
    return " ".join(" ".join(told).split())


def find(panel: w.Widget, label: str, kind: type = w.Widget) -> Any:
    """Return the control with a label."""
    found = [x for x in walk(panel) if isinstance(x, kind) and getattr(x, "description", None) == label]
    assert 1 == len(found), (
        f"{label!r}: {[getattr(x, 'description', None) for x in walk(panel) if hasattr(x, 'description')]}"
    )
    return found[0]


def send(widget: w.Widget, **state: Any) -> None:
    """Change a widget as a front end does, by a message."""
    widget._handle_msg({"content": {"data": {"method": "update", "state": state, "buffer_paths": []}}, "buffers": []})


def click(widget: w.Button) -> None:
    """Press a button as a front end does, by a message."""
    widget._handle_msg({"content": {"data": {"method": "custom", "content": {"event": "click"}}}, "buffers": []})


@pytest.fixture
def outputs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[dict[str, str], dict[str, Any]]]:
    """Collect what panels publish: bundles and what was told beside them."""
    found: list[tuple[dict[str, str], dict[str, Any]]] = []
    monkeypatch.setattr("nbregistry.widgets.panel.publish", lambda bundle, **more: found.append((bundle, more)))
    return found
