"""The port on which the Open Inference Protocol is spoken over gRPC, beside the one for HTTP and with its rules.

Only loopback without tokens; no reflection, no compression (a few kilobytes of it can stand for gigabytes), bounded
messages, metadata, calls and times.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Any

from nbregistry.errors import Conflict, InvalidInput, MissingDependency
from nbregistry.serving.measures import Measures
from nbregistry.serving.node import Endpoints
from nbregistry.serving.options import Options
from nbregistry.serving.rpc.calls import Calls, Log
from nbregistry.serving.rpc.methods import Methods
from nbregistry.serving.samples import Samples

CONCURRENCY = 64
"""Calls under way at once, at most; each has a thread."""

METADATA = 8 * 1024
"""Bytes of a call's metadata."""

_SPARE = 8  # threads for telling others that there is no room
_WAITING = 256  # calls that wait to be told; beyond it the library refuses by itself


class GrpcServer:
    """A server that listens.

    Attributes
    ----------
    port : int
        Where.
    """

    def __init__(self, server: Any, calls: Calls, methods: Methods, pool: ThreadPoolExecutor, port: int) -> None:
        self._server, self._calls, self._methods, self._pool = server, calls, methods, pool
        self.port = port

    async def stop(self, grace: float = 30.0) -> None:
        """Take no more calls, answer those under way for at most so many seconds, and end."""
        self._methods.leaving = True
        done = self._server.stop(grace)
        await asyncio.to_thread(done.wait, grace + 5.0)
        self._calls.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    @property
    def leaving(self) -> bool:
        """Whether readiness says no; may be set before ``stop``."""
        return self._methods.leaving

    @leaving.setter
    def leaving(self, value: bool) -> None:
        self._methods.leaving = value


async def start(
    endpoints: Endpoints,
    *,
    port: int = 0,
    options: Options | None = None,
    measures: Measures | None = None,
    host: str = "127.0.0.1",
    shared: bool = False,
    samples: Samples | None = None,
    log: Log | None = None,
) -> GrpcServer:
    """Listen, and answer from the running event loop.

    Parameters
    ----------
    port : int
        0: any free one.
    host : str
        Address to listen on.
    shared : bool
        Whether several processes listen on the same port.
    samples : Samples, optional
        Where a part of what was asked and answered is kept.
    log : Log, optional
        Where a line is written for every call.

    Raises
    ------
    MissingDependency
        grpcio or protobuf is not installed.
    InvalidInput
        Others than this machine could ask, and there is no token.
    Conflict
        The port is taken.
    """
    options, measures = options or Options(), measures or Measures()
    if not options.tokens and not _loopback(host):
        raise InvalidInput(f"Listening on {host} needs a token: others than this machine could ask.")
    grpc = _library()
    methods = Methods(endpoints, options, samples)
    concurrency = min(options.concurrency, CONCURRENCY)
    calls = Calls(grpc, methods.actions(), options=options, measures=measures, concurrency=concurrency, log=log)
    pool = ThreadPoolExecutor(concurrency + _SPARE, thread_name_prefix="nbregistry-grpc")
    server = grpc.server(
        pool,
        handlers=(calls,),
        options=_settings(options, concurrency=concurrency, shared=shared),
        maximum_concurrent_rpcs=concurrency + _WAITING,
    )
    try:
        bound = server.add_insecure_port(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    except RuntimeError as error:
        calls.close()
        raise Conflict(f"gRPC cannot listen on {host}:{port}: it is taken, or no address of this machine.") from error
    server.start()
    return GrpcServer(server, calls, methods, pool, bound)


def _library() -> Any:
    try:
        import grpc
    except ModuleNotFoundError as error:
        raise MissingDependency("grpcio", "grpc", "Answering gRPC") from error
    return grpc


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or bool(ip_address(host).is_loopback)
    except ValueError:
        return False


def _settings(options: Options, *, concurrency: int, shared: bool) -> list[tuple[str, int]]:
    """Return the channel arguments; times in milliseconds."""
    return [
        ("grpc.max_receive_message_length", options.body_limit),
        ("grpc.max_send_message_length", options.body_limit),
        ("grpc.max_metadata_size", METADATA),
        ("grpc.absolute_max_metadata_size", METADATA),
        ("grpc.max_concurrent_streams", concurrency),
        ("grpc.compression_enabled_algorithms_bitset", 1),  # only the one that leaves messages as they are
        ("grpc.server_handshake_timeout_ms", int(options.header_timeout * 1000)),
        ("grpc.max_connection_idle_ms", 300_000),
        # A peer that is gone without a word holds its connection until a ping stays unanswered.
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.so_reuseport", int(shared)),
    ]
