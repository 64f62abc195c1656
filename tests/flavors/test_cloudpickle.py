"""Pickling in constant memory, and what is said when it cannot be done."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import pickle
import threading
import time
from collections.abc import Callable

import pytest

from nbregistry.errors import Conflict, Damaged, InvalidInput, StoreReadOnly
from nbregistry.flavors import table
from nbregistry.flavors.cloudpickle import CloudpickleFlavor, Pieces

MEASURE = """
import hashlib, json, resource, sys, tempfile
import numpy as np
from nbregistry.flavors import table

class Writer:
    def __init__(self, file):
        self.file, self.hash, self.largest = file, hashlib.sha256(), 0
    def write(self, data):
        self.hash.update(data)
        self.largest = max(self.largest, len(data))
        return self.file.write(data)

class Model:
    pass

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

megabytes, pieces = {megabytes}, {pieces}
model = Model()
model.parts = [np.full((megabytes * 1024 // pieces, 128), i, dtype=float) for i in range(pieces)]
flavor = table.flavor_of(model)
with tempfile.TemporaryFile() as file:
    flavor.save(Model(), Writer(file), "cloudpickle")
    file.seek(0)
    file.truncate()
    before, writer = peak(), Writer(file)
    flavor.save(model, writer, "cloudpickle")
    saved = peak()
    size = file.tell()
    file.seek(0)
    again = flavor.load(file, "cloudpickle")
    equal = all(np.array_equal(a, b) for a, b in zip(model.parts, again.parts, strict=True))
    print(json.dumps(dict(extra=saved - before, load=peak() - saved, size=size, largest=writer.largest, equal=equal)))
"""


def measured(notebook: Callable[[str], str], megabytes: int, pieces: int) -> dict[str, float]:
    found: dict[str, float] = json.loads(notebook(MEASURE.format(megabytes=megabytes, pieces=pieces)))
    print(f"{megabytes} MB in {pieces}: {found['extra']:.1f} MB more to save, {found['load']:.1f} MB to load back")  # noqa: T201  a figure to read
    return found


@pytest.mark.parametrize("pieces", [1, 400])
def test_saving_needs_no_second_copy(notebook: Callable[[str], str], pieces: int) -> None:
    """A model of 200 MB, in one array or in many, is stored with little extra memory and in bounded pieces."""
    pytest.importorskip("numpy")
    found = measured(notebook, 200, pieces)
    assert found["size"] > 200 << 20
    assert found["extra"] < 40
    assert found["load"] < 260
    assert found["largest"] <= 4 << 20
    assert found["equal"]


@pytest.mark.campaign
def test_half_a_gigabyte_needs_no_second_copy(notebook: Callable[[str], str]) -> None:
    """A model of 500 MB is stored with less than 100 MB of extra memory."""
    pytest.importorskip("numpy")
    found = measured(notebook, 500, 1)
    assert found["size"] > 500 << 20
    assert found["extra"] < 100
    assert found["equal"]


def test_pieces_take_every_buffer() -> None:
    """Any contiguous buffer is written whole, in bounded pieces of plain bytes."""
    numpy = pytest.importorskip("numpy")
    sizes = []

    class Watching(io.BytesIO):
        def write(self, data) -> int:
            sizes.append(len(data))
            return super().write(data)

    matrix = numpy.arange(2_000_000.0).reshape(1000, 2000)
    for buffer in (b"", b"abc", memoryview(matrix), pickle.PickleBuffer(matrix), pickle.PickleBuffer(matrix.T)):
        file = Watching()
        written = Pieces(file).write(buffer)
        expected = bytes(buffer) if isinstance(buffer, bytes) else matrix.tobytes()
        assert (len(expected), expected) == (written, file.getvalue())
    assert max(sizes) == 4 << 20


def test_what_cannot_be_pickled_is_found() -> None:
    """The error names the deepest part that cannot be pickled, and what to do about it."""

    class Model:
        def __init__(self) -> None:
            self.good = [1, 2]
            self.steps = {"fetch": [0, {"lock": threading.Lock()}]}

    with pytest.raises(
        InvalidInput, match=r"cannot pickle '_thread\.lock'.*model\.steps\['fetch'\]\[1\]\['lock'\] \(_thread\.lock\)"
    ):
        CloudpickleFlavor().save(Model(), io.BytesIO(), "cloudpickle")
    with pytest.raises(InvalidInput, match=r"cannot pickle 'generator' object.*__getstate__"):
        CloudpickleFlavor().save((i for i in range(3)), io.BytesIO(), "cloudpickle")


def test_a_model_without_end_is_told() -> None:
    """A model nested too deeply for pickling is an error of ours, not a crash."""
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InvalidInput, match="recursion"):
        CloudpickleFlavor().save(deep, io.BytesIO(), "cloudpickle")


@pytest.mark.parametrize("raised", [OSError(errno.ENOSPC, "No space left on device"), StoreReadOnly("read-only")])
def test_the_disks_errors_are_not_the_models(raised: Exception) -> None:
    """What the file says while it is written is told as it is."""

    class Full(io.BytesIO):
        def write(self, data) -> int:
            raise raised

    with pytest.raises(type(raised)) as found:
        CloudpickleFlavor().save([1], Full(), "cloudpickle")
    assert raised is found.value


def test_the_stream_is_a_plain_pickle() -> None:
    """Anyone can open it with the standard library."""
    file = io.BytesIO()
    CloudpickleFlavor().save({"a": [1, 2]}, file, "cloudpickle")
    assert {"a": [1, 2]} == pickle.loads(file.getvalue())


def test_every_cut_is_noticed() -> None:
    """A pickle cut anywhere is damaged, whatever is left of it."""
    file = io.BytesIO()
    CloudpickleFlavor().save({"a": list(range(20)), "b": "text"}, file, "cloudpickle")
    whole = file.getvalue()
    for length in range(len(whole)):
        with pytest.raises(Damaged):
            CloudpickleFlavor().load(io.BytesIO(whole[:length]), "cloudpickle")
    assert hashlib.sha256(whole).digest()


def test_a_model_that_fails_to_load_says_what_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that is not there is named; so is whatever else the model's own code raises."""
    flavor = CloudpickleFlavor()
    with pytest.raises(Conflict, match="Unpickling churn needs the module 'nosuchlib', which is not installed here"):
        flavor.load(io.BytesIO(b"\x80\x05cnosuchlib.part\nThing\n."), "cloudpickle", estimator="churn")
    with pytest.raises(Conflict, match="Unpickling the model failed: AttributeError"):
        flavor.load(io.BytesIO(b"\x80\x05cjson\nNoSuchThing\n."), "cloudpickle")


def test_a_small_pipeline_costs_little() -> None:
    """Warm, finding the flavor, saving, loading and reading the parameters take three milliseconds together."""
    linear_model = pytest.importorskip("sklearn.linear_model")
    pipeline, preprocessing = pytest.importorskip("sklearn.pipeline"), pytest.importorskip("sklearn.preprocessing")
    steps = (preprocessing.StandardScaler(), linear_model.LogisticRegression(C=2.0))
    model = pipeline.make_pipeline(*steps).fit([[0.0], [1.0], [2.0]], [0, 1, 1])
    times = []
    for _ in range(30):
        started, file = time.perf_counter(), io.BytesIO()
        flavor = table.flavor_of(model)
        flavor.save(model, file, flavor.default(model))
        flavor.load(file, "cloudpickle")
        flavor.params(model)
        times.append(time.perf_counter() - started)
    assert min(times) <= 0.003
