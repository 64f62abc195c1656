"""A Jupyter server in this process, with the registry's routes, and a registry below its root."""

from __future__ import annotations

import functools
import json
import resource
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tornado.httpclient import HTTPClientError

from nbregistry.registry import Registry

_FILES = resource.getrlimit(resource.RLIMIT_NOFILE)
from pytest_jupyter.jupyter_server import *  # noqa: E402, F403 - its fixtures and hooks; as a plugin they were everybody's

resource.setrlimit(resource.RLIMIT_NOFILE, _FILES)  # the import has set another, which every later test would have


class Answer(NamedTuple):
    """What the server said: the status, and the JSON behind it."""

    status: int
    told: Any
    headers: Any


Fetch = Callable[..., Awaitable[Any]]
Ask = Callable[..., Awaitable[Answer]]


@pytest.fixture  # type: ignore[no-redef]  # the plugin means it to be defined anew
def jp_server_config() -> dict[str, Any]:
    return {"ServerApp": {"jpserver_extensions": {"nbregistry": True}}}


@pytest.fixture
def registry(jp_root_dir: Path) -> Registry:
    """Return a registry at the server's root: three versions of churn, one of ltv."""
    found = Registry(jp_root_dir / ".nbregistry")
    model = functools.partial(pow, 2)
    found.register(model, "churn", metrics={"auc": 0.9, "brier": 0.1}, note="first")
    found.register(model, "churn", metrics={"auc": 0.95}, tags={"team": "risk"}, alias="champion")
    found.register(model, "churn", metrics={"auc": 0.97})
    found.register(model, "ltv", metrics={"mae": 12.5})
    found.promote("churn/1", "Production", because="the first")
    return found


@pytest.fixture
def ask(jp_fetch: Fetch) -> Ask:
    """Return a function that asks one of our routes; a body makes it a POST of JSON."""

    async def asks(path: str, body: Any = None, /, *, raw: bytes | None = None, **query: Any) -> Answer:
        options: dict[str, Any] = {"headers": query.pop("headers", {}), "params": {k: str(v) for k, v in query.items()}}
        if body is not None or raw is not None:
            options["headers"] = {"Content-Type": "application/json", **options["headers"]}
            options |= {"method": "POST", "body": json.dumps(body) if raw is None else raw}
        try:
            got = await jp_fetch("nbregistry", "api", path, **options)
        except HTTPClientError as error:
            assert error.response is not None
            got = error.response
        return Answer(got.code, json.loads(got.body), got.headers)

    return asks
