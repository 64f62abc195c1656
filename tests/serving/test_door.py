"""Who comes in: names, pages and tokens, on every route."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbregistry.errors import InvalidInput, NotAllowed, NotAuthenticated
from nbregistry.serving.app import application
from nbregistry.serving.door import ADMIN, LEVELS, OPEN, PREDICT, READ, Door, Misdirected
from nbregistry.serving.options import Options, hash_of
from nbregistry.serving.routes import ROUTES, Route, RouteTable
from tests.serving.stand_ins import JSON, Offered, asked

OURS = ["127.0.0.1:5001", "localhost:5001", "LOCALHOST:5001", "[::1]:5001", "127.0.0.2:5001"]
THEIRS = [
    "evil.example", "evil.example:5001", "localhost.evil.com:5001", "127.0.0.1.nip.io:5001", "10.evil.com:5001",
    "127.0.0.1", "127.0.0.1:5002", "localhost", "0.0.0.0:5001", "192.168.0.1:5001", "[::2]:5001", "2130706433:5001",
    "0x7f.1:5001",
]  # fmt: skip
JUNK = [
    "", " ", "127.0.0.1:5001 ", " localhost:5001", "a@localhost:5001", "localhost:5001/", "localhost\\:5001",
    "localhost:", "localhost.:5001",
    "localhost:x", "localhost:99999", "localhost:0", "localhost:5001:5001", "[::1", "[::1]x:5001", "[::1%25lo]:5001",
    "localhost:\u0665001".encode().decode("latin-1"), "l\xf6calhost:5001", "127.0.0.1:5001,localhost:5001", "-a:5001",
    "a..b:5001", "%6cocalhost:5001", "localhost\t:5001", "localhost:+5001", "localhost:5001\x00", "*", "a" * 300,
]  # fmt: skip


def reachable(route: Route) -> str:
    """A path that leads to a route, and has a model where one is named."""
    values = {"name": "churn", "which": "3", "namespace": "ns", "file": "docs.css"}
    return route.pattern.format(**values)


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{r.method} {r.pattern}")
def test_no_route_answers_to_another_name(route: Route) -> None:
    """Names that are not ours are 403 on every route, junk is 400, and two Host headers are 400 (S-20, S-23)."""
    app, path = application(Offered(), options=Options(port=5001)), reachable(route)
    statuses = {host: asked(app, route.method, path, b"", {**JSON, "host": host}).status for host in THEIRS}
    assert dict.fromkeys(THEIRS, 403) == statuses
    assert {400} == {asked(app, route.method, path, b"", {**JSON, "host": host}).status for host in JUNK}
    assert 400 == asked(app, route.method, path, b"", [("host", "localhost:5001"), ("host", "localhost:5001")]).status


@pytest.mark.parametrize("host", OURS)
def test_our_names_come_in(host: str) -> None:
    """Every way to name loopback and our port is ours."""
    assert 200 == asked(application(Offered(), options=Options(port=5001)), "GET", "/livez", b"", {"host": host}).status


def test_configured_names_come_in() -> None:
    """A configured name counts in any case, with any port, or only with its own where it has one."""
    door = Door(Options(port=5001, hosts=("models.example.org", "lab.example.org:8080", "10.0.0.7")))
    for host in (b"models.example.org", b"Models.Example.org:9", b"lab.example.org:8080", b"10.0.0.7:5001"):
        door.host(host)
    for host in (b"lab.example.org", b"lab.example.org:5001", b"xmodels.example.org", b"models.example.org.evil.com"):
        with pytest.raises(NotAllowed):
            door.host(host)


@given(st.binary(max_size=40))
def test_no_host_breaks_the_door(host: bytes) -> None:
    """Any bytes are ours, refused or malformed, never a fault (S-23)."""
    door = Door(Options(port=5001))
    try:
        door.host(host)
    except (Misdirected, NotAllowed):
        return
    assert b"5001" in host


@pytest.mark.parametrize(
    "origin",
    [
        "null", "http://evil.example", "http://127.0.0.1", "http://127.0.0.1:5002", "https://127.0.0.1:5001",
        "http://localhost:5001", "http://127.0.0.1:5001.evil.com", "http://evil.com/http://127.0.0.1:5001",
        "http://trusted.example.org.evil.com", "http://xtrusted.example.org", "https://trusted.example.org:444", "",
        "HTTP://127.0.0.1:5001", "http://127.0.0.1:5001/", "file://",
    ],
)  # fmt: skip
def test_pages_of_others_change_nothing(origin: str) -> None:
    """A page with any origin but exactly ours or a configured one is refused, and told nothing to read it by (S-21)."""
    app = application(Offered(), options=Options(port=5001, origins=("https://trusted.example.org",)))
    for route in (r for r in ROUTES if r.method == "POST"):
        told = asked(app, "POST", reachable(route), b"{}", {**JSON, "origin": origin})
        assert (403, None) == (told.status, told.headers.get("access-control-allow-origin")), route.pattern


def test_our_own_page_may_ask() -> None:
    """The page that this server itself sent may predict, and so may a configured origin, which is told so."""
    app = application(Offered(), options=Options(port=5001, origins=("https://trusted.example.org",)))
    body = b'{"rows": [[1, 2]]}'
    ours = asked(app, "POST", "/models/churn/predict", body, {**JSON, "origin": "http://127.0.0.1:5001"})
    assert (200, None) == (ours.status, ours.headers.get("access-control-allow-origin"))
    theirs = asked(app, "POST", "/models/churn/predict", body, {**JSON, "origin": "https://trusted.example.org"})
    assert (200, "https://trusted.example.org") == (theirs.status, theirs.headers["access-control-allow-origin"])
    before = asked(app, "OPTIONS", "/models/churn/predict", b"", {"origin": "https://trusted.example.org"})
    assert (204, "https://trusted.example.org") == (before.status, before.headers["access-control-allow-origin"])
    other = asked(app, "OPTIONS", "/models/churn/predict", b"", {"origin": "https://evil.example"})
    assert (204, None) == (other.status, other.headers.get("access-control-allow-origin"))


def test_fetch_metadata_only_tightens() -> None:
    """A browser that says another site sends it is believed; one that says it is ours changes nothing (S-22)."""
    app = application(Offered(), options=Options(port=5001))
    for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)):
        headers = {**JSON, "sec-fetch-site": site}
        assert status == asked(app, "POST", "/models/churn/predict", b'{"rows": [[1, 2]]}', headers).status
    tricked = {**JSON, "sec-fetch-site": "same-origin", "origin": "http://evil.example"}
    assert 403 == asked(app, "POST", "/models/churn/predict", b'{"rows": [[1, 2]]}', tricked).status


@pytest.mark.parametrize(
    "media",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "",
     "text/plain; a=application/json", "application/jsonx", "application/json, text/plain",
     "application/json; charset=utf-16"],
)  # fmt: skip
def test_forms_are_not_read(media: str) -> None:
    """What a page can send without asking first is 415 wherever a body is read (S-22)."""
    app = application(Offered(), options=Options(tokens={hash_of("t" * 32): frozenset({"admin"})}))
    for route in (r for r in ROUTES if r.media and (media or "" not in r.media)):
        headers = {"content-type": media, "authorization": f"Bearer {'t' * 32}"}
        told = asked(app, route.method, reachable(route), b'{"rows": [[1, 2]]}', headers)
        assert 415 == told.status, route.pattern


TOKENS = {name: f"{name}-{'x' * 32}" for name in ("predict", "read", "admin")}


def guarded() -> Options:
    return Options(tokens={hash_of(text): frozenset({name}) for name, text in TOKENS.items()})


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{r.method} {r.pattern}")
def test_every_route_asks_for_its_permission(route: Route) -> None:
    """Route by role: without a token 401, with one that is not good for it 403, else the route answers (S-25)."""
    app, path = application(Offered(), options=guarded()), reachable(route)
    grants = {"predict": {PREDICT, READ, OPEN}, "read": {READ, OPEN}, "admin": set(LEVELS)}
    bare = asked(app, route.method, path, b"", JSON)
    assert (bare.status == 401) == (route.permission != OPEN)
    assert ("www-authenticate" in bare.headers) == (route.permission != OPEN)
    for name, text in TOKENS.items():
        told = asked(app, route.method, path, b"", {**JSON, "authorization": f"Bearer {text}"})
        assert (told.status == 403) == (route.permission not in grants[name]), name
        assert told.status != 401


@pytest.mark.parametrize(
    "header",
    [
        "", " ", "Bearer", "Bearer ", "Bearer  ", "Basic eDp4", "bearer wrong", TOKENS["admin"],
        f"Bearer {TOKENS['admin']}x", f"Bearer {TOKENS['admin'][:-1]}", f"Token {TOKENS['admin']}",
        "Bearer " + hash_of(TOKENS["admin"]), "Bearer \xff",
    ],
)  # fmt: skip
def test_no_other_token_comes_in(header: str) -> None:
    """Empty, blank, wrong, shortened or hashed tokens and other schemes are 401 (S-24)."""
    app = application(Offered(), options=guarded())
    assert 401 == asked(app, "GET", "/models", b"", {"authorization": header}).status


def test_two_tokens_are_one_too_many() -> None:
    """Two Authorization headers are refused: readers could disagree on which counts."""
    app = application(Offered(), options=guarded())
    both = [("authorization", f"Bearer {TOKENS['admin']}"), ("authorization", "Bearer x")]
    assert 400 == asked(app, "GET", "/models", b"", both).status


def test_changes_always_need_an_admin_token() -> None:
    """Without any token configured predictions are free, but nobody may change what is served."""
    app = application(Offered())
    assert 403 == asked(app, "POST", "/v2/repository/models/other/load", b"", JSON).status
    assert 403 == asked(app, "POST", "/v2/repository/models/churn/unload").status
    assert 1 == len(app.endpoints.all())


def test_an_admin_changes_what_is_served() -> None:
    """With the admin token a model is loaded and unloaded; what does not exist is 404."""
    app = application(Offered(), options=guarded())
    headers = {"authorization": f"Bearer {TOKENS['admin']}"}
    assert 200 == asked(app, "POST", "/v2/repository/models/other/load", b"", headers).status
    assert ["churn", "other"] == [e.name for e in app.endpoints.all()]
    assert 404 == asked(app, "POST", "/v2/repository/models/no-such/load", b"", headers).status
    assert 200 == asked(app, "POST", "/v2/repository/models/other/unload", b"", headers).status


def test_orders_of_the_repository_need_no_type() -> None:
    """JSON without a Content-Type, as the extension's public client sends it, loads and unloads; forms do not."""
    app = application(Offered(), options=guarded())
    headers = {"authorization": f"Bearer {TOKENS['admin']}"}
    assert 200 == asked(app, "POST", "/v2/repository/models/other/load", b"{}", headers).status
    assert 200 == asked(app, "POST", "/v2/repository/index", b'{"ready": true}', headers).status
    unload = b'{"parameters": {"unload_dependents": false}}'
    assert 200 == asked(app, "POST", "/v2/repository/models/other/unload", unload, headers).status
    form = {**headers, "content-type": "text/plain"}
    assert 415 == asked(app, "POST", "/v2/repository/models/churn/unload", unload, form).status
    assert ["churn"] == [e.name for e in app.endpoints.all()]


def test_only_hashes_are_configured() -> None:
    """A token itself, or a permission that nobody knows, is refused where options are made."""
    with pytest.raises(InvalidInput, match="SHA-256"):
        Options(tokens={"secret": frozenset({"predict"})})
    with pytest.raises(InvalidInput, match="permissions"):
        Options(tokens={hashlib.sha256(b"x").hexdigest(): frozenset({"root"})})


def test_every_known_token_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison takes constant time and looks at every token, so that time tells nothing."""
    compared = []

    def compare(a: bytes, b: bytes) -> bool:
        compared.append(a)
        return a == b

    monkeypatch.setattr("hmac.compare_digest", compare)
    door = Door(guarded())
    door.permission(ADMIN, {b"authorization": f"Bearer {TOKENS['admin']}".encode()})
    with pytest.raises(NotAuthenticated):
        door.permission(READ, {b"authorization": b"Bearer wrong"})
    assert 2 * len(TOKENS) == len(compared)


@pytest.mark.parametrize("permission", ["", "everybody"])
def test_no_route_without_a_permission(permission: str) -> None:
    """A route that declares no known permission keeps the application from starting (S-25)."""
    with pytest.raises(InvalidInput, match="GET /new declares no permission"):
        RouteTable([*ROUTES, Route("GET", "/new", "livez", permission)])


def test_no_socket_of_another_protocol() -> None:
    """A WebSocket is closed before it opens, whatever its token (S-26)."""
    import asyncio

    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "websocket.connect"}

    asyncio.run(application(Offered())({"type": "websocket", "path": "/", "headers": []}, receive, send))
    assert [{"type": "websocket.close", "code": 1008}] == sent
