"""The panel that compares: picking, differences, and what the models say about rows."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB

from nbregistry import Registry
from nbregistry.errors import InvalidInput
from nbregistry.verbs.asking import Ask, Session
from nbregistry.verbs.grammar import Place
from nbregistry.widgets import compare, compare_panel
from nbregistry.widgets.compare import ComparePanel
from tests.display import corpus
from tests.display.hostile import CANARY, faults, hostile_registry
from tests.widgets.conftest import click, find, html, read, send, walk


def look(panel: ComparePanel, name: str) -> str:
    """Look at a part, as a click on its tab does, and return the HTML that is shown."""
    send(panel.views.names, index=list(panel.views.names.options).index(name))
    return html(panel.views)


@pytest.fixture
def cancer(r: Registry) -> tuple[Registry, Any, Any]:
    """Two classifiers of two classes, and rows to ask them about."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    y = (X[:, 0] + rng.normal(size=400) > 0).astype(int)
    r.register(LogisticRegression().fit(X, y), "churn", X=X, metrics={"auc": 0.91, "loss": 0.4})
    r.register(GaussianNB().fit(X[:, ::-1], y), "churn", X=X, metrics={"auc": 0.95, "loss": 0.5})
    return r, X, y


def test_versions_are_picked_and_taken_out(churn: Registry) -> None:
    """Two to five versions are compared; below two the panel says what is missing, a sixth is refused."""
    panel = compare_panel(churn)
    assert "Pick two to five versions" in read(panel)
    click(find(panel, "Add"))
    assert "Pick at least one more version" in read(panel)
    send(panel.picker.version, index=1)
    click(find(panel, "Add"))
    assert ("churn/3", "churn/2") == panel.refs
    assert "0.92" in html(panel.views)
    click(find(panel, "Add"))
    assert ("churn/3", "churn/2") == panel.refs
    click(find(panel, "churn/3 ✕"))
    assert ["churn/2"] == [*panel.refs]
    assert "Pick at least one more version" in read(panel)
    panel.versions = [churn.version("churn/1")] * 5
    click(find(panel, "Add"))
    assert "take one out first" in panel.strip.told


def test_versions_of_several_models(churn: Registry, model: Any) -> None:
    """The list of versions follows the model that is chosen; versions of two models stand side by side."""
    churn.register(model, "fraud", metrics={"auc": 0.7})
    panel = compare_panel(churn, ["churn/1"])
    send(panel.picker.model, index=1)
    assert ["fraud/1"] == [value for _, value in panel.picker.version.options]
    click(panel.add)
    assert ("churn/1", "fraud/1") == panel.refs
    assert "▼ -0.21 worse" in read(panel)
    assert [] == panel.faults


def test_metrics_are_bars_with_words(cancer: tuple[Registry, Any, Any]) -> None:
    """Each metric has its scale; better and worse are said in words, whichever way the metric counts."""
    panel = compare_panel(cancer[0], ["churn/1", "churn/2"])
    shown = read(panel.views)
    assert "auc (higher is better)" in shown
    assert "▲ +0.040 better" in shown
    assert "loss (lower is better)" in shown
    assert "▲ +0.10 worse" in shown
    assert 'width: 80.00%"' in html(panel.views)


def test_differences_only_or_all(churn: Registry) -> None:
    """What is equal in all versions is counted, and shown when it is asked for."""
    panel = compare_panel(churn, ["churn/1", "churn/2"])
    assert "Nothing differs." in look(panel, "Parameters")
    send(panel.only, value=False)
    assert "logisticregression__C" in html(panel.views)


def test_each_part_is_told(churn: Registry) -> None:
    """Every part can be looked at, and what was not captured is said."""
    panel = compare_panel(churn, ["churn/1", "churn/3"])
    for name in panel.views.names.options:
        assert len(look(panel, name)) > 50, name
    assert "--data X_test y_test" in read(panel.views)
    assert [] == panel.faults


def test_predictions_of_classifiers(cancer: tuple[Registry, Any, Any]) -> None:
    """Given rows and the truth: scores, agreement, ROC and calibration with the class that is drawn, confusions."""
    r, X, y = cancer
    panel = compare_panel(r, ["churn/1", "churn/2"], X, y)
    shown = look(panel, "Predictions")
    assert 2 == shown.count('class="nbr-plot"')
    said = read(panel.views)
    for word in ("ROC curve", "Class 1", "Calibration", "AUC 0.", "Brier score 0.", "by chance", "accuracy", "said 1"):
        assert word in said
    assert "of the answers are those of the first version" in said
    assert [] == faults(shown)
    assert "" == panel.strip.told


def test_predictions_of_many_classes(churn: Registry, iris: tuple[Any, Any]) -> None:
    """With three classes it says which average is drawn, and whose probability."""
    panel = compare_panel(churn, ["churn/1", "churn/2"], *iris)
    look(panel, "Predictions")
    said = read(panel.views)
    assert "Mean over 3 classes, each against the rest" in said
    assert "The class that was predicted" in said


def test_predictions_of_regressors(r: Registry) -> None:
    """Regressors have their values beside the true ones and what is left, with the error in words."""
    X = np.arange(60.0).reshape(30, 2)
    y = X[:, 0] + np.sin(X[:, 1])
    for cut in (10, 20):
        r.register(LinearRegression().fit(X[:cut], y[:cut]), "price", X=X)
    panel = compare_panel(r, ["price/1", "price/2"], X, y)
    shown = look(panel, "Predictions")
    assert "Actual minus predicted" in shown
    assert "RMSE " in shown
    assert "largest difference" in shown
    assert [] == faults(shown)


def test_models_are_asked_once(cancer: tuple[Registry, Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking again, or at another set, asks only models that were not asked before."""
    r, X, y = cancer
    loaded: list[str] = []
    load = r.load

    def counted(version: Any) -> Any:
        loaded.append(version.ref)
        return load(version)

    monkeypatch.setattr(r, "load", counted)
    panel = compare_panel(r, ["churn/1", "churn/2"], X, y)
    assert [] == loaded
    look(panel, "Predictions")
    look(panel, "Metrics")
    send(panel.only, value=False)
    look(panel, "Predictions")
    assert ["churn/1", "churn/2"] == loaded
    r.register(GaussianNB().fit(X, y), "churn", X=X)
    panel.picker.offer()
    send(panel.picker.version, index=0)
    click(panel.add)
    assert ["churn/1", "churn/2", "churn/3"] == loaded
    assert "churn/3" in html(panel.views)


def test_what_cannot_be_loaded_is_said(cancer: tuple[Registry, Any, Any], tmp_path: Path) -> None:
    """A version whose bytes are not those that were registered is named with the reason; the others are judged."""
    r, X, y = cancer
    digest = r.version("churn/2").digest
    blob = next(path for path in Path(r.core.store.folder).rglob("*") if path.is_file() and digest[4:] in path.name)
    blob.chmod(0o600)
    blob.write_bytes(b"x" * blob.stat().st_size)
    panel = compare_panel(r, ["churn/1", "churn/2"], X, y)
    look(panel, "Predictions")
    said = read(panel.views)
    assert "churn/2 was not asked:" in said
    assert "ROC curve" in said
    assert [] == panel.faults


def test_wrong_data_is_an_error_in_the_strip(cancer: tuple[Registry, Any, Any]) -> None:
    """A truth for other rows is told in the strip; y alone is refused at once."""
    r, X, y = cancer
    panel = compare_panel(r, ["churn/1", "churn/2"], X, y[:7])
    look(panel, "Predictions")
    assert "y has 7 rows and X 400" in panel.strip.told
    with pytest.raises(InvalidInput, match="without X"):
        compare_panel(r, ["churn/1", "churn/2"], y=y)


def test_a_picture_is_left(cancer: tuple[Registry, Any, Any], outputs: list[Any]) -> None:
    """The picture has bars, differences and the curves that were looked at, in every representation."""
    r, X, y = cancer
    panel = compare_panel(r, ["churn/1", "churn/2"], X, y)
    panel._ipython_display_()
    assert "ROC" not in outputs[-1][0]["text/html"]
    look(panel, "Predictions")
    left = outputs[-1][0]
    for kind in ("text/html", "text/markdown", "text/plain"):
        assert "ROC curve" in left[kind], kind
        assert "better" in left[kind], kind
    assert "█" in left["text/plain"]


def test_the_line_opens_it(churn: Registry, iris: tuple[Any, Any]) -> None:
    """`--panel` passes on what was typed: versions, data, everything or differences."""
    session = Session()
    session._opened = churn
    ask = Ask(session, Place.LINE, {"X": iris[0], "y": iris[1]})
    values = {"refs": ("churn/1", "churn/2"), "data": ("X", "y"), "all": True, "as_of": None}
    panel = compare.opened(ask, values)
    assert ("churn/1", "churn/2") == panel.refs
    assert panel.X is iris[0]
    assert not panel.only.value
    assert ["churn/1"] == [*compare.opened(ask, {**values, "refs": ("churn/1",), "data": ()}).refs]


def test_a_wrong_reference_is_told(churn: Registry) -> None:
    """A version that is not there is an error in the strip, and the panel can be used."""
    panel = compare_panel(churn, ["churn/1", "churn/9"])
    assert "churn/9" in panel.strip.told
    click(panel.add)
    assert ("churn/1", "churn/3") == panel.refs


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    """Whatever was typed into a version's fields, each part and the picture of the panel show it as text."""
    with hostile_registry(tmp_path / "hostile", corpus.MARKUP[:5]) as registry:
        panel = compare_panel(registry, ["churn/2", "churn/5", "fraud/1"])
        shown = [look(panel, name) for name in panel.views.names.options]
        shown.append(panel._bundle()["text/html"].partition("</style>")[2])
        assert [] == [fault for text in shown for fault in faults(text)]
        assert CANARY in shown[0]
        assert [] == panel.faults
        assert [] == [found for found in walk(panel) if getattr(found, "description_allow_html", False)]


def test_opens_quickly(churn: Registry) -> None:
    """Opening reads the list of models and one model's versions, no captured file and no artifact."""
    begun = time.monotonic()
    for _ in range(5):
        compare_panel(churn)
    assert time.monotonic() - begun < 5
