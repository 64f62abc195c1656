"""The server follows the ledger: what a reference means now is loaded beside what it meant, then takes its place.

One thread looks at the ledger ten times a second; each change is loaded in a thread of its own, checked against what is
served, and switched to between two requests. Whatever cannot be loaded, does not match its digest, is not trusted,
would break the callers or keeps ending the process leaves what serves in its place, and says so.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from time import monotonic
from typing import Any

from nbregistry.domain.entities import ModelVersion
from nbregistry.domain.graph import Graph
from nbregistry.domain.refs import Ref
from nbregistry.domain.succession import breaks
from nbregistry.errors import Conflict, NotFound, RegistryError, did_you_mean
from nbregistry.flavors.boundary import foreign
from nbregistry.registry import Registry
from nbregistry.registry.pinning import FLAVOR
from nbregistry.serving import live
from nbregistry.serving.boundary import attempted
from nbregistry.serving.followed import Failure, Followed
from nbregistry.serving.graphs import Graphs
from nbregistry.serving.live import Live, Loaded, Terms
from nbregistry.serving.node import By
from nbregistry.serving.settling import Settling
from nbregistry.types import Digest

LOOK = 0.1
"""Seconds between two looks at the ledger."""

DRAIN = 60.0
"""Seconds in which a version that was replaced answers what it was asked before."""


class Following:
    """All references of one server: ``Endpoints``.

    Parameters
    ----------
    registry : Registry
        Read only.
    terms : Terms
        What holds for every version.
    quarantined : callable
        Digests of versions that ended the process too often, with the reason; asked at each look.
    """

    def __init__(
        self, registry: Registry, terms: Terms, *, quarantined: Callable[[], Mapping[Digest, str]] = dict
    ) -> None:
        self.registry, self.terms = registry, terms
        self._quarantined = quarantined
        self._offered: list[Any] = []
        self._leaves: dict[str, Followed] = {}
        self._settling = Settling(registry, terms)
        self._leaving: set[asyncio.Task[bool]] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="nbregistry-following", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._one_by_one = asyncio.Lock()
        self._graphs = Graphs(registry, terms, partial(self.leaf, patient=True), self._drop)

    async def start(self, refs: tuple[str, ...], graphs: Sequence[Graph] = ()) -> None:
        """Load every reference, then follow the ledger.

        What cannot be loaded is offered all the same: it is not ready, says why, and is tried again.

        Parameters
        ----------
        graphs : sequence of Graph
            Beside the references: graphs that are not registered.
        """
        self._loop = asyncio.get_running_loop()
        self._settling.start(self._loop)
        for ref in refs:
            self.offer(await self.endpoint(ref, patient=True))
        for graph in graphs:
            self.offer(await self._graphs.handed(graph))
        self._thread.start()

    async def endpoint(self, ref: str, *, patient: bool = False) -> Any:
        """Return what answers for a reference, a model or a graph, loaded.

        Raises
        ------
        nbregistry.errors.RegistryError
            It cannot be loaded, unless ``patient``.
        """
        try:
            version = await asyncio.get_running_loop().run_in_executor(None, self.registry.version, ref)
        except RegistryError:
            return await self.leaf(ref, patient=patient)
        if version.flavor != FLAVOR:
            return await self.leaf(ref, patient=patient)
        found = await self._graphs.endpoint(ref, version)
        if not found.ready and not patient:
            self._graphs.forget(found)
            raise Conflict(found.trouble)
        return found

    async def leaf(self, ref: str, *, patient: bool = False) -> Followed:
        """Return what follows a reference, loaded; the same for everybody who asks.

        Raises
        ------
        nbregistry.errors.RegistryError
            It cannot be loaded, unless ``patient``.
        """
        async with self._one_by_one:
            if ref not in self._leaves:
                self._leaves[ref] = await self._led(ref, patient=patient)
            return self._leaves[ref]

    async def _led(self, ref: str, *, patient: bool) -> Followed:
        leaf, loop = Followed(ref), asyncio.get_running_loop()
        kind: type[RegistryError] = Conflict
        try:
            version = await loop.run_in_executor(None, self.registry.version, ref)
            await loop.run_in_executor(None, self._replace, leaf, version)
            await asyncio.sleep(0)  # what the thread handed over takes its place
        except RegistryError as error:
            leaf.lost = str(error)
            kind = NotFound if isinstance(error, NotFound) else Conflict
        if not leaf.ready and not patient:
            raise kind(leaf.trouble)
        return leaf

    def offer(self, endpoint: Any) -> None:
        """Let routes find an endpoint."""
        if endpoint not in self._offered:
            self._offered.append(endpoint)

    async def close(self, seconds: float = DRAIN) -> None:
        """Answer what was asked, and let go of everything."""
        self._stop.set()
        self._settling.close()
        self._graphs.close()
        lives = [leaf.live for leaf in self._leaves.values() if leaf.live is not None]
        await asyncio.gather(*(one.close(seconds) for one in lives), *self._leaving)

    @property
    def graphs(self) -> Graphs:
        """The graphs among what is served; also takes those that are not registered."""
        return self._graphs

    # -- Endpoints

    def all(self) -> tuple[Any, ...]:
        """Return every endpoint, in the order they were asked for."""
        return tuple(self._offered)

    def find(self, name: str, which: str = "") -> Any:
        """Return the endpoint that a route means."""
        for endpoint in self._offered:
            if not name or (endpoint.name == name and (not which or _means(endpoint, which))):
                return endpoint
        raise self._unknown(name, which)

    async def load(self, ref: str) -> Any:
        """Serve one more reference; loaded anew where it is served already but not as the registry wants it."""
        found = await self.endpoint(ref)
        if found.failed is not None:
            found.failed.again = 0.0
        self.offer(found)
        return found

    async def unload(self, name: str) -> None:
        """Stop serving a name; what is under way is answered."""
        gone = [e for e in self._offered if e.name == name]
        if not gone:
            raise self._unknown(name, "")
        for endpoint in gone:
            self.withdraw(endpoint)

    def withdraw(self, endpoint: Any) -> None:
        """Stop serving one of perhaps several endpoints of a name; fine when it is served no more."""
        if endpoint in self._offered:
            self._offered = [e for e in self._offered if e is not endpoint]
            if not self._graphs.forget(endpoint):
                self._drop(endpoint.ref)

    def _drop(self, ref: str) -> None:
        """Let go of a leaf that is neither offered nor a part of a graph any more."""
        if self._graphs.needs(ref) or any(endpoint.ref == ref for endpoint in self._offered):
            return
        leaf = self._leaves.pop(ref, None)
        if leaf is not None and leaf.live is not None:
            self._leave(leaf.live)

    def _unknown(self, name: str, which: str) -> NotFound:
        there = [e for e in self._offered if e.name == name]
        if there:
            now = "; ".join(f"{e.ref} is {e.by.ref if e.by else 'not ready'}" for e in there)
            return NotFound(f"{name!r} is not served here as {which[:80]!r}: {now}.")
        hint = did_you_mean(name[:80], [e.name for e in self._offered])
        return NotFound(
            f"No model {name[:80]!r} is served here{hint or '.'} Served: {', '.join(e.ref for e in self._offered)}."
        )

    # -- following, in threads of its own

    def _watch(self) -> None:
        while not self._stop.wait(LOOK):
            for leaf in list(self._leaves.values()):
                attempted(f"Following {leaf.ref}", partial(self._look, leaf), None)
            if self._loop is not None:
                attempted("Following graphs", partial(self._graphs.look, self._loop), None)

    def _look(self, leaf: Followed) -> None:
        try:
            version = self.registry.version(leaf.ref)
            self._settling.ahead(version.name)
        except RegistryError as error:
            leaf.lost = str(error)
            return
        leaf.lost = ""
        if leaf.loading:
            return
        if leaf.by == By.of(version) and version.digest not in self._quarantined():
            leaf.version, leaf.failed = version, None
            return
        failed = leaf.failed
        if failed is None or failed.wanted != By.of(version) or failed.again <= monotonic():
            leaf.loading = True
            threading.Thread(target=self._replace, args=(leaf, version), daemon=True).start()

    def _replace(self, leaf: Followed, version: ModelVersion) -> None:
        """Load what is wanted and hand it to the loop; a failure is kept with the reference."""
        leaf.loading = True
        try:
            loaded = self._prepared(leaf, version)
        except (RegistryError, MemoryError, SystemExit) as error:  # a model's code may ask to exit as it is unpickled
            leaf.failed = Failure(By.of(version), str(error) or type(error).__name__).repeated(leaf.failed)
            self.terms.measures.swaps.labels(leaf.name, "refused").inc()
            leaf.loading = False
            self._fall_back(leaf, version)
        else:
            self._hand_over(leaf, loaded, version)

    def _prepared(self, leaf: Followed, version: ModelVersion) -> Loaded:
        if why := self._quarantined().get(version.digest):
            raise Conflict(f"it was put in quarantine: {why}")
        with foreign(f"Loading {version.ref}"):
            loaded = live.load(self.registry, version, self.terms)
            before = leaf.live
            if before is not None and (found := breaks(loaded.signature, before.loaded.signature)):
                raise Conflict(
                    f"it would break those who ask {before.by.ref}: {'; '.join(found[:5])}. Serve it under a reference"
                    " of its own, or start the server anew."
                )
            if before is not None or loaded.engine.kind == "compiled":
                loaded.independent = live.check(loaded, self.terms)
        return loaded

    def _fall_back(self, leaf: Followed, version: ModelVersion) -> None:
        """Where nothing good answers (any more), take the newest earlier version that can.

        Who asked for one exact version is never answered by another.
        """
        bad = self._quarantined()
        if Ref.parse(leaf.ref).number is not None:
            if leaf.live is not None and leaf.live.by.digest in bad:
                self._call(partial(self._withdraw, leaf))
            return
        if leaf.live is not None and leaf.live.by.digest not in bad:
            return
        earlier = [v for v in self.registry.versions(version.name) if v.number < version.number]
        ranked = sorted(earlier, key=lambda v: (v.stage.value == "Archived", v.number), reverse=True)
        for candidate in ranked:
            if candidate.digest in bad or candidate.deleted or candidate.status != version.status:
                continue
            try:
                loaded = self._prepared(leaf, candidate)
            except (RegistryError, MemoryError, SystemExit):
                continue
            self._hand_over(leaf, loaded, candidate, failed=leaf.failed)
            return

    def _hand_over(
        self, leaf: Followed, loaded: Loaded, version: ModelVersion, *, failed: Failure | None = None
    ) -> None:
        def switch() -> None:
            before, leaf.live = leaf.live, Live(loaded, self.terms, leaf.name)
            leaf.version, leaf.failed, leaf.loading = version, failed, False
            if before is not None:
                self.terms.measures.swaps.labels(leaf.name, "done").inc()
                self._leave(before)
            self._settling.take(leaf.live)

        self._call(switch)

    def _withdraw(self, leaf: Followed) -> None:
        before, leaf.live = leaf.live, None
        if before is not None:
            self._leave(before)

    def _call(self, action: Callable[[], None]) -> None:
        """Have the loop do something, from another thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(action)

    def _leave(self, before: Live) -> None:
        task = asyncio.ensure_future(before.close(DRAIN))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)


def _means(endpoint: Any, which: str) -> bool:
    means = getattr(endpoint, "means", None)
    return bool(means(which)) if means is not None else False
