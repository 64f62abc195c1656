"""F14 and F13: histories that somebody cut, rewrote or put back, and clocks that jump.

What stands outside the journal is an anchor: the seal beside it, what the user's own folder has seen, a receipt. Each
forgery is tried with each anchor alone, and with none.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sklearn.dummy import DummyClassifier

from nbregistry import Registry
from nbregistry.domain import commits
from nbregistry.domain.commits import Receipt, canonical
from nbregistry.domain.entities import Report
from nbregistry.errors import StoreReadOnly

ANCHORS = {"seal": "seal", "seen": "your own record", "receipt": "receipt"}


def model() -> Any:
    return DummyClassifier().fit([[0], [1]], [0, 1])


def filled(folder: Path) -> list[Receipt]:
    """Make a registry of eight commits, closed; returns the receipts from commit 1 on."""
    with Registry(folder) as r:
        told = [r.register(model(), "a", metrics={"auc": 0.9}).receipt]
        told.append(r.register(model(), "a", metrics={"auc": 0.8}).receipt)
        told.append(r.promote("a/1", "Production", because="first").receipt)
        told += [r.annotate("a/1", text).receipt for text in ("one", "two")]
        told.append(r.promote("a/2", "Production", because="by committee").receipt)
        told.append(r.annotate("a/2", "three").receipt)
    return [receipt for receipt in told if receipt is not None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def receipts(folder: Path) -> list[Receipt]:
    return filled(folder)


def lines(folder: Path) -> list[bytes]:
    return (folder / "journal").read_bytes().splitlines(keepends=True)


def payload(line: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(line[74:])
    return found


def chained(payloads: list[dict[str, Any]]) -> bytes:
    """Write records as a forger would: numbered anew, every hash recomputed."""
    text, last = b"", "0" * 64
    for seq, body in enumerate(payloads):
        data = canonical({**body, "seq": seq, "prev": last})
        last = hashlib.sha256(data).hexdigest()
        text += b"%08x %s %s\n" % (len(data), last.encode(), data)
    return text


def without_anchors(folder: Path, keep: str, receipt: Receipt, home: pytest.MonkeyPatch) -> Receipt | None:
    """Take away every anchor but one; returns the receipt if that is the one."""
    if keep != "seal":
        (folder / "seal.json").unlink(missing_ok=True)
    if keep != "seen":
        home.setenv("NBREGISTRY_HOME", str(folder.parent / "another home"))
    return receipt if keep == "receipt" else None


def verified(folder: Path, receipt: Receipt | None = None) -> Report:
    return Registry(folder).verify(receipt)


def wheres(report: Report) -> list[str]:
    return [finding.where for finding in report.findings]


def cut(records: list[bytes]) -> bytes:
    return b"".join(records[:-2])


def rewritten(records: list[bytes]) -> bytes:
    bodies = [payload(line) for line in records]
    bodies[-2]["reason"] = "ana insisted"
    return chained(bodies)


def removed(records: list[bytes]) -> bytes:
    return chained([payload(line) for line in records if b'"text":"one"' not in line])


def reordered(records: list[bytes]) -> bytes:
    bodies = [payload(line) for line in records]
    first, second = bodies[4], bodies[5]
    assert ("one", "two") == (first["after"]["text"], second["after"]["text"])
    bodies[4:6] = [{**second, "time": first["time"]}, {**first, "time": second["time"]}]
    return chained(bodies)


def grown(records: list[bytes]) -> bytes:
    bodies = [payload(line) for line in records]
    return chained([*bodies[:-2], bodies[-3], *bodies[-2:]])


FORGERIES = [cut, rewritten, removed, reordered, grown]


def test_untouched_history_stands_before_every_anchor(folder: Path, receipts: list[Receipt]) -> None:
    """Nothing is found where nothing was done, whichever receipt is shown: what the tests below find is the forgery."""
    assert b"".join(lines(folder)) == chained([payload(line) for line in lines(folder)])
    for receipt in receipts:
        report = verified(folder, receipt)
        assert (True, (), 8, 1) == (report.ok, report.notes, report.commits, report.seals)


@pytest.mark.parametrize("anchor", [*ANCHORS, "none"])
@pytest.mark.parametrize("forgery", FORGERIES)
def test_forgery_is_found_by_any_anchor(
    folder: Path,
    receipts: list[Receipt],
    forgery: Callable[[list[bytes]], bytes],
    anchor: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Records cut off, edited, removed, swapped or repeated with all hashes recomputed: any one anchor tells."""
    # The limit: without an anchor such a history is as good as another, and ``verify`` says so.
    (folder / "journal").write_bytes(forgery(lines(folder)))
    receipt = without_anchors(folder, anchor, receipts[-1], monkeypatch)
    report = verified(folder, receipt)
    if anchor == "none":
        assert (True, ["Not anchored"]) == (report.ok, [note.partition(":")[0] for note in report.notes])
    else:
        assert [ANCHORS[anchor]] == wheres(report)
        assert "is gone" in report.findings[0].what or "history was rewritten" in report.findings[0].what


@pytest.mark.parametrize("anchor", ANCHORS)
def test_every_record_is_covered(
    folder: Path, receipts: list[Receipt], anchor: str, monkeypatch: pytest.MonkeyPatch, figures: Any
) -> None:
    """Whichever record is edited, and wherever the history is cut, each anchor alone tells: 100%."""
    original = lines(folder)
    receipt = without_anchors(folder, anchor, receipts[-1], monkeypatch)
    tried = found = 0
    for seq in range(1, len(original)):
        bodies = [payload(line) for line in original]
        bodies[seq]["actor"]["user"] = "mallory"
        for forged in (chained(bodies), b"".join(original[:seq])):
            (folder / "journal").write_bytes(forged)
            tried += 1
            found += ANCHORS[anchor] in wheres(verified(folder, receipt))
    assert (14, 14) == (tried, found)
    figures("F14 re-chained or cut", anchor=anchor, forgeries=tried, found=found)


@pytest.mark.parametrize("seq", range(1, 7))
@pytest.mark.parametrize("change", ["edited", "removed", "swapped", "repeated"])
def test_clumsy_forgery_is_found_by_the_chain_alone(
    folder: Path, receipts: list[Receipt], seq: int, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record edited, removed, swapped or repeated in the middle breaks the chain there; no anchor is needed."""
    records = lines(folder)
    if change == "edited":
        records[seq] = records[seq].replace(b'"user":"ana"', b'"user":"eve"')
    elif change == "removed":
        del records[seq]
    elif change == "swapped":
        records[seq : seq + 2] = reversed(records[seq : seq + 2])
    else:
        records.insert(seq + 1, records[seq])
    (folder / "journal").write_bytes(b"".join(records))
    without_anchors(folder, "none", receipts[-1], monkeypatch)
    report = verified(folder)
    broken = seq + 1 if change == "repeated" else seq
    assert f"journal commit {broken}" == report.findings[0].where


def test_edited_digest_is_found_by_the_signature(
    folder: Path, receipts: list[Receipt], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another model slipped under a version breaks its signed manifest, even where the history has no anchor."""
    bodies = [payload(line) for line in lines(folder)]
    evil = Registry(folder).core.store.blobs.put(b"evil bytes")
    for body in bodies:
        for doc in body.get("put", {}).get("versions", {}).values():
            if doc["ref"] == "a/1":
                doc["digest"] = doc["files"]["model"] = evil
    (folder / "journal").write_bytes(chained(bodies))
    without_anchors(folder, "none", receipts[-1], monkeypatch)
    report = verified(folder)
    assert ["a/1"] == wheres(report)
    assert "manifest does not match the signature" in report.findings[0].what


@pytest.mark.parametrize("anchor", ANCHORS)
def test_old_copy_of_the_whole_store(
    tmp_path: Path, folder: Path, anchor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole store put back to an older state is told by what the user has seen and by a receipt."""
    # Its own seal is as old as the rest of it, and so cannot tell: the limit that receipts are for.
    filled(folder)
    shutil.copytree(folder, tmp_path / "old")
    with Registry(folder) as r:
        last = r.annotate("a/2", "only in the newer state").receipt
    assert last is not None
    shutil.rmtree(folder)
    (tmp_path / "old").rename(folder)
    receipt = None
    if anchor != "seen":
        monkeypatch.setenv("NBREGISTRY_HOME", str(tmp_path / "another home"))
    if anchor == "receipt":
        receipt = last
    report = verified(folder, receipt)
    assert ({"seen": ["your own record"], "receipt": ["receipt"]}.get(anchor, [])) == wheres(report)
    if anchor in ("seen", "receipt"):
        assert "commit 8," in report.findings[0].what
        assert "is gone: the journal ends with commit 7" in report.findings[0].what
    if anchor == "seen":
        with pytest.raises(StoreReadOnly, match="lacks what was acknowledged before: your own record"):
            Registry(folder).register(model(), "a")
        assert [2, 1] == [v.number for v in Registry(folder).versions("a")]


@pytest.mark.parametrize("anchor", ANCHORS)
def test_swapped_stores(tmp_path: Path, anchor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two stores in each other's place: the user's own record and a receipt tell; two journals swapped, the seal."""
    one, two = tmp_path / "one", tmp_path / "two"
    receipts = {one: filled(one), two: filled(two)}
    swapped = "journal" if anchor == "seal" else ""
    (one / swapped).rename(tmp_path / "aside")
    (two / swapped).rename(one / swapped)
    (tmp_path / "aside").rename(two / swapped)
    if anchor != "seen":
        monkeypatch.setenv("NBREGISTRY_HOME", str(tmp_path / "another home"))
    for place, other in ((one, two), (two, one)):
        report = verified(place, receipts[place][-1] if anchor == "receipt" else None)
        assert [ANCHORS[anchor]] == wheres(report)
        told = report.findings[0].what
        assert receipts[place][0].store in told
        assert receipts[other][0].store in told


def test_removed_seal_is_told(folder: Path, receipts: list[Receipt]) -> None:
    """A seal that is gone leaves the history without its anchor: no fault by itself, but it is told."""
    (folder / "seal.json").unlink()
    report = verified(folder)
    assert (True, 0, ["Not anchored"]) == (report.ok, report.seals, [n.partition(":")[0] for n in report.notes])
    assert verified(folder, receipts[-1]).ok


@pytest.mark.parametrize("signature", ["old", "none", "another's"])
def test_forged_seal(
    folder: Path, receipts: list[Receipt], signature: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A seal made to fit a forged history: its old signature breaks; unsigned or signed by a stranger, it is told."""
    (folder / "journal").write_bytes(rewritten(lines(folder)))
    told = json.loads((folder / "seal.json").read_bytes())
    told["hash"] = lines(folder)[told["seq"]][9:73].decode()
    told["end"] = (folder / "journal").stat().st_size
    told["start"] = told["end"] - len(lines(folder)[told["seq"]])
    if signature == "none":
        told["signature"] = told["public_key"] = ""
    (folder / "seal.json").write_bytes(canonical(told))
    if signature == "another's":
        (folder / "seal.json").unlink()
        monkeypatch.setenv("NBREGISTRY_HOME", str(tmp_path / "mallory"))
        with Registry(folder, user="mallory") as stranger:
            stranger.annotate("a/1", "sealed by me")
    monkeypatch.setenv("NBREGISTRY_HOME", str(tmp_path / "another home"))
    report = verified(folder)
    if signature == "old":
        assert ["seal"] == wheres(report)
        assert "its signature does not match it" == report.findings[0].what
    else:
        wanted = {"none": "is not signed", "another's": "neither yours nor trusted by you"}[signature]
        assert (True, True) == (report.ok, any(wanted in note for note in report.notes))


class Clock:
    """A wall clock under the test's hand."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.time = datetime(2026, 3, 1, 12, tzinfo=UTC)
        clock = self

        class Told(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> Any:
                return clock.time.astimezone(tz)

        patch.setattr(commits, "datetime", Told)


JUMPS = {
    "back one hour": (lambda t: t - timedelta(hours=1), timedelta(seconds=1)),
    "ahead ten years": (lambda t: t.replace(year=t.year + 10), timedelta(seconds=1)),
    "epoch 0": (lambda t: datetime.fromtimestamp(0, UTC), timedelta(seconds=1)),
    "frozen": (lambda t: t, timedelta(0)),
}


@pytest.mark.parametrize("jump", JUMPS)
def test_clock_jumps(folder: Path, jump: str, monkeypatch: pytest.MonkeyPatch, figures: Any) -> None:
    """Whatever the clock does, order and times never go back, the audit notes it, and ``as_of`` gives what was."""
    clock = Clock(monkeypatch)
    leap, step = JUMPS[jump]
    remembered: dict[datetime, dict[str, Any]] = {}
    stood: list[datetime] = []
    with Registry(folder) as r:
        r.register(model(), "a")
        for number in range(9):
            before = clock.time
            clock.time = leap(before) if number == 3 else stood[2] + 6 * step if number == 6 else before + step
            version = r.tag("a/1", {f"t{number}": number})
            stood.append(clock.time)
            remembered[r.audit()[-1].time] = dict(version.tags)
        events = r.audit()
        times = [event.time for event in events]
        assert sorted(times) == times
        assert list(range(11)) == [event.seq for event in events]
        late = [event for event, was in zip(events[2:], stood, strict=True) if event.time != was]
        assert late == [event for event in events if "clock" in event.evidence]
        assert {"back one hour": 3, "ahead ten years": 3, "epoch 0": 3, "frozen": 0}[jump] == len(late)
        assert all(event.evidence["clock"].startswith("stood at ") for event in late)
        for moment, tags in remembered.items():
            assert tags == dict(r.as_of(moment).version("a/1").tags)
        assert r.verify().ok
    figures("F13 clock", jump=jump, commits=len(events), noted=len(late), out_of_order=0)
