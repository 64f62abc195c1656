"""What was found out about compiling a version, kept beside the store: derived, rebuildable, and signed.

A graph decides what callers are answered, so a record counts only when a key that the reader trusts signed it, and a
graph only when its bytes are those that the record names. What was refused is kept as well, with the reason.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import platform
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import orjson

from nbregistry.domain.commits import canonical
from nbregistry.domain.entities import ModelVersion
from nbregistry.errors import Damaged, RegistryError
from nbregistry.flavors.trust import Keyring
from nbregistry.registry import Registry
from nbregistry.serving.compiling.compiled import Compiled, Plan
from nbregistry.serving.compiling.proof import Proof
from nbregistry.storage.files import make_folder, open_regular, replacing
from nbregistry.types import Document

CONVERSION = 1
"""Number of this way of converting: raise it whenever a lowering changes, and nothing proven before is served."""

_FOLDER = "compiled"
_LIBRARIES = {
    "onnxruntime": ("onnxruntime",), "scikit-learn": ("scikit-learn",), "xgboost": ("xgboost", "xgboost-cpu"),
    "lightgbm": ("lightgbm",),
}  # fmt: skip
_LARGEST = 2**30


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of a version's compiled twin.

    Attributes
    ----------
    proven : bool
        Whether it answers like the original.
    why : str
        Why not, in words; empty when it does.
    proof : Proof
        The evidence.
    """

    proven: bool
    why: str
    proof: Proof
    plan: Mapping[str, Any] | None = None
    graph: Path | None = None
    checksum: str = ""

    def engine(self) -> Compiled:
        """Open the twin.

        Raises
        ------
        nbregistry.errors.Damaged
            Its bytes are not those that were proven.
        """
        if self.graph is None or self.plan is None:
            raise Damaged("There is no compiled model to open.")
        graph = _read(self.graph)
        if graph is None or hashlib.sha256(graph).hexdigest() != self.checksum:
            raise Damaged(f"{self.graph} is not the compiled model that was proven.")
        return Compiled(graph, Plan.from_document(self.plan))

    def as_document(self) -> Document:
        """Return what cards, panels and a server's metadata show."""
        return {"equal": self.proven, **({"why": self.why} if self.why else {}), **self.proof.as_document()}


def available() -> bool:
    """Whether compiled models can be made and run here."""
    return all(importlib.util.find_spec(name) is not None for name in ("onnx", "onnxruntime"))


def find(registry: Registry, version: ModelVersion) -> Found | None:
    """Return what is known of a version's compiled twin, None when nothing is; reads a file, imports nothing large."""
    if importlib.util.find_spec("onnxruntime") is None:
        return None
    identity = _identity(version)
    for folder in _folders(registry):
        for record in _records(folder, _key(identity), registry.core.keyring):
            if (found := _found(folder, record, identity)) is not None:
                return found
    return None


def keep(registry: Registry, version: ModelVersion, proof: Proof, plan: Plan | None, graph: bytes) -> Path:
    """Write what was found out, signed with the user's own key, and return where.

    Raises
    ------
    nbregistry.errors.RegistryError
        It can be written neither beside the store nor in the user's home.
    """
    keyring = registry.core.keyring
    identity = _identity(version)
    record = {
        **identity, "graph": hashlib.sha256(graph).hexdigest() if graph else "",
        "plan": plan.as_document() if plan is not None else None, "proof": proof.as_document(),
    }  # fmt: skip
    signed = {"record": record, "signer": keyring.fingerprint, "signature": keyring.sign(canonical(record))}
    fault: Exception | None = None
    for folder in _folders(registry):
        try:
            return _written(folder, _key(identity), signed, graph)
        except OSError as error:
            fault = error
    raise RegistryError(f"What was found out about compiling {version.ref} cannot be kept: {fault}")


def _written(folder: Path, key: str, signed: Mapping[str, Any], graph: bytes) -> Path:
    make_folder(folder)
    if graph:
        with replacing(folder / f"{signed['record']['graph']}.onnx", durable=False) as file:
            file.write(graph)
    path = folder / f"{key}-{signed['signer'].rpartition(':')[2][:16]}.json"
    with replacing(path, durable=False) as file:
        file.write(canonical(signed))
    return path


def _folders(registry: Registry) -> tuple[Path, Path]:
    return registry.core.store.folder / _FOLDER, registry.core.settings.home / _FOLDER


def _identity(version: ModelVersion) -> Document:
    return {
        "conversion": CONVERSION, "model": version.digest, "signature": version.files.get("signature", ""),
        "machine": platform.machine(), "libraries": _libraries(),
    }  # fmt: skip


def _key(identity: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(identity)).hexdigest()[:32]


def _libraries() -> dict[str, str]:
    """Return the versions whose change makes a proof worthless."""
    found = {}
    for name, distributions in _LIBRARIES.items():
        for distribution in distributions:
            with contextlib.suppress(metadata.PackageNotFoundError):
                found[name] = installed(distribution)
                break
    return found


def installed(distribution: str) -> str:
    """Return the installed version; its metadata parsed as mail, as the library does it, would take 3 ms.

    Raises
    ------
    importlib.metadata.PackageNotFoundError
        It is not installed.
    """
    told = metadata.distribution(distribution).read_text("METADATA") or ""
    match = re.search(r"^Version:\s*(\S+)", told, re.MULTILINE)
    return match[1] if match else ""


def _records(folder: Path, key: str, keyring: Keyring) -> Iterator[Mapping[str, Any]]:
    """Yield the records of a key that somebody trusted has signed."""
    try:
        paths = sorted(folder.glob(f"{key}-*.json"))
    except OSError:
        return
    for path in paths:
        try:
            signed = orjson.loads(_read(path) or b"")
            record, signer, signature = signed["record"], signed["signer"], signed["signature"]
            if keyring.vouches(signer, canonical(record), signature):
                yield record
        except (ValueError, KeyError, TypeError):
            continue


def _found(folder: Path, record: Mapping[str, Any], identity: Mapping[str, Any]) -> Found | None:
    try:
        if {name: record[name] for name in identity} != identity:
            return None
        proof = Proof.from_document(record["proof"])
        if not proof.equal:
            return Found(False, proof.why, proof)
        graph = folder / f"{record['graph']}.onnx"
        if not graph.is_file():
            return None
        return Found(True, "", proof, record["plan"], graph, record["graph"])
    except (KeyError, TypeError, ValueError):
        return None


def _read(path: Path) -> bytes | None:
    try:
        with open_regular(path, follow=False) as file:
            return file.read(_LARGEST)
    except OSError:
        return None
