from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from nbregistry.capture.distributions import Folder, Found, Imported, normalised, process_started


class World:
    """A folder of installed distributions, and the modules that count as imported."""

    def __init__(self, folder: Path) -> None:
        self.site = folder
        self.modules: dict[str, Any] = {"sys": sys}

    def load(self, name: str, file: Path | str | None, **attributes: object) -> None:
        module = ModuleType(name)
        if file is None:
            module.__path__ = []
        else:
            module.__file__ = str(self.site / file)
        vars(module).update(attributes)
        self.modules[name] = module

    def imported(self, started: float | None = None) -> Imported:
        return Imported(started, modules=self.modules, path=[str(self.site), ""])

    def found(self) -> dict[str, str]:
        return {name: f.version for name, f in self.imported().refresh().items()}


@pytest.fixture
def world(tmp_path: Path) -> World:
    folder = tmp_path / "lib" / "site-packages"
    folder.mkdir(parents=True)
    return World(folder)


def install(site: Path, name: str, version: str, *files: str, record: bool = True) -> Path:
    info = site / f"{name}-{version}.dist-info"
    info.mkdir()
    for file in files:
        path = site / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    if record:
        (info / "RECORD").write_text("".join(f"{file},sha256=x,1\n" for file in (*files, f"{info.name}/METADATA")))
    return info


def test_a_module_is_of_the_distribution_that_lists_its_file(world: World) -> None:
    """Of the same name or another, as a package, a module or an extension deep in a package."""
    install(world.site, "plain", "1.0", "plain/__init__.py")
    install(world.site, "scikit_learn", "1.9", "sklearn/__init__.py", "sklearn/_fast.so")
    install(world.site, "Six.Like", "3", "six_like.py")
    install(world.site, "unused", "1", "unused/__init__.py")
    for name, file in (
        ("plain", "plain/__init__.py"),
        ("sklearn", "sklearn/__init__.py"),
        ("six_like", "six_like.py"),
        ("_fast", "sklearn/_fast.so"),
    ):
        world.load(name, world.site / file)
    assert {"plain": "1.0", "scikit-learn": "1.9", "six-like": "3"} == world.found()


def test_a_name_alone_proves_nothing(world: World) -> None:
    """A distribution of the module's name that does not list its file is not its owner."""
    install(world.site, "dotenv", "0.9", "something/__init__.py")
    install(world.site, "python_dotenv", "1.2", "dotenv/__init__.py")
    world.load("dotenv", world.site / "dotenv/__init__.py")
    assert {"python-dotenv": "1.2"} == world.found()


def test_parts_of_a_namespace_are_told_apart(world: World) -> None:
    """Distributions that share a topmost folder are found by the file itself, and only those that are imported."""
    install(world.site, "google_auth", "2", "google/auth/__init__.py")
    install(world.site, "google_cloud_storage", "3", "google/cloud/storage/__init__.py")
    install(world.site, "google_cloud_bigquery", "4", "google/cloud/bigquery/__init__.py")
    for name, file in (
        ("google", None),
        ("google.auth", "google/auth/__init__.py"),
        ("google.cloud", None),
        ("google.cloud.storage", "google/cloud/storage/__init__.py"),
    ):
        world.load(name, file)
    assert {"google-auth": "2", "google-cloud-storage": "3"} == world.found()


def test_what_lists_no_files_is_known_by_its_name(world: World) -> None:
    """System packages without a list of files count by name, or by what they say is topmost."""
    install(world.site, "listless", "1.0", record=False)
    info = install(world.site, "other_name", "2.0", record=False)
    (info / "top_level.txt").write_text("topmost\n")
    (world.site / "old-3.0.egg-info").write_text("Name: old\nVersion: 3.0\n")
    for name in ("listless", "topmost", "old"):
        world.load(name, world.site / name / "__init__.py")
    assert {"listless": "1.0", "other-name": "2.0", "old": "3.0"} == world.found()


def test_an_info_folder_of_an_odd_name_is_read(world: World) -> None:
    """Where the folder's name does not tell name and version its metadata does; one without is passed over."""
    for name, text in (("odd.egg-info", "Metadata-Version: 1\nName: Odd_Name\nVersion: 4.1\n"), ("mute.dist-info", "")):
        (world.site / name).mkdir()
        (world.site / name / "PKG-INFO").write_text(text)
    (world.site / "odd.egg-info" / "top_level.txt").write_text("odd\n")
    world.load("odd", world.site / "odd.py")
    assert {"odd-name": "4.1"} == world.found()


def test_own_modules_and_the_standard_library_are_no_packages(world: World, tmp_path: Path) -> None:
    """The user's own files, built-in modules and what has no file are not distributions."""
    install(world.site, "json", "9", "json/__init__.py")
    world.load("json", world.site / "json/__init__.py")
    world.load("helper", tmp_path / "notebooks" / "helper.py")
    world.load("__main__", world.site / "x.py")
    world.load("made", "<string>")
    world.modules["nothing"] = None  # what a failed import leaves behind
    assert {} == world.found()


def test_a_lazy_module_is_not_woken(world: World) -> None:
    """A module that loads on first access stays asleep."""

    class Lazy(ModuleType):
        def __getattribute__(self, name: str) -> Any:
            raise AssertionError(f"woken for {name}")

    world.modules["lazy"] = Lazy("lazy")
    assert {} == world.found()


def test_a_working_copy_is_editable(world: World, tmp_path: Path) -> None:
    """A project installed editable is found by where its modules lie, with and without a src folder."""
    for name, sub in (("flat", ""), ("nested", "src"), ("custom", "code")):
        info = install(world.site, name, "0.1", record=False)
        project = tmp_path / f"{name} project"
        (project / sub / name).mkdir(parents=True)
        told = {"url": project.as_uri(), "dir_info": {"editable": True}}
        (info / "direct_url.json").write_text(json.dumps(told))
        world.load(name, project / sub / name / "__init__.py")
    world.load("beside", tmp_path / "nested project" / "notebooks" / "beside.py")
    installed = install(world.site, "copied", "1", record=False)
    (installed / "direct_url.json").write_text('{"url": "file:///x", "dir_info": {}}')
    (install(world.site, "broken", "1", record=False) / "direct_url.json").write_text("[")
    assert {"flat", "nested", "custom"} == {name for name, f in world.imported().refresh().items() if f.editable}
    assert {"flat", "nested", "custom"} == set(world.found())


def test_a_newly_installed_distribution_is_seen(world: World) -> None:
    """A folder that changed is read again."""
    install(world.site, "first", "1", "first.py")
    world.load("first", world.site / "first.py")
    seen = world.imported()
    assert ["first"] == list(seen.refresh())
    install(world.site, "second", "2", "second.py")
    os.utime(world.site, ns=(1, time.time_ns() + 10**9))
    world.load("second", world.site / "second.py")
    assert ["first", "second"] == list(seen.refresh())


def test_an_upgrade_under_a_running_kernel_is_noticed(world: World) -> None:
    """The version is that of the imported module; the one that lies there now is told too."""
    install(world.site, "fresh", "2.0", "fresh.py")
    world.load("fresh", world.site / "fresh.py", __version__="1.5")
    install(world.site, "same", "2.0.0", "same.py")
    world.load("same", world.site / "same.py", __version__="2.0")
    install(world.site, "odd", "2.0", "odd.py")
    world.load("odd", world.site / "odd.py", __version__="unknown")
    seen = world.imported(time.time() - 100).refresh()
    assert Found("1.5", "2.0", editable=False) == seen["fresh"]
    assert ("2.0.0", "2.0") == (seen["same"].version, seen["odd"].version)
    older = world.imported(time.time() + 100).refresh()
    assert Found("2.0", "2.0", editable=False) == older["fresh"]


def test_a_huge_folder_does_not_hold_us_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a folder with very many entries only so many are looked at."""
    monkeypatch.setattr("nbregistry.capture.distributions._MOST_ENTRIES", 10)
    for i in range(50):
        (tmp_path / f"d{i}-1.dist-info").mkdir()
    assert 10 == len(Folder(str(tmp_path)).by_name)


def test_names_are_normalised() -> None:
    """As PEP 503 says."""
    assert "a-b-c-d" == normalised("A_b.-c--D")


def test_when_this_process_started() -> None:
    """Before now and after the machine; None where the system does not tell."""
    started = process_started()
    assert started is None or time.time() - 86_400 < started <= time.time() + 1
