"""A registry browser below a path of its own, as behind a reverse proxy."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from websockets.sync.client import connect

from nbregistry.browser.launching import based
from nbregistry.errors import InvalidInput
from tests.browser.serving_pages import Pages, browsing, stocked
from tests.browsing import windows

BASE = "/services/registry/"


@pytest.fixture(scope="module")
def below(tmp_path_factory: pytest.TempPathFactory, home: str) -> Iterator[Pages]:
    """A server below a path."""
    folder = tmp_path_factory.mktemp("below")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBREGISTRY_HOME", home)
        store = stocked(folder)
    options = ("--base", BASE, "--auth", "token", "--approver", "ana", "--name", "registry.example.org")
    with browsing(store, folder, *options, NBREGISTRY_HOME=home) as pages:
        yield pages


def test_everything_lies_below(below: Pages) -> None:
    """Every address that a page names, its theme, its connections and its cookie lie below the base, and work there."""
    assert f"{BASE}\n" in below.said.read_text("utf-8")
    ana = below.token("ana")
    entered = below.ask(f"{BASE}?token={ana}&model=churn", host="registry.example.org")
    assert (303, f"{BASE}?model=churn") == (entered.status, entered.headers["Location"])
    assert f"Path={BASE};" in entered.headers["Set-Cookie"]
    page = below.ask(f"{BASE}?model=churn", host="registry.example.org", Cookie=entered.cookie)
    assert "has been in Production since" in page.text
    named = re.findall(r'(?:src|href)="(/[^"]*)"', page.text)
    assert len(named) >= 5
    for address in (
        *named,
        f"{BASE}voila/templates/lab/static/theme-dark.css",
        f"{BASE}voila/templates/lab/static/theme-light.css",
    ):
        assert address.startswith(BASE), address
        assert 200 == below.ask(address).status, address
    for option in ("fullStaticUrl", "fullLabextensionsUrl", "baseUrl"):
        assert f'"{option}": "{BASE}' in page.text
    assert 200 == below.ask(f"{BASE}api/kernels/{page.kernel}", Cookie=entered.cookie).status
    for route in (f"-/here/{page.kernel}", f"api/kernels/{page.kernel}/channels?session_id=s"):
        with connect(f"ws://127.0.0.1:{below.port}{BASE}{route}", additional_headers={"Cookie": entered.cookie}):
            pass
    left = below.ask(f"{BASE}voila/api/shutdown/{page.kernel}", method="POST", body=b"", Cookie=entered.cookie)
    assert 204 == left.status


def test_nothing_lies_beside(below: Pages) -> None:
    """What would be there without the base is not, nor is a path that only looks like it, and the way back is right."""
    for path in ("/", "/-/static/page.css", "/voila/static/voila.js", "/services/registry-/static/page.css",
                 "/servicesxregistry/-/static/page.css", "/services/registryx/", "/services/"):  # fmt: skip
        assert 404 == below.ask(path).status, path
    assert f'href="{BASE}?"' in below.ask(f"{BASE}nothing").text
    moved = below.ask(BASE.removesuffix("/") + "?model=churn")
    assert (302, f"{BASE}?model=churn") == (moved.status, moved.headers["Location"])


@pytest.mark.parametrize(
    ("told", "path"), [("/", "/"), ("", "/"), ("a", "/a/"), ("/a/b-c/", "/a/b-c/"), ("/~x/y.z", "/~x/y.z/")]
)
def test_paths(told: str, path: str) -> None:
    """A base has a slash at both ends, however it was written."""
    assert path == based(told)


@pytest.mark.parametrize(
    "told", ["//evil.example/", "/a//b/", "/../", "/a/./b", "/a b/", "/a?b/", "/a#b", "/\\evil/", "/a\n/", "http://x/"]
)
def test_what_is_no_path(told: str) -> None:
    """What could name another server or another path is no base."""
    with pytest.raises(InvalidInput, match="no path below which"):
        based(told)


@pytest.mark.browser
def test_it_lives_below(below: Pages, chromium: str) -> None:
    """In a browser the page comes to life below the base, in its theme, and its links and searches stay there."""
    with windows(chromium, width=1280, height=900) as open_window:
        window = open_window(color_scheme="dark")
        page = window.page
        page.goto(f"http://127.0.0.1:{below.port}{BASE}?token={below.token('ana')}")
        page.wait_for_selector("[data-alive=yes]")
        page.wait_for_function(
            "[...document.styleSheets].some(s => s.href?.endsWith('lab/static/theme-dark.css') && s.cssRules.length)"
        )
        page.click("main a:has-text('churn')")
        page.wait_for_selector("text=has been in Production since")
        page.fill("#nbr-q", "fraud")
        page.press("#nbr-q", "Enter")
        page.wait_for_selector("main :text('fraud')")
        assert page.url.startswith(f"http://127.0.0.1:{below.port}{BASE}?")
        window.keep("browser-base-dark")
        assert ([], [], []) == (window.outside, window.spoken, window.errors)
        page.context.close()
