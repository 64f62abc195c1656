"""What is built is what is meant to be shipped."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from nbregistry.flavors.table import FLAVORS

ROOT = Path(__file__).resolve().parent.parent


def built(out: Path, *, root: Path = ROOT, **environment: str) -> tuple[Path, str]:
    """Build a wheel; return it with what was said meanwhile."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    done = subprocess.run(
        command, cwd=root, check=False, capture_output=True, text=True, env={**os.environ, **environment}
    )
    said = done.stdout + done.stderr
    assert 0 == done.returncode, said
    return next(out.glob("*.whl")), said


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Build the wheel once."""
    return built(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def wheel(made: tuple[Path, str]):
    """Yield the wheel, to be asked for its names and its metadata."""
    with zipfile.ZipFile(made[0]) as archive:
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


@pytest.mark.timeout(600)  # with Node, and nothing built before, the front end is built here
def test_wheel_brings_the_front_end(made: tuple[Path, str], wheel: zipfile.ZipFile) -> None:
    """The sidebar lands where JupyterLab looks, whole and built from these sources; the panels' scripts are inside."""
    assert {n for n in tracked("nbregistry/widgets") if n.endswith(".js")} <= set(wheel.namelist())
    left_out = re.search(r"LEFT OUT: (.+)", made[1])
    if left_out and "npm run" not in left_out[1]:
        pytest.skip(f"THE FRONT END WAS NOT BUILT: {left_out[1]}")
    assert left_out is None, left_out[1]
    home = "/data/share/jupyter/labextensions/nbregistry-labext/"
    shipped = {name.partition(home)[2]: name for name in wheel.namelist() if home in name}
    about = json.loads(wheel.read(shipped["package.json"]))
    assert about["jupyterlab"]["_build"]["load"] in shipped
    assert f'__version__ = "{about["version"]}"' in (ROOT / "nbregistry" / "__init__.py").read_text("utf-8")
    script = "".join(wheel.read(name).decode() for key, name in shipped.items() if key.endswith(".js"))
    assert "nbregistry:open-card" in script
    assert [] == re.findall(r"https?://(?!www\.w3\.org/)[a-z0-9.]+", script)


def test_without_node_the_front_end_is_left_out_and_said_so(tmp_path: Path) -> None:
    """An installation from source works without Node, and one that is told to skip the front end with it."""
    root = tmp_path / "clone"
    ignored = shutil.ignore_patterns("node_modules", "labextension", "__pycache__")
    for name in ("nbregistry", "notebooks", "jupyter-config"):
        shutil.copytree(ROOT / name, root / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, root)
    for number, (changes, why) in enumerate((
        ({"PATH": str(tmp_path)}, "no Node.js"),
        ({"NBREGISTRY_SKIP_LABEXT": "1"}, "NBREGISTRY_SKIP_LABEXT is set"),
    )):  # fmt: skip
        file, said = built(tmp_path / str(number), root=root, **changes)
        assert re.search(rf"SIDEBAR IS LEFT OUT: .*{why}", said)
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
        assert [] == [name for name in names if "labext" in name]
        assert "nbregistry/__init__.py" in names


def test_wheel_has_nothing_else(wheel: zipfile.ZipFile) -> None:
    """No tests, no sources of the front end, no caches."""
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert {"nbregistry"} == {top for top in tops if not top.startswith("nbregistry-0.")}
    assert [] == [n for n in wheel.namelist() if n.startswith("nbregistry/labext") or "__pycache__" in n]


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
