"""A process of its own to load what was stored in this one."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from nbregistry.flavors.trust import Keyring
from tests.flavors.fresh import ROOT

Answers = Mapping[str, tuple[str, Any]]


@pytest.fixture
def reopened(tmp_path: Path) -> Callable[[Path], Answers]:
    """Load all models kept in a folder in a fresh process: name to (type, what it says)."""

    def load(folder: Path) -> Answers:
        command = [sys.executable, "-m", "tests.flavors.fresh", str(folder)]
        done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
        assert 0 == done.returncode, done.stderr
        answers: Answers = pickle.loads((folder / "answers").read_bytes())
        return answers

    return load


@pytest.fixture
def notebook() -> Callable[[str], str]:
    """Run code as a notebook's kernel does, in the module ``__main__`` of a process of its own; give what it prints."""

    def run(code: str) -> str:
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True)
        assert 0 == done.returncode, done.stderr
        return done.stdout

    return run


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    """Keys of the reader, in a home of their own."""
    return Keyring(tmp_path / "reader")
