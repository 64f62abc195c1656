"""Whose pickles are loaded, and what is done to bytes that were changed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from nbregistry import Registry
from nbregistry.errors import Damaged, Untrusted
from nbregistry.registry import loading


def test_another_users_pickle_is_refused_until_trusted(
    churn: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A reader loads a foreign pickle only after putting its signer on their own list."""
    key = churn.core.keyring.public_key
    monkeypatch.setenv("NBREGISTRY_HOME", str(tmp_path / "ben"))
    ben = Registry(churn.settings.uri, user="ben")
    with pytest.raises(Untrusted, match="nbregistry trust") as caught:
        ben.load("churn/1")
    assert churn.version("churn/1").signer in str(caught.value)
    ben.core.keyring.trust(key, "ana")
    assert ben.load("churn/1") is not None


def test_safe_format_needs_no_trust(
    r: Registry, model: Any, iris: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Skops loads for anyone after its audit."""
    pytest.importorskip("skops")
    r.register(model, "churn", X=iris[0], format="skops")
    monkeypatch.setenv("NBREGISTRY_HOME", str(tmp_path / "ben"))
    found = Registry(r.settings.uri, user="ben").load("churn/1")
    assert model.predict(iris[0]).tolist() == found.predict(iris[0]).tolist()


def test_changed_bytes_are_never_parsed(churn: Registry, tmp_path: Path) -> None:
    """A pickle put in place of the stored one does not run: its digest is checked first."""
    marker = tmp_path / "ran"
    path = churn.core.store.blobs.path(churn.version("churn/1").digest)
    path.chmod(0o600)
    path.write_bytes(b"cos\nsystem\n(S'touch " + os.fsencode(marker) + b"'\ntR.")
    with pytest.raises(Damaged, match="SHA-256"):
        churn.load("churn/1")
    assert not marker.exists()
    report = churn.verify()
    assert not report.ok
    assert any(churn.version("churn/1").digest[:12] in f.where for f in report.findings)


def test_another_versions_bytes_are_refused(churn: Registry, model: Any, iris: tuple[Any, Any]) -> None:
    """A document pointed at another model's bytes is not vouched for by its signature (mix and match)."""
    from sklearn.dummy import DummyClassifier

    other = churn.register(DummyClassifier().fit(*iris), "other")
    view = churn.core.view()
    id_ = view.index.numbers["churn"][1]
    doc = view.versions[id_]
    forged = {**doc, "digest": other.digest, "files": {**doc["files"], "model": other.digest}}
    view.versions[id_] = forged
    with pytest.raises(Untrusted):
        churn.load("churn/1")


def test_loading_from_a_damaged_history_warns(churn: Registry) -> None:
    """What a stage leads to may be older than what was promoted last: loading it says so, in Python too."""
    churn.promote("churn/1", "Production")
    churn.promote("churn/2", "Production")
    churn.close()
    journal = churn.core.store.folder / "journal"
    journal.write_bytes(journal.read_bytes()[:-50] + b"x" * 49 + b"\n")
    with pytest.warns(RuntimeWarning, match="THIS MAY BE OLD"):
        Registry(churn.settings.uri).load("churn/production")


def test_receipts_prove_history(churn: Registry) -> None:
    """A receipt verifies against the history it came from."""
    receipt = churn.promote("churn/1", "Production").receipt
    assert churn.verify(receipt=receipt).ok
    assert churn.verify(receipt=str(receipt)).ok
    forged = str(receipt)[:-4] + ("0000" if not str(receipt).endswith("0000") else "1111")
    assert not churn.verify(receipt=forged).ok


def test_nothing_is_readable_by_others(churn: Registry) -> None:
    """Folders are 0700 and files closed to others, whatever the umask."""
    churn.close()
    for path in (churn.core.store.folder, *churn.core.store.folder.rglob("*")):
        assert 0 == path.stat().st_mode & 0o077, path


def test_admitting_refuses_what_loading_would(churn: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Who runs a model in another form is held to the same: a trusted signer, and the very bytes."""
    loading.admit(churn.core, "churn/1")
    monkeypatch.setenv("NBREGISTRY_HOME", str(tmp_path / "ben"))
    with pytest.raises(Untrusted, match="nbregistry trust"):
        loading.admit(Registry(churn.settings.uri, user="ben").core, "churn/1")
    path = churn.core.store.blobs.path(churn.version("churn/1").digest)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(Damaged, match="SHA-256"):
        loading.admit(churn.core, "churn/1")
