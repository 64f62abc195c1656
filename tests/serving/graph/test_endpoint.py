"""Graphs of real models: registered, followed, exchanged while they answer."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from nbregistry import Registry
from nbregistry import graph as g
from nbregistry.flavors.trust import Keyring
from nbregistry.serving.following import Following
from nbregistry.serving.graph.endpoint import GraphEndpoint
from nbregistry.serving.live import Terms
from nbregistry.serving.node import Batch
from tests.serving.graph.leaves import Fake, Models, constant, question, until

X, Y = load_iris(return_X_y=True, as_frame=True)
LINEAR = LogisticRegression(max_iter=500).fit(X, Y)
FOREST = RandomForestClassifier(n_estimators=5, random_state=0).fit(X, Y)
SCALER = StandardScaler().set_output(transform="pandas").fit(X)
SCALED = LogisticRegression(max_iter=500).fit(SCALER.transform(X), Y)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a registry and its user's home: iris/1 (linear), iris/2 (a forest), scaler/1 and scaled/1."""
    folder = tmp_path_factory.mktemp("kept")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBREGISTRY_HOME", str(folder / "home"))
        with Registry(folder / "store", user="ana") as registry:
            registry.register(LINEAR, "iris", X=X, y=Y)
            registry.register(FOREST, "iris", X=X, y=Y)
            registry.register(SCALER, "scaler", X=X)
            registry.register(SCALED, "scaled", X=SCALER.transform(X), y=Y)
    return folder


@pytest.fixture
def r(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """A registry and home of the test's own, with the models in it."""
    shutil.copytree(kept, tmp_path / "own")
    monkeypatch.setenv("NBREGISTRY_HOME", str(tmp_path / "own" / "home"))
    with Registry(tmp_path / "own" / "store") as registry:
        yield registry


@asynccontextmanager
async def following(registry: Registry) -> AsyncIterator[Following]:
    found = Following(registry, Terms(compile=False))
    await found.start(())
    try:
        yield found
    finally:
        await found.close(5)


@asynccontextmanager
async def served(registry: Registry, ref: str) -> AsyncIterator[GraphEndpoint]:
    async with following(registry) as models:
        yield await models.endpoint(ref)


def batch(endpoint: GraphEndpoint, id_: str = "r1", **more: Any) -> Batch:
    return Batch(endpoint.intake.from_frame(X), id=id_, **more)


def test_a_registered_graph_answers_as_its_models_do(r: Registry) -> None:
    """An ensemble of two scikit-learn models gives exactly the mean of their probabilities, by both versions."""
    r.register(g.ensemble({"linear": "iris/1", "forest": "iris/2"}), "both")

    async def scene() -> None:
        async with served(r, "both") as endpoint:
            assert endpoint.ready
            assert "predict_proba" == endpoint.methods[0]
            answer = await endpoint(batch(endpoint, method="predict_proba"))
            expected = (LINEAR.predict_proba(X) + FOREST.predict_proba(X)) / 2
            np.testing.assert_allclose(expected, answer.outputs, rtol=0, atol=1e-12)
            assert [("iris/1", r.version("iris/1").digest), ("iris/2", r.version("iris/2").digest)] == [
                (by.ref, by.digest) for by in answer.by
            ]
            told = endpoint.metadata()
            assert ("both", 1, r.version("both").digest) == (told["name"], told["version"], told["digest"])
            assert ["both/linear", "both/forest"] == [part["path"] for part in told["parts"]]
            assert list(X.columns) == [column["name"] for column in told["signature"]["inputs"]]
            assert told["mermaid"].startswith("flowchart")

    asyncio.run(scene())


def test_a_chain_of_registered_parts(r: Registry) -> None:
    """A scaler that was registered by itself, the model behind it and functions around them are one pipeline."""
    names = np.array(load_iris().target_names)

    def only_known(frame: Any) -> Any:
        return frame.clip(lower=0)

    r.register(g.chain(only_known, "scaler", "scaled", lambda labels: names[labels]), "named")

    async def scene() -> None:
        async with served(r, "named") as endpoint:
            answer = await endpoint(batch(endpoint))
            assert names[SCALED.predict(SCALER.transform(X))].tolist() == list(answer.outputs)
            assert ["scaled/1", "scaler/1"] == [by.ref for by in answer.by]

    asyncio.run(scene())


def test_a_graph_follows_its_reference(r: Registry) -> None:
    """An alias that moves brings the other graph while requests go on; each answer is by one of the two, none fails."""
    r.register(g.split({"a": ("iris/1", 1.0), "b": ("iris/2", 0.0)}), "ab", alias="live")
    r.register(g.split({"a": ("iris/1", 0.0), "b": ("iris/2", 1.0)}), "ab")

    async def scene() -> None:
        async with served(r, "ab@live") as endpoint:
            taken: list[str] = []
            stop = asyncio.Event()

            async def ask() -> None:
                while not stop.is_set():
                    answer = await endpoint(batch(endpoint, f"r{len(taken)}"))
                    assert {"a": "iris/1", "b": "iris/2"}[answer.routing["ab"]] == answer.by[0].ref
                    taken.append(answer.routing["ab"])

            asking = asyncio.create_task(ask())
            await until(lambda: len(taken) > 3)
            await asyncio.to_thread(r.alias, "ab/2", "live")
            await until(lambda: "b" in taken, 20)
            stop.set()
            await asking
            assert taken == sorted(taken)
            assert 2 == endpoint.metadata()["version"]

    asyncio.run(scene())


def test_a_graph_that_cannot_be_served_leaves_the_old_one(r: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """A next version that nobody vouches for, or of other columns, is named as trouble; the old one answers."""
    r.register(g.split({"a": "iris/1", "b": "iris/2"}), "ab", alias="live")
    r.register(g.chain(lambda frame: frame, "iris/1"), "ab")
    two = X[X.columns[:2]].rename(columns=str.upper)
    r.register(LogisticRegression().fit(two, Y), "other", X=two)
    r.register(g.split({"a": "other", "b": "other"}), "ab")

    async def scene() -> None:
        async with served(r, "ab@live") as endpoint:
            monkeypatch.setattr(Keyring, "vouches", lambda self, *about: False)
            await asyncio.to_thread(r.alias, "ab/2", "live")
            await until(lambda: "ab/2 is not served" in endpoint.trouble, 20)
            assert [1] == [len((await endpoint(batch(endpoint))).by)]
            monkeypatch.undo()
            await until(lambda: 2 == endpoint.metadata()["version"], 20)
            await asyncio.to_thread(r.alias, "ab/3", "live")
            await until(lambda: "ab/3 is not served: it would break those who ask" in endpoint.trouble, 20)
            assert 2 == endpoint.metadata()["version"]

    asyncio.run(scene())


def test_what_was_decided_is_kept_for_the_next_server(r: Registry) -> None:
    """Rewards told to one server are known to the next one of the same registry and graph."""
    r.register(g.bandit({"a": "iris/1", "b": "iris/2"}), "learning")

    async def scene() -> Any:
        async with served(r, "learning") as endpoint:
            for i in range(20):
                answer = await endpoint(batch(endpoint, f"r{i}"))
                await endpoint.feedback(f"r{i}", float(answer.routing["learning"] == "b"))
            return endpoint.report()["arms"]

    async def again() -> Any:
        async with served(r, "learning") as endpoint:
            assert not (await endpoint.feedback("r3", 1.0))["counted"]
            return endpoint.report()["arms"]

    first = asyncio.run(scene())
    assert first == asyncio.run(again())
    assert 20 == sum(arm["rewards"] for arm in first["learning"].values())


def test_a_graph_of_a_cell_follows_aliases(r: Registry) -> None:
    """A graph that was never registered follows its references: an alias that moves changes who answers."""
    r.alias("iris/1", "champion")

    async def scene() -> None:
        async with following(r) as models:
            leaf = await models.leaf("iris@champion")
            graph = g.Graph(g.chain(lambda f: f, "iris@champion"))
            endpoint = GraphEndpoint(graph, lambda ref, path: leaf, name="mine")
            assert "iris/1" == (await endpoint(batch(endpoint))).by[0].ref
            await asyncio.to_thread(r.alias, "iris/2", "champion")
            await until(lambda: "iris/2" == endpoint.metadata()["parts"][0]["ref"], 20)
            assert "iris/2" == (await endpoint(batch(endpoint))).by[0].ref
            assert ("mine", "mine") == (endpoint.name, endpoint.ref)
            endpoint.close()

    asyncio.run(scene())


def test_a_graph_with_rows_of_its_own(r: Registry) -> None:
    """Registered with X=, a graph is asked by its own columns, which its first function turns into the model's."""
    raw = X * 10

    def lower(frame: Any) -> Any:
        return (frame / 10).rename(columns=str.lower)

    r.register(g.chain(lower, "iris/1"), "tenths", X=raw.rename(columns=str.upper))

    async def scene() -> None:
        async with served(r, "tenths") as endpoint:
            table = endpoint.intake.from_frame(raw.rename(columns=str.upper))
            answer = await endpoint(Batch(table, id="r1"))
            assert LINEAR.predict(X).tolist() == answer.outputs.tolist()

    asyncio.run(scene())


def test_readiness_and_trouble_name_the_part() -> None:
    """A part that is not there makes the graph not ready, by its path; a shadow's does not."""
    models = Models(Fake("m/1", constant(1.0)), Fake("m/2", constant(2.0)))
    endpoint = GraphEndpoint(g.Graph(g.shadow("m/1", "m/2"), "ab"), models)
    assert ("", True) == (endpoint.trouble, endpoint.ready)
    models["m/2"].ready = False
    assert ("ab/shadow: m/2 is not served yet", True) == (endpoint.trouble, endpoint.ready)
    models["m/1"].ready, models["m/1"].trouble = False, "untrusted"
    assert endpoint.trouble.startswith("ab/main: untrusted")
    assert not endpoint.ready


def test_a_pinned_part_of_other_bytes_is_not_ready() -> None:
    """A leaf that fell back to another version leaves the graph not ready, and says which part it is."""
    pinned = g.Graph(g.split({"a": "m/1", "b": "m/2"}), "ab").pinned(lambda ref: g.Pin(ref, "ab" * 32))
    models = Models(Fake("m/1", constant(1.0), digest="ab" * 32), Fake("m/2", constant(2.0), digest="ab" * 32))
    endpoint = GraphEndpoint(pinned, models)
    assert ("", True) == (endpoint.trouble, endpoint.ready)
    models["m/2"].by = models["m/2"].by._replace(number=1, digest="cd" * 32)
    assert ("ab/b: m/1 is not what the graph was registered with", False) == (endpoint.trouble, endpoint.ready)


def test_methods_are_what_all_arms_have() -> None:
    """Arms of different abilities offer what they share."""
    models = Models(
        Fake("m/1", constant(1.0), methods=("predict", "predict_proba", "transform")),
        Fake("m/2", constant(2.0), methods=("predict_proba", "predict")),
    )
    endpoint = GraphEndpoint(g.Graph(g.split({"a": "m/1", "b": "m/2"}), "ab"), models)
    assert ("predict", "predict_proba") == endpoint.methods
    assert asyncio.run(endpoint(question())).outputs.tolist() in ([1.0], [2.0])


def test_a_graph_with_a_part_that_cannot_be_loaded_leaves_the_old_one(r: Registry) -> None:
    """When a part of the next graph does not match its digest, the graph before goes on and the part is named."""
    r.register(g.split({"a": "iris/1", "b": "iris/2"}), "ab", alias="live")
    bad = r.register(LogisticRegression(max_iter=400, C=0.5).fit(X, Y), "iris", X=X, y=Y)
    r.register(g.split({"a": "iris/1", "b": bad.ref}), "ab")
    [blob] = [p for p in r.core.store.folder.rglob(f"*{bad.digest[4:]}*") if p.is_file()]
    blob.chmod(0o600)
    blob.write_bytes(b"x" * blob.stat().st_size)

    async def scene() -> None:
        async with served(r, "ab@live") as endpoint:
            await asyncio.to_thread(r.alias, "ab/2", "live")
            await until(lambda: "ab/2 is not served" in endpoint.trouble, 20)
            assert endpoint.ready
            assert 1 == len((await endpoint(batch(endpoint))).by)

    asyncio.run(scene())
