"""What foreign code raises leaves this room as one of our errors."""

from __future__ import annotations

import json
import pickle
import zipfile

import pytest

from nbregistry.errors import Conflict, Damaged, MissingDependency, RegistryError, Untrusted
from nbregistry.flavors.boundary import foreign, library, summary


class Unspeakable(Exception):
    """An error whose own text cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("raised", "kind", "told"),
    [
        (ValueError("bad\nthing"), Conflict, "Loading it failed: ValueError: bad thing"),
        (Unspeakable(), Conflict, "Loading it failed: .*Unspeakable: <exception str"),
        (RecursionError(), Conflict, "Loading it failed: RecursionError"),
        (AttributeError("x" * 5_000), Conflict, "AttributeError: x{100}"),
        (ModuleNotFoundError("No module", name="mylib"), Conflict, "needs the module 'mylib', which is not installed"),
        (pickle.UnpicklingError("invalid load key"), Damaged, "the bytes are cut or broken"),
        (EOFError(), Damaged, "the bytes are cut or broken"),
        (zipfile.BadZipFile("x"), Damaged, "the bytes are cut or broken"),
        (json.JSONDecodeError("x", "", 0), Damaged, "the bytes are cut or broken"),
        (OSError(5, "I/O error"), Conflict, "I/O error"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_errors_become_ours_and_keep_their_cause(raised: Exception, kind: type[RegistryError], told: str) -> None:
    """Whatever is raised becomes one short error that says what was being done, with its cause."""
    with pytest.raises(kind, match=told) as found, foreign("Loading it"):
        raise raised
    assert raised is found.value.__cause__
    assert len(str(found.value)) < 500


@pytest.mark.parametrize("raised", [Untrusted("no"), MemoryError(), KeyboardInterrupt(), SystemExit()])
def test_some_pass_as_they_are(raised: BaseException) -> None:
    """Our own errors, lack of memory and being stopped are not ours to change."""
    with pytest.raises(type(raised)) as found, foreign("Loading it"):
        raise raised
    assert raised is found.value


def test_the_disks_errors_pass_while_writing() -> None:
    """A full disk is told as such, not as a model that cannot be stored."""
    with pytest.raises(OSError, match="No space") as found, foreign("Storing", passing=(OSError,)):
        raise OSError(28, "No space left on device")
    assert OSError is type(found.value)


def test_a_missing_library_names_its_extra() -> None:
    """What is not installed is named with the line that brings it."""
    with pytest.raises(MissingDependency, match=r'Loading it needs nosuchlib.*pip install "nbregistry\[onnx\]"'):
        library("nosuchlib.part", extra="onnx", purpose="Loading it")


def test_a_library_that_lacks_something_itself_says_so(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed library whose own import fails is not called missing."""
    (tmp_path / "halflib.py").write_text("import nosuchlib_inside", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="nosuchlib_inside") as found:
        library("halflib", extra="onnx", purpose="Loading it")
    assert not isinstance(found.value, MissingDependency)


def test_summary_is_one_line() -> None:
    """Type and message of an error on one bounded line."""
    assert "ValueError: a b" == summary(ValueError("a\n\n  b"))
    assert 300 == len(summary(ValueError("x" * 1_000)))
