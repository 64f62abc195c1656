"""TAB in a shell."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nbregistry.cli.completion import FILES, complete
from nbregistry.registry import Registry
from tests.cli.conftest import Said

Nb = Callable[..., Said]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["ver"], ["versions", "verify"]),
        (["versions", "c"], ["churn"]),
        (["show", "churn@"], ["churn@champion"]),
        (["promote", "churn/1", ""], ["Production", "Staging", "Archived", "None"]),
        (["promote", "churn/1", "production", "--ex"], ["--expect"]),
        (["promote", "churn/1", "production", "--expect", "churn/2"], ["churn/2"]),
        (["annotate", "churn/1", "--kind", "w"], ["warning"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["load", "churn/1", "--out", ""], [FILES]),
        (["--registry", ""], [FILES]),
        (["versions", "--registry", "x", "--js"], ["--json"]),
        (["frobnicate", ""], []),
        ([], None),
    ],
)
def test_complete(stocked: Registry, words: list[str], expected: list[str] | None) -> None:
    """Commands, names, references, stages, options and choices."""
    found = complete(words)
    assert expected == found if expected is not None else "models" in found


def test_other_registry(stocked: Registry, tmp_path: Path) -> None:
    """--registry on the line decides whose names are offered."""
    Registry(tmp_path / "other").register(max, "fraud")
    assert ["fraud"] == complete(["--registry", str(tmp_path / "other"), "versions", ""])
    assert [] == complete(["versions", f"--registry={tmp_path / 'nowhere'}", ""])


def test_nothing_there_makes_nothing(nb: Nb) -> None:
    """TAB in an empty folder offers commands and makes no registry."""
    assert (0, "") == nb("__complete", "versions", "")[:2]
    assert not Path(".nbregistry").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_script(nb: Nb, shell: str) -> None:
    """The script asks the hidden command and holds no names of its own."""
    said = nb("completion", shell)
    assert 0 == said.status
    assert "nbregistry __complete" in said.out
    if shutil.which(shell):
        checked = subprocess.run([shell, "-n"], input=said.out, text=True, capture_output=True, check=False)
        assert (0, "") == (checked.returncode, checked.stderr)


@pytest.mark.skipif(shutil.which("bash") is None, reason="BASH COMPLETION NOT TESTED: there is no bash here")
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("nbregistry ver", ["versions", "verify"]),
        ("nbregistry versions c", ["churn"]),
        ("nbregistry show churn@ch", ["champion"]),
        ("nbregistry show churn@", ["champion"]),
        ("nbregistry show churn/", ["churn/Production", "churn/2", "churn/1"]),
        ("nbregistry show models:/churn@ch", ["champion"]),
        ("nbregistry promote churn/1 production --expect=churn/2", ["churn/2"]),
        ("nbregistry promote churn/1 ", ["Production", "Staging", "Archived", "None"]),
    ],
)
def test_bash(nb: Nb, stocked: Registry, tmp_path: Path, line: str, expected: list[str]) -> None:
    """In a real bash, which splits words at @ : and =, the word under the cursor becomes what is offered."""
    stocked.promote("churn/2", "Production")
    command = tmp_path / "bin" / "nbregistry"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m nbregistry "$@"\n')
    command.chmod(0o755)
    script = (
        nb("completion", "bash").out
        + r"""
COMP_LINE=$1 COMP_POINT=${#1}
# What readline does before it calls the function: the line is split at blanks, and at @ : = as words of their own.
mapfile -t COMP_WORDS < <(grep -oE '[@:=]+|[^[:space:]@:=]+' <<< "$1")
[[ $1 == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_nbregistry
printf '%s\n' "${COMPREPLY[@]}"
"""
    )
    env = {**os.environ, "PATH": f"{command.parent}:{os.environ['PATH']}", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(["bash", "-c", script, "bash", line], env=env, capture_output=True, text=True, check=False)
    assert (expected, "") == (done.stdout.split(), done.stderr)
