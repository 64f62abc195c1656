"""Keras models, also with layers written in the notebook."""

from __future__ import annotations

import importlib.util
import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

if not importlib.util.find_spec("keras"):
    pytest.skip("keras is not installed", allow_module_level=True)
if not importlib.util.find_spec("tensorflow"):
    os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np

from nbregistry.errors import InvalidInput, Untrusted
from nbregistry.flavors import opening
from nbregistry.flavors.answers import same
from nbregistry.flavors.trust import Keyring
from tests.flavors.conftest import Answers

MAKE = """
import io, json
from pathlib import Path
import keras, numpy as np
from nbregistry.errors import InvalidInput
from nbregistry.flavors import table
from tests.flavors.fresh import keep
keras.utils.set_random_seed(0)
X = np.linspace(0, 1, 12).reshape(3, 4)

class Twice(keras.layers.Layer):
    def call(self, x):
        return x * 2

def made(*layers):
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(2), *layers])
    model.compile("sgd", "mse")
    model.fit(X, np.ones((3, 2)), verbose=0)
    return model

folder = Path({folder!r})
plain, own = made(), made(Twice())
flavor = table.flavor_of(plain)
told = {{"names": [table.flavor_of(m).name for m in (plain, own)]}}
told["defaults"] = [flavor.default(m) for m in (plain, own)]
for name, model in (("plain", plain), ("own", own)):
    keep(folder, name, model, X)
    told[name] = flavor.predict(model, X).tolist()
told["params"] = flavor.params(plain).values
told["type"] = flavor.describe(plain)
try:
    flavor.save(own, io.BytesIO(), "keras")
except InvalidInput as error:
    told["refused"] = str(error)
print(json.dumps(told))
"""


def test_models_come_back_in_a_fresh_process(
    tmp_path: Path, notebook: Callable[[str], str], reopened: Callable[[Path], Answers], keyring: Keyring
) -> None:
    """A model of Keras' layers comes back from its own archive, one with the notebook's layers from a pickle."""
    told = json.loads(notebook(MAKE.format(folder=str(tmp_path))).splitlines()[-1])
    assert (["keras", "keras"], ["keras", "cloudpickle"]) == (told["names"], told["defaults"])
    assert ({"weights": 10, "layers": 1}, "keras.Sequential") == (told["params"], told["type"])
    assert "Twice is defined in this notebook: use format='cloudpickle'" in told["refused"]
    found = reopened(tmp_path)
    for name in ("plain", "own"):
        assert same(np.array(told[name]), np.asarray(found[name][1][0], dtype=float), tolerance=1e-5)
    content = (tmp_path / "0.model").read_bytes()
    with pytest.raises(Untrusted, match="is stored as keras: loading it runs code"):
        opening.load(io.BytesIO(content), flavor="keras", format="keras", origin=opening.Origin(), keyring=keyring)
    assert issubclass(InvalidInput, ValueError)
