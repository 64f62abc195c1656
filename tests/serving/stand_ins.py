"""Endpoints that are served without a registry, and a client that asks an application in the same process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import orjson

from nbregistry.domain.signature import Column, Signature
from nbregistry.errors import NotFound
from nbregistry.serving.intake import Intake
from nbregistry.serving.node import Batch, By, Step
from nbregistry.serving.table import Shape

FRAME = Signature(
    (
        Column("age", "int32"),
        Column("income", "float64", nullable=True),
        Column("plan", "category", categories=("basic", "plus"), extra={"categories": {"dtype": "str"}}),
        Column("member", "bool"),
    ),
    (Column("", "float64", shape=(-1,)),),
)
NUMBERS = Signature((Column("", "float64", shape=(-1, 2)),), (Column("", "float64", shape=(-1,)),), "array")


class StandIn:
    """An endpoint whose model adds up the numbers of a row."""

    def __init__(self, name: str = "churn", signature: Signature = NUMBERS, number: int = 3) -> None:
        self.name, self.ref = name, f"{name}@champion"
        self.intake = Intake(signature)
        self.by: By | None = By(name, number, "ab" * 32)
        self.methods: tuple[str, ...] = ("predict",)
        self.ready, self.trouble = True, ""
        self.before: Callable[[Batch], Awaitable[None]] | None = None
        self.rewards: list[tuple[str, float]] = []

    def metadata(self) -> dict[str, Any]:
        signature = self.intake.signature
        return {"signature": signature.as_document() if signature else None, "batching": {}, "compiled": {}}

    async def __call__(self, batch: Batch) -> Batch:
        if self.before is not None:
            await self.before(batch)
        if batch.steps is not None:
            batch.steps.append(Step(self.name, "model", 0.001, {}))
        table = batch.table
        if table.shape is Shape.ARRAY:
            with np.errstate(over="ignore"):
                outputs = np.asarray(table.values).sum(axis=1)
        else:
            rows = zip(*table.values, strict=True)
            outputs = np.asarray([sum(float(v) for v in row if isinstance(v, int | float)) for row in rows])
        return batch.answered(outputs, (self.by,) if self.by else ())


class Rewarded(StandIn):
    """One that takes rewards and has a report."""

    async def feedback(self, id: str, reward: float, truth: Any = None, routing: Any = None) -> dict[str, Any]:
        self.rewards.append((id, reward))
        return {"id": id, "counted": True}

    def report(self) -> dict[str, Any]:
        return {"agreement": 0.5}


class Offered:
    """Several of them."""

    def __init__(self, *endpoints: StandIn) -> None:
        self.offered = list(endpoints) or [StandIn()]

    def all(self) -> tuple[StandIn, ...]:
        return tuple(self.offered)

    def find(self, name: str, which: str = "") -> StandIn:
        for endpoint in self.offered:
            number = str(endpoint.by.number) if endpoint.by else ""
            if not name or (endpoint.name == name and which in ("", "@champion", number)):
                return endpoint
        raise NotFound(f"No model {name[:80]!r} is served here.")

    async def load(self, ref: str) -> StandIn:
        if not ref.isidentifier():
            raise NotFound("There is no such model.")
        self.offered.append(StandIn(ref))
        return self.offered[-1]

    async def unload(self, name: str) -> None:
        self.offered.remove(self.find(name))


class Told(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


JSON = {"content-type": "application/json"}


async def ask(
    app: Any,
    method: str,
    target: str,
    body: bytes | Iterable[bytes] = b"",
    headers: dict[str, str] | list[tuple[str, str]] | None = None,
) -> Told:
    """Ask an application as a server would: a body in one piece or several."""
    path, _, query = target.partition("?")
    pairs = list(headers.items()) if isinstance(headers, dict) else list(headers or [])
    if not any(name.lower() == "host" for name, _ in pairs):
        pairs.append(("host", "127.0.0.1:5001"))
    pieces = [body] if isinstance(body, bytes) else list(body)
    sent: list[Any] = []

    async def receive() -> Any:
        if not pieces:
            return {"type": "http.disconnect"}
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": query.encode(),
        "headers": [(n.lower().encode("latin-1"), v.encode("latin-1")) for n, v in pairs],
    }  # fmt: skip
    await app(scope, receive, send)
    if not sent:
        return Told(0, {}, b"")
    found = {n.decode(): v.decode() for n, v in sent[0]["headers"]}
    return Told(sent[0]["status"], found, b"".join(m.get("body", b"") for m in sent[1:]))


def asked(app: Any, *args: Any, **more: Any) -> Told:
    """Ask once, in a loop of its own."""
    return asyncio.run(ask(app, *args, **more))


def post(app: Any, target: str, found: Any, **headers: str) -> Told:
    """Send JSON."""
    given = {**JSON, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return asked(app, "POST", target, orjson.dumps(found), given)
