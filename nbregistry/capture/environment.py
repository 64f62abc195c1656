"""The environment a model was made in: exact versions of what is really imported, Python, system, processor.

Nothing is executed or imported to find out: what counts is what this process has loaded.
"""

from __future__ import annotations

import functools
import os
import platform
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbregistry.capture.boundary import plain
from nbregistry.capture.distributions import Imported, normalised, process_started
from nbregistry.capture.state import modules_of
from nbregistry.types import Document

_REQUIREMENT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?==[A-Za-z0-9][A-Za-z0-9.!+_-]*\Z")


FRONT_END = frozenset({
    "anywidget", "ipywidgets", "jupyterlab-widgets", "mypy-extensions", "psygnal", "widgetsnbextension",
})  # fmt: skip
"""What a panel on the page brings into the kernel, psygnal's own requirement among it: with it two versions would
differ by whether a panel was open, and whoever serves a model would be told to install what draws buttons."""


def capture_environment(model: object = None) -> Document:
    """Return the environment of this process as plain JSON data.

    Parameters
    ----------
    model : object, optional
        What was made here. ``FRONT_END`` is left out, except for what a model consists of; all of it is told of a
        model that cannot be looked into.

    Returns
    -------
    dict
        ``python``, ``implementation``, ``os``, ``machine``, ``cpu``, ``cpus``; ``packages`` (``{distribution:
        version}`` of those with an imported module, names as PEP 503 normalises them); ``editable`` (those imported
        from a working copy, which no version pins). Where it applies ``stale`` (``{distribution: version now
        installed}`` of those that were upgraded after they were imported), ``blas`` and ``gpus``.
    """
    found = _imported().refresh()
    if drawing := FRONT_END & found.keys():
        needed = _needed(model)
        found = {name: f for name, f in found.items() if name not in drawing or needed is None or name in needed}
    told: Document = {
        **_machine(),
        "packages": {name: found[name].version for name in sorted(found)},
        "editable": sorted(name for name, f in found.items() if f.editable),
    }
    if stale := {name: f.installed for name, f in sorted(found.items()) if f.installed != f.version}:
        told["stale"] = stale
    if blas := _blas():
        told["blas"] = blas
    return told


def _needed(model: object) -> set[str] | None:
    """Return the distributions a model is made with; those of ``FRONT_END`` are called like their modules."""
    found = modules_of(model)
    if found is None:
        return None
    needed = {normalised(name) for name in found}
    return needed | {"mypy-extensions"} if "psygnal" in needed else needed


@functools.cache
def _imported() -> Imported:
    return Imported(process_started())


@functools.cache
def _machine() -> Document:
    libc, version = platform.libc_ver() if platform.system() == "Linux" else ("", "")
    told: Document = {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "os": " ".join(filter(None, (platform.system(), platform.release(), libc, version))),
        "machine": platform.machine(),
        "cpu": _cpu(),
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
    }
    if gpus := _gpus():
        told["gpus"] = gpus
    return told


def _cpu(source: Path = Path("/proc/cpuinfo")) -> str:
    try:
        with source.open("rb") as file:
            match = re.search(rb"^(?:model name|Hardware|cpu model)\s*:\s*(.+)$", file.read(4_096), re.MULTILINE)
    except OSError:
        # elsewhere the standard library asks the system, which is slower and happens once
        return plain(platform.processor() or platform.machine())
    return match[1].decode("utf-8", "replace").strip() if match else platform.machine()


def _gpus(source: Path = Path("/proc/driver/nvidia/gpus")) -> list[str]:
    found = []
    try:
        for card in sorted(source.iterdir()):
            match = re.search(r"^Model:\s*(.+)$", (card / "information").read_text("utf-8", "replace"), re.MULTILINE)
            found.append(match[1].strip() if match else "NVIDIA")
    except OSError:
        return found
    return found


def _blas() -> str:
    config = getattr(sys.modules.get("numpy.__config__"), "CONFIG", None)
    try:
        blas = config["Build Dependencies"]["blas"] if config else {}
        return " ".join(filter(None, (str(blas.get("name", "")), str(blas.get("version", "")))))
    except (KeyError, TypeError, AttributeError):
        return ""


def as_requirements(environment: Mapping[str, Any]) -> str:
    """Render a captured environment as a requirements file: one pin a line, sorted, so that two of them diff well."""
    pins, odd = _pins(environment)
    head = [f"# {_said(environment.get('implementation', 'Python'))} {_said(environment.get('python', '?'))}"]
    system = " ".join(_said(environment[key]) for key in ("os", "machine") if environment.get(key))
    return "\n".join([*head, *([f"# {system}"] if system else []), *pins, *odd]) + "\n"


def as_conda(environment: Mapping[str, Any], name: str = "model") -> str:
    """Render a captured environment as a conda environment file; the packages themselves come from pip, as captured."""
    pins, odd = _pins(environment)
    label = re.sub(r"[^A-Za-z0-9._-]+", "-", name) or "model"
    version = str(environment.get("python", ""))
    python = f"python={version}" if re.fullmatch(r"\d+(\.\d+)*", version) else "python"
    lines = [f"name: {label}", "channels:", "  - conda-forge", "dependencies:", f"  - {python}", "  - pip"]
    if pins:
        lines += ["  - pip:", *(f"      - {pin}" for pin in pins)]
    return "\n".join([*lines, *odd]) + "\n"


def _pins(environment: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return the lines that pin, and comments for what cannot be pinned."""
    editable = set(map(str, environment.get("editable", ())))
    pins, odd = [], []
    for name, version in sorted(environment.get("packages", {}).items()):
        pin = f"{name}=={version}"
        if name in editable:
            odd.append(f"# editable, not pinned: {_said(pin)}")
        elif _REQUIREMENT.match(pin):
            pins.append(pin)
        else:
            odd.append(f"# not a version that can be asked for: {_said(pin)}")
    return pins, odd


def _said(value: Any) -> str:
    """Return text that stays on its line and in its comment."""
    return re.sub(r"[^\x20-\x7e]+", " ", str(value))[:200]
