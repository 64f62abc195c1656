"""What the server lets in and what it gives away, asked by a client that says what it likes."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from nbregistry import Registry
from nbregistry.browser.routes import RESTS
from nbregistry.cli.main import main
from tests.browser.serving_pages import SECRET, Answer, Pages, browsing, message, proxied, stocked, until

CANARY = "canary-0123456789abcdef"


def test_names(opened: Pages) -> None:
    """The server answers to the names of loopback with its port, and to no other, on every route."""
    port = opened.port
    routes = ("/", "/-/static/page.css", "/voila/static/voila.js", "/api/kernels/x", "/nothing", "/login?next=//evil")
    for route in routes:
        for host in ("evil.example", f"localhost.evil.com:{port}", "127.0.0.1.nip.io", f"127.0.0.1:{port + 1}", "",
                     "127.0.0.1@evil.example", "10.evil.com", "0x7f.1", f"127.0.0.1:{port}, evil.example"):  # fmt: skip
            assert opened.ask(route, host=host).status in (400, 403), (route, host)
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}"):
        assert 200 == opened.ask("/-/static/page.css", host=host).status
    with socket.create_connection(("127.0.0.1", port)) as raw:
        raw.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: evil.example\r\n\r\n".encode())
        assert raw.recv(100).startswith(b"HTTP/1.1 400")
    with socket.create_connection(("127.0.0.1", port)) as raw:
        raw.sendall(f"GET http://evil.example/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        assert raw.recv(100).startswith(b"HTTP/1.1 400")


def test_nothing_but_the_page(opened: Pages) -> None:
    """Of what Jupyter and Voila offer besides, nothing is there: no contents, files, terminals, list of kernels."""
    for route in (
        "/api", "/api/contents", "/api/kernels", "/api/sessions", "/api/terminals", "/api/status", "/api/me", "/tree",
        "/voila/tree", "/voila/render/registry_browser.ipynb", "/voila/files/registry_browser.ipynb", "/login",
        "/logout", "/voila/api/contents", "/files/x", "/registry_browser.ipynb", "/-/static/../app.py",
        "/-/static/%2e%2e/app.py", "/voila/templates/nbregistry/static/../../x", "/metrics", "/terminals/websocket/1",
        "/voila/labextensions/x/y.js", "/voila/api/themes/x/y.css",
    ):  # fmt: skip
        answer = opened.ask(route)
        assert answer.status in (403, 404, 405), (route, answer.status)
        assert answer.text, route
        assert "Traceback" not in answer.text
        assert str(opened.store) not in answer.text
    assert "Traceback" not in opened.log.read_text("utf-8")
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        assert 405 == opened.ask("/", method=method).status


def test_page_is_whole_without_scripts(opened: Pages) -> None:
    """The first answer holds the view, and no script or style of another origin can enter it."""
    answer = opened.ask("/?model=churn")
    assert 200 == answer.status
    assert "has been in Production since" in answer.text
    assert [] == re.findall(r"https?://(?!127\.0\.0\.1)[^\"' )]+\.(?:js|css|woff2?|png)", answer.text)
    assert "script-src 'self' blob:" in answer.headers["Content-Security-Policy"]
    assert "unsafe-eval" not in answer.headers["Content-Security-Policy"]
    assert [] == re.findall(r"<script(?![^>]*(?:src=|application/))", answer.text)


def test_readers_of_an_open_browser_change_nothing(opened: Pages, tmp_path: Path) -> None:
    """A reader's connection takes no code, whatever its channel or dialect, and no message of it reaches the store."""
    before = seen(opened)
    page = opened.ask("/?model=churn&version=3&view=decide", X_Forwarded_User="ana")
    assert "Approve" not in page.text
    mark = tmp_path / "ran"
    code = {"code": f"open({str(mark)!r}, 'w')", "silent": False, "store_history": False, "user_expressions": {}}
    url = f"ws://127.0.0.1:{opened.port}/api/kernels/{page.kernel}/channels?session_id=s"
    with connect(url, additional_headers={"Cookie": page.cookie}) as channel:
        for kind in ("execute_request", "debug_request", "shutdown_request", "input_reply", "interrupt_request"):
            for place in ("shell", "control", "stdin", "iopub"):
                channel.send(message(kind, code, place))
        for view in ("decide", "notes"):
            asked = {"asked": f"?model=churn&version=3&view={view}", "turn": 1}
            data = {"method": "update", "state": asked, "buffer_paths": []}
            channel.send(message("comm_msg", {"comm_id": place_of(page), "data": data}))
        data = {"method": "custom", "content": {"event": "click"}}
        channel.send(message("comm_msg", {"comm_id": place_of(page), "data": data}))
        channel.send(message("kernel_info_request", {}))
        heard: list[dict[str, Any]] = []
        while not heard or heard[-1]["header"]["msg_type"] != "kernel_info_reply":
            heard.append(json.loads(channel.recv(timeout=30)))
    assert not mark.exists()
    assert "execute_reply" not in {told["header"]["msg_type"] for told in heard}
    assert before == seen(opened)


def place_of(page: Answer) -> str:
    """Return the id of the page's outermost widget."""
    found = re.search(r'"model_id": "([0-9a-f]+)"', page.text)
    assert found is not None
    return found[1]


def seen(pages: Pages) -> int:
    """Return how many lines the audit has."""
    with Registry(pages.store, read_only=True) as registry:
        return len(registry.audit())


def test_kernels_of_others_are_shut(proxy: Pages) -> None:
    """Who knows the id of another's kernel can neither speak to it, nor ask after it, nor end it."""
    page = proxy.ask("/", **proxied("ana"))
    url = f"ws://127.0.0.1:{proxy.port}/api/kernels/{page.kernel}/channels?session_id=s"
    strangers: list[dict[str, Any]] = [proxied("eve"), {}, {"X-Forwarded-User": "ana"}]
    for headers in strangers:
        with pytest.raises(InvalidStatus) as refused, connect(url, additional_headers=headers):
            pass
        assert refused.value.response.status_code in (403, 404)
        assert proxy.ask(f"/api/kernels/{page.kernel}", **headers).status in (403, 404)
        proxy.ask(f"/voila/api/shutdown/{page.kernel}", method="POST", body=b"", **headers)
    assert 200 == proxy.ask(f"/api/kernels/{page.kernel}", **proxied("ana")).status
    with connect(url, additional_headers=proxied("ana")):
        pass
    evil = {**proxied("ana"), "Origin": "http://evil.example"}
    with pytest.raises(InvalidStatus), connect(url, additional_headers=evil):
        pass
    assert 403 == proxy.ask(f"/voila/api/shutdown/{page.kernel}", method="POST", body=b"", **evil).status


def test_a_closed_page_ends_its_kernel(opened: Pages) -> None:
    """What a page sends behind itself is taken without a form's token, and ends that kernel at once."""
    page = opened.ask("/")
    path, origin = f"/voila/api/shutdown/{page.kernel}", f"http://127.0.0.1:{opened.port}"
    form = b'--x\r\nContent-Disposition: form-data; name="_xsrf"\r\n\r\n\r\n--x--\r\n'
    kind = "multipart/form-data; boundary=x"
    left = opened.ask(path, method="POST", body=form, Origin=origin, Cookie=page.cookie, Content_Type=kind)
    assert 204 == left.status
    assert 404 == opened.ask(f"/api/kernels/{page.kernel}", Cookie=page.cookie).status


@pytest.mark.campaign
def test_a_page_keeps_its_kernel_while_it_is_used(tmp_path: Path) -> None:
    """A sign of use keeps a kernel beyond its time; without one it is ended, and the page that holds on hears so."""
    with browsing(stocked(tmp_path), tmp_path, "--idle", "3") as pages:
        page = pages.ask("/")
        url = f"ws://127.0.0.1:{pages.port}/-/here/{page.kernel}"
        with connect(url, additional_headers={"Cookie": page.cookie}) as here:
            began = time.monotonic()
            while time.monotonic() < began + 5:
                here.send(".")
                with contextlib.suppress(TimeoutError):
                    here.recv(timeout=0.2)
            with pytest.raises(ConnectionClosed) as ended:
                here.recv(timeout=60)
        assert (RESTS, True) == (ended.value.rcvd and ended.value.rcvd.code, time.monotonic() > began + 6)
        assert 404 == pages.ask(f"/api/kernels/{page.kernel}", Cookie=page.cookie).status


def test_other_pages_take_no_room(opened: Pages) -> None:
    """What is asked for as an image, by a script or into a frame of somebody's page starts no kernel; a link does."""
    for mode, where, into in (
        ("no-cors", "cross-site", "image"), ("no-cors", "same-site", "script"), ("cors", "cross-site", "empty"),
        ("navigate", "cross-site", "iframe"), ("navigate", "same-site", "embed"), ("no-cors", "same-origin", "image"),
    ):  # fmt: skip
        said = opened.ask("/", Sec_Fetch_Mode=mode, Sec_Fetch_Site=where, Sec_Fetch_Dest=into)
        assert (403, False) == (said.status, "kernelId" in said.text), (mode, where, into)
    for where in ("cross-site", "none", "same-origin"):
        page = opened.ask("/", Sec_Fetch_Mode="navigate", Sec_Fetch_Site=where, Sec_Fetch_Dest="document")
        assert 200 == page.status
        opened.ask(f"/voila/api/shutdown/{page.kernel}", method="POST", body=b"", Cookie=page.cookie)


def test_a_forged_widget_is_not_made(opened: Pages) -> None:
    """Whatever a connection opens in a kernel, nothing comes of it, and no trace of a fault comes back."""
    page = opened.ask("/")
    url = f"ws://127.0.0.1:{opened.port}/api/kernels/{page.kernel}/channels?session_id=s"
    heard: list[dict[str, Any]] = []
    with connect(url, additional_headers={"Cookie": page.cookie}) as channel:
        state = {"_model_name": "HTMLModel", "_model_module": "@jupyter-widgets/controls"}
        for target in ("jupyter.widget", "jupyter.widget.control", "nothing"):
            content = {"comm_id": target, "target_name": target, "data": {"state": state, "buffer_paths": []}}
            channel.send(message("comm_open", content))
            channel.send(message("comm_msg", {"comm_id": target, "data": {"method": "nonsense"}}))
        for broken in ("[]", "{", '{"header": {}, "content": []}', b"\x00\x01"):
            channel.send(broken)
        channel.send(message("comm_info_request", {}))
        while not heard or heard[-1]["header"]["msg_type"] != "comm_info_reply":
            heard.append(json.loads(channel.recv(timeout=30)))
    assert not {"stream", "error"} & {told["header"]["msg_type"] for told in heard}
    assert "jupyter.widget" not in heard[-1]["content"]["comms"]
    assert "Traceback" not in json.dumps(heard)
    opened.ask(f"/voila/api/shutdown/{page.kernel}", method="POST", body=b"", Cookie=page.cookie)


def test_a_page_that_breaks_off_ends_its_kernel(opened: Pages) -> None:
    """When the connection of a page breaks, its kernel goes without a word from the page."""
    page = opened.ask("/")
    url = f"ws://127.0.0.1:{opened.port}/-/here/{page.kernel}"
    with pytest.raises(InvalidStatus), connect(url):
        pass
    with connect(url, additional_headers={"Cookie": page.cookie}):
        assert 200 == opened.ask(f"/api/kernels/{page.kernel}", Cookie=page.cookie).status
    until(lambda: 404 == opened.ask(f"/api/kernels/{page.kernel}", Cookie=page.cookie).status)


def test_a_page_that_breaks_off_while_it_connects(opened: Pages) -> None:
    """Connections that go before they are opened, at whatever moment, hold on to no kernel."""
    page = opened.ask("/")
    for turn in range(12):
        path = (f"/-/here/{page.kernel}", f"/api/kernels/{page.kernel}/channels?session_id={turn}")[turn % 2]
        with socket.create_connection(("127.0.0.1", opened.port)) as raw:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raw.sendall(
                f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{opened.port}\r\nCookie: {page.cookie}\r\n"
                "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
            )
            raw.settimeout(turn / 2_000 or None)
            with contextlib.suppress(TimeoutError):
                raw.recv(1) if turn else None
    until(lambda: 404 == opened.ask(f"/api/kernels/{page.kernel}", Cookie=page.cookie).status)


@pytest.mark.campaign
def test_a_page_that_nobody_waits_for(opened: Pages) -> None:
    """Who asks for a page and hangs up leaves no kernel behind, at whatever moment that was."""
    for seconds in (0.0, 0.0, 0.02, 0.05, 0.2):
        with socket.create_connection(("127.0.0.1", opened.port)) as raw:
            raw.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{opened.port}\r\n\r\n".encode())
            raw.settimeout(seconds or None)
            if seconds:
                with contextlib.suppress(TimeoutError):
                    raw.recv(1)
    opened.settled(1)


def test_strangers_at_a_proxied_browser(proxy: Pages) -> None:
    """Without the proxy's secret nobody is believed, not even with a token or a name."""
    tries: list[dict[str, Any]] = [
        {}, {"X-Forwarded-User": "ana"}, {**proxied("ana"), "X-Nbregistry-Proxy-Secret": "wrong"},
        {"Authorization": f"Bearer {SECRET}"}, {"X-Nbregistry-Shown-Token": SECRET, "X-Forwarded-User": "ana"},
    ]  # fmt: skip
    for headers in tries:
        answer = proxy.ask("/?model=churn", **headers)
        assert 401 == answer.status
        assert "churn" not in answer.text
    assert "Bo Li" in proxy.ask("/", **proxied("Bo Li")).text


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, home: str):
    """A server that asks for tokens, with room for one visitor."""
    folder = tmp_path_factory.mktemp("guarded")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBREGISTRY_HOME", home)
        store = stocked(folder)
    options = ("--auth", "token", "--token", CANARY, "--approver", "ana", "--visitors", "1")
    with browsing(store, folder, *options, NBREGISTRY_HOME=home) as pages:
        yield pages


def test_tokens_leave_the_address(guarded: Pages) -> None:
    """A token in the address opens the page, is taken out of the address, and stands in no page, log or environment."""
    assert 401 == guarded.ask("/?model=churn").status
    ana = guarded.token("ana")
    first = guarded.ask(f"/?model=churn&token={ana}")
    assert (303, "/?model=churn") == (first.status, first.headers["Location"])
    page = guarded.ask("/?model=churn", Cookie=first.cookie)
    assert 200 == page.status
    assert "may decide" in page.text
    for wrong in (f"/nothing?token={CANARY}", f"/voila/static/x?token={CANARY}", f"/?token={CANARY}x&token={ana}x"):
        guarded.ask(wrong, Authorization=f"Bearer {CANARY}", Cookie=f"a={CANARY}")
    guarded.ask("/", method="POST", body=f"token={CANARY}x".encode(),
                Content_Type="application/x-www-form-urlencoded")  # fmt: skip
    log = guarded.log.read_text("utf-8")
    told, _, rest = log.partition(f"?token={ana}\n")
    assert 1 == told.count(CANARY)
    for secret in (ana, CANARY):
        assert secret not in rest
        assert secret not in page.text
        for pid in guarded.kernels():
            assert secret not in Path(f"/proc/{pid}/environ").read_text("utf-8", "replace")
    guarded.ask(f"/voila/api/shutdown/{page.kernel}", method="POST", body=b"", Cookie=first.cookie)


def test_full_house(guarded: Pages) -> None:
    """Who finds no room is told so calmly, and when to come again; room is made when somebody leaves."""
    guarded.settled(2)
    cookie = guarded.ask(f"/?token={CANARY}").cookie
    kept: list[Answer] = []

    def came_in() -> bool:
        kept.append(guarded.ask("/", Cookie=cookie))
        return kept[-1].status == 200

    until(came_in)
    full = guarded.ask("/", Cookie=cookie)
    assert 503 == full.status
    assert 0 < int(full.headers["Retry-After"]) <= 60
    assert "tries again by itself" in full.text
    guarded.ask(f"/voila/api/shutdown/{kept[-1].kernel}", method="POST", body=b"", Cookie=cookie)
    assert 200 == guarded.ask("/", Cookie=cookie).status


@pytest.mark.parametrize("path", ["//evil.example/", "/\\evil.example", "/%2F%2Fevil.example", "/?next=https:evil"])
def test_no_way_leads_elsewhere(guarded: Pages, path: str) -> None:
    """However an address is written, showing a token there leads to a page of ours or to none."""
    mark = "&" if "?" in path else "?"
    answer = guarded.ask(f"{path}{mark}token={CANARY}")
    assert answer.status in (303, 400, 404)
    assert answer.headers.get("Location", "/").startswith("/")
    assert not answer.headers.get("Location", "/").startswith(("//", "/\\"))
    posted = guarded.ask(path, method="POST", body=f"token={quote(CANARY)}&next=//evil.example".encode(),
                         Content_Type="application/x-www-form-urlencoded")  # fmt: skip
    assert posted.status in (303, 400, 404)
    assert not posted.headers.get("Location", "/").startswith(("//", "/\\", "http"))


def test_ends_cleanly(tmp_path: Path) -> None:
    """Told to end, it ends its kernels, removes its private folder and says status 0."""
    store = stocked(tmp_path)
    with browsing(store, tmp_path, TMPDIR=str(tmp_path)) as pages:
        until(lambda: pages.kernels() != [])
        living = pages.kernels()
        private = [*tmp_path.glob("nbregistry-browse-*")]
        assert [0o700] == [folder.stat().st_mode & 0o777 for folder in private]
        pages.process.terminate()
        assert 0 == pages.process.wait(timeout=30)
    assert [] == [pid for pid in living if Path(f"/proc/{pid}").exists()]
    assert [] == [*tmp_path.glob("nbregistry-browse-*")]
    assert "Traceback" not in pages.log.read_text("utf-8")


@pytest.mark.parametrize(
    "words", ["--host 192.0.2.1", "--approver ana", "--auth password", "--auth token --token short", "--port 99999"]
)
def test_what_cannot_be_meant(tmp_path: Path, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It is told in a line, as wrong use, before anything is started."""
    assert 2 == main(["browse", "--registry", str(tmp_path / "store"), *words.split()])
    said = capsys.readouterr()
    assert ("", 1) == (said.out, len(said.err.strip().splitlines()))


def test_a_port_that_is_taken(opened: Pages) -> None:
    """It is told in a line, as a failure."""
    command = [sys.executable, "-m", "nbregistry", "browse", "--registry", str(opened.store), "--port"]
    done = subprocess.run([*command, str(opened.port)], check=False, capture_output=True, text=True, timeout=60)
    assert (1, "") == (done.returncode, done.stdout)
    assert 1 == len(done.stderr.strip().splitlines()), done.stderr
