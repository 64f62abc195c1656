"""Batching: rows counted, a maximum that holds, no wait when idle, and each caller's answer as if it came alone."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbregistry.errors import BadRows, ModelFailed, Overloaded
from nbregistry.serving.batching import Batcher, Limits, Run
from nbregistry.serving.node import Batch
from nbregistry.serving.table import Shape, Table


def table(*values: float) -> Table:
    return Table(Shape.ARRAY, np.array(values, dtype=float).reshape(-1, 1), len(values))


class Model:
    """Doubles its rows; can be held until it is let go, and keeps the size of every run."""

    def __init__(self) -> None:
        self.runs: list[int] = []
        self.free = threading.Event()
        self.free.set()

    def __call__(self, rows: Table, method: str, params: Mapping[str, Any]) -> Any:
        self.runs.append(rows.rows)
        assert self.free.wait(20)
        if (rows.values < 0).any():
            raise ValueError("negative")
        if (rows.values > 1e6).any():
            raise RuntimeError("boom")
        return rows.values[:, 0] * (3 if method == "predict_proba" else 2)


def served(
    body: Callable[[Batcher, Model], Coroutine[Any, Any, Any]],
    limits: Limits | None = None,
    padding: int = 1,
    **more: Any,
) -> Model:
    model = Model()

    async def main() -> None:
        batcher = Batcher(more.pop("run", model), limits, padding=padding, **more)
        await body(batcher, model)
        model.free.set()
        await batcher.close(20)

    asyncio.run(main())
    return model


async def started(model: Model, runs: int = 1) -> None:
    until = time.monotonic() + 10
    while len(model.runs) < runs:
        assert time.monotonic() < until
        await asyncio.sleep(0.001)


def test_what_comes_while_busy_runs_together() -> None:
    """While one run is under way, everything that arrives makes the next one."""

    async def body(batcher: Batcher, model: Model) -> None:
        model.free.clear()
        first = batcher.ask(Batch(table(1)))
        await started(model)
        rest = [batcher.ask(Batch(table(i))) for i in range(2, 12)]
        model.free.set()
        answers = await asyncio.gather(first, *rest)
        assert [[2.0 * i] for i in range(1, 12)] == [a.tolist() for a in answers]

    assert [1, 10] == served(body).runs


@pytest.mark.parametrize(("most", "padding", "expected"), [(4, 1, [1, 4, 4, 2]), (10, 4, [4, 8, 4]), (1, 1, [1] * 11)])
def test_maximum_counts_rows_and_holds(most: int, padding: int, expected: list[int]) -> None:
    """No run has more rows than the maximum, padding included; a maximum of one runs each request by itself."""

    async def body(batcher: Batcher, model: Model) -> None:
        model.free.clear()
        first = batcher.ask(Batch(table(1)))
        await started(model)
        rest = [batcher.ask(Batch(table(i))) for i in range(2, 12)]
        model.free.set()
        assert [2.0 * i for i in range(1, 12)] == np.concatenate(await asyncio.gather(first, *rest)).tolist()

    assert expected == served(body, Limits(rows=most), padding).runs


def test_big_request_runs_in_pieces() -> None:
    """One request above the maximum is run in pieces and answered in one."""

    async def body(batcher: Batcher, model: Model) -> None:
        answer = await batcher.ask(Batch(table(*range(10))))
        assert [2.0 * i for i in range(10)] == answer.tolist()

    assert [4, 4, 2] == served(body, Limits(rows=4)).runs


def test_unbatched_model_sees_requests_as_they_came() -> None:
    """A model whose rows depend on each other gets each request whole and by itself, however big."""

    async def body(batcher: Batcher, model: Model) -> None:
        await asyncio.gather(*(batcher.ask(Batch(table(*range(n)))) for n in (3, 200, 1)))

    assert [3, 200, 1] == served(body, padding=0).runs


def test_lone_request_does_not_wait() -> None:
    """An idle model starts at once: the wait that is told to the watch is that of one turn of the loop."""

    class Seen:
        def __init__(self) -> None:
            self.waits: list[float] = []

        def ran(self, rows: int, waited: float) -> None:
            self.waits.append(waited)

        def waiting(self, rows: int) -> None: ...

    async def body(batcher: Batcher, model: Model) -> None:
        for i in range(50):
            await batcher.ask(Batch(table(i)))

    seen = Seen()
    served(body, watch=seen)
    assert 50 == len(seen.waits)
    assert sorted(seen.waits)[25] < 0.001


def test_bad_row_hurts_its_own_caller() -> None:
    """In a run of five callers, one whose row is refused gets 422, one who breaks the model 500, the rest answers."""

    async def body(batcher: Batcher, model: Model) -> None:
        model.free.clear()
        first = batcher.ask(Batch(table(0)))
        await started(model)
        rest = [batcher.ask(Batch(table(v))) for v in (1, -1, 2, 1e7, 3)]
        model.free.set()
        found = await asyncio.gather(first, *rest, return_exceptions=True)
        assert [0.0, 2.0, BadRows, 4.0, ModelFailed, 6.0] == [
            type(f) if isinstance(f, BaseException) else f[0] for f in found
        ]

    assert [1, 5, 2, 1, 1, 3, 1, 2, 1, 1] == served(body).runs


def test_bad_row_among_many_costs_few_runs() -> None:
    """The caller of the one bad row among sixty-four is found in halves; sixty-three answers hardly wait for it."""

    async def body(batcher: Batcher, model: Model) -> None:
        model.free.clear()
        first = batcher.ask(Batch(table(0)))
        await started(model)
        rest = [batcher.ask(Batch(table(-1 if i == 41 else i))) for i in range(64)]
        model.free.set()
        found = await asyncio.gather(first, *rest, return_exceptions=True)
        assert [42] == [place for place, f in enumerate(found) if isinstance(f, BadRows)]
        assert [2.0 * i for i in range(64) if i != 41] == [f[0] for f in found[1:] if not isinstance(f, BaseException)]

    assert [1, 64, 32, 32] == served(body).runs[:4]
    assert 14 == len(served(body).runs)


class Slow(Model):
    """Takes a moment for every run."""

    def __call__(self, rows: Table, method: str, params: Mapping[str, Any]) -> Any:
        time.sleep(0.06)
        return super().__call__(rows, method, params)


def test_long_request_is_not_given_up() -> None:
    """A request whose pieces together take longer than one run may is answered: no run of it took too long."""
    given_up: list[int] = []

    async def body(batcher: Batcher, model: Model) -> None:
        assert [2.0 * i for i in range(20)] == (await batcher.ask(Batch(table(*range(20))))).tolist()

    slow = Slow()
    served(body, Limits(rows=2, seconds=0.2), run=slow, stuck=lambda: given_up.append(1))
    assert ([2] * 10, []) == (slow.runs, given_up)


def test_pieces_for_nobody_are_not_run() -> None:
    """When the caller of a long request leaves, its remaining pieces cost the model nothing."""

    async def body(batcher: Batcher, model: Model) -> None:
        asked = batcher.ask(Batch(table(*range(200))))
        await started(slow, 2)
        asked.cancel()
        assert [2.0] == (await batcher.ask(Batch(table(1)))).tolist()

    slow = Slow()
    served(body, Limits(rows=2), run=slow)
    assert len(slow.runs) < 20


def test_methods_do_not_mix() -> None:
    """Requests for another method wait for a run of their own."""

    async def body(batcher: Batcher, model: Model) -> None:
        model.free.clear()
        first = batcher.ask(Batch(table(0)))
        await started(model)
        rest = [batcher.ask(Batch(table(1), method=m)) for m in ("predict", "predict", "predict_proba", "predict")]
        model.free.set()
        assert [0, 2, 2, 3, 2] == np.concatenate(await asyncio.gather(first, *rest)).tolist()

    assert [1, 2, 1, 1] == served(body).runs


def test_full_queue_refuses() -> None:
    """Beyond the queue's rows a request is refused at once and says when to come back; those that wait are answered."""

    async def body(batcher: Batcher, model: Model) -> None:
        model.free.clear()
        first = batcher.ask(Batch(table(0)))
        await started(model)
        waiting = [batcher.ask(Batch(table(i))) for i in range(5)]
        with pytest.raises(Overloaded, match="5 rows are waiting") as refused:
            batcher.ask(Batch(table(9)))
        assert refused.value.retry_after > 0
        model.free.set()
        assert 6 == len(await asyncio.gather(first, *waiting))

    served(body, Limits(queue=5))


def test_who_left_is_not_run() -> None:
    """A caller that gave up while waiting costs the model nothing."""

    async def body(batcher: Batcher, model: Model) -> None:
        model.free.clear()
        first = batcher.ask(Batch(table(0)))
        await started(model)
        left, stays = batcher.ask(Batch(table(1))), batcher.ask(Batch(table(2)))
        left.cancel()
        model.free.set()
        assert [0.0, 4.0] == [(await first)[0], (await stays)[0]]

    assert [1, 1] == served(body).runs


def test_endless_run_is_given_up() -> None:
    """A run beyond its time: everybody who waits is told to come back, and the owner is told once."""
    told: list[int] = []

    async def body(batcher: Batcher, model: Model) -> None:
        model.free.clear()
        asked = [batcher.ask(Batch(table(0)))]
        await started(model)
        asked.append(batcher.ask(Batch(table(1))))
        found = await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), 10)
        assert [Overloaded, Overloaded] == [type(f) for f in found]
        with pytest.raises(Overloaded):
            batcher.ask(Batch(table(2)))

    served(body, Limits(seconds=0.1), stuck=lambda: told.append(1))
    assert [1] == told


def test_closing_answers_everybody() -> None:
    """Closing waits for what runs and what is queued; after it, a request is refused."""

    async def body(batcher: Batcher, model: Model) -> None:
        model.free.clear()
        first = batcher.ask(Batch(table(0)))
        await started(model)
        second = batcher.ask(Batch(table(1)))
        closing = asyncio.ensure_future(batcher.close(10))
        await asyncio.sleep(0)
        model.free.set()
        assert await closing
        assert [0.0, 2.0] == [(await first)[0], (await second)[0]]
        with pytest.raises(Overloaded):
            batcher.ask(Batch(table(2)))

    served(body)


def test_wrong_number_of_outputs_is_never_shared_out() -> None:
    """A model that answers a joined run with another number of rows is asked caller by caller instead."""

    def total(rows: Table, method: str, params: Mapping[str, Any]) -> Any:
        return np.array([rows.values.sum()])

    async def body(batcher: Batcher, model: Model) -> None:
        found = await asyncio.gather(*(batcher.ask(Batch(table(v))) for v in (1, 2, 3)))
        assert [[1.0], [2.0], [3.0]] == [f.tolist() for f in found]

    run: Run = total
    served(body, run=run)


@given(
    st.lists(st.lists(st.floats(0, 1e6), min_size=1, max_size=9), min_size=1, max_size=30),
    st.sampled_from([0, 1, 4, 8]),
)
def test_everybody_gets_their_own(requests: list[list[float]], padding: int) -> None:
    """Whatever comes together, each caller gets the answers to their own rows, in order."""

    async def body(batcher: Batcher, model: Model) -> None:
        found = await asyncio.gather(*(batcher.ask(Batch(table(*r))) for r in requests))
        assert [[2 * v for v in r] for r in requests] == [f.tolist() for f in found]

    model = served(body, Limits(rows=16), padding)
    assert not padding or max(model.runs) <= 16
