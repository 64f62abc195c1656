"""Which flavor is whose."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nbregistry.errors import Conflict, InvalidInput, NotFound
from nbregistry.flavors import table
from tests.flavors.fresh import ROOT

PLUGIN = """
from nbregistry.flavors.cloudpickle import CloudpickleFlavor

class Mine(CloudpickleFlavor):
    name = "mine"
    def matches(self, model):
        {body}

class Renamed(Mine):
    name = "other"
"""


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, *, entry: str, body: str) -> None:
    """Put a package with an entry point where Python finds it, as installing it would."""
    (folder / "myflavors.py").write_text(PLUGIN.format(body=body), "utf-8")
    about = folder / "myflavors-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: myflavors\nVersion: 1.0\n", "utf-8")
    (about / "entry_points.txt").write_text(f"[{table.GROUP}]\n{entry}\n", "utf-8")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "myflavors", raising=False)


def kind(root: str, *bases: type, **has: Any) -> Any:
    """Make an object of a class that says it comes from a library."""
    return type("Made", bases, {"__module__": f"{root}.part", **has})()


ESTIMATOR = {"fit": None, "get_params": None, "predict": None}


def test_the_nearest_library_wins() -> None:
    """A wrapper of another library's class belongs to the wrapper's library, a notebook's subclass to its base's."""
    estimator = type("E", (), {"__module__": "sklearn.base", **ESTIMATOR})
    wrapper = type("W", (estimator,), {"__module__": "xgboost.sklearn"})
    module = {"state_dict": None, "named_parameters": None}
    found = {
        "sklearn": [kind("sklearn.linear_model", **ESTIMATOR), kind("__main__", estimator)],
        "xgboost": [kind("__main__", wrapper), kind("xgboost.core", predict=None)],
        "lightgbm": [kind("lightgbm.sklearn", estimator)],
        "catboost": [kind("catboost.core", predict=None)],
        "torch": [kind("torch.nn", **module), kind("__main__", type("N", (), {"__module__": "torch.nn", **module}))],
        "cloudpickle": [
            kind("__main__", **ESTIMATOR),
            kind("sklearn.tree"),
            kind("torch.optim"),
            len,
            {"a": 1},
            lambda: 1,
        ],
    }
    assert {n: [n] * len(models) for n, models in found.items()} == {
        n: [table.flavor_of(m).name for m in models] for n, models in found.items()
    }


def test_looking_for_a_flavor_imports_no_library() -> None:
    """Finding the flavor of a plain object, and each flavor by name, loads none of the libraries."""
    code = (
        "import sys; from nbregistry.flavors import table, opening, trust; table.flavor_of(object())\n"
        "[table.flavor(row.name).formats for row in table.FLAVORS]\n"
        "print(sorted({m.partition('.')[0] for m in sys.modules} - sys.stdlib_module_names))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    loaded = set(eval(done.stdout))  # noqa: S307  a list of names that the line above printed
    assert not loaded & {"sklearn", "numpy", "xgboost", "lightgbm", "catboost", "keras", "torch", "onnx", "onnxruntime",
                         "skl2onnx", "skops", "pandas", "cryptography", "filelock", "cloudpickle"}  # fmt: skip


def test_no_model_is_no_model() -> None:
    """None, and a library's class in place of an instance, are refused with what was probably meant."""
    with pytest.raises(InvalidInput, match="it is None"):
        table.flavor_of(None)
    made = type("Ridge", (), {"__module__": "sklearn.linear_model"})
    with pytest.raises(InvalidInput, match=r"sklearn\.linear_model\.Ridge is the class itself.*Ridge\(\)\.fit\(X, y\)"):
        table.flavor_of(made)
    assert "cloudpickle" == table.flavor_of(type("Mine", (), {"__module__": "__main__"})).name


def test_an_unknown_flavor_is_named_with_those_there_are() -> None:
    """The error lists what is there and suggests the nearest."""
    with pytest.raises(NotFound, match=r"'xgbost', did you mean 'xgboost'\?: there are sklearn, xgboost"):
        table.flavor("xgbost")


def test_a_plug_in_is_asked_when_nothing_of_ours_matches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plug-in's flavor is found by object and by name, after ours and before plain pickling."""
    install(tmp_path, monkeypatch, entry="mine = myflavors:Mine", body='return type(model).__name__ == "Made"')
    assert "mine" == table.flavor_of(kind("elsewhere")).name
    assert "mine" == table.flavor("mine").name
    assert "sklearn" == table.flavor_of(kind("sklearn.base", **ESTIMATOR)).name
    assert "cloudpickle" == table.flavor_of(object()).name


@pytest.mark.parametrize(
    ("entry", "body", "told"),
    [
        ("mine = nosuchmodule:Mine", "return True", "Loading the flavor 'mine' of the plug-in 'nosuchmodule:Mine'"),
        ("mine = myflavors:Renamed", "return True", "calls its flavor 'other', but is entered as 'mine'"),
        ("mine = myflavors:Mine", "raise ZeroDivisionError", "Asking the plug-in 'myflavors:Mine'"),
    ],
)
def test_a_broken_plug_in_keeps_nobody_from_registering(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str, body: str, told: str
) -> None:
    """A plug-in that fails is passed over with a warning that names it."""
    install(tmp_path, monkeypatch, entry=entry, body=body)
    with pytest.warns(UserWarning, match=told):
        assert "cloudpickle" == table.flavor_of(object()).name


def test_a_broken_plug_in_asked_for_by_name_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading a version that a broken plug-in kept says what is wrong with it."""
    install(tmp_path, monkeypatch, entry="mine = nosuchmodule:Mine", body="return True")
    with pytest.raises(Conflict, match="needs the module 'nosuchmodule', which is not installed"):
        table.flavor("mine")


def test_a_plug_in_cannot_take_our_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plug-in entered under one of our names is never asked for it."""
    install(tmp_path, monkeypatch, entry="sklearn = myflavors:Mine", body="return True")
    assert "nbregistry.flavors.sklearn" == type(table.flavor("sklearn")).__module__
