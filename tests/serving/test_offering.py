"""Graphs that are served from a notebook: handed over, changed while they answer, remembered over restarts."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable, Coroutine
from functools import partial, wraps
from pathlib import Path
from typing import Any

import pytest

from nbregistry import Registry, errors
from nbregistry.domain import graph as g
from nbregistry.serving.following import Following
from nbregistry.serving.live import Terms
from nbregistry.serving.offering import Offering, read_graph, write_graph
from nbregistry.serving.process import Server, running
from nbregistry.serving.quarantine import Quarantine, quarantine
from nbregistry.serving.spec import RunFolder, ServerSpec
from tests.serving.conftest import ROWS
from tests.serving.waiting import until


def add_one(outputs):
    return outputs + 1


def test_graph_with_functions_survives_its_file(tmp_path: Path) -> None:
    """A graph with a function of the notebook is read back as it was, with the function."""
    graph = g.Graph(g.chain("sum/1", after=add_one), "plus")
    entry, data = write_graph(graph)
    file = tmp_path / entry.replace(":", "-")
    file.write_bytes(data)
    assert str(graph) == str(read_graph(file))
    call = read_graph(file).functions()["add_one"].call
    assert call is not None
    assert 3 == call(2)


class Slow(Following):
    """Loads one reference only once it is told to."""

    def __init__(self, registry: Registry) -> None:
        super().__init__(registry, Terms(compile=False))
        self.slow, self.asked, self.gate = "sum/2", asyncio.Event(), asyncio.Event()

    async def endpoint(self, ref: str, *, patient: bool = False) -> Any:
        """Return what answers, the slow one after the gate was opened."""
        if ref == self.slow:
            self.asked.set()
            await self.gate.wait()
        return await super().endpoint(ref, patient=patient)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """Return the run folder of a server of sum/1."""
    run = RunFolder(tmp_path / "servers" / ("0" * 8))
    run.create(ServerSpec("0" * 8, "store", "home", "ana", ("sum/1",)))
    return run


def on_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Have a test run on an event loop of its own."""

    @wraps(test)
    def run(**given: Any) -> None:
        asyncio.run(test(**given))

    return run


async def so(true: Callable[[], object]) -> None:
    """Wait until something is true."""
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)


def refs(offering: Offering) -> list[str]:
    """Return what is served."""
    return [e.ref for e in offering.all()]


@on_a_loop
async def test_load_beside_a_slow_one_stays(stock: Registry, folder: RunFolder) -> None:
    """What was loaded while the list's change was still being followed is not unloaded as that ends."""
    following = Slow(stock)
    offering, gone = Offering(following, folder), []
    following.unload = lambda name: asyncio.sleep(0, gone.append(name))  # type: ignore[method-assign, func-returns-value]  # only counted
    await offering.start()
    try:
        folder.write("wanted.json", {"refs": ["sum/1", "sum/2"]})
        await following.asked.wait()
        await offering.load("other")
        following.gate.set()
        await so(lambda: "sum/2" in refs(offering))
        await asyncio.sleep(0.3)  # three looks
        assert (["sum/1", "other", "sum/2"], []) == (refs(offering), gone)
        assert ("sum/1", "sum/2", "other") == folder.wanted()
    finally:
        await offering.close(1.0)


@on_a_loop
async def test_one_of_a_name_is_given_up_alone(stock: Registry, folder: RunFolder) -> None:
    """A reference that is not wanted any more takes no other one of its name along."""
    offering = Offering(Following(stock, Terms(compile=False)), folder)
    folder.write("wanted.json", {"refs": ["sum/1", "sum/2"]})
    await offering.start()
    try:
        folder.write("wanted.json", {"refs": ["sum/1"]})
        await so(lambda: refs(offering) != ["sum/1", "sum/2"])
        assert ["sum/1"] == refs(offering)
    finally:
        await offering.close(1.0)


@on_a_loop
async def test_list_that_cannot_be_read_is_looked_at_again(
    stock: Registry, folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a file descriptor left nothing is unloaded, and later changes are followed."""
    offering = Offering(Following(stock, Terms(compile=False)), folder)
    await offering.start()
    try:
        folder.write("wanted.json", {"refs": ["sum/1", "other"]})
        failed: list[str] = []
        with monkeypatch.context() as patch:
            patch.setattr(Path, "read_bytes", lambda path: _full(failed))
            await so(lambda: failed)
            assert ["sum/1"] == refs(offering)
        await so(lambda: ["sum/1", "other"] == refs(offering))
    finally:
        await offering.close(1.0)


def _full(failed: list[str]) -> bytes:
    failed.append("once more")
    raise OSError(24, "Too many open files")


def test_quarantine_that_cannot_be_read_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that was put away stays so while its list cannot be read."""
    quarantine(tmp_path, "a" * 64, "ended by SIGSEGV")
    asked = Quarantine(tmp_path)
    monkeypatch.setattr(Path, "read_bytes", lambda path: _full([]))
    assert {"a" * 64: "ended by SIGSEGV"} == asked()
    with pytest.raises(errors.StoreUnavailable):
        RunFolder(tmp_path).read("quarantine.json")


def _wants(folder: RunFolder, name: str) -> None:
    for number in range(25):
        folder.want(partial(lambda ref, there: (*there, ref), f"{name}/{number + 1}"))


def test_changes_of_the_list_are_all_there(folder: RunFolder) -> None:
    """Processes and threads that change the list at the same time lose no change."""
    context = multiprocessing.get_context("fork")
    changing = [context.Process(target=_wants, args=(folder, name)) for name in "abcd"]
    for process in changing:
        process.start()
    for process in changing:
        process.join()
    assert 101 == len(folder.wanted())


def test_graph_is_served_and_changed_in_place(stock: Registry, serve: Callable[..., Server]) -> None:
    """A graph answers in every worker; handed over again with other weights it takes its own place, at one address."""
    first = serve(g.Graph(g.split({"a": ("sum/1", 1.0), "b": ("sum/2", 0.0)}), "ab"), workers=2)
    assert ("ab",) == first.refs
    assert [3.0, 7.0] == first.predict(ROWS).tolist()
    second = serve(g.Graph(g.split({"a": ("sum/1", 0.0), "b": ("sum/2", 1.0)}), "ab"), workers=2)
    assert first == second
    until(lambda: [30.0, 70.0] == first.predict(ROWS).tolist())
    assert [first] == running(stock.settings.home)


def test_function_of_the_notebook_runs_in_the_server(serve: Callable[..., Server]) -> None:
    """What is written in a cell goes along with the graph."""
    prefix = 100.0

    def lifted(outputs):
        return outputs + prefix

    server = serve(g.Graph(g.chain("sum/1", after=lifted), "lifted"))
    assert [103.0, 107.0] == server.predict(ROWS).tolist()


def test_registered_graph_is_served_by_its_reference(stock: Registry, serve: Callable[..., Server]) -> None:
    """A graph that is a version is followed like any other; the newest one answers."""
    stock.register(g.chain("sum/1", after=add_one), "plus")
    server = serve("plus")
    assert [4.0, 8.0] == server.predict(ROWS).tolist()
    stock.register(g.chain("sum/2", after=add_one), "plus")
    until(lambda: [31.0, 71.0] == server.predict(ROWS).tolist())


def test_graph_of_what_is_not_there_starts_nothing(stock: Registry) -> None:
    """A graph that names an unknown model is refused by the caller."""
    with pytest.raises(errors.NotFound):
        stock.serve(g.Graph(g.split({"a": "sum/1", "b": "sum/9"}), "ab"))
    assert [] == running(stock.settings.home)
