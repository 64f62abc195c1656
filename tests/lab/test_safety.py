"""Nobody asks but who may: login, permission, forged requests, paths that lead out, and what errors give away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.auth import Authorizer, IdentityProvider, User
from tornado.httpclient import HTTPClientError
from tornado.web import RequestHandler

from nbregistry.errors import InvalidInput, NotFound
from nbregistry.lab import asking, places
from nbregistry.lab.identity import who
from nbregistry.lab.places import Places
from nbregistry.lab.route import RegistryRoute
from nbregistry.lab.table import QUESTIONS
from nbregistry.registry import Registry
from tests.lab.conftest import Ask, Fetch

OUTSIDE = (
    "..", "../x", "a/../../x", "/../etc", "..\\x", "C:\\x", "\\\\host\\s", "a\0b", ".//..//x", "C:", "./a", "x" * 5000,
)  # fmt: skip


def ours(application: Any) -> list[tuple[str, type[RequestHandler], dict[str, Any]]]:
    """Return every route of the server that is ours, as the server itself has it."""
    rules = [rule for router in application.default_router.rules for rule in getattr(router.target, "rules", [])]
    found = [(rule.matcher.regex.pattern, rule.target, rule.target_kwargs) for rule in rules]
    return [(path, target, more) for path, target, more in found if "nbregistry" in path]


async def fetched(fetch: Fetch, *parts: str, **options: Any) -> tuple[int, bytes]:
    try:
        got = await fetch(*parts, **options)
    except HTTPClientError as error:
        assert error.response is not None
        got = error.response
    return got.code, got.body


def test_every_route_declares_its_permission(jp_serverapp: Any) -> None:
    """All that the server has below our path is the one guarded class, with a method and the permission it needs."""
    there = ours(jp_serverapp.web_app)
    assert len(QUESTIONS) + 1 == len(there)
    for path, target, more in there:
        assert target is RegistryRoute, path
        assert "/nbregistry/" in path
        if (question := more["question"]) is not None:
            assert {"GET": "read", "POST": "write"}[question.method] == question.permission
    for method in ("get", "post"):
        assert not getattr(getattr(RegistryRoute, method), "__allow_unauthenticated", False)
    assert {"GET", "POST"} == {q.method for q in QUESTIONS}


async def test_without_login_nothing_is_told(registry: Registry, jp_fetch: Fetch) -> None:
    """Every route and method, also one that is not there, answers 403 to who is not logged in."""
    for path in (*(q.path for q in QUESTIONS if not q.page), "browser/dark", "api/nothing", "nothing"):
        for options in ({}, {"method": "POST", "body": "{}"}, {"method": "PUT", "body": "{}"}):
            headers = {"Authorization": "", "Content-Type": "application/json"}
            status, body = await fetched(jp_fetch, "nbregistry", *path.split("/"), headers=headers, **options)
            assert 403 == status, (path, options)
            assert b"churn" not in body


class ReadersOnly(Authorizer):
    """Lets everybody read and nobody write."""

    def is_authorized(self, handler: Any, user: User, action: str, resource: str) -> bool:
        return action == "read" or resource != "nbregistry"


class TestAuthorizer:
    """A server on which this user may read and not write."""

    @pytest.fixture
    def jp_server_config(self) -> dict[str, Any]:
        return {"ServerApp": {"jpserver_extensions": {"nbregistry": True}, "authorizer_class": ReadersOnly}}

    async def test_jupyters_authorizer_decides(self, registry: Registry, ask: Ask) -> None:
        """Reading is allowed, every write is 403 and changes nothing."""
        before = registry.core.view().seq
        assert 200 == (await ask("models")).status
        for question in QUESTIONS:
            if question.method == "POST":
                assert (403, "NotAllowed") == (
                    (found := await ask(question.path.removeprefix("api/"), {})).status,
                    found.told["error"],
                )
        assert before == registry.core.view().seq


class Known(IdentityProvider):
    """Knows everybody by their cookie, so to speak: nobody sends a token."""

    def get_user(self, handler: Any) -> User:
        return User("alice", "Alice")


class TestCookie:
    """A browser that is logged in with a cookie, as a forged request of another page would come from."""

    @pytest.fixture
    def jp_server_config(self) -> dict[str, Any]:
        return {"ServerApp": {"jpserver_extensions": {"nbregistry": True}, "identity_provider_class": Known}}

    async def test_forged_changes_are_refused(self, registry: Registry, ask: Ask, jp_fetch: Fetch) -> None:
        """Without the _xsrf cookie sent back as a header no change is made, whatever the body is called."""
        before = registry.core.view().seq
        body = {"ref": "churn/1", "tags": {"a": 1}}
        assert 403 == (await ask("tag", body, headers={"Authorization": ""})).status
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            headers = {"Authorization": "", "Content-Type": kind}
            status, _ = await fetched(
                jp_fetch, "nbregistry", "api", "tag", method="POST", body=json.dumps(body), headers=headers
            )
            assert status in (400, 403)  # tornado refuses a broken form before anybody looks at the cookie
        assert before == registry.core.view().seq
        cookie = {"Cookie": "_xsrf=abc", "X-XSRFToken": "abc", "Authorization": ""}
        assert 200 == (await ask("tag", body, headers=cookie)).status
        assert "alice" == registry.audit("churn/1")[-1].user  # the person whom Jupyter names


async def test_only_json_is_read(registry: Registry, ask: Ask) -> None:
    """Also with a token: other content types are 415, what is no JSON 400, what is too long 413; nothing changes."""
    before = registry.core.view().seq
    good = json.dumps({"ref": "churn/1", "tags": {"a": 1}}).encode()
    for kind in ("text/plain", "application/x-www-form-urlencoded", "text/json", "application/jsonp", ""):
        found = await ask("tag", raw=good, headers={"Content-Type": kind})
        assert (415, "UnsupportedMedia") == (found.status, found.told["error"]), kind
    for raw in (b"", b"{", b"\xff\xfe", b"[" * 100_000):
        assert 400 == (await ask("tag", raw=raw)).status
    assert 413 == (await ask("tag", raw=b'{"a": "' + b"x" * (1 << 20) + b'"}')).status
    assert before == registry.core.view().seq


async def test_folders_stay_below_the_root(registry: Registry, jp_root_dir: Path, tmp_path: Path, ask: Ask) -> None:
    """Names of the contents only: no way up, no drive, no link that leads out; a folder's nearest registry is meant."""
    (tmp_path / "elsewhere").mkdir()
    (jp_root_dir / "out").symlink_to(tmp_path / "elsewhere")
    (jp_root_dir / "loop").symlink_to(jp_root_dir / "loop")
    (jp_root_dir / "a" / "b").mkdir(parents=True)
    (jp_root_dir / "file").write_text("")
    found = Places(jp_root_dir)
    for folder in OUTSIDE:
        with pytest.raises(InvalidInput):
            found.place(folder)
    for folder in ("out", "out/", "loop", "none", "file", "a/b/c"):
        with pytest.raises(NotFound):
            found.place(folder)
    for folder in ("..", "out", "a/../.."):
        answer = await ask("models", folder=folder)
        assert answer.status in (400, 404)
        assert str(tmp_path) not in answer.told["message"]
    assert 2 == (await ask("models", folder="a/b")).told["total"]
    found.close()


def test_nearer_registries_win_and_few_stay_open(
    registry: Registry, jp_root_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each folder has the registry its notebooks have; opened once, and of many only the last asked stay open."""
    own = jp_root_dir / "team" / ".nbregistry"
    own.parent.mkdir()
    Registry(own).register(pow, "own")
    monkeypatch.setattr(places, "KEPT", 2)
    found = Places(jp_root_dir)
    assert ["own"] == [m.name for m in found.place("team").registry.models()]
    assert found.place("team") is (kept := found.place("team"))
    assert found.place("", "ben") is not found.place("", "ana")
    assert found.place("team") is not kept
    assert "own" == kept.registry.model("own").name  # one that was closed while somebody held it
    monkeypatch.setenv("NBREGISTRY_URI", "mine")
    assert str(jp_root_dir / "team" / "mine") == found.place("team").registry.settings.uri
    found.close()


def test_who_acts() -> None:
    """A person that Jupyter names acts; one that it made up for a shared token does not."""
    assert "alice" == who(User("alice", "Alice"))
    assert "" == who(User("0" * 32, "Anonymous Io"))
    assert ["", "", ""] == [who(None), who(User("anonymous")), who(User("x", "Anonymous Thebe"))]


async def test_faults_give_nothing_away(
    registry: Registry, ask: Ask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault of ours is 500 with an id; neither the answer nor our log has its words, the token or the traceback."""

    def fails(*asked: object) -> dict[str, Any]:
        raise ZeroDivisionError("CAN" + "ARY")  # in two, since the log shows this very line

    monkeypatch.setattr(asking, "_model", fails)
    found = await ask("models", auth="CANARY-token")
    assert (500, "Unforeseen") == (found.status, found.told["error"])
    number = found.told["message"].rpartition(" ")[2].rstrip(".")
    said = [r.getMessage() for r in caplog.records]
    assert any(number in line and "ZeroDivisionError" in line for line in said)
    assert "Traceback" not in json.dumps(found.told)
    assert [] == [line for line in [*said, json.dumps(found.told)] if "CANARY" in line]
