"""Files that betray whoever runs them: each makes a folder as soon as it is unpickled."""

from __future__ import annotations

import functools
import gzip
import io
import json
import os
import pickle
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path


class Canary:
    """Unpickling it makes the folder ``marker``."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.marker),)


def _pickled(marker: Path, protocol: int = 5) -> bytes:
    return pickle.dumps(Canary(marker), protocol)


def _zipped(content: bytes, *names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, content)
    return file.getvalue()


def _object_array(marker: Path) -> bytes:
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + _pickled(marker)


def _skops_call(marker: Path) -> bytes:
    """Return a skops archive whose tree constructs ``posix.mkdir(marker)``."""
    text = {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "__id__": 1, "is_json": True}
    args = {"__class__": "tuple", "__module__": "builtins", "__loader__": "TupleNode", "__id__": 2,
            "content": [{**text, "content": json.dumps(str(marker))}]}  # fmt: skip
    call = {"__class__": "mkdir", "__module__": "posix", "__loader__": "ConstructorFromReduceNode", "__id__": 3,
            "content": args, "protocol": 2, "_skops_version": "0.16.0"}  # fmt: skip
    return _zipped(json.dumps(call).encode(), "schema.json")


CANARIES: dict[str, Callable[[Path], bytes]] = {
    **{f"pickle {n}": functools.partial(_pickled, protocol=n) for n in range(6)},
    "gzip": lambda marker: gzip.compress(_pickled(marker)),
    "zlib": lambda marker: zlib.compress(_pickled(marker)),
    "numpy": _object_array,
    "numpy archive": lambda marker: _zipped(_object_array(marker), "arr_0.npy"),
    "torch archive": lambda marker: _zipped(_pickled(marker), "archive/data.pkl", "archive/version"),
    "torchscript archive": lambda marker: _zipped(_pickled(marker), "m/data.pkl", "m/constants.pkl", "m/version"),
    "skops archive": lambda marker: _zipped(_pickled(marker), "schema.json", "1.npy"),
    "skops call": _skops_call,
    "keras archive": lambda marker: _zipped(_pickled(marker), "config.json", "metadata.json", "model.weights.h5"),
    "behind an onnx mark": lambda marker: b"\x08" + _pickled(marker),
    "behind an xgboost mark": lambda marker: b"{L" + _pickled(marker),
    "behind a lightgbm mark": lambda marker: b"tree\n" + _pickled(marker),
    "behind a catboost mark": lambda marker: b"CBM1" + _pickled(marker),
    "before an archive": lambda marker: _pickled(marker) + _zipped(b"{}", "schema.json", "data.pkl", "version"),
    "empty": lambda marker: b"",
}
"""What an attacker may put in place of a model, by name."""
