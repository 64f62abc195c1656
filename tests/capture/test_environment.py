from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
import time
from pathlib import Path

import pandas  # noqa: F401 - so that something is imported
import pytest

from nbregistry.capture import environment
from nbregistry.capture.distributions import normalised
from nbregistry.capture.environment import as_conda, as_requirements, capture_environment
from nbregistry.domain.commits import canonical


def test_the_packages_are_those_that_are_imported() -> None:
    """In a fresh process: the very distributions and versions that the standard library finds for its modules."""
    code = """
import json, sys, importlib.metadata as metadata
import pandas, sklearn.linear_model, IPython, hypothesis, _pytest
from nbregistry.capture.environment import capture_environment
found = capture_environment()
owners = metadata.packages_distributions()
names = {n for n in sys.modules if "." not in n and n in owners and n not in sys.stdlib_module_names}
print(json.dumps([found, sorted({d for n in names for d in owners[n]}), sorted({m for m in names})]))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    found, wanted, _ = json.loads(done.stdout)
    expected = {normalised(name): importlib.metadata.version(name) for name in wanted}
    assert {"numpy", "pandas", "scikit-learn", "python-dateutil", "ipython"} <= set(expected)
    ours = {"nbregistry"}
    assert {k: v for k, v in expected.items() if k not in ours} == {
        k: v for k, v in found["packages"].items() if k not in ours
    }


def test_a_module_imported_later_is_found() -> None:
    """The second look sees what was imported after the first, and only that much more."""
    code = """
import json
from nbregistry.capture.environment import capture_environment
before = capture_environment()["packages"]
import cloudpickle
print(json.dumps(sorted(set(capture_environment()["packages"]) - set(before))))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ["cloudpickle"] == json.loads(done.stdout)


def test_what_draws_panels_is_left_out() -> None:
    """Widgets in the kernel are no part of a model's environment, unless it is made with them or hides what it has."""
    pytest.importorskip("ipywidgets")
    pytest.importorskip("psygnal")
    code = """
import json, numpy
from nbregistry.capture.environment import FRONT_END, capture_environment
class Plain:
    table = numpy.array([1, "a"], dtype=object)
    def predict(self, X): return X
before = capture_environment(Plain())["packages"]
import ipywidgets, psygnal
class Signals(Plain):
    def __init__(self): self.signals = numpy.array([psygnal.SignalGroup], dtype=object)
class Draws(Plain):
    def predict(self, X): return ipywidgets.Text(X)
class Hides(Plain):
    def __init__(self): self.rows = (i for i in "ab")
after = capture_environment(Plain())["packages"]
told = [sorted(FRONT_END & capture_environment(m())["packages"].keys()) for m in (Plain, Signals, Draws, Hides)]
print(json.dumps([before, after, *told]))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    before, after, plain, signals, draws, hides = json.loads(done.stdout)
    drawing = {"ipywidgets", "psygnal"}
    assert drawing.isdisjoint(after)
    assert before == {name: version for name, version in after.items() if name in before}
    assert ([], ["mypy-extensions", "psygnal"], ["ipywidgets"]) == (plain, signals, draws)
    assert drawing <= set(hides)


def test_the_machine_is_told() -> None:
    """Python, implementation, system and processor, as plain JSON."""
    found = capture_environment()
    canonical(found)
    assert ".".join(map(str, sys.version_info[:3])) == found["python"]
    assert sys.implementation.name == found["implementation"].lower()
    assert found["cpus"] >= 1
    for key in ("os", "machine", "cpu"):
        assert found[key]
    assert [] == found["editable"] or ["nbregistry"] == found["editable"]


def test_processor_and_gpus_are_read_from_what_the_system_says(tmp_path: Path) -> None:
    """The first processor's name; each card's; something where the files say nothing."""
    file = tmp_path / "cpuinfo"
    file.write_text("processor : 0\nmodel name\t: AMD EPYC\n\nmodel name\t: other\n")
    assert "AMD EPYC" == environment._cpu(file)
    file.write_text("nothing")
    assert environment._cpu(file)
    assert environment._cpu(tmp_path / "absent")
    for name, text in (("b", "Model: \t Tesla T4\nIRQ: 1"), ("a", "no model")):
        (tmp_path / "gpus" / name).mkdir(parents=True)
        (tmp_path / "gpus" / name / "information").write_text(text)
    assert ["NVIDIA", "Tesla T4"] == environment._gpus(tmp_path / "gpus")
    assert [] == environment._gpus(tmp_path / "none")


def test_the_blas_of_numpy_is_told() -> None:
    """With NumPy loaded the library that multiplies its matrices is named."""
    assert capture_environment()["blas"]


HOSTILE = {
    "python": "3.11.7\nimport os",
    "implementation": "CPython",
    "os": "Linux\n--index-url https://evil",
    "machine": "x86_64",
    "packages": {
        "numpy": "2.4.6",
        "torch": "2.1.0+cu118",
        "mine": "1.0",
        "bad name": "1",
        "evil": "1\n--pre",
        "a-b": "1;x",
    },
    "editable": ["mine"],
}


def test_requirements_are_pins_one_a_line() -> None:
    """Sorted pins under a heading; what cannot be pinned is a comment, and nothing leaves its line."""
    lines = as_requirements(HOSTILE).splitlines()
    assert ["numpy==2.4.6", "torch==2.1.0+cu118"] == [line for line in lines if not line.startswith("#")]
    assert "# editable, not pinned: mine==1.0" in lines
    assert 3 == sum(line.startswith("# not a version") for line in lines)
    assert as_requirements(capture_environment()).endswith("\n")


def test_conda_gets_the_same_pins() -> None:
    """Python from conda, the rest from pip; a version that is none is left open."""
    text = as_conda({**capture_environment(), "packages": {"numpy": "2.4.6"}}, "churn/3")
    python = ".".join(map(str, sys.version_info[:3]))
    assert (
        "name: churn-3\nchannels:\n  - conda-forge\ndependencies:\n"
        f"  - python={python}\n  - pip\n  - pip:\n      - numpy==2.4.6\n"
    ) == text
    assert "\n  - python\n" in as_conda(HOSTILE)
    assert "evil" not in as_conda(HOSTILE).split("# ")[0]
    assert as_conda({}) == "name: model\nchannels:\n  - conda-forge\ndependencies:\n  - python\n  - pip\n"


def test_looking_again_is_free() -> None:
    """A warm look costs microseconds (a wide bound; the figure is about 10)."""
    capture_environment()
    times = []
    for _ in range(50):
        started = time.perf_counter()
        capture_environment()
        times.append(time.perf_counter() - started)
    assert min(times) < 0.0005


@pytest.mark.parametrize("imports", ["pandas, sklearn.linear_model, IPython"])
def test_the_first_look_is_quick(imports: str) -> None:
    """In a fresh process with much imported the first look costs tens of milliseconds (a wide bound)."""
    code = f"""
import time, {imports}
from nbregistry.capture.environment import capture_environment
started = time.perf_counter()
capture_environment()
print(time.perf_counter() - started)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert float(done.stdout) < 0.5
