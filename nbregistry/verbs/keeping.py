"""Verbs about the registry itself, and about the files in it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from nbregistry.domain.entities import Report
from nbregistry.domain.results import Overview
from nbregistry.errors import InvalidInput, RegistryError, StoreReadOnly, Untrusted
from nbregistry.flavors import refusals, table, trust
from nbregistry.flavors.protocol import expect
from nbregistry.registry import Registry, checking
from nbregistry.registry.loading import vouched
from nbregistry.storage import repair as mending
from nbregistry.verbs.asking import Ask
from nbregistry.verbs.grammar import Values
from nbregistry.verbs.reading import view


def load(ask: Ask, values: Values) -> object:
    """Load a model in a notebook; on the command line, check it and tell what it is."""
    registry = view(ask, values)
    if ask.place.notebook:
        return registry.load(values["ref"])
    return _examined(registry, values["ref"], values["out"])


def _examined(registry: Registry, ref: str, out: str | None) -> Overview:
    core = registry.core
    version = registry.version(ref)
    doc = core.view().versions[core.locate(core.view(), version)]
    with core.store.blobs.verified(version.digest) as file:
        trusted = _judged(registry, doc, file)
        facts: list[tuple[str, Any]] = [
            ("Estimator", version.estimator), ("Format", version.format), ("Size", f"{version.size:,} bytes"),
            ("SHA-256", f"{version.digest}, which its bytes match"), ("Signed by", version.signer or "nobody"),
            ("May be loaded", trusted),
        ]  # fmt: skip
        if out is not None:
            file.seek(0)
            facts.append(("Written to", _written(file, Path(out).expanduser())))
    return Overview(version.ref, tuple(facts))


def _judged(registry: Registry, doc: Mapping[str, Any], file: BinaryIO) -> str:
    """Return why the bytes may be loaded, or refuse as loading them would; nothing is deserialised."""
    keyring, flavor = registry.core.keyring, table.flavor(doc["flavor"])
    form = expect(flavor, file, doc["format"])
    signer, known = doc.get("signer", ""), vouched(registry.core, doc)
    if known:
        return "yes: its signer is trusted"
    if form.safe:
        unknown = flavor.audit(file, form.name)
        if unknown:
            told = refusals.of_types(subject=doc["ref"], format=form.name, signer=signer, unknown=tuple(unknown))
            raise Untrusted(told)
        return "yes: its format carries no code"
    trust.decide(
        format_safe=False, signer=signer, signature_ok=known, keyring=keyring, subject=doc["ref"], format=form.name,
        user=doc["created_by"], public_key=doc.get("public_key", ""),
    )  # fmt: skip
    return "yes"


def _written(file: BinaryIO, path: Path) -> str:
    if path.is_dir():
        raise InvalidInput(f"{path} is a folder: --out takes the name of a file.")
    with path.open("wb") as target:
        shutil.copyfileobj(file, target)
    return str(path)


def status(ask: Ask, values: Values) -> Overview:
    """Tell which registry is in use, who acts and what it holds."""
    return _status(ask.registry)


def use(ask: Ask, values: Values) -> Overview:
    """Use another registry from here on."""
    return _status(ask.session.use(values["place"]))


def _status(registry: Registry) -> Overview:
    core, settings = registry.core, registry.settings
    found = core.view()
    missing = checking.missing(core)
    notices = [str(missing)] if missing is not None else []
    facts: list[tuple[str, Any]] = [
        ("Registry", str(core.store.folder)), ("Decided by", settings.origin), ("Acting as", settings.user),
        ("Models", sum(1 for ready in found.index.ready.values() if ready)),
        ("Versions", sum(len(ready) for ready in found.index.ready.values())), ("Commits", found.seq + 1),
        ("Store", core.store.id), ("Keys", str(settings.home)),
    ]  # fmt: skip
    try:
        facts += [("Your fingerprint", core.keyring.fingerprint), ("Your public key", core.keyring.public_key)]
    except StoreReadOnly as fault:
        notices.append(str(fault))
    return Overview("nbregistry", tuple(facts), tuple(notices))


def verify(ask: Ask, values: Values) -> Report:
    """Check everything; changes nothing."""
    registry = ask.registry
    registry.core.view()
    if (missing := checking.missing(registry.core)) is not None:
        raise missing
    return registry.verify(receipt=values["receipt"])


def trust_key(ask: Ask, values: Values) -> Overview:
    """Trust a signer's key, or no longer, or list those that are trusted."""
    keyring = ask.registry.core.keyring
    if values["key"] and values["remove"]:
        keyring.distrust(values["key"])
    elif values["key"]:
        keyring.trust(values["key"], values["name"] or "")
    elif values["remove"] or values["name"]:
        raise InvalidInput(f"Whose key? Write {ask.said('trust')} KEY --name NAME.")
    facts = tuple((key.name, tuple(filter(None, (key.fingerprint, key.added)))) for key in keyring.trusted())
    return Overview("Trusted keys", facts, () if facts else ("No key is trusted yet; your own is made when needed.",))


def repair(ask: Ask, values: Values) -> Overview:
    """Make a damaged registry usable again; the original is kept."""
    core = ask.registry.core
    if not core.store.folder.is_dir():
        told = checking.missing(core)
        raise told if told is not None else RegistryError(f"There is no registry at {core.store.folder}.")
    done = mending.repair(core.store, core.actor())
    if not done.kept:
        files = "Stored files are not mended here: `nbregistry verify` names those to put back from a copy."
        return Overview("Repair", (("Journal", "nothing was damaged"), ("Commits", done.behind + 1)), (files,))
    facts: list[tuple[str, Any]] = [("Untouched", f"commits 0 to {done.behind}" if done.behind >= 0 else "nothing")]
    if done.mended:
        facts.append(("Put right exactly", f"commits {', '.join(map(str, done.mended))}"))
    if done.salvaged or done.lost:
        facts.append(("Behind the damage", f"{done.salvaged} commits taken over, {done.lost:,} bytes beyond reading"))
    facts += [("Accepted as lost", tuple(done.doubts))] if done.doubts else []
    facts.append(("Original", str(done.kept[0])))
    lost = "History behind the damage is in the original only; receipts from there no longer verify."
    return Overview("Repair", tuple(facts), (lost,) if done.salvaged or done.lost or done.doubts else ())
