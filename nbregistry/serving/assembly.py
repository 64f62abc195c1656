"""The parts of one worker, put together: registry, what follows it, and the application over both."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from nbregistry.errors import RegistryError
from nbregistry.registry import Registry
from nbregistry.serving.app import Application, application
from nbregistry.serving.batching import Limits
from nbregistry.serving.following import Following
from nbregistry.serving.live import Terms
from nbregistry.serving.measures import Measures
from nbregistry.serving.options import Options
from nbregistry.serving.quarantine import quarantined
from nbregistry.serving.spec import RunFolder, ServerSpec

if TYPE_CHECKING:
    from nbregistry.serving.worker import Worker

_LOOK = 0.1  # seconds between two looks at which references are wanted


class Shared:
    """The endpoints of one worker, kept the same as its siblings': what one is asked to load, all of them load.

    Parameters
    ----------
    following : Following
        This worker's.
    run : RunFolder
        Where the list of references lies that all of them serve.
    """

    def __init__(self, following: Following, run: RunFolder) -> None:
        self._following, self._run = following, run
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Load what is wanted, and go on looking."""
        refs = self._run.wanted()
        await self._following.start(refs)
        self._task = asyncio.get_running_loop().create_task(self._watch(refs))

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
        found = await self._following.load(ref)
        wanted = self._run.wanted()
        if found.ref not in wanted:
            self._run.want((*wanted, found.ref))
        return found

    async def unload(self, name: str) -> None:
        """Stop serving a name, here and in every sibling."""
        gone = {e.ref for e in self._following.all() if e.name == name}
        await self._following.unload(name)
        self._run.want(ref for ref in self._run.wanted() if ref not in gone)

    async def _watch(self, served: tuple[str, ...]) -> None:
        while True:
            await asyncio.sleep(_LOOK)
            wanted = self._run.wanted()
            if wanted == served:
                continue
            served = wanted
            for ref in wanted:
                if not any(e.ref == ref for e in self._following.all()):
                    await self._more(ref)
            for gone in [e for e in self._following.all() if e.ref not in wanted]:
                with contextlib.suppress(RegistryError):  # it was given up here first
                    await self._following.unload(gone.name)

    async def _more(self, ref: str) -> None:
        """Offer a reference even where it cannot be loaded yet: it is not ready then, and says why."""
        with contextlib.suppress(RegistryError):
            self._following.offer(await self._following.leaf(ref, patient=True))


class Parts:
    """What a worker stands on."""

    def __init__(self, app: Application, shared: Shared, registry: Registry) -> None:
        self.app, self._shared, self._registry = app, shared, registry

    async def close(self, seconds: float) -> None:
        """Answer what was asked, and let go of the registry."""
        await self._shared.close(seconds)
        self._registry.close()


async def assembled(worker: Worker) -> Parts:
    """Put a worker together; every version that is wanted was loaded, or has said why it cannot be."""
    spec = worker.spec
    measures = Measures()
    registry = Registry(spec.uri, user=spec.user, read_only=True)
    terms = Terms(
        compile=spec.compile, limits=Limits(rows=spec.batch, seconds=spec.timeout), measures=measures,
        marker=worker.marker, stuck=worker.stuck,
    )  # fmt: skip
    following = Following(registry, terms, quarantined=lambda: quarantined(worker.run.path))
    shared = Shared(following, worker.run)
    await shared.start()
    options = _options(spec, worker.run, worker.index)
    return Parts(application(shared, options=options, measures=measures), shared, registry)


def _options(spec: ServerSpec, run: RunFolder, index: int) -> Options:
    return Options(
        port=int(run.state().get("port", 0)),
        hosts=spec.names,
        tokens={token.sha256: frozenset(token.permissions) for token in spec.tokens},
        answer_timeout=2 * spec.timeout + 1,  # a run that is given up is told as such, not as a request that waited
        folder=run.path,
        index=str(index),
        sampled=spec.sampled,
        redacted=spec.redacted,
    )
