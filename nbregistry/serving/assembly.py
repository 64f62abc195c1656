"""The parts of one worker, put together: registry, what follows it, and the application over both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbregistry.registry import Registry
from nbregistry.serving.app import Application, application
from nbregistry.serving.batching import Limits
from nbregistry.serving.following import Following
from nbregistry.serving.live import Terms
from nbregistry.serving.measures import Measures
from nbregistry.serving.offering import Offering
from nbregistry.serving.options import Options
from nbregistry.serving.quarantine import Quarantine
from nbregistry.serving.spec import RunFolder, ServerSpec

if TYPE_CHECKING:
    from nbregistry.serving.rpc.server import GrpcServer
    from nbregistry.serving.worker import Worker


class Parts:
    """What a worker stands on."""

    def __init__(self, app: Application, offering: Offering, registry: Registry, grpc: GrpcServer | None) -> None:
        self.app, self._offering, self._registry, self._grpc = app, offering, registry, grpc

    def leave(self) -> None:
        """Say no to whoever asks whether this process is ready."""
        self.app.leaving = True
        if self._grpc is not None:
            self._grpc.leaving = True

    async def close(self, seconds: float) -> None:
        """Answer what was asked, and let go of the registry."""
        if self._grpc is not None:
            await self._grpc.stop(seconds)
        await self._offering.close(seconds)
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
    following = Following(registry, terms, quarantined=Quarantine(worker.run.path))
    offering = Offering(following, worker.run)
    await offering.start()
    options = _options(spec, worker.run, worker.index)
    app = application(offering, options=options, measures=measures)
    return Parts(app, offering, registry, await _grpc(worker, app, offering))


async def _grpc(worker: Worker, app: Application, offering: Offering) -> GrpcServer | None:
    """Listen for gRPC too, where that is wanted, on the port that the supervisor keeps for all workers."""
    spec, port = worker.spec, int(worker.run.state().get("grpc", 0))
    if spec.grpc < 0:
        return None
    from nbregistry.serving.rpc.server import start

    return await start(
        offering, port=port, options=app.options, measures=app.measures, host=spec.host, shared=True,
        samples=app.samples, log=app.log,
    )  # fmt: skip


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
