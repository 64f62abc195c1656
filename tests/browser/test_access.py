"""What a kernel may do: no more than the server has proven of its visitor."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from nbregistry import Registry
from nbregistry.browser import access
from nbregistry.browser.identity import Role
from nbregistry.errors import Refused, StoreReadOnly, StoreUnavailable
from tests.browser.serving_pages import Steady, stocked

CHANGES: list[Callable[[Registry], Any]] = [
    lambda r: r.register(Steady(), "churn"),
    lambda r: r.promote("churn/3", "Production", because="x"),
    lambda r: r.rollback("churn", because="x"),
    lambda r: r.alias("churn/3", "champion"),
    lambda r: r.tag("churn/3", a=1),
    lambda r: r.annotate("churn/3", "x"),
    lambda r: r.describe("churn", "x"),
    lambda r: r.rename("churn", "attrition"),
    lambda r: r.delete("churn/1", because="x"),
    lambda r: r.purge("churn/1", because="x"),
]
"""Every way in which a registry can be changed."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A server that tells a kernel whose it is; what it tells is put into the mapping."""
    told: dict[str, Any] = {"role": "reader", "user": "", "query": "", "own": True}

    class Tells(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status = told.get("status", 200 if self.path == "/-/visit/secret/kernel-1" else 404)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(told).encode())

        def log_message(self, *_: Any) -> None:
            pass

    listening = HTTPServer(("127.0.0.1", 0), Tells)
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    monkeypatch.setenv("NBREGISTRY_VISIT", f"http://127.0.0.1:{listening.server_port}/-/visit/secret")
    monkeypatch.setenv("VOILA_KERNEL_ID", "kernel-1")
    yield told
    listening.shutdown()
    thread.join()
    listening.server_close()


@pytest.mark.parametrize("user", ["", "eve"])
def test_a_reader_has_no_way_to_write(server: dict[str, Any], tmp_path: Path, user: str) -> None:
    """Whatever is asked of a reader's registry, it changes nothing."""
    store = stocked(tmp_path)
    server["user"] = user
    with access.opened(str(store)) as registry:
        mine = access.arrive(registry)
        assert (user, False, True) == (mine.name, mine.decides, mine.served)
        before = len(registry.audit())
        for change in CHANGES:
            with pytest.raises(StoreReadOnly):
                change(mine.registry)
        assert before == len(registry.audit())


def test_an_approver_acts_in_the_proven_name(server: dict[str, Any], tmp_path: Path) -> None:
    """What an approver changes stands in the audit with the name that the server has proven."""
    store = stocked(tmp_path)
    server.update(role="approver", user="Bo Li", query="model=churn", own=False)
    with access.opened(str(store)) as registry:
        mine = access.arrive(registry)
        assert ("Bo Li", True, "model=churn", False) == (mine.name, mine.decides, mine.query, mine.rule.own)
        mine.registry.annotate("churn/3", "seen")
        assert "Bo Li" == registry.audit("churn/3")[-1].user
        mine.registry.close()


def test_two_pairs_of_eyes_hold_below_every_panel(server: dict[str, Any], tmp_path: Path) -> None:
    """Where whoever proposes may not approve, neither a promotion nor a rollback leads around it."""
    store = stocked(tmp_path)
    server.update(role="approver", user="Bo Li", own=False)
    with access.opened(str(store)) as registry:
        mine = access.arrive(registry).registry
        mine.promote("churn/2", "Staging", because="mine")
        with pytest.raises(Refused, match="proposed by Bo Li; somebody else has to approve it"):
            mine.promote("churn/2", "Production", because="mine")
        with pytest.raises(Refused, match="propose it there first"):
            mine.promote("churn/1", "Production", because="straight")
        with pytest.raises(Refused, match="a rollback brings back only what two people stand behind"):
            mine.rollback("churn", because="straight")
        mine.close()


def test_an_approver_without_a_name_is_a_reader(server: dict[str, Any], tmp_path: Path) -> None:
    """Nobody decides namelessly."""
    server.update(role="approver", user="")
    with access.opened(str(stocked(tmp_path))) as registry:
        assert Role.READER is access.arrive(registry).role


def test_a_kernel_that_is_nobodys(server: dict[str, Any], tmp_path: Path) -> None:
    """A kernel that the server does not own up to shows nothing and changes nothing."""
    server["status"] = 410
    with access.opened(str(stocked(tmp_path))) as registry, pytest.raises(StoreUnavailable, match="open the page"):
        access.arrive(registry)


def test_a_notebook_acts_as_its_user(tmp_path: Path) -> None:
    """Outside the registry browser the notebook is its user's own, who could write in the next cell anyway."""
    with access.opened(str(stocked(tmp_path))) as registry:
        mine = access.arrive(registry)
        assert ("ana", True, False) == (mine.name, mine.decides, mine.served)
        mine.registry.close()
