"""What was found out about compiling is kept signed, found again, and trusted no further than its signer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nbregistry import Registry, display
from nbregistry.domain.entities import ModelVersion
from nbregistry.errors import Damaged
from nbregistry.serving import compiling
from nbregistry.serving.compiling import cache, child
from nbregistry.serving.table import Shape, Table
from nbregistry.verbs.cards import proven

X, Y = load_breast_cancer(return_X_y=True)


class Unconvertible(LogisticRegression):  # type: ignore[misc]  # scikit-learn ships no types
    """Says the opposite of what it learned, which no conversion of its coefficients would know."""

    def predict(self, X: Any) -> Any:
        return 1 - super().predict(X)


@pytest.fixture
def registry(tmp_path: Path):
    with Registry(tmp_path / "store") as found:
        yield found


@pytest.fixture
def version(registry: Registry) -> ModelVersion:
    return registry.register(RandomForestClassifier(10, random_state=0).fit(X, Y), "forest", X=X, y=Y)


def test_kept_and_found(registry: Registry, version: ModelVersion) -> None:
    """A version that was proven equal is found by whoever looks next, and answers like the original."""
    assert compiling.find(registry, version) is None
    child.compiled(registry, version)
    found = compiling.find(registry, version)
    assert found is not None
    assert found.proven
    engine = found.engine()
    expected = registry.load(version).predict_proba(X)
    assert np.array_equal(expected, engine.run(Table(Shape.ARRAY, X, len(X)), "predict_proba", {}))
    assert found.as_document()["equal"] is True


def test_process_of_its_own(registry: Registry, version: ModelVersion) -> None:
    """The conversion runs beside us, is waited for no longer than asked, and leaves what it found out."""
    work = compiling.start(registry, version)
    assert not work.done(0.0)
    assert work.done(60)
    found = compiling.find(registry, version)
    assert found is not None
    assert found.proven


def test_module_prints_one_line(registry: Registry, version: ModelVersion) -> None:
    """As a command it prints what it found out as one line of JSON."""
    command = [sys.executable, "-m", "nbregistry.serving.compiling", registry.core.settings.uri, version.ref]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    assert 1 == len(lines)
    assert json.loads(lines[0])["equal"] is True


def test_refusal_is_kept_with_its_reason(registry: Registry) -> None:
    """A model whose twin answers otherwise is refused, and the reason is found instead of being looked for again."""
    version = registry.register(Unconvertible(max_iter=5_000).fit(X, Y), "odd", X=X, y=Y)
    child.compiled(registry, version)
    found = compiling.find(registry, version)
    assert found is not None
    assert not found.proven
    assert "predict says" in found.why
    with pytest.raises(Damaged):
        found.engine()


def test_altered_record_does_not_count(registry: Registry, version: ModelVersion) -> None:
    """A record whose words were changed after signing is as good as none."""
    path = Path(child.compiled(registry, version)["kept"])
    document = json.loads(path.read_text())
    document["record"]["proof"]["rows"] += 1
    path.write_text(json.dumps(document))
    assert compiling.find(registry, version) is None


def test_strangers_record_does_not_count(
    registry: Registry, version: ModelVersion, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A record signed by a key that the reader does not trust is as good as none; its writer finds it."""
    folder = registry.core.store.folder
    child.compiled(registry, version)
    monkeypatch.setenv("NBREGISTRY_HOME", str(tmp_path / "elsewhere"))
    with Registry(folder, read_only=True) as other:
        assert compiling.find(other, other.version("forest")) is None
    assert compiling.find(registry, version) is not None


def test_altered_graph_is_not_opened(registry: Registry, version: ModelVersion) -> None:
    """A graph whose bytes are not those that were proven is refused."""
    child.compiled(registry, version)
    found = compiling.find(registry, version)
    assert found is not None
    assert found.graph is not None
    found.graph.write_bytes(found.graph.read_bytes() + b"\0")
    with pytest.raises(Damaged):
        found.engine()


def test_store_that_cannot_be_written(
    registry: Registry, version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the store takes no files, what was found out is kept in the user's home."""
    (registry.core.store.folder / "compiled").write_text("in the way")
    kept = Path(child.compiled(registry, version)["kept"])
    assert registry.core.settings.home / "compiled" == kept.parent
    found = compiling.find(registry, version)
    assert found is not None
    assert found.proven


def test_another_library_version_asks_for_another_proof(
    registry: Registry, version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proof made with other versions of the libraries is not taken for one made with these."""
    child.compiled(registry, version)
    real = cache.installed
    monkeypatch.setattr(cache, "installed", lambda name: "99" if name == "onnxruntime" else real(name))
    assert compiling.find(registry, version) is None


def test_compiled_path_loads_no_training_library(registry: Registry) -> None:
    """A process that finds and asks a compiled model imports neither scikit-learn nor pandas."""
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    version = registry.register(pipeline, "linear", X=X, y=Y)
    child.compiled(registry, version)
    program = f"""
import sys
import numpy as np
from nbregistry import Registry, display
from nbregistry.serving import compiling
from nbregistry.serving.intake import Intake
registry = Registry({str(registry.core.settings.uri)!r}, read_only=True)
version = registry.version("linear")
engine = compiling.find(registry, version).engine()
table = Intake(version.signature).from_rows([[1.0] * 30])
print(engine.run(table, "predict", {{}}).tolist(), sorted({{"sklearn", "pandas", "scipy", "onnx"}} & set(sys.modules)))
"""
    told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert f"{pipeline.predict([[1.0] * 30]).tolist()} []" == told.strip()


def test_card_tells_what_was_proven(registry: Registry, version: ModelVersion) -> None:
    """A version's card says whether it is served compiled, on what evidence, or why not; nothing before it is known."""
    assert {} == proven(registry, registry.card(version)).compiled
    child.compiled(registry, version)
    told = display.text(proven(registry, registry.card(version)))
    assert "proven equal" in told
    assert "microseconds a row instead of" in told
    odd = registry.register(Unconvertible(max_iter=5_000).fit(X, Y), "odd", X=X, y=Y)
    child.compiled(registry, odd)
    assert "not served so: predict says" in display.text(proven(registry, registry.card(odd)))
