"""``verify``: the store's own checks, and the signatures of the versions' manifests."""

from __future__ import annotations

from dataclasses import replace

from nbregistry.domain.commits import Receipt
from nbregistry.domain.entities import Finding, Report
from nbregistry.errors import NotFound
from nbregistry.registry.core import Core
from nbregistry.registry.loading import manifest
from nbregistry.registry.progress import Progress
from nbregistry.storage import verify as store_checks


def verify(core: Core, receipt: Receipt | str | None, *, blobs: bool = True) -> Report:
    """Check everything; see ``Registry.verify``. Changes nothing."""
    given = Receipt.parse(receipt) if isinstance(receipt, str) else receipt
    with Progress("Verifying") as progress:
        report = store_checks.verify(
            core.store, receipt=given, blobs=blobs, signer=core.keyring, progress=progress.tell
        )
        findings = list(report.findings)
        view = core.store.view()
        for count, id_ in enumerate(view.versions):
            doc = view.versions[id_]
            progress.tell(f"{count:,} signatures")
            if "purged_at" in doc or not doc.get("signer"):
                continue
            key = doc.get("public_key", "")
            if not core.keyring.verify(key, manifest(doc), doc.get("manifest_signature", "")):
                findings.append(Finding(doc["ref"], f"its manifest does not match the signature of {doc['signer']}"))
    return replace(report, findings=tuple(findings))


def missing(core: Core) -> NotFound | None:
    """Return what to say when there is no registry to check."""
    if core.store.id:
        return None
    return NotFound(f"There is no registry at {core.store.folder} yet; registering a model makes one.")
