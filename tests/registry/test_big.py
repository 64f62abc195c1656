"""A model bigger than memory's comfort."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import resource, sys
import numpy as np
from nbregistry import Registry
from nbregistry.flavors.table import flavor_of

class Table:
    def __init__(self, megabytes):
        self.values = np.frombuffer(bytearray(megabytes * 2**20), dtype="uint8")
    def predict(self, X):
        return self.values[: len(X)]

r = Registry(sys.argv[1])
r.register(Table(1), "warm")  # what is imported on first use is not what is measured
model = Table(int(sys.argv[2]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with r.core.store.blobs.writing() as stream:
    flavor_of(model).save(model, stream, "cloudpickle")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
print(r.register(model, "big").digest == stream.digest())
"""


def extra(megabytes: int, folder: object) -> int:
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(folder), str(megabytes)], capture_output=True, text=True, check=True
    )
    kilobytes, same = done.stdout.split()
    assert "True" == same
    return int(kilobytes) // 1024


def test_hashing_and_writing_take_no_second_copy(tmp_path: object) -> None:
    """Hashing and writing 200 MB takes under 20 MB beside the model itself."""
    assert extra(200, tmp_path) < 20


@pytest.mark.campaign
def test_half_a_gigabyte(tmp_path: object) -> None:
    """The same with 500 MB: the extra memory does not grow with the model."""
    assert extra(500, tmp_path) < 20
