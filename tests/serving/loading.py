"""A loader for tests: keep-alive connections on one event loop, every request that was sent accounted for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(slots=True)
class Answered:
    """One request: when it was sent and answered (seconds of ``time.monotonic``), and what came."""

    sent: float
    came: float
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def seconds(self) -> float:
        return self.came - self.sent


@dataclass(slots=True)
class Load:
    """What became of all requests; those that were sent and never answered are in ``dropped``."""

    answers: list[Answered] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)

    def quantile(self, q: float, since: float = 0.0, until: float = float("inf")) -> float:
        found = sorted(a.seconds for a in self.answers if since <= a.sent < until)
        return found[min(len(found) - 1, int(q * len(found)))]


def request(url: str, path: str, body: bytes, *headers: str) -> bytes:
    """Return the bytes of a JSON request."""
    lines = [f"POST {path} HTTP/1.1", f"Host: {urlsplit(url).netloc}", "Content-Type: application/json"]
    return "\r\n".join([*lines, *headers, f"Content-Length: {len(body)}", "", ""]).encode() + body


async def load(
    url: str, message: Callable[[int], bytes], seconds: float, *, connections: int = 8, rate: float = 0.0
) -> Load:
    """Ask for so many seconds; at ``rate`` requests a second over all connections, or as fast as answers come."""
    found, place = Load(), urlsplit(url)
    end = time.monotonic() + seconds

    async def client(number: int) -> None:
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        due = time.monotonic() + (number / rate if rate else 0)
        count = number
        while True:
            if rate:
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                due += connections / rate
            if time.monotonic() >= end:
                break
            sent = time.monotonic()
            try:
                writer.write(message(count))
                found.answers.append(await _answer(reader, sent))
            except (ConnectionError, asyncio.IncompleteReadError) as error:
                found.dropped.append(f"{type(error).__name__} after {time.monotonic() - sent:.3f} s")
                reader, writer = await asyncio.open_connection(place.hostname, place.port)
            count += connections
        writer.close()

    await asyncio.gather(*(client(i) for i in range(connections)))
    return found


async def _answer(reader: asyncio.StreamReader, sent: float) -> Answered:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Answered(sent, time.monotonic(), int(head[0].split()[1]), headers, body)
