"""PyTorch modules, of the notebook and scripted."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nbregistry.errors import Damaged, InvalidInput, Untrusted
from nbregistry.flavors import opening, table
from nbregistry.flavors.answers import same
from nbregistry.flavors.torch import TorchFlavor
from nbregistry.flavors.trust import Keyring
from tests.flavors.conftest import Answers

torch: Any = pytest.importorskip("torch")

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")  # but modules of it are to be kept

X = np.linspace(0, 1, 12).reshape(3, 4)


def module() -> Any:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(0.5), torch.nn.ReLU(), torch.nn.Linear(8, 2))


def scripted() -> Any:
    return torch.jit.script(module())


@pytest.mark.parametrize("format", ["torch", "cloudpickle", "torchscript"])
def test_a_module_comes_back(format: str) -> None:
    """Each format gives a module that says the same."""
    flavor, file = TorchFlavor(), io.BytesIO()
    model = scripted() if format == "torchscript" else module()
    assert ("torch", format if format != "cloudpickle" else "torch") == (
        table.flavor_of(model).name,
        flavor.default(model),
    )
    flavor.save(model, file, format)
    found = flavor.load(file, format)
    assert same(flavor.predict(module(), X), flavor.predict(found, X), tolerance=1e-6)


def test_a_module_of_the_notebook_comes_back_in_a_fresh_process(
    tmp_path: Path, notebook: Callable[[str], str], reopened: Callable[[Path], Answers]
) -> None:
    """A class written in a cell, with a lambda inside, is loaded where the cell never ran."""
    told = notebook(f"""
import json
from pathlib import Path
import torch
from tests.flavors.fresh import keep
from nbregistry.flavors.torch import TorchFlavor
torch.manual_seed(0)
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.after = torch.nn.Linear(4, 2), lambda x: x * 2
    def forward(self, x):
        return self.after(self.layer(x))
net, x = Net(), torch.ones(3, 4)
keep(Path({str(tmp_path)!r}), "net", net, x)
print(json.dumps(TorchFlavor().predict(net, x).tolist()))
""")
    kind, found = reopened(tmp_path)["net"]
    assert "__main__.Net" == kind
    assert same(np.array(json.loads(told), dtype="float32"), found[0], tolerance=1e-6)


def test_predicting_leaves_the_module_as_it_was() -> None:
    """Dropout is off while it is asked, and each part trains afterwards as before."""
    model = module()
    model[1].eval()
    modes = [m.training for m in model.modules()]
    flavor = TorchFlavor()
    assert same(flavor.predict(model, X), flavor.predict(model, X))
    assert modes == [m.training for m in model.modules()]
    assert not flavor.predict(model, X).requires_grad  # type: ignore[attr-defined]  # a tensor


def test_it_takes_what_people_have() -> None:
    """Arrays, frames, lists and tensors of any precision are brought to the module's."""
    pandas = pytest.importorskip("pandas")
    flavor, model = TorchFlavor(), module()
    expected = flavor.predict(model, torch.tensor(X, dtype=torch.float32))
    for rows in (X, X.astype("float32"), pandas.DataFrame(X), X.tolist()):
        assert same(expected, flavor.predict(model, rows), tolerance=1e-6)


def test_what_is_told_of_a_module() -> None:
    """Its weights are counted; whether they are trained nobody knows."""
    flavor, model = TorchFlavor(), module()
    model[0].weight.requires_grad = False
    assert ({"weights": 58, "trainable": 26}, ()) == flavor.params(model)
    assert None is flavor.is_fitted(model)
    assert "torch.nn.Sequential" == flavor.describe(model)


def test_every_format_needs_trust(keyring: Keyring) -> None:
    """Archives of weights and code are refused from strangers."""
    flavor = TorchFlavor()
    for format in ("torch", "cloudpickle", "torchscript"):
        file = io.BytesIO()
        flavor.save(scripted() if format == "torchscript" else module(), file, format)
        with pytest.raises(Untrusted, match=f"is stored as {format}"):
            opening.load(file, flavor="torch", format=format, origin=opening.Origin(), keyring=keyring)


def test_archives_are_not_taken_for_each_other() -> None:
    """A module's archive declared as TorchScript is refused, and so is a module that is not scripted."""
    flavor, file = TorchFlavor(), io.BytesIO()
    flavor.save(module(), file, "torch")
    with pytest.raises(Damaged, match=r"an archive without constants\.pkl"):
        flavor.load(file, "torchscript")
    with pytest.raises(InvalidInput, match="is not scripted: use format='torch'"):
        flavor.save(module(), io.BytesIO(), "torchscript")
