"""The limit of this stack: an ASGI application that reads the body and answers a constant; no model, no routes."""

from __future__ import annotations

import json
import os
from typing import Any

SIZE = int(os.environ.get("BENCH_ANSWER_SIZE", "0"))
ANSWER = json.dumps({"predictions": [1], "filler": "x" * max(0, SIZE - 34)}, separators=(",", ":")).encode()
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(ANSWER)).encode())]


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer."""
    if scope["type"] == "http":
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": ANSWER})
