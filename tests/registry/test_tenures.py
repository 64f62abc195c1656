"""Tenures: who held a stage from when until when, who decided, why, on what evidence, and what became of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbregistry import Candidate, GateResult, Registry
from nbregistry.domain.commits import Commit, moment, timestamp
from nbregistry.domain.tenure import How, Tenure
from nbregistry.errors import InvalidInput, NotFound, RegistryError
from nbregistry.storage.records import Position


def line(tenure: Tenure) -> tuple[Any, ...]:
    """Return what a reader asks first: who, by which step, whom it replaced, by whom it was replaced."""
    return (tenure.ref, tenure.how, tenure.replaced, tenure.replaced_by)


def test_a_tenure_tells_who_decided_why_and_on_what_evidence(churn: Registry) -> None:
    """The gates' words, the reason, the person, the moment and the line of the audit are all there."""

    def better(candidate: Candidate) -> GateResult:
        return GateResult("better", True, "AUC is higher", {"gain": 0.01})

    churn.add_gate(better)
    first = churn.promote("churn/1", "Production", because="first model")
    second = churn.promote("churn/2", "Production", because="AUC +1 pt")
    now, before = churn.tenures("churn")
    assert ("churn/2", None, "ana", "AUC +1 pt") == (now.ref, now.until, now.decided_by, now.because)
    assert ["ready", "better"] == [g.gate for g in now.evidence]
    assert ({"gain": 0.01}, True) == (dict(now.evidence[1].figures), now.evidence[1].passed)
    assert (before.until, "churn/2", "ana") == (now.since, before.replaced_by, before.ended and before.ended.by)
    receipts = first.receipt, second.receipt
    assert [r.seq for r in receipts if r] == [before.seq, now.seq]
    assert now.version == churn.version("churn/2")
    assert now.predecessor == churn.version("churn/1")
    assert (True, False) == (now.current, before.current)


def test_rollback_register_and_withdrawal_are_told_as_such(churn: Registry, model: Any) -> None:
    """Each step into a stage and out of it has its own word, and a vacant stage replaces nobody."""
    churn.promote("churn/1", "Production")
    churn.promote("churn/2", "Production")
    churn.rollback("churn", because="odd scores")
    churn.promote("churn/1", "Archived", because="broken upstream")
    churn.register(model, "churn", stage="Production")
    churn.promote("churn/4", "Staging", because="not yet")
    found = churn.tenures("churn")
    expected = [
        ("churn/4", How.REGISTER, None, None), ("churn/1", How.ROLLBACK, "churn/2", None),
        ("churn/2", How.PROMOTE, "churn/1", "churn/1"), ("churn/1", How.PROMOTE, None, "churn/2"),
    ]  # fmt: skip
    assert expected == [line(t) for t in found]
    ended = found[1].ended
    assert ended is not None
    assert ("broken upstream", How.PROMOTE) == (ended.because, ended.how)
    assert (How.ROLLBACK, "odd scores") == (found[2].ended and found[2].ended.how, found[1].because)
    assert not found.current
    assert ("churn",) == found.vacant
    assert ["churn/4"] == [t.ref for t in churn.tenures("churn", "staging")]
    assert found[0].predecessor is not None
    assert "churn/1" == found[0].predecessor.ref


def test_trash_and_restore_end_and_begin_a_tenure(churn: Registry) -> None:
    """What leaves a stage for the trash left it; coming back it begins anew, unless another is there."""
    churn.promote("churn/1", "Staging")
    churn.delete("churn/1", because="leaked data")
    churn.restore("churn/1")
    churn.delete("churn/1")
    churn.promote("churn/2", "Staging")
    churn.restore("churn/1")
    found = churn.tenures("churn", "Staging")
    assert [
        ("churn/2", How.PROMOTE, None, None), ("churn/1", How.RESTORE, None, None), ("churn/1", How.PROMOTE, None, None)
    ] == [line(t) for t in found]  # fmt: skip
    assert (How.DELETE, "leaked data") == (
        found[2].ended and found[2].ended.how,
        found[2].ended and found[2].ended.because,
    )


def test_a_purged_holder_is_still_told_of(churn: Registry) -> None:
    """Its files are gone, its number, digest and time in production are not."""
    digest = churn.version("churn/1").digest
    churn.promote("churn/1", "Production")
    churn.promote("churn/2", "Production")
    churn.delete("churn/1")
    churn.purge("churn/1", because="personal data")
    first = churn.tenures("churn")[-1]
    assert ("churn/1", digest, True) == (first.ref, first.digest, bool(first.version and first.version.purged))


def test_a_renamed_model_goes_on_under_its_new_name(churn: Registry) -> None:
    """One tenure, not two; asked for by either name, and as of then by the name of then."""
    churn.promote("churn/1", "Production")
    then = churn.core.view().time
    churn.rename("churn", "attrition")
    churn.promote("attrition/2", "Production")
    expected = [("attrition/2", "attrition/1"), ("attrition/1", None)]
    assert (
        expected
        == [(t.ref, t.replaced) for t in churn.tenures("churn")]
        == [(t.ref, t.replaced) for t in churn.tenures("attrition")]
    )
    past = churn.as_of(moment(then)).tenures("churn")
    assert [("churn/1", None)] == [(t.ref, t.until) for t in past]
    assert moment(then) == past.past


def test_a_model_made_again_under_a_deleted_ones_name(churn: Registry, model: Any) -> None:
    """What the name stood for before it was deleted stays in the history."""
    churn.promote("churn/1", "Production", because="old")
    churn.promote("churn/1", "Archived")
    churn.delete("churn")
    assert ["churn/1"] == [t.ref for t in churn.tenures("churn")]
    churn.register(model, "churn", stage="Production")
    assert ["churn/4", "churn/1"] == [t.ref for t in churn.tenures("churn")]
    assert ["churn/4", "churn/1"] == [t.ref for t in churn.tenures()]


def test_decisions_and_incidents_of_its_time(churn: Registry) -> None:
    """Of the notes on a version and on its model, those that somebody must answer for, each in its time."""
    churn.annotate("churn/1", "too early", kind="decision")
    churn.promote("churn/1", "Production")
    churn.annotate("churn/1", "accepted by the board", kind="decision")
    churn.annotate("churn", "scored nulls as zero", kind="incident")
    churn.annotate("churn/1", "just a note")
    churn.promote("churn/2", "Production")
    churn.annotate("churn/1", "too late", kind="incident")
    now, before = churn.tenures("churn")
    assert (["accepted by the board", "scored nulls as zero"], []) == ([n.text for n in before.notes], list(now.notes))


def test_refusals_and_dry_runs_begin_nothing(churn: Registry) -> None:
    """Only what happened is told."""
    churn.promote("churn/1", "Production")
    churn.promote("churn/2", "Production", dry_run=True)
    with pytest.raises(RegistryError):
        churn.promote("churn/3", "Production", expect="churn/2")
    churn.promote("churn/1", "Production")
    assert ["churn/1"] == [t.ref for t in churn.tenures("churn")]


def test_all_models_and_those_without_a_holder(churn: Registry, model: Any) -> None:
    """Without a name every model answers, by name, and those whose stage is vacant are named."""
    churn.register(model, "Alpha", stage="Production")
    churn.register(model, "zeta")
    churn.promote("churn/1", "Production")
    churn.promote("churn/2", "Production")
    found = churn.tenures()
    assert ["Alpha/1", "churn/2", "churn/1"] == [t.ref for t in found]
    assert (("zeta",), ["Alpha/1", "churn/2"]) == (found.vacant, [t.ref for t in found.current])


def test_what_cannot_be_asked(churn: Registry) -> None:
    """A stage with many holders, a model that never was."""
    with pytest.raises(InvalidInput, match="many holders at a time"):
        churn.tenures("churn", "Archived")
    with pytest.raises(NotFound, match="No model 'chrun', did you mean 'churn'"):
        churn.tenures("chrun")


def test_who_was_there_at_a_time(churn: Registry) -> None:
    """The first moment counts, the last does not."""
    churn.promote("churn/1", "Production")
    churn.promote("churn/2", "Production")
    now, before = churn.tenures("churn")
    assert before.until is not None
    assert (True, False, True) == (before.at(before.since), before.at(before.until), now.at(now.since))
    assert not before.at(before.since - timedelta(microseconds=1))
    assert before.until - before.since == before.lasted(now.since + timedelta(days=1))
    assert timedelta(days=1) == now.lasted(now.since + timedelta(days=1))


def test_as_a_frame(churn: Registry) -> None:
    """One row per tenure, moments as moments, also when there is none."""
    assert [] == list(churn.tenures("churn").to_frame()["ref"])
    churn.promote("churn/1", "Production", because="first")
    churn.promote("churn/2", "Production")
    found = churn.tenures().to_frame()
    assert (["churn/2", "churn/1"], ["", "first"]) == (list(found["ref"]), list(found["because"]))
    assert [True, False] == list(found["until"].isna())
    assert "datetime64[ns, UTC]" == str(found["since"].astype("datetime64[ns, UTC]").dtype)
    assert {"ready": True} == found["evidence"][0]


def test_what_was_read_is_not_read_again(churn: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second question reads what was committed since the first, and the past is told from what was read."""
    churn.promote("churn/1", "Production")
    then = churn.core.view().time
    churn.tenures()
    read: list[int] = []
    after = churn.core.store.after

    def noted(at: Position) -> Iterator[tuple[Commit, Position]]:
        for commit, place in after(at):
            read.append(commit.seq)
            yield commit, place

    monkeypatch.setattr(churn.core.store, "after", noted)
    churn.promote("churn/2", "Production")
    assert ["churn/2", "churn/1"] == [t.ref for t in churn.tenures()]
    assert [churn.core.view().seq] == read
    churn.tenures()
    past = churn.as_of(moment(then))
    monkeypatch.setattr(past.core.store, "after", lambda at: pytest.fail("read again"))
    assert [("churn/1", None)] == [(t.ref, t.until) for t in past.tenures()]
    assert 1 == len(read)


def test_threads_ask_while_others_promote(churn: Registry) -> None:
    """Each answer is one state: who is there now began when the one before ended."""
    wrong: list[str] = []
    done = threading.Event()

    def asks() -> None:
        while not done.is_set():
            found = churn.tenures("churn")
            wrong.extend(b.ref for a, b in pairwise(found) if b.until != a.since)
            wrong.extend(t.ref for t in found[1:] if t.current)

    threads = [threading.Thread(target=asks) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(12):
        churn.promote(f"churn/{number % 3 + 1}", "Production")
    done.set()
    for thread in threads:
        thread.join()
    assert ([], 12) == (wrong, len(churn.tenures("churn")))


def test_after_a_repair_it_reads_anew(churn: Registry) -> None:
    """A journal that is not the one that was read is read from its beginning."""
    churn.promote("churn/1", "Production")
    churn.promote("churn/2", "Production")
    assert 2 == len(churn.tenures())
    path = churn.core.store.journal.path
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))
    churn.core.store.reopen()
    assert [("churn/1", True)] == [(t.ref, t.current) for t in churn.tenures()]


MODEL = "m"
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["promote", "promote", "promote", "stage", "archive", "rollback", "delete", "restore", "purge",
                         "rename", "drop", "revive", "register"]),
        st.integers(1, 4),
    ),
    max_size=14,
)  # fmt: skip


@pytest.fixture(scope="session")
def seeds() -> Any:
    """Something small that can be registered."""
    from sklearn.dummy import DummyClassifier

    return DummyClassifier().fit([[0], [1]], [0, 1])


def _step(r: Registry, verb: str, number: int, names: list[str], seeds: Any) -> None:
    name = names[-1]
    ref = f"{name}/{number}"
    match verb:
        case "promote" | "stage" | "archive":
            r.promote(ref, {"promote": "Production", "stage": "Staging", "archive": "Archived"}[verb], because=verb)
        case "rollback":
            r.rollback(name)
        case "delete":
            r.delete(ref)
        case "restore":
            r.restore(ref)
        case "purge":
            r.purge(ref, because="test")
        case "rename":
            r.rename(name, f"{MODEL}{number}")
            names.append(f"{MODEL}{number}")
        case "drop":
            r.delete(name)
        case "revive":
            r.restore(name)
        case _:
            r.register(seeds, name, stage="Production" if number == 1 else None)


@given(steps=STEPS)
def test_tenures_agree_with_the_registry_as_it_was(
    steps: list[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory, seeds: Any
) -> None:
    """After whatever was done, at every commit, tenures name exactly who the registry of then names."""
    with Registry(tmp_path_factory.mktemp("store")) as r:
        names = [MODEL]
        for _ in range(2):
            r.register(seeds, MODEL)
        for verb, number in steps:
            try:
                _step(r, verb, number, names, seeds)
            except RegistryError:
                continue
        told = {stage: r.tenures(None, stage) for stage in ("Production", "Staging")}
        for event in r.audit():
            past = r.as_of(event.time)
            for stage, all_of_it in told.items():
                _agrees(past, event.time, stage, all_of_it)


def _agrees(past: Registry, time: datetime, stage: str, all_of_it: list[Tenure]) -> None:
    held = {v.digest and (v.name, v.number) for m in past.models() if (v := _holder(past, m.name, stage))}
    then = past.tenures(None, stage)
    assert held == {(t.name, t.number) for t in then.current}
    assert held == {(t.name, t.number) for t in then if t.at(time)}
    # Told today, the same versions held the stage, under the names of today; nobody else did.
    assert {number for _, number in held} == {t.number for t in all_of_it if t.at(time)}
    assert timestamp(time) == timestamp(then.past) if then.past else True


def _holder(r: Registry, name: str, stage: str) -> Any:
    try:
        return r.version(f"{name}/{stage}")
    except NotFound:
        return None
