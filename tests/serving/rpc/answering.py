"""Endpoints made of a function, and a gRPC server over them on a loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import numpy as np

from nbregistry.domain.signature import Column, Signature
from nbregistry.errors import NotFound
from nbregistry.serving.intake import Intake
from nbregistry.serving.measures import Measures
from nbregistry.serving.node import Batch, By
from nbregistry.serving.options import Options
from nbregistry.serving.rpc.messages import SERVICE, messages
from nbregistry.serving.rpc.server import GrpcServer, start

NUMBERS = Signature((Column("", "float64", True, shape=(-1, 3)),), (), "array")
MIXED = Signature(
    (
        Column("age", "int64"),
        Column("city", "str", True),
        Column("rate", "float64", True),
        Column("plan", "category", categories=("free", "paid"), extra={"categories": {"dtype": "str"}}),
    ),
    (),
    "frame",
)


def sums(batch: Batch) -> Any:
    return np.asarray(batch.table.values, dtype=float).sum(axis=1)


class Answers:
    """An endpoint that a function answers for, in the server's loop, once it is let go."""

    def __init__(self, name: str, signature: Signature, run: Callable[[Batch], Any] = sums) -> None:
        self.name, self.ref, self.intake, self.run = name, f"{name}@champion", Intake(signature), run
        self.by: By | None = By(name, 3, "d" * 64)
        self.methods: tuple[str, ...] = ("predict", "predict_proba")
        self.ready, self.trouble = True, ""
        self.asked: list[Batch] = []
        self.free = threading.Event()
        self.free.set()
        self.cancelled = 0

    def metadata(self) -> dict[str, Any]:
        signature = self.intake.signature
        return {"name": self.name, "version": 3, "signature": signature.as_document() if signature else None}

    async def __call__(self, batch: Batch) -> Batch:
        self.asked.append(batch)
        try:
            while not self.free.is_set():
                await asyncio.sleep(0.005)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return batch.answered(self.run(batch), (self.by,) if self.by else ())


class Offered:
    """What a server offers."""

    def __init__(self, *endpoints: Answers) -> None:
        self.endpoints = list(endpoints)
        self.loading = False
        self.free = threading.Event()
        self.free.set()

    def all(self) -> tuple[Answers, ...]:
        return tuple(self.endpoints)

    def find(self, name: str, which: str = "") -> Answers:
        for one in self.endpoints:
            if one.name == name and which in ("", "3", "@champion"):
                return one
        raise NotFound(f"No model {name!r} is served here.")

    async def load(self, ref: str) -> Answers:
        self.loading = True
        while not self.free.is_set():
            await asyncio.sleep(0.005)
        self.endpoints.append(Answers(ref, NUMBERS))
        return self.endpoints[-1]

    async def unload(self, name: str) -> None:
        self.endpoints.remove(self.find(name))


class Listening:
    """A server that answers, what it offers, and how to ask it."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, server: GrpcServer, offered: Offered, measures: Measures
    ) -> None:
        self.loop, self.server, self.offered, self.measures = loop, server, offered, measures
        self.address = f"127.0.0.1:{server.port}"
        self.channel = grpc.insecure_channel(self.address)
        self.kinds = messages()

    def run(self, what: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self.loop).result(30)

    def raw(self, method: str, sent: bytes, service: str = SERVICE, **more: Any) -> bytes:
        more.setdefault("timeout", 20)
        found: bytes = self.channel.unary_unary(f"/{service}/{method}")(sent, **more)
        return found

    def ask(self, method: str, **fields: Any) -> Any:
        sent = getattr(self.kinds, f"{method}Request")(**fields).SerializeToString()
        return getattr(self.kinds, f"{method}Response").FromString(self.raw(method, sent))

    def refused(self, method: str, sent: bytes = b"", **more: Any) -> Any:
        """Return the error of a call that must fail."""
        try:
            self.raw(method, sent, **more)
        except grpc.RpcError as error:
            return error
        raise AssertionError(f"{method} was answered")

    def answers(self, method: str) -> bool:
        try:
            self.raw(method, b"", timeout=2)
        except grpc.RpcError:
            return False
        return True

    def count(self, family: str) -> dict[tuple[str, ...], float]:
        return {tuple(labels): value for labels, value in self.measures.state()[family]}


@contextmanager
def listening(*endpoints: Answers, options: Options | None = None, **more: Any) -> Iterator[Listening]:
    """Run a server over endpoints in a thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    offered, measures = Offered(*endpoints), Measures()
    starting = start(offered, port=0, options=options, measures=measures, **more)
    server = asyncio.run_coroutine_threadsafe(starting, loop).result(20)
    found = Listening(loop, server, offered, measures)
    try:
        yield found
    finally:
        for one in offered.endpoints:
            one.free.set()
        found.channel.close()
        found.run(server.stop(5))
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()
