"""The one way from bytes to a model: hostile bytes never run, whatever they are declared to be."""

from __future__ import annotations

import io
import itertools
from pathlib import Path
from typing import Any

import pytest

from nbregistry.errors import Damaged, NotFound, RegistryError, Untrusted
from nbregistry.flavors import opening, table
from nbregistry.flavors.opening import Origin
from nbregistry.flavors.trust import Keyring
from tests.flavors.canaries import CANARIES

EVERY_FORMAT = [(row.name, form.name) for row in table.FLAVORS for form in table.flavor(row.name).formats]
SAFE = {"graph", "skops", "onnx", "xgboost", "lightgbm", "catboost"}


def load(content: bytes, flavor: str, format: str, keyring: Keyring, **about: Any) -> object:
    trusted = about.pop("trusted", ())
    return opening.load(
        io.BytesIO(content), flavor=flavor, format=format, origin=Origin(**about), keyring=keyring, trusted=trusted
    )


@pytest.fixture
def bob(tmp_path: Path) -> Keyring:
    """Keys of somebody else."""
    return Keyring(tmp_path / "bob")


@pytest.mark.parametrize(("flavor", "format"), EVERY_FORMAT)
def test_no_canary_is_ever_run(tmp_path: Path, keyring: Keyring, bob: Keyring, flavor: str, format: str) -> None:
    """Hostile bytes under any declared flavor and format are refused and not one of them runs."""
    marker = tmp_path / "marker"
    allowed = {"trusted": ["posix.mkdir_", "builtins.list"], "signer": bob.fingerprint, "vouched": True, "user": "bob"}
    for (name, make), about in itertools.product(CANARIES.items(), ({}, allowed)):
        with pytest.raises(RegistryError):
            load(make(marker), flavor, format, keyring, **about)
        assert not marker.exists(), name


@pytest.mark.parametrize("format", sorted(SAFE))
def test_safe_loaders_run_no_canary_even_for_a_trusted_signer(tmp_path: Path, keyring: Keyring, format: str) -> None:
    """A safe format's loader never turns into another one: trust does not make it unpickle."""
    marker = tmp_path / "marker"
    flavor = {"skops": "sklearn", "onnx": "onnx"}.get(format, format)
    about = {"signer": keyring.fingerprint, "vouched": True}
    for name, make in CANARIES.items():
        if name == "skops call" and format == "skops":
            continue  # a trusted signer may name types, and this one names posix.mkdir
        with pytest.raises(RegistryError):
            load(make(marker), flavor, format, keyring, **about)
        assert not marker.exists(), name


def test_the_canary_sings(tmp_path: Path, keyring: Keyring) -> None:
    """The very bytes that were refused do run when they are signed by a trusted key: the tests above mean something."""
    marker = tmp_path / "marker"
    about = {"signer": keyring.fingerprint, "vouched": True}
    load(CANARIES["pickle 5"](marker), "cloudpickle", "cloudpickle", keyring, **about)
    assert marker.is_dir()


def test_the_skops_canary_sings_and_is_named(tmp_path: Path, keyring: Keyring) -> None:
    """A call hidden in a skops archive is refused by name, with the line that would allow it, and runs when allowed."""
    pytest.importorskip("skops")
    marker = tmp_path / "marker"
    content = CANARIES["skops call"](marker)
    with pytest.raises(Untrusted, match=r"harmless: posix\.mkdir\. Nothing was loaded\. It is not signed") as refused:
        load(content, "sklearn", "skops", keyring, subject="churn/3")
    assert "load('churn/3', trusted=['posix.mkdir'])" in str(refused.value)
    assert not marker.exists()
    assert None is load(content, "sklearn", "skops", keyring, trusted=["posix.mkdir"])  # what mkdir returns
    assert marker.is_dir()


def test_only_the_flavors_word_makes_a_format_safe() -> None:
    """The formats that load without trust are exactly those known to hold no code."""
    found = {(f.name, f.safe) for row in table.FLAVORS for f in table.flavor(row.name).formats}
    assert SAFE == {name for name, safe in found if safe}
    assert {"cloudpickle", "graph-cloudpickle", "torch", "torchscript", "keras"} == {
        name for name, safe in found if not safe
    }


@pytest.mark.parametrize(
    ("vouched", "known", "verdict"), list(itertools.product([True, False], [True, False], ["clean", "odd", "fails"]))
)
def test_no_verdict_of_a_scanner_counts(
    tmp_path: Path,
    keyring: Keyring,
    bob: Keyring,
    monkeypatch: pytest.MonkeyPatch,
    vouched: bool,
    known: bool,
    verdict: str,
) -> None:
    """Whether a pickle loads depends on signature and trust alone, not on what its inspection found."""
    if known:
        keyring.trust(bob.public_key, "bob")

    def inspect(file: io.BytesIO) -> tuple[str, ...]:
        if verdict == "fails":
            raise Damaged("no opcode")
        return ("os.system",) if verdict == "odd" else ()

    monkeypatch.setattr("nbregistry.flavors.cloudpickle.globals_in", inspect)
    marker = tmp_path / "marker"
    about = {"signer": bob.fingerprint, "vouched": vouched}
    if vouched and known:
        load(CANARIES["pickle 5"](marker), "cloudpickle", "cloudpickle", keyring, **about)
        assert marker.exists()
    else:
        with pytest.raises(Untrusted):
            load(CANARIES["pickle 5"](marker), "cloudpickle", "cloudpickle", keyring, **about)
        assert not marker.exists()


def test_the_refusal_of_a_pickle_says_what_it_names(tmp_path: Path, keyring: Keyring, bob: Keyring) -> None:
    """The refusal names format, signer and what the pickle would call."""
    content = CANARIES["pickle 5"](tmp_path / "marker")
    about = {"subject": "churn/3", "signer": bob.fingerprint, "user": "bob", "public_key": bob.public_key}
    with pytest.raises(Untrusted, match=r"churn/3 is stored as cloudpickle.*It names posix\.mkdir") as refused:
        load(content, "cloudpickle", "cloudpickle", keyring, **about)
    assert f"%nbregistry trust {bob.public_key} --name bob" in str(refused.value)


def test_a_flavor_nobody_knows_is_not_found(keyring: Keyring) -> None:
    """A flavor that is not installed is named, with those that are."""
    with pytest.raises(NotFound, match=r"No flavor is called 'sklaern', did you mean 'sklearn'\?"):
        load(b"", "sklaern", "cloudpickle", keyring)


@pytest.mark.parametrize("format", ["skops", "onnx"])
@pytest.mark.parametrize("damage", ["cut", "head", "tail"])
def test_damaged_bytes_of_a_safe_format_are_refused(keyring: Keyring, format: str, damage: str) -> None:
    """A safe format's file that was cut or overwritten is an error of ours, not a crash and not a model."""
    pytest.importorskip("skops" if format == "skops" else "skl2onnx")
    sklearn = pytest.importorskip("sklearn.linear_model")
    file = io.BytesIO()
    table.flavor("sklearn").save(sklearn.LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]), file, format)
    whole = file.getvalue()
    broken = {"cut": whole[: len(whole) // 2], "head": b"\0" * 8 + whole[8:], "tail": whole[:-40] + b"\xff" * 40}[
        damage
    ]
    with pytest.raises(RegistryError):
        load(broken, "sklearn", format, keyring)
    load(whole, "sklearn", format, keyring)
