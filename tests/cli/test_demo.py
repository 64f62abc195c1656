"""The demo, as somebody runs it in a fresh folder."""

from __future__ import annotations

import importlib.util
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nbregistry.cli import demo
from nbregistry.registry import Registry
from tests.cli.conftest import Said

Nb = Callable[..., Said]


def test_tells_the_whole_story(nb: Nb) -> None:
    """Every step happens, the registry holds what was told, and a second run goes on where the first ended."""
    said = nb("demo", "--fast")
    assert (0, "") == (said.status, said.err)
    assert [f"── {n}. " in said.out for n in range(1, 14)] == [True] * 12 + [False]
    registry = Registry("nbregistry-demo/.nbregistry")
    assert "tumour/1" == registry.version("tumour/production").ref
    actions = ["register"] * 3 + ["promote", "promote", "annotate", "rollback"]
    assert actions == [event.action for event in registry.audit("tumour")]
    assert registry.verify()
    assert f"jupyter lab {Path('nbregistry-demo') / demo.NOTEBOOK}" in said.out
    assert "no fault was found" in said.out
    assert 0 == nb("demo", "--fast").status
    assert "tumour/4" == registry.version("tumour/production").ref


def test_notebook_is_put_beside_and_kept(tmp_path: Path) -> None:
    """The quickstart is copied once; what the user changed in it stays."""
    placed = demo._notebook(tmp_path)
    assert placed == tmp_path / demo.NOTEBOOK
    assert placed.read_text("utf-8").startswith("{")
    placed.write_text("mine", "utf-8")
    demo._notebook(tmp_path)
    assert "mine" == placed.read_text("utf-8")


def test_a_missing_library_names_its_extra(nb: Nb, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without scikit-learn, or without JupyterLab for --open, one line tells what to install; nothing is made."""
    find = importlib.util.find_spec
    for missing, words in (("sklearn", ["demo"]), ("jupyterlab", ["demo", "--open"])):
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name, gone=missing: None if name == gone else find(name)
        )
        said = nb(*words)
        assert (1, "") == (said.status, said.out)
        assert 'pip install "nbregistry[lab]"' in said.err
    assert not Path("nbregistry-demo").exists()


def test_open_starts_jupyterlab_there(nb: Nb, monkeypatch: pytest.MonkeyPatch) -> None:
    """--open starts JupyterLab on the notebook, in its folder."""
    started: list[tuple[list[str], Path]] = []
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: SimpleNamespace(name=name))
    monkeypatch.setattr(demo._Story, "steps", lambda story: iter(()))

    def run(words: list[str], *, cwd: Path, **options: Any) -> None:
        started.append((words, cwd))

    monkeypatch.setattr(subprocess, "run", run)
    Path("nbregistry-demo").mkdir()
    assert 0 == nb("demo", "--open").status
    folder = Path("nbregistry-demo").absolute()
    assert [(["-m", "jupyterlab", str(folder / demo.NOTEBOOK)], folder)] == [(w[1:], cwd) for w, cwd in started]
