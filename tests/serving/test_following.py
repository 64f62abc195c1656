"""Following the ledger: what a reference means now answers soon, or what answered before goes on and says why."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nbregistry import Registry
from nbregistry.errors import NotFound, Overloaded
from nbregistry.serving.batching import Limits
from nbregistry.serving.followed import Followed
from nbregistry.serving.following import Following
from nbregistry.serving.live import Terms
from nbregistry.serving.measures import Measures
from nbregistry.serving.node import Batch


class Constant:
    """Answers every row with the same number, so that an answer tells who gave it."""

    def __init__(self, number: float) -> None:
        self.number = number
        self.n_features_in_ = 2

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.number)


X = np.arange(20.0).reshape(10, 2)
Body = Callable[[Following, Registry], Coroutine[Any, Any, None]]


@pytest.fixture
def r(tmp_path: Path) -> Registry:
    registry = Registry(tmp_path / "store")
    for number in (1, 2):
        registry.register(Constant(number), "churn", X=X, y=np.zeros(10))
    registry.alias("churn/1", "champion")
    registry.promote("churn/1", "Production", because="first")
    return registry


def followed(r: Registry, body: Body, *refs: str, terms: Terms | None = None, home: str = "", **more: Any) -> None:
    async def main() -> None:
        following = Following(Registry(r.settings.uri, read_only=True), terms or Terms(compile=False), **more)
        await following.start(refs or ("churn@champion",))
        try:
            await body(following, r)
        finally:
            await following.close(5)

    asyncio.run(main())


async def ask(endpoint: Any, rows: Any = X[:1]) -> tuple[float, str]:
    answer = await endpoint(Batch(endpoint.intake.from_array(np.asarray(rows))))
    return float(answer.outputs[0]), answer.by[0].ref


async def until(true: Callable[[], bool], seconds: float = 5.0) -> float:
    since = time.monotonic()
    while not true():
        assert time.monotonic() - since < seconds
        await asyncio.sleep(0.005)
    return time.monotonic() - since


@pytest.mark.parametrize(
    ("ref", "change"),
    [
        ("churn@champion", lambda r: r.alias("churn/2", "champion")),
        ("churn/production", lambda r: r.promote("churn/2", "Production", because="better")),
        ("churn", lambda r: r.register(Constant(3), "churn", X=X)),
    ],
    ids=["alias", "promotion", "newest"],
)
def test_change_reaches_the_server_within_a_second(r: Registry, ref: str, change: Callable[[Registry], Any]) -> None:
    """An alias move, a promotion and a new version are answered with less than a second after their commit."""

    async def body(following: Following, r: Registry) -> None:
        endpoint = following.find("churn")
        before = await ask(endpoint)
        change(r)
        wanted = r.version(ref).ref
        assert 1.0 > await until(lambda: endpoint.by.ref == wanted)
        assert (float(wanted[-1]), wanted) == await ask(endpoint)
        assert before != await ask(endpoint)

    followed(r, body, ref)


def test_rollback_reaches_the_server(r: Registry) -> None:
    """A rollback puts the one before back to work."""

    async def body(following: Following, r: Registry) -> None:
        endpoint = following.find("churn", "production")
        r.promote("churn/2", "Production", because="better")
        await until(lambda: endpoint.by.ref == "churn/2")
        r.rollback("churn", "Production", because="false alarms")
        assert 1.0 > await until(lambda: endpoint.by.ref == "churn/1")
        assert (1.0, "churn/1") == await ask(endpoint)

    followed(r, body, "churn/production")


def test_swaps_under_load_drop_nothing(r: Registry) -> None:
    """While the alias moves to and fro, every request is answered, by the version that the answer names."""

    async def body(following: Following, r: Registry) -> None:
        endpoint, answers, stop = following.find("churn"), [], asyncio.Event()

        async def client() -> None:
            while not stop.is_set():
                answers.append(await ask(endpoint))

        clients = [asyncio.ensure_future(client()) for _ in range(8)]
        for number in (2, 1, 2, 1, 2):
            await asyncio.to_thread(r.alias, f"churn/{number}", "champion")
            await until(lambda n=number: endpoint.by.number == n)  # type: ignore[misc]  # mypy cannot infer a default's type
        stop.set()
        await asyncio.gather(*clients)
        assert [] == [(value, ref) for value, ref in answers if ref != f"churn/{value:.0f}"]
        assert {"churn/1", "churn/2"} == {ref for _, ref in answers}

    followed(r, body)


def refused(r: Registry, spoil: Callable[[Registry], Any], why: str) -> None:
    """Move the alias to what cannot be served, and see that what served goes on and says why."""
    terms = Terms(compile=False, measures=Measures())

    async def body(following: Following, r: Registry) -> None:
        endpoint: Followed = following.find("churn")
        spoil(r)
        r.alias("churn/2", "champion")
        await until(lambda: bool(endpoint.trouble))
        assert why in endpoint.trouble
        assert "churn/2" in endpoint.trouble
        assert (1.0, "churn/1") == await ask(endpoint)
        assert endpoint.trouble == endpoint.metadata()["trouble"]
        assert 1 <= terms.measures.swaps.labels("churn", "refused").value
        r.alias("churn/1", "champion")
        await until(lambda: not endpoint.trouble)

    followed(r, body, terms=terms)


def test_corrupt_version_is_not_served(r: Registry) -> None:
    """Bytes that do not match their digest leave the old version serving."""

    def spoil(r: Registry) -> None:
        path = r.core.store.blobs.path(r.version("churn/2").digest)
        path.chmod(0o600)
        path.write_bytes(path.read_bytes()[:-1] + b"!")

    refused(r, spoil, "SHA-256")


def test_untrusted_version_is_not_served(r: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A pickle by a signer who is not trusted leaves the old version serving."""
    home = r.settings.home
    monkeypatch.setenv("NBREGISTRY_HOME", str(tmp_path / "mallory"))
    Registry(r.settings.uri, user="mallory").register(Constant(2), "churn", X=X)
    monkeypatch.setenv("NBREGISTRY_HOME", str(home))

    async def body(following: Following, r: Registry) -> None:
        endpoint = following.find("churn")
        r.alias("churn/3", "champion")
        await until(lambda: "nbregistry trust" in endpoint.trouble)
        assert (1.0, "churn/1") == await ask(endpoint)

    followed(r, body)


def test_version_that_breaks_callers_is_not_served(r: Registry) -> None:
    """A signature that refuses what the served version takes leaves the old version serving."""

    def spoil(r: Registry) -> None:
        r.delete("churn/2")
        r.register(Constant(3), "churn", X=np.ones((4, 7)))

    async def body(following: Following, r: Registry) -> None:
        endpoint = following.find("churn")
        r.register(Constant(3), "churn", X=np.ones((4, 7)))
        r.alias("churn/3", "champion")
        await until(lambda: "break" in endpoint.trouble)
        assert "shape 7" in endpoint.trouble
        assert (1.0, "churn/1") == await ask(endpoint)

    followed(r, body)


def test_version_that_ends_its_loader_is_not_served(r: Registry) -> None:
    """A model that asks to exit as it is loaded is told as trouble, and the reference goes on being followed."""

    class Leaves(Constant):
        def __setstate__(self, state: Any) -> None:
            if threading.current_thread().name != "MainThread":
                raise SystemExit("bye")
            self.__dict__.update(state)

    async def body(following: Following, r: Registry) -> None:
        endpoint = following.find("churn")
        await asyncio.to_thread(lambda: None)
        assert "READY" == r.register(Leaves(3), "churn", X=X).status.value
        r.alias("churn/3", "champion")
        await until(lambda: "churn/3 is not served: bye" in endpoint.trouble)
        assert (1.0, "churn/1") == await ask(endpoint)
        r.alias("churn/2", "champion")
        await until(lambda: endpoint.by.ref == "churn/2")

    followed(r, body)


def test_alias_that_is_gone_stops_nothing(r: Registry) -> None:
    """A reference that means nothing any more leaves what it meant serving, and says so."""

    async def body(following: Following, r: Registry) -> None:
        endpoint = following.find("churn")
        r.unalias("churn", "champion")
        await until(lambda: "no alias 'champion'" in endpoint.trouble)
        assert (1.0, "churn/1") == await ask(endpoint)

    followed(r, body)


def test_quarantined_version_gives_way(r: Registry) -> None:
    """A version that brought the process down too often is replaced by the newest earlier one that can be served."""
    bad: dict[str, str] = {}

    async def body(following: Following, r: Registry) -> None:
        endpoint = following.find("churn")
        assert "churn/2" == endpoint.by.ref
        bad[r.version("churn/2").digest] = "3 crashes in 60 s"
        await until(lambda: endpoint.by.ref == "churn/1")
        assert "quarantine: 3 crashes" in endpoint.trouble
        assert (1.0, "churn/1") == await ask(endpoint)

    followed(r, body, "churn", quarantined=lambda: bad)


def test_exact_version_is_never_replaced_by_another(r: Registry) -> None:
    """Who asked for one exact version that is in quarantine is refused, and told why."""
    bad: dict[str, str] = {}

    async def body(following: Following, r: Registry) -> None:
        endpoint = following.find("churn")
        bad[r.version("churn/2").digest] = "3 crashes in 60 s"
        await until(lambda: not endpoint.ready)
        assert "quarantine: 3 crashes" in endpoint.trouble
        with pytest.raises(Overloaded, match="quarantine"):
            await ask(endpoint)

    followed(r, body, "churn/2", quarantined=lambda: bad)


def test_quarantined_from_the_start(r: Registry) -> None:
    """A process that begins with its version in quarantine serves the one before."""
    bad = {r.version("churn/2").digest: "3 crashes in 60 s"}

    async def body(following: Following, r: Registry) -> None:
        await until(lambda: following.find("churn").ready)
        assert (1.0, "churn/1") == await ask(following.find("churn"))

    followed(r, body, "churn", quarantined=lambda: bad)


def test_what_cannot_be_loaded_at_first_is_tried_again(r: Registry) -> None:
    """A reference to nothing is offered, not ready, and answers as soon as there is something."""

    async def body(following: Following, r: Registry) -> None:
        endpoint = following.find("churn", "@challenger")
        assert not endpoint.ready
        with pytest.raises(Overloaded, match="no alias 'challenger'"):
            await endpoint(Batch(following.find("churn", "@champion").intake.from_array(X)))
        r.alias("churn/2", "challenger")
        await until(lambda: endpoint.ready)
        assert (2.0, "churn/2") == await ask(endpoint)

    followed(r, body, "churn@champion", "churn@challenger")


def test_finding_by_what_is_served(r: Registry) -> None:
    """A number, a stage and an alias find the endpoint that answers with it now; other words are told what there is."""

    async def body(following: Following, r: Registry) -> None:
        one = following.find("churn", "1")
        assert "churn@champion" == one.ref
        assert (
            one is following.find("churn", "Production") is following.find("churn", "@champion") is following.find("")
        )
        with pytest.raises(NotFound, match="churn@champion is churn/1"):
            following.find("churn", "2")
        with pytest.raises(NotFound, match="did you mean 'churn'"):
            following.find("chrun")

    followed(r, body)


def test_loading_and_unloading(r: Registry) -> None:
    """References come and go while the server runs; one that cannot be loaded is refused and not kept."""

    async def body(following: Following, r: Registry) -> None:
        r.register(Constant(7), "fraud", X=X)
        added = await following.load("fraud")
        assert (7.0, "fraud/1") == await ask(added)
        assert added is await following.load("fraud")
        with pytest.raises(NotFound, match="No version 'fraud/9'"):
            await following.load("fraud/9")
        assert ["churn@champion", "fraud"] == [e.ref for e in following.all()]
        await following.unload("fraud")
        with pytest.raises(NotFound, match="No model 'fraud'"):
            following.find("fraud")

    followed(r, body)


def test_rows_run_together_once_they_were_checked(r: Registry) -> None:
    """A row-wise model is batched soon after it began to answer; one that looks at its neighbours never is."""

    class Centred(Constant):
        def predict(self, X: Any) -> Any:
            return np.asarray(X)[:, 0] - np.asarray(X)[:, 0].mean()

    r.register(Centred(0), "centred", X=X)

    async def body(following: Following, r: Registry) -> None:
        def batching(name: str) -> Any:
            return following.find(name).metadata()["batching"]

        await until(lambda: batching("churn")["rows"] and batching("centred")["rows"])
        assert batching("churn")["batched"]
        assert not batching("centred")["batched"]
        assert "rows beside it" in batching("centred")["why"]

    followed(r, body, "churn@champion", "centred", terms=Terms(compile=False, limits=Limits(rows=16)))
