"""Converting and proving a version: in a process of its own, since it takes seconds and loads everything."""

from __future__ import annotations

import contextlib
import platform
import warnings
from collections.abc import Sequence
from dataclasses import replace
from importlib import metadata
from typing import Any

from nbregistry.domain.commits import timestamp
from nbregistry.domain.entities import ModelVersion
from nbregistry.errors import RegistryError
from nbregistry.flavors.boundary import foreign
from nbregistry.registry import Registry
from nbregistry.serving.compiling import cache
from nbregistry.serving.compiling.assembly import Inconvertible
from nbregistry.serving.compiling.compiled import Compiled, Plan
from nbregistry.serving.compiling.conversion import Converted, convert
from nbregistry.serving.compiling.evidence import Rows, evidence
from nbregistry.serving.compiling.proof import Proof, prove
from nbregistry.serving.engine import Engine, Original
from nbregistry.serving.examples import example_of
from nbregistry.serving.intake import Intake
from nbregistry.storage.files import make_folder
from nbregistry.types import Document

MOST_SECONDS = 600
"""A conversion that takes longer ends itself."""

_NAMED = ("numpy", "onnx", "onnxruntime", "scikit-learn", "skl2onnx", "xgboost", "xgboost-cpu", "lightgbm")


def once(registry: Registry, version: ModelVersion) -> Document:
    """Return what is known of a version, found out now where nothing is; two processes never work at the same one."""
    from filelock import FileLock

    folder = registry.core.settings.home / "compiled"
    make_folder(folder)
    with FileLock(folder / f"{version.digest.rpartition(':')[2][:32]}.lock", timeout=MOST_SECONDS):
        known = cache.find(registry, version)
        return known.as_document() if known is not None else compiled(registry, version)


def compiled(registry: Registry, version: ModelVersion) -> Document:
    """Convert, prove and keep a version, here and now; returns what was found out.

    Raises
    ------
    nbregistry.errors.RegistryError
        The version cannot be loaded, or nothing can be kept.
    """
    model = registry.load(version)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        proof, plan, graph = examined(model, version)
    path = cache.keep(registry, version, proof, plan, graph)
    return {"ref": version.ref, "digest": version.digest, "kept": str(path), **proof.as_document()}


def examined(model: Any, version: ModelVersion) -> tuple[Proof, Plan | None, bytes]:
    """Return the proof and, where it holds, the plan and the graph; a refusal is a proof that does not hold."""
    signature = version.signature
    intake = Intake(signature)
    example = example_of(version, intake)
    original = Original(model, version.flavor, intake, example)
    try:
        with foreign("Converting", told=lambda error: Inconvertible(f"{type(error).__name__}: {str(error)[:200]}")):
            converted = convert(model, signature, original.methods)
            if signature is None:
                raise AssertionError
            lots = evidence(
                signature, converted.layout, converted.ties, example=example, profile=version.details("profile")
            )
            twin = opened(converted, original, lots)
        proof = prove(original, twin, lots)
    except RegistryError as error:
        return _stamped(Proof(False, f"it cannot be converted: {error}")), None, b""
    return (_stamped(proof), twin.plan, converted.graph) if proof.equal else (_stamped(proof), None, b"")


def opened(converted: Converted, original: Engine, lots: Sequence[Rows]) -> Compiled:
    """Open a graph, with the dtypes that the original's answers have.

    Raises
    ------
    Inconvertible
        The original answers none of the usual rows.
    """
    dtypes = {}
    for method in converted.outputs:
        dtype = _dtype(original, method, lots)
        if dtype is not None:
            dtypes[method] = dtype
    if not dtypes or next(iter(dtypes)) != converted.outputs[0]:
        raise Inconvertible("the original answers no usual row with an array")
    others = tuple(m for m in original.methods if m not in dtypes)
    plan = Plan(converted.layout, dtypes, others, converted.classes, converted.spelled)
    return Compiled(converted.graph, plan)


def _dtype(original: Engine, method: str, lots: Sequence[Rows]) -> str | None:
    for lot in lots:
        for row in range(min(lot.table.rows, 5) if lot.usual else 0):
            with contextlib.suppress(RegistryError), foreign("Asking the original"):
                found = original.run(lot.table.pick([row]), method, {})
                dtype = getattr(found, "dtype", None)
                return dtype.str if dtype is not None and type(found).__name__ == "ndarray" else None
    return None


def _stamped(proof: Proof) -> Proof:
    found = {"python": platform.python_version()}
    for name in _NAMED:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = cache.installed(name)
    return replace(proof, libraries=found, made=timestamp())
