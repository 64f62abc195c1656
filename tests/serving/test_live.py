"""A loaded version: the compiled twin where it was proven, the original behind it, and what is told of both."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nbregistry import Registry
from nbregistry.errors import BadRows, InvalidInput, Untrusted
from nbregistry.serving.compiling import Unanswered, child
from nbregistry.serving.live import Backed, Live, Terms, check, load
from nbregistry.serving.node import Batch
from nbregistry.serving.table import Shape, Table

X, Y = load_breast_cancer(return_X_y=True)


class Part:
    """An engine that says ``sign`` times the first column; a twin that leaves negative rows to the original."""

    kind = "original"
    methods = ("predict",)
    others = ("transform",)
    classes = None

    def __init__(self, sign: float = 1.0, *, leaves: bool = False) -> None:
        self.sign, self.leaves = sign, leaves
        self.rows: list[int] = []

    def run(self, table: Table, method: str, params: Mapping[str, Any]) -> Any:
        first = table.values[:, 0]
        if self.leaves and (first < 0).any():
            raise Unanswered("negative", (first < 0).nonzero()[0].tolist())
        self.rows.append(table.rows)
        return self.sign * first


def table(values: Sequence[float]) -> Table:
    return Table(Shape.ARRAY, np.array(values, dtype=float).reshape(-1, 1), len(values))


def test_original_answers_only_what_the_twin_leaves() -> None:
    """In a mixed run each row is answered by one of the two, by what it is alone, and in its place."""
    twin, original = Part(1.0, leaves=True), Part(-10.0)
    loads: list[int] = []
    backed = Backed(twin, lambda: loads.append(1) or original)  # type: ignore[arg-type, func-returns-value, return-value]  # stand-ins
    assert [1.0, 2.0] == backed.run(table([1, 2]), "predict", {}).tolist()
    assert [] == loads
    assert [1.0, 20.0, 3.0, 40.0] == backed.run(table([1, -2, 3, -4]), "predict", {}).tolist()
    assert [50.0] == backed.run(table([-5]), "predict", {}).tolist()
    assert ([1], [2, 1]) == (loads, original.rows)
    assert ("predict", "transform") == backed.methods
    assert [-60.0] == backed.run(table([6]), "transform", {}).tolist()


@pytest.fixture(scope="module")
def r(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBREGISTRY_HOME", str(tmp_path_factory.mktemp("home")))
        registry = Registry(tmp_path_factory.mktemp("store"))
        model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
        registry.register(model, "tumour", X=X, y=Y)
        child.compiled(registry, registry.version("tumour/1"))
    return registry


def test_proven_twin_answers_and_the_proof_is_told(r: Registry) -> None:
    """A version that was proven is served compiled and batched, equal to the original; its metadata shows the proof."""
    loaded = load(r, r.version("tumour"), Terms())
    assert "compiled" == loaded.engine.kind
    loaded.independent = check(loaded, Terms())
    model = r.load("tumour")

    async def main() -> dict[str, Any]:
        live = Live(loaded, Terms(), "tumour")
        rows = loaded.intake.from_array(X[:50])
        answer, scores = await asyncio.gather(live(Batch(rows)), live(Batch(rows, "predict_proba")))
        assert model.predict(X[:50]).tolist() == answer.outputs.tolist()
        assert np.allclose(model.predict_proba(X[:50]), scores.outputs, rtol=1e-12, atol=1e-12)
        assert ("tumour", 1, r.version("tumour").digest) == answer.by[0]
        with pytest.raises(InvalidInput, match="tumour/1 has no 'score': it has predict"):
            await live(Batch(rows, "score"))
        assert await live.close(5)
        return live.metadata()

    found = asyncio.run(main())
    assert found["compiled"]["used"]
    assert found["compiled"]["proof"]["equal"]
    assert found["batching"]["batched"]


def test_compiling_can_be_switched_off(r: Registry) -> None:
    """Without compiling the original answers, and metadata says that it was switched off."""
    loaded = load(r, r.version("tumour"), Terms(compile=False))
    assert ("original", "compiling is switched off") == (loaded.engine.kind, loaded.why)


def test_twin_is_held_to_the_same_trust(r: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Who does not trust the signer of the model is not served its twin either."""
    monkeypatch.setenv("NBREGISTRY_HOME", str(tmp_path / "mallory"))
    stranger = Registry(r.settings.uri, read_only=True)
    with pytest.raises(Untrusted):
        load(stranger, stranger.version("tumour"), Terms())


def test_answers_are_bitwise_the_same_in_any_company(r: Registry) -> None:
    """Whoever asks at the same moment, each caller gets to the last bit what they get alone; compiled and original."""

    async def main(compile: bool) -> None:
        terms = Terms(compile=compile)
        loaded = load(r, r.version("tumour"), terms)
        loaded.independent = check(loaded, Terms())
        assert loaded.independent.batched
        live = Live(loaded, terms, "tumour")

        async def ask(i: int, rows: int) -> Any:
            batch = Batch(loaded.intake.from_array(X[i : i + rows]), "predict_proba")
            return (await live(batch)).outputs

        alone = [await ask(i, 1 + i % 5) for i in range(300)]
        together = await asyncio.gather(*(ask(i, 1 + i % 5) for i in range(300)))
        assert [a.tobytes() for a in alone] == [t.tobytes() for t in together]
        await live.close(5)

    asyncio.run(main(True))
    asyncio.run(main(False))


def test_what_the_model_refuses_is_the_callers(tmp_path: Path) -> None:
    """A ValueError of the model is told as rows that do not fit, not as a failure of the server."""

    class Picky:
        def predict(self, X: Any) -> Any:
            if (np.asarray(X) > 100).any():
                raise ValueError("too large")
            return np.zeros(len(X))

    registry = Registry(tmp_path / "store")
    registry.register(Picky(), "picky", X=np.ones((3, 2)))

    async def main() -> None:
        loaded = load(registry, registry.version("picky"), Terms())
        live = Live(loaded, Terms(), "picky")
        with pytest.raises(BadRows, match="too large"):
            await live(Batch(loaded.intake.from_rows([[1000.0, 1.0]])))
        await live.close(5)

    asyncio.run(main())
