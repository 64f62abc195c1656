"""The registry browser as a service of JupyterHub, before a hub that says what a test wants."""

from __future__ import annotations

import hashlib
import json
import threading
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import psutil
import pytest
from websockets.sync.client import connect

from nbregistry.browser.surroundings import Surroundings
from nbregistry.errors import InvalidInput
from tests.browser.serving_pages import Answer, Pages, browsing, stocked, until

pytest.importorskip("jupyterhub", reason="HUB TESTS SKIPPED: jupyterhub is missing, pip install 'nbregistry[hub]'")

BASE, SERVICE, CLIENT = "/services/registry/", "service-secret-0123456789", "service-registry"
SCOPE = "access:services!service=registry"


class Hub(ThreadingHTTPServer):
    """A hub: whom it signs in, which tokens it gave, and whether it answers at all."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Asked)
        self.codes: dict[str, dict[str, str]] = {}
        self.tokens: dict[str, dict[str, Any]] = {}
        self.silent, self.asked = False, 0

    def sign_out(self, user: str) -> None:
        """End every session of a user."""
        self.tokens = {token: told for token, told in self.tokens.items() if told["name"] != user}

    def allow(self, user: str, *scopes: str) -> None:
        """Set what a user's tokens are good for."""
        for told in self.tokens.values():
            if told["name"] == user:
                told["scopes"] = list(scopes)


class _Asked(BaseHTTPRequestHandler):
    """The three addresses of a hub that its services use."""

    server: Hub

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Tell who holds a token."""
        self.server.asked += 1
        told = self.server.tokens.get(self.headers.get("Authorization", "").partition(" ")[2])
        assert "/hub/api/user" == urlsplit(self.path).path
        self._answer(503 if self.server.silent else 200 if told else 403, told or {"message": "no"})

    def do_POST(self) -> None:
        """Change a code into a token, once, for the service that it was given for."""
        asked = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        given = self.server.codes.pop(asked.get("code", ""), None)
        challenge = urlsafe_b64encode(hashlib.sha256(asked.get("code_verifier", "").encode()).digest()).rstrip(b"=")
        right = (
            given is not None
            and "/hub/api/oauth2/token" == self.path
            and (CLIENT, SERVICE) == (asked["client_id"], asked["client_secret"])
            and given["redirect_uri"] == asked["redirect_uri"]
            and given.get("code_challenge", challenge.decode()) == challenge.decode()
        )
        if not right or given is None:
            self._answer(400, {"error": "invalid_grant"})
            return
        token = f"token-{len(self.server.tokens)}-{given['user']}-{asked['code']}"
        kind = "service" if given["user"].startswith("bot") else "user"
        scopes = [SCOPE] if given["user"] != "eve" else ["access:services!service=other"]
        self.server.tokens[token] = {"name": given["user"], "kind": kind, "scopes": scopes, "groups": []}
        self._answer(200, {"access_token": token, "token_type": "Bearer"})

    def _answer(self, status: int, told: dict[str, Any]) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def hubbed() -> Iterator[Hub]:
    """Run a hub for a block."""
    hub = Hub()
    thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        thread.join()
        hub.server_close()


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    """A hub for the module."""
    with hubbed() as found:
        yield found


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, home: str, hub: Hub) -> Iterator[Pages]:
    """The service of a hub, with ana as its approver, which asks again soon."""
    folder = tmp_path_factory.mktemp("hub")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBREGISTRY_HOME", home)
        store = stocked(folder)
    told = {
        "JUPYTERHUB_API_TOKEN": SERVICE, "JUPYTERHUB_CLIENT_ID": CLIENT, "JUPYTERHUB_SERVICE_PREFIX": BASE,
        "JUPYTERHUB_API_URL": f"http://127.0.0.1:{hub.server_port}/hub/api", "JUPYTERHUB_SERVICE_NAME": "registry",
        "JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:10101", "JUPYTERHUB_PUBLIC_URL": f"https://hub.example.org{BASE}",
    }  # fmt: skip
    soon = "from nbregistry.browser import hub; hub.FRESH = 0.2; hub.EVERY = 0.5; hub.LATEST = 3.0"
    options = ("--auth", "hub", "--approver", "ana")
    with browsing(store, folder, *options, before=soon, NBREGISTRY_HOME=home, **told) as pages:
        yield pages


def sent(service: Pages, hub: Hub, user: str, path: str = BASE) -> tuple[str, str]:
    """Ask for a page as a stranger, sign in at the hub, and return the cookie and where the hub sends one back to."""
    stranger = service.ask(path, host="hub.example.org", X_Forwarded_Proto="https")
    assert 302 == stranger.status
    place = urlsplit(stranger.headers["Location"])
    assert ("", "/hub/api/oauth2/authorize") == (place.netloc, place.path)
    asked = {name: values[0] for name, values in parse_qs(place.query).items()}
    assert (CLIENT, "code") == (asked["client_id"], asked["response_type"])
    assert f"{BASE}oauth_callback" == asked["redirect_uri"]
    code = f"code-{user}-{len(hub.codes)}-{asked['state']}"
    hub.codes[code] = {"user": user, **asked}
    for mark in ("HttpOnly", "Secure", f"Path={BASE}", "samesite=lax"):
        assert mark.lower() in stranger.headers["Set-Cookie"].lower(), stranger.headers["Set-Cookie"]
    return stranger.cookie, f"{BASE}oauth_callback?code={code}&state={asked['state']}"


def entered(service: Pages, hub: Hub, user: str, path: str = BASE) -> Answer:
    """Sign in, and return what the callback said."""
    cookie, back = sent(service, hub, user, path)
    return service.ask(back, host="hub.example.org", Cookie=cookie, X_Forwarded_Proto="https")


def test_readers_and_approvers(service: Pages, hub: Hub) -> None:
    """Who signs in at the hub comes to the page that was asked for, by name; only approvers may decide."""
    pages = {}
    for user in ("ana", "mo"):
        path = f"{BASE}?model=churn&version=3&view=decide"
        back = entered(service, hub, user, path)
        assert (303, path) == (back.status, back.headers["Location"])
        for mark in ("HttpOnly", "Secure", f"Path={BASE}", "SameSite=Lax"):
            assert mark in back.headers["Set-Cookie"]
        assert "token-" not in back.headers["Set-Cookie"]
        pages[user] = service.ask(path, host="hub.example.org", Cookie=back.cookie)
        assert 200 == pages[user].status
        assert user in pages[user].text
        own = f"{BASE}api/kernels/{pages[user].kernel}"
        assert 200 == service.ask(own, Cookie=back.cookie).status
        assert service.ask(own).status in (403, 404)
    assert "Decide" in pages["ana"].text
    assert "Decide" not in pages["mo"].text
    cookie = entered(service, hub, "ana").cookie  # another browser of the same user
    assert 404 == service.ask(f"{BASE}api/kernels/{pages['ana'].kernel}", Cookie=cookie).status
    for kernel in service.kernels():
        assert not {"JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN"} & set(psutil.Process(kernel).environ())


def test_an_answer_belongs_to_its_question(service: Pages, hub: Hub) -> None:
    """A state of another browser, a made-up or missing one, and a code that is none or used let nobody in."""
    mine, back = sent(service, hub, "ana")
    other, _ = sent(service, hub, "mo")
    code, state = (parse_qs(urlsplit(back).query)[name][0] for name in ("code", "state"))
    place = f"{BASE}oauth_callback"
    for path, cookie in (
        (back, ""), (back, other), (f"{place}?code={code}&state={state}x", mine), (f"{place}?code={code}", mine),
        (f"{place}?state={state}", mine), (f"{place}?error=access_denied&state={state}", mine), (place, mine),
    ):  # fmt: skip
        answer = service.ask(path, Cookie=cookie)
        assert 403 == answer.status, path
        assert "sign-in did not finish" in answer.text
        assert "nbregistry-" not in answer.headers.get("Set-Cookie", "")
        assert f'href="{BASE}?"' in answer.text
    assert 303 == service.ask(back, Cookie=mine).status
    assert 503 == service.ask(back, Cookie=mine).status  # the hub takes a code once


@pytest.mark.parametrize("user", ["eve", "bot-ana"])
def test_the_hub_says_who_may_come(service: Pages, hub: Hub, user: str) -> None:
    """Whom the hub knows without the scope of this service is told so, and so is what is no person."""
    answer = entered(service, hub, user)
    assert 403 == answer.status
    assert "not open to you" in answer.text
    assert "nbregistry-" not in answer.headers.get("Set-Cookie", "")


def lives(service: Pages, kernel: str) -> bool:
    """Whether a kernel's process is there."""
    with suppress(psutil.Error):
        return any(kernel in " ".join(psutil.Process(found).cmdline()) for found in service.kernels())
    return True


@pytest.mark.parametrize("how", ["signed out", "scope withdrawn", "hub silent"])
def test_whoever_is_out_is_out(service: Pages, hub: Hub, how: str) -> None:
    """Who signs out, or may no longer come, loses the open page and gets no other; a silent hub is believed briefly."""
    back = entered(service, hub, "lu")
    page = service.ask(BASE, Cookie=back.cookie)
    own = f"{BASE}api/kernels/{page.kernel}"
    assert 200 == service.ask(own, Cookie=back.cookie).status
    here = f"ws://127.0.0.1:{service.port}{BASE}-/here/{page.kernel}"
    assert lives(service, page.kernel)
    if how == "scope withdrawn":
        hub.allow("lu", "access:services!service=other")
    elif how == "hub silent":
        hub.silent = True
        assert 200 == service.ask(own, Cookie=back.cookie).status
    try:
        with connect(here, additional_headers={"Cookie": back.cookie}) if how == "signed out" else nullcontext():
            if how == "signed out":
                hub.sign_out("lu")
            until(lambda: not lives(service, page.kernel))
        until(lambda: 200 != service.ask(own, Cookie=back.cookie).status)
        again = service.ask(BASE, Cookie=back.cookie)
        assert (503 if how == "hub silent" else 302) == again.status
    finally:
        hub.silent = False


def test_no_way_leads_elsewhere(service: Pages, hub: Hub) -> None:
    """Whatever a stranger's address says, the way back leads below the base."""
    for query in ("next=//evil.example", "next=https://evil.example/", "/%2F/evil.example", "\\\\evil.example"):
        back = entered(service, hub, "mo", f"{BASE}?{query}")
        assert 303 == back.status
        assert back.headers["Location"].startswith(f"{BASE}?")
    for path in (f"//evil.example{BASE}", f"{BASE}/evil.example", f"{BASE}//evil.example/", f"/{BASE}"):
        answer = service.ask(path)
        assert 404 == answer.status
        assert "Location" not in answer.headers
    mine, way = sent(service, hub, "mo")
    answer = service.ask(f"{way}&next=//evil.example&next_url=//evil.example", Cookie=mine)
    assert (303, BASE) == (answer.status, answer.headers["Location"])


def test_every_route_asks_who_comes(service: Pages) -> None:
    """Nothing of a visit is given to strangers, whatever they send for a token, nor is anything beside the base."""
    kernel = "0" * 8 + "-0000-0000-0000-" + "0" * 12
    forged: dict[str, Any] = {"Authorization": f"token {SERVICE}", "Cookie": f"{CLIENT}=x; nbregistry-{service.port}=x"}
    for path in (f"api/kernels/{kernel}", f"api/kernels/{kernel}/channels", f"-/here/{kernel}"):
        assert service.ask(BASE + path, **forged).status in (400, 403, 404, 426)
        assert 404 == service.ask(f"/{path}", **forged).status
    assert 302 == service.ask(f"{BASE}?token={SERVICE}", **forged).status
    assert 404 == service.ask("/oauth_callback").status
    assert 403 == service.ask(BASE, host="evil.example").status


def test_nothing_secret_is_said(service: Pages) -> None:
    """Neither log nor output holds a token or a code."""
    for said in (service.log, service.said):
        text = said.read_text("utf-8")
        assert SERVICE not in text
        assert "token-0" not in text
        assert "code-ana" not in text


def test_surroundings() -> None:
    """Without a hub's word of where it is and who may come, nothing is started."""
    told = {
        "JUPYTERHUB_API_TOKEN": SERVICE, "JUPYTERHUB_CLIENT_ID": CLIENT, "JUPYTERHUB_SERVICE_PREFIX": BASE,
        "JUPYTERHUB_API_URL": "http://127.0.0.1:8081/hub/api", "JUPYTERHUB_SERVICE_NAME": "registry",
        "JUPYTERHUB_BASE_URL": "/jupyter/", "JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:10101",
    }  # fmt: skip
    found = Surroundings.read(told)
    assert ({SCOPE}, "/jupyter/hub/", ("127.0.0.1", 10101)) == (set(found.scopes), found.hub_prefix, found.listens)
    assert SERVICE not in repr(found)
    wrong: list[dict[str, str]] = [
        *({name: value for name, value in told.items() if name != without} for without in list(told)[:5]),
        {**told, "JUPYTERHUB_OAUTH_ACCESS_SCOPES": "[]"}, {**told, "JUPYTERHUB_OAUTH_ACCESS_SCOPES": "{"},
        {**told, "JUPYTERHUB_SERVICE_URL": "https://127.0.0.1:1"}, {**told, "JUPYTERHUB_SERVICE_URL": "http://a:99999"},
    ]  # fmt: skip
    for environment in wrong:
        with pytest.raises(InvalidInput):
            Surroundings.read(environment)
