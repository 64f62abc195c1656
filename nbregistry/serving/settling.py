"""What can wait until a version answers: measuring whether its rows may run together, and proving a compiled twin.

All of it happens in one thread, one version after the other, and what it finds takes effect between two runs. Versions
registered under a name that is served are compiled before anybody promotes them, so that a swap finds the twin ready.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from functools import partial
from queue import SimpleQueue

from nbregistry.domain.entities import ModelVersion
from nbregistry.domain.lifecycle import Status
from nbregistry.errors import RegistryError
from nbregistry.registry import Registry
from nbregistry.serving import compiling, live
from nbregistry.serving.boundary import attempted
from nbregistry.serving.live import Live, Terms
from nbregistry.types import Digest


class Settling:
    """The thread that settles versions.

    Parameters
    ----------
    registry : Registry
        Read only.
    terms : Terms
        Whether to compile at all.
    """

    def __init__(self, registry: Registry, terms: Terms) -> None:
        self.registry, self.terms = registry, terms
        self._todo: SimpleQueue[Live | ModelVersion | None] = SimpleQueue()
        self._known: set[Digest] = set()
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._work, name="nbregistry-settling", daemon=True)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin; ``loop`` is where versions answer."""
        self._loop = loop
        self._thread.start()

    def close(self) -> None:
        """End after what is under way; a conversion that runs is ended."""
        self._closed = True
        self._todo.put(None)

    def take(self, one: Live) -> None:
        """Settle a version that answers now."""
        self._known.add(one.by.digest)
        self._todo.put(one)

    def ahead(self, name: str) -> None:
        """Compile the newest version of a name before anybody asks for it; called at each look, and cheap."""
        if not self.terms.compile or not self._loop:
            return
        view = self.registry.core.view()
        numbers = view.index.ready[name]
        if not numbers:
            return
        version = self.registry.version(f"{name}/{numbers[-1]}")
        if version.digest not in self._known:
            self._known.add(version.digest)
            self._todo.put(version)

    def _work(self) -> None:
        while (one := self._todo.get()) is not None:
            if self._closed:
                return
            if isinstance(one, Live):
                attempted(f"Settling {one.by.ref}", partial(self._settle, one), None)
            else:
                attempted(f"Compiling {one.ref}", partial(self._compile, one), False)

    def _settle(self, one: Live) -> None:
        loaded = one.loaded
        if not loaded.independent.rows:
            loaded = replace(loaded, independent=live.check(loaded, self.terms))
            self._use(one, loaded)
        if loaded.engine.kind == "compiled" or not self.terms.compile or not self._compile(loaded.version):
            return
        twin = live.load(self.registry, loaded.version, self.terms)
        if twin.engine.kind == "compiled":
            twin.independent = live.check(twin, self.terms)
        else:
            twin.engine, twin.independent = loaded.engine, loaded.independent
        self._use(one, twin)

    def _compile(self, version: ModelVersion) -> bool:
        """Have a version converted and proven in a process of its own; whether anything is known of it now."""
        if version.status is not Status.READY or not compiling.available():
            return False
        if compiling.find(self.registry, version) is not None:
            return True
        try:
            work = compiling.start(self.registry, version)
        except RegistryError:
            return False
        while not work.done(0.1):
            if self._closed:
                work.end()
                return False
        return compiling.find(self.registry, version) is not None

    def _use(self, one: Live, loaded: live.Loaded) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(one.settle, loaded)
