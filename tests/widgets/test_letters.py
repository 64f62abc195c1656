"""A click waits for the letters typed before it; in a browser with tests/notebooks/test_jupyterlab.py."""

from __future__ import annotations

from typing import Any

import pytest

from nbregistry.registry import Registry
from nbregistry.widgets.letters import LastLetters
from nbregistry.widgets.panel import Panel


@pytest.mark.parametrize(
    ("told", "answers"), [("typed", ["taken in"]), ("clicked", []), ({"typed": 1}, []), (None, [])]
)
def test_what_was_typed_is_acknowledged(monkeypatch: pytest.MonkeyPatch, told: Any, answers: list[str]) -> None:
    """The kernel answers the question whether it has everything, and nothing else."""
    sent: list[Any] = []
    guard = LastLetters()
    monkeypatch.setattr(guard, "send", sent.append)
    guard._handle_msg({"content": {"data": {"method": "custom", "content": told}}, "buffers": []})
    assert answers == sent


def test_every_panel_has_it(tmp_path: Any) -> None:
    """What guards the buttons is part of what all panels share."""
    with Registry(tmp_path / ".nbregistry") as registry:
        assert 1 == sum(isinstance(child, LastLetters) for child in Panel(registry, "A panel").children)
