"""Registering: what is captured, what is refused, what READY means."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nbregistry import Registry
from nbregistry.domain.lifecycle import Stage, Status
from nbregistry.errors import AlreadyExists, InvalidInput, Refused, StoreReadOnly


def test_everything_told_is_kept(r: Registry, model: Any, iris: tuple[Any, Any]) -> None:
    """Name, metrics, params, tags, note, stage, alias and signature come back as given."""
    X, y = iris
    made = r.register(
        model, "churn", X=X, y=y, metrics={"auc": np.float64(0.93)}, params={"rows": np.int64(150)},
        tags={"team": "risk"}, note="first try", stage="staging", alias="champion",
    )  # fmt: skip
    found = r.version(made.ref)
    assert ("churn", 1, "churn/1", Status.READY) == (found.name, found.number, found.ref, found.status)
    assert ({"auc": 0.93}, 150, {"team": "risk"}) == (dict(found.metrics), found.params["rows"], dict(found.tags))
    assert (Stage.STAGING, ("champion",), "first try") == (found.stage, found.aliases, found.note)
    assert found.signature is not None
    assert tuple(X.columns) == found.signature.names
    assert 2.0 == found.params["logisticregression__C"]
    assert "logisticregression__C" in found.changed_params
    assert "logisticregression__tol" not in found.changed_params


def test_captured_files(r: Registry, model: Any, iris: tuple[Any, Any]) -> None:
    """Environment, profile and example are kept as blobs that the document points to."""
    found = r.register(model, "churn", X=iris[0], y=iris[1])
    assert {"model", "signature", "environment", "profile", "example"} <= set(found.files)
    packages = found.details("environment")["packages"]
    import sklearn

    assert sklearn.__version__ == packages["scikit-learn"]
    assert 150 == found.details("profile")["rows"]


def test_document_stays_small(r: Registry, model: Any, iris: tuple[Any, Any]) -> None:
    """A version's document stays around three kilobytes, the rest is in blobs."""
    r.register(model, "churn", X=iris[0], y=iris[1], metrics={f"m{i}": i / 3 for i in range(5)})
    doc = r.tables["versions"].get(doc_id=1)
    assert len(json.dumps(doc)) < 3_100


def test_same_content_is_stored_once(r: Registry, model: Any, iris: tuple[Any, Any]) -> None:
    """The same model and environment registered twice take the room of one."""
    one = r.register(model, "churn", X=iris[0])
    two = r.register(model, "churn", X=iris[0])
    shared = ("model", "signature", "profile", "example")
    assert [one.files[f] for f in shared] == [two.files[f] for f in shared]
    assert (1, 2) == (one.number, two.number)


def test_metrics_without_json_form(r: Registry, model: Any) -> None:
    """NaN and infinities are metrics too."""
    made = r.register(model, "churn", metrics={"bad": math.nan, "worse": -math.inf})
    found = r.version(made.ref).metrics
    assert math.isnan(found["bad"])
    assert -math.inf == found["worse"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"name": "a/b"}, "model's name"),
        ({"name": ".."}, "model's name"),
        ({"name": "churn\n"}, "model's name"),
        ({"name": "con"}, "some systems"),
        ({"name": "x" * 129}, "model's name"),
        ({"metrics": {"auc": "high"}}, "must be a number"),
        ({"metrics": {"auc": [1, 2]}}, "must be one number"),
        ({"metrics": [0.9]}, "mapping"),
        ({"tags": {"a": object()}}, "must be a text"),
        ({"tags": {"": 1}}, "must not be empty"),
        ({"tags": {"a": "\ud800"}}, "lone surrogates"),
        ({"note": "x" * 100_000}, "characters"),
        ({"stage": "Prodution"}, "did you mean 'Production'"),
        ({"alias": "3"}, "reads as a version"),
        ({"alias": "production"}, "reads as a version, a stage"),
        ({"format": "pickel"}, "no format"),
        ({"key": ""}, "must not be empty"),
    ],
)
def test_bad_input_changes_nothing(r: Registry, model: Any, options: dict[str, Any], says: str) -> None:
    """What cannot be meant is refused with a reason, and nothing is written."""
    with pytest.raises(InvalidInput, match=says):
        r.register(model, **{"name": "churn", **options})
    assert [] == list(r.models())
    assert not (r.core.store.folder / "journal").exists()


def test_not_fitted_is_refused(r: Registry) -> None:
    """An estimator that was never fitted is refused with the next step."""
    from sklearn.linear_model import LogisticRegression

    with pytest.raises(InvalidInput, match="not fitted"):
        r.register(LogisticRegression(), "churn")


def test_names_that_differ_in_case(churn: Registry, model: Any) -> None:
    """Two names that a disk may not tell apart do not both exist."""
    with pytest.raises(AlreadyExists, match="differs only in case"):
        churn.register(model, "Churn")


class Forgetful:
    """Predicts differently once it was stored."""

    def __init__(self) -> None:
        self.here = 1

    def __getstate__(self) -> dict[str, int]:
        return {}

    def predict(self, X: Any) -> Any:
        """Say whether the state is here."""
        return [getattr(self, "here", 0)] * len(X)


class Broken:
    """Stores and does not load."""

    def __reduce__(self) -> Any:
        return (int, ("no number",))

    def predict(self, X: Any) -> Any:
        """Never called."""
        return X


@pytest.mark.parametrize(("bad", "reason"), [(Forgetful(), "predicts differently"), (Broken(), "invalid literal")])
def test_ready_means_loads_and_predicts_the_same(r: Registry, iris: tuple[Any, Any], bad: Any, reason: str) -> None:
    """What does not come back the same is FAILED with the reason, is not the latest and is not promoted."""
    made = r.register(bad, "churn", X=iris[0], stage="Production")
    assert Status.FAILED is made.status
    assert reason in made.status_reason
    assert Stage.NONE is r.versions("churn")[0].stage
    assert r.model("churn").latest is None
    with pytest.raises(Refused, match="FAILED"):
        r.load("churn/1")
    with pytest.raises(Refused, match="not promoted"):
        r.promote("churn/1", "Production")


def test_random_predictions_do_not_fail(r: Registry, iris: tuple[Any, Any]) -> None:
    """A model whose predictions differ from call to call is ready, and the user is told what was not checked."""

    class Dice:
        def predict(self, X: Any) -> Any:
            return np.random.default_rng().random(len(X))

    card = r.register_card(Dice(), "dice", X=iris[0])
    assert Status.READY is card.version.status
    assert any("differ from call to call" in notice for notice in card.notices)


def test_key_makes_a_repeat_safe(r: Registry, model: Any) -> None:
    """The same key gives the same version and receipt; for another verb it is refused."""
    one = r.register(model, "churn", key="nightly-7")
    two = r.register(model, "churn", key="nightly-7")
    assert (one.ref, one.receipt) == (two.ref, two.receipt)
    assert 1 == len(r.versions("churn"))
    with pytest.raises(Refused, match="key of its own"):
        r.promote("churn/1", "Production", key="nightly-7")


def test_secrets_are_not_stored(r: Registry, model: Any) -> None:
    """A secret in a tag, a parameter or a note leaves no trace in the store, and the user is told."""
    secret = "hunter2-Very-Secret-Value"
    card = r.register_card(
        model, "churn", params={"db_password": secret}, tags={"api_key": secret},
        note=f"loaded from postgres://ana:{secret}@db/churn",
    )  # fmt: skip
    r.close()
    folder = r.core.store.folder
    assert [] == [p for p in folder.rglob("*") if p.is_file() and secret.encode() in p.read_bytes()]
    assert 3 <= len([n for n in card.notices if "secret" in n])


def test_read_only_refuses(churn: Registry, model: Any) -> None:
    """A read-only handle and the past take no changes."""
    for handle in (Registry(churn.settings.uri, read_only=True), churn.as_of("now")):
        with pytest.raises(StoreReadOnly):
            handle.register(model, "churn")
        with pytest.raises(StoreReadOnly):
            handle.promote("churn/1", "Production")
    assert 3 == len(churn.versions("churn"))


def test_nothing_is_written_by_reading(tmp_path: Path) -> None:
    """Looking into a place where there is no registry makes none."""
    r = Registry(tmp_path / "nowhere")
    assert [] == list(r.models())
    assert [] == list(r.search("metrics.auc > 0.5"))
    r.close()
    assert not (tmp_path / "nowhere").exists()


def test_loads_in_a_fresh_process(r: Registry, model: Any, iris: tuple[Any, Any]) -> None:
    """Another process of the same user loads it and predicts the same."""
    r.register(model, "churn", X=iris[0])
    r.close()
    code = (
        "import sys; from nbregistry import Registry; from sklearn.datasets import load_iris\n"
        "m = Registry(sys.argv[1]).load('churn'); print(m.predict(load_iris(as_frame=True).data).tolist())"
    )
    done = subprocess.run([sys.executable, "-c", code, r.settings.uri], capture_output=True, text=True, check=True)
    assert model.predict(iris[0]).tolist() == json.loads(done.stdout)


def test_data_that_does_not_belong_together_is_told(r: Registry, model: Any, iris: tuple[Any, Any]) -> None:
    """A target of another length than X is a mistake of whoever registers, and most likely not the right data."""
    X, y = iris
    told = "X has 150 rows and y has 100: they do not belong together."
    assert told in r.register_card(model, "iris", X=X, y=y[:100]).notices
    assert told in r.register_card(model, "iris", X=X, y=list(y[:100])).notices
    assert () == r.register_card(model, "iris", X=X, y=y).notices
