"""A server shown: nothing of a token, nothing cut that is to be copied, and whatever its state."""

from __future__ import annotations

import pytest

from nbregistry import display
from nbregistry.display.blocks import Code, View
from nbregistry.display.style import SHEET
from nbregistry.serving.process import Server, Servers
from nbregistry.serving.spec import PREDICT, RunFolder, ServerSpec, Token


@pytest.fixture
def ended(tmp_path) -> Server:
    """Return the handle of a server that ended, with a token."""
    display.attach()
    run = RunFolder(tmp_path / "servers" / "0123abcd")
    spec = ServerSpec("0123abcd", "store", str(tmp_path), "ana", ("churn@best",), tokens=(Token.of("s3cret", PREDICT),))
    run.create(spec)
    run.write("state.json", {"state": "failed", "why": "no room", "url": "http://127.0.0.1:5001", "started": 0.0})
    return Server(run, token="s3cret-value-shown-never")


def test_server_that_failed_says_why(ended: Server) -> None:
    """State, reason and what it was to serve stand in every representation; the token in none."""
    for text in (*display.bundle(ended).values(), str(ended)):
        assert "failed" in text
        assert "no room" in text
        assert "churn" in text
        assert "s3cret" not in text
    assert "<Server churn@best at http://127.0.0.1:5001, failed>" == repr(ended)


def test_servers_are_a_table(ended: Server) -> None:
    """A list of servers names each by id and address; an empty one says so."""
    assert "0123abcd" in display.text(Servers([ended]))
    assert "No server runs." == display.text(Servers())


def test_code_is_drawn_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line to be copied is neither cut nor wrapped in text, and escaped in HTML."""
    line = "curl -d '<b>" + "x" * 500 + "</b>' http://127.0.0.1"
    monkeypatch.setattr("nbregistry.display.told.view", lambda found: View((Code((line,)),)))
    assert f"    {line}" == display.text(object(), width=80)
    drawn = display.html(object())
    assert "<b>" not in drawn
    assert "&lt;b&gt;" in drawn
    assert ".nbr-code" in SHEET
