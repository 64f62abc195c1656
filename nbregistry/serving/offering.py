"""What one worker offers, kept the same as its siblings': what one is asked to load, all of them load.

The list lies in the run folder. An entry is a reference, or a graph that was written in a notebook, as a file beside
the list; a reference may mean a graph too, and then what it means is followed as a model's is.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from nbregistry.domain.graph import Graph
from nbregistry.errors import Damaged, RegistryError
from nbregistry.serving.boundary import guarded
from nbregistry.serving.following import Following
from nbregistry.serving.graph.endpoint import GraphEndpoint
from nbregistry.serving.node import Batch
from nbregistry.serving.spec import RunFolder, graph_file, graph_name, is_graph

LOOK = 0.1
"""Seconds between two looks at the list."""

_PAUSE = 1.0  # seconds after a look that failed
_LATER = 60.0  # seconds in which a graph that was replaced answers what it was asked before


class Switched:
    """An ``Endpoint`` that is a graph of a notebook as it was last handed over."""

    def __init__(self, entry: str, graph: GraphEndpoint) -> None:
        self.entry, self.graph = entry, graph

    def __getattr__(self, name: str) -> Any:
        return getattr(self.graph, name)

    async def __call__(self, batch: Batch) -> Batch:
        """Answer with the graph that is in charge as the request arrives."""
        return await self.graph(batch)

    def means(self, which: str) -> bool:
        """Whether anything is meant but the name: such a graph has no versions."""
        return not which


class Offering:
    """The ``Endpoints`` of one worker.

    Parameters
    ----------
    following : Following
        What loads and follows references.
    run : RunFolder
        Where the list lies.
    """

    def __init__(self, following: Following, run: RunFolder) -> None:
        self._following, self._run = following, run
        self._graphs: dict[str, Switched] = {}
        self._served: tuple[str, ...] = ()
        self._coming: Counter[str] = Counter()  # those that are about to be in the list
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Load what is wanted, and go on looking."""
        await self._following.start(())
        self._served = self._run.wanted()
        for entry in self._served:
            self._following.offer(await self._endpoint(entry))
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def close(self, seconds: float) -> None:
        """Answer what was asked, and let go of everything."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._following.close(seconds)

    def all(self) -> tuple[Any, ...]:
        """Return every endpoint."""
        return self._following.all()

    def find(self, name: str, which: str = "") -> Any:
        """Return the endpoint that a route means."""
        return self._following.find(name, which)

    async def load(self, ref: str) -> Any:
        """Serve one more reference, here and in every sibling."""
        self._coming[ref] += 1
        try:
            found = await self._following.load(ref)
            await self._want(lambda refs: refs if ref in refs else (*refs, ref))
        finally:
            self._coming[ref] -= 1
        return found

    async def unload(self, name: str) -> None:
        """Stop serving a name, here and in every sibling."""
        gone = [e for e in self._following.all() if e.name == name]
        if not gone:
            await self._following.unload(name)  # which says what there is
        entries = {_entry(e) for e in gone}
        await self._want(lambda refs: (entry for entry in refs if entry not in entries))
        for endpoint in gone:
            self._withdraw(endpoint)

    async def _want(self, change: Callable[[tuple[str, ...]], Iterable[str]]) -> None:
        # Whoever has the list may be slow: nobody else has to wait for that.
        await asyncio.get_running_loop().run_in_executor(None, self._run.want, change)

    # -- the list

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            try:
                await guarded("Following what is wanted", self._look)
            except RegistryError:  # what is served stays; a process that is out of descriptors may get some back
                await asyncio.sleep(_PAUSE)

    async def _look(self) -> None:
        wanted = self._run.wanted()
        if wanted != self._served:
            await self._follow(wanted)
            self._served = wanted

    async def _follow(self, wanted: tuple[str, ...]) -> None:
        there = {_entry(e) for e in self._following.all()}
        failed: list[RegistryError] = []
        for entry in wanted:
            if entry not in there:
                try:
                    await guarded(f"Serving {entry}", partial(self._add, entry))
                except RegistryError as error:
                    failed.append(error)
        wanted = self._run.wanted()  # loading takes its time, and others load meanwhile
        for gone in self._following.all():
            if _entry(gone) not in wanted and not self._coming[_entry(gone)]:
                self._withdraw(gone)
        if failed:
            raise failed[0]

    async def _add(self, entry: str) -> None:
        before = next((g for g in self._graphs.values() if _same_name(g.entry, entry)), None)
        if before is None:
            self._following.offer(await self._endpoint(entry))
        else:
            await self._switch(before, entry)

    async def _endpoint(self, entry: str) -> Any:
        """Return what answers for an entry; what cannot be loaded yet is not ready and says why."""
        if not is_graph(entry):
            return await self._following.endpoint(entry, patient=True)
        self._graphs[entry] = Switched(entry, await self._handed(entry))
        return self._graphs[entry]

    # -- graphs of a notebook

    async def _handed(self, entry: str) -> GraphEndpoint:
        file = self._run.path / graph_file(entry)
        graph = await asyncio.get_running_loop().run_in_executor(None, read_graph, file)
        return await self._following.graphs.handed(graph)

    async def _switch(self, one: Switched, entry: str) -> None:
        """Put another graph in the place of the one of its name; nobody waits, nothing is dropped."""
        graph = await self._handed(entry)
        self._graphs.pop(one.entry, None)
        before, one.graph, one.entry = one.graph, graph, entry
        self._graphs[entry] = one
        self._forget_later(before)

    def _withdraw(self, endpoint: Any) -> None:
        self._following.withdraw(endpoint)
        if isinstance(endpoint, Switched) and self._graphs.pop(endpoint.entry, None) is not None:
            self._forget_later(endpoint.graph)

    def _forget_later(self, graph: GraphEndpoint) -> None:
        asyncio.get_running_loop().call_later(_LATER, self._following.graphs.forget, graph)


def write_graph(graph: Graph) -> tuple[str, bytes]:
    """Return a graph's entry in the list and the bytes of its file; functions of the notebook go along."""
    import io

    from nbregistry.flavors.graph import PICKLED, GraphFlavor

    flavor, file = GraphFlavor(), io.BytesIO()
    form = flavor.default(graph)
    flavor.save(graph, file, form)
    ending = "pkl" if form == PICKLED.name else "json"
    digest = hashlib.sha256(file.getvalue()).hexdigest()[:16]
    return f"graph:{graph.name}:{digest}.{ending}", file.getvalue()


def read_graph(file: Path) -> Graph:
    """Read the file of a graph from the owner's own run folder, which nobody else can write to."""
    from nbregistry.flavors.graph import PICKLED, PLAIN, GraphFlavor

    with file.open("rb") as opened:
        found = GraphFlavor().load(opened, (PICKLED if file.suffix == ".pkl" else PLAIN).name)
    if not isinstance(found, Graph):
        raise Damaged(f"{file.name} holds no graph.")
    return found


def _entry(endpoint: Any) -> str:
    return endpoint.entry if isinstance(endpoint, Switched) else str(endpoint.ref)


def _same_name(first: str, second: str) -> bool:
    return is_graph(first) and is_graph(second) and graph_name(first) == graph_name(second)
