"""From a reference to a live model: bytes verified, signer trusted, and only then deserialised."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from typing import Any, BinaryIO

from nbregistry.domain.commits import canonical
from nbregistry.domain.lifecycle import Status
from nbregistry.errors import Refused
from nbregistry.flavors import opening
from nbregistry.registry.core import Core, Target
from nbregistry.registry.remembering import states_loaded

MANIFEST = 1


def manifest(doc: Mapping[str, Any]) -> bytes:
    """Return the bytes that are signed: what the version is made of and which version of which model it is.

    The model's identity stands in it rather than its name, so that a signature survives renaming; stage, aliases, tags
    and notes are not in it, since they change.
    """
    fields = ("uid", "number", "digest", "size", "flavor", "format", "estimator", "files")
    return canonical({"manifest": MANIFEST, **{name: doc[name] for name in fields}})


def load(core: Core, target: Target, *, trusted: Collection[str] = ()) -> object:
    """Load a version's model; see ``Registry.load``."""
    view = core.view()
    doc = view.versions[core.locate(view, target)]
    if core.doubt:
        warnings.warn(core.doubt, RuntimeWarning, stacklevel=4)
    _usable(doc)
    with core.store.blobs.verified(doc["files"]["model"]) as file:
        return opened(core, doc, file, trusted=trusted)


def remembered(core: Core, target: Target, *, trusted: Collection[str] = ()) -> object:
    """Load a version's model for a user, who may ask later which version that object is."""
    view = core.view()
    id_ = core.locate(view, target)
    version = core.version(view, id_)
    model = load(core, version, trusted=trusted)
    core.remembered.note(model, version, states_loaded(model, view.versions[id_]))
    return model


def opened(core: Core, doc: Mapping[str, Any], file: BinaryIO, *, trusted: Collection[str] = ()) -> object:
    """Deserialise bytes that match the document's digest, if the reader trusts them."""
    return opening.load(
        file, flavor=doc["flavor"], format=doc["format"], origin=_origin(core, doc), keyring=core.keyring,
        trusted=trusted,
    )  # fmt: skip


def admit(core: Core, target: Target) -> None:
    """Raise what ``load`` would raise before anything is deserialised: not ready, bytes altered, signer not trusted."""
    view = core.view()
    doc = view.versions[core.locate(view, target)]
    _usable(doc)
    with core.store.blobs.verified(doc["files"]["model"]) as file:
        opening.admit(file, flavor=doc["flavor"], format=doc["format"], origin=_origin(core, doc), keyring=core.keyring)


def _usable(doc: Mapping[str, Any]) -> None:
    if doc["status"] != Status.READY:
        raise Refused(
            f"{doc['ref']} is {doc['status']} and was not loaded: {doc.get('status_reason') or 'no reason kept'}."
        )


def _origin(core: Core, doc: Mapping[str, Any]) -> opening.Origin:
    return opening.Origin(
        subject=doc["ref"], signer=doc.get("signer", ""), vouched=vouched(core, doc), user=doc["created_by"],
        public_key=doc.get("public_key", ""), estimator=doc["estimator"],
    )  # fmt: skip


def vouched(core: Core, doc: Mapping[str, Any]) -> bool:
    """Whether a trusted key signed this version's manifest, and the manifest is about these bytes."""
    signer, signature = doc.get("signer", ""), doc.get("manifest_signature", "")
    if not signer or doc["files"].get("model") != doc["digest"]:
        return False
    return core.keyring.vouches(signer, manifest(doc), signature)
