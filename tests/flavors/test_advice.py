"""What a pickle names, read without running it."""

from __future__ import annotations

import io
import pickle
import pickletools
import time
from collections import OrderedDict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbregistry.flavors.advice import globals_in
from tests.flavors.canaries import Canary


@pytest.mark.parametrize("protocol", range(6))
def test_names_are_found_in_every_protocol(tmp_path: Path, protocol: int) -> None:
    """The globals of ordinary and hostile objects are listed, without running them."""
    model = [Canary(tmp_path / "marker"), OrderedDict(a=Path("x")), OrderedDict(b=1), {"text": "no.global"}]
    names = globals_in(io.BytesIO(pickle.dumps(model, protocol)))
    assert {"collections.OrderedDict", "pathlib.PosixPath"} <= set(names)
    assert {"posix.mkdir", "os.mkdir"} & set(names)
    assert "no.global" not in names
    assert not (tmp_path / "marker").exists()


def test_it_agrees_with_the_standard_librarys_reader() -> None:
    """On a real model the names are those that pickletools sees go by."""
    linear_model = pytest.importorskip("sklearn.linear_model")
    content = pickle.dumps(linear_model.LogisticRegression().fit([[0.0], [1.0]], [0, 1]), 5)
    strings = {arg for op, arg, _ in pickletools.genops(content) if "UNICODE" in op.name}
    names = globals_in(io.BytesIO(content))
    assert "sklearn.linear_model._logistic.LogisticRegression" in names
    assert {n.rpartition(".")[0] for n in names} | {n.rpartition(".")[2] for n in names} <= strings


def test_big_arrays_are_skipped_not_read() -> None:
    """Looking at a big model costs neither its time nor its memory, and the file is rewound."""

    class Counting(io.BytesIO):
        taken = 0

        def read(self, size: int | None = -1) -> bytes:
            found = super().read(size)
            self.taken += len(found)
            return found

    file = Counting(pickle.dumps([bytearray(20_000_000), Path("x")], 5))
    file.seek(7)
    started = time.perf_counter()
    assert ("pathlib.PosixPath",) == globals_in(file)
    assert time.perf_counter() - started < 0.5
    assert file.taken < 10_000
    assert 0 == file.tell()


@pytest.mark.parametrize(
    "content", [b"", b"\x80", b"\x80\x05", b"\x80\x05\xff", b"\x80\x05cposix\nsystem\n\x8e" + b"\xff" * 8]
)
def test_what_cannot_be_read_to_the_end_says_so(content: bytes) -> None:
    """Broken bytes end the list with dots instead of an error."""
    assert "..." == globals_in(io.BytesIO(content))[-1]


def test_a_flood_of_names_is_cut() -> None:
    """A pickle that names thousands of globals gives a list of bounded length."""
    flood = b"\x80\x02" + b"".join(b"cmodule%d\nname\n0" % i for i in range(5_000)) + b"N."
    assert 501 == len(globals_in(io.BytesIO(flood)))


@given(st.binary(max_size=400))
def test_no_bytes_make_it_raise(content: bytes) -> None:
    """Any bytes at all give a list of short names."""
    assert all(len(name) <= 200 for name in globals_in(io.BytesIO(content)))
    assert all(len(name) <= 200 for name in globals_in(io.BytesIO(b"\x80\x05" + content)))
