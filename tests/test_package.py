"""What is built is what is meant to be shipped."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from nbregistry.flavors.table import FLAVORS

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory):
    """Build the wheel once; yield its list of names and its metadata."""
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)], cwd=ROOT, check=True)
    with zipfile.ZipFile(next(out.glob("*.whl"))) as archive:
        yield archive


def tracked(folder: str) -> set[str]:
    done = subprocess.run(["git", "ls-files", folder], cwd=ROOT, check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a git checkout: what is tracked cannot be told")
    return {name for name in done.stdout.splitlines() if (ROOT / name).is_file()}


def test_wheel_holds_the_whole_package(wheel: zipfile.ZipFile) -> None:
    """Every tracked file of the package is in the wheel, its type marker too."""
    expected = {name for name in tracked("nbregistry") if not name.startswith("nbregistry/labext/")}
    assert set() == expected - set(wheel.namelist())
    assert "nbregistry/py.typed" in wheel.namelist()


def test_wheel_brings_the_notebooks(wheel: zipfile.ZipFile) -> None:
    """`nbregistry demo` copies the quickstart from the installed package."""
    expected = {f"nbregistry/{name}" for name in tracked("notebooks")}
    assert "nbregistry/notebooks/01_quickstart.ipynb" in expected
    assert expected == {name for name in wheel.namelist() if name.startswith("nbregistry/notebooks/")}


def test_wheel_brings_jupyter_settings(wheel: zipfile.ZipFile) -> None:
    """Files that switch our server extension on land where Jupyter looks."""
    prefix = "jupyter-config/"
    expected = {name.removeprefix(prefix) for name in tracked("jupyter-config") if name.endswith(".json")}
    shipped = {n.partition("/data/etc/jupyter/")[2] for n in wheel.namelist() if "/data/etc/jupyter/" in n}
    assert expected == shipped


def test_wheel_has_nothing_else(wheel: zipfile.ZipFile) -> None:
    """No tests, no sources of the front end, no caches."""
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert {"nbregistry"} == {top for top in tops if not top.startswith("nbregistry-0.")}
    assert [] == [n for n in wheel.namelist() if n.startswith("nbregistry/labext/") or "__pycache__" in n]


def test_extras_that_errors_name_exist(wheel: zipfile.ZipFile) -> None:
    """Whoever is told to install an extra finds it, and `all` brings every one that a user may need."""
    metadata = wheel.read(next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))).decode()
    offered = set(re.findall(r"^Provides-Extra: (\S+)$", metadata, re.MULTILINE))
    named = {row.extra for row in FLAVORS} | {"lab", "skops"}
    assert set() == named - {""} - offered
    needs = {
        extra: set(re.findall(rf"^Requires-Dist: (.+); extra == '{extra}'$", metadata, re.MULTILINE))
        for extra in offered
    }
    runtime = offered - {"all", "bench", "test"}
    assert needs["all"] == {need for extra in runtime for need in needs[extra]}


def test_metadata_names_license_and_command(wheel: zipfile.ZipFile) -> None:
    """An SPDX expression, the licence's text, the Python range and the console command."""
    info = {name.rpartition("/")[2]: name for name in wheel.namelist() if ".dist-info/" in name}
    metadata = wheel.read(info["METADATA"]).decode()
    assert "License-Expression: BSD-3-Clause" in metadata
    assert "Requires-Python: <3.14,>=3.11" in metadata
    assert "LICENSE" in info
    assert "nbregistry = nbregistry.cli:main" in wheel.read(info["entry_points.txt"]).decode()
