"""C4: random histories of a registry, with crashes and a clock that jumps, held against plain dictionaries."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from sklearn.dummy import DummyClassifier

from nbregistry import Registry
from nbregistry.domain import commits
from nbregistry.errors import NotFound, RegistryError
from tests.faults.reference import HELD, NAMES, Reference

MODEL = DummyClassifier().fit([[0], [1]], [0, 1])


def observed(r: Registry) -> dict[str, Any]:
    """Ask a registry for everything under every name."""
    found: dict[str, Any] = {}
    for name in NAMES:
        try:
            every = [(v.number, v.deleted) for v in r.versions(name, deleted=True)]
        except NotFound:
            every = []
        try:
            model = r.model(name)
        except NotFound:
            found[name] = every
            continue
        rows = [
            (v.number, v.stage.value, list(v.aliases), dict(v.tags), [a.text for a in r.annotations(v)])
            for v in r.versions(name)
        ]
        notes = [a.text for a in r.annotations(name)]
        held, aliases = dict(model.stages), dict(model.aliases)
        assert model.latest == (r.version(name).number if rows else None)
        assert held == {s: r.version(f"{name}/{s}").number for s in held}
        assert aliases == {a: r.version(f"{name}@{a}").number for a in aliases}
        found[name] = (model.name, model.latest, model.last_number, notes, held, aliases, rows, every)
    return found


picks, names = st.integers(0, 11), st.sampled_from(("a", *NAMES))
stages = st.sampled_from(("None", *HELD, "Archived"))


class Histories(RuleBasedStateMachine):
    """Does the same to a registry and to the reference, and compares after each step."""

    examples = steps = refusals = 0

    @initialize()
    def begin(self) -> None:
        Histories.examples += 1
        self.folder = Path.cwd() / f"store-{Histories.examples}"
        self.reference = Reference()
        self.time = datetime(2026, 1, 1, tzinfo=UTC)
        self.patch = pytest.MonkeyPatch()
        machine = self

        class Told(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> Any:
                machine.time += timedelta(milliseconds=1)
                return machine.time

        self.patch.setattr(commits, "datetime", Told)
        self.crashed: list[Registry] = []  # kept, so that nothing is tidied up behind them
        self.remembered: dict[str, dict[str, Any]] = {}
        self.r = Registry(self.folder)
        self.failed = False
        for _ in range(3):
            self.register("a")

    def both(self, reference: Callable[[], object], real: Callable[[], object]) -> Any:
        """Do it to both: the same refusal, or none, and the same state afterwards."""
        Histories.steps += 1
        self.failed = True
        try:
            reference()
        except RegistryError as error:
            Histories.refusals += 1
            with pytest.raises(RegistryError) as refusal:
                real()
            assert type(error) is refusal.type
            done = None
        else:
            done = real()
        self.compare()
        return done

    def compare(self) -> None:
        self.failed = True
        found = observed(self.r)
        assert self.reference.observed() == found
        time = self.r.core.store.view().time
        if time:
            assert time >= max(self.remembered, default="")
            self.remembered[time] = found
        self.failed = False

    def target(self, pick: int) -> tuple[str, int]:
        found = self.reference.targets()
        return found[pick % len(found)]

    @rule(name=names)
    def register_one(self, name: str) -> None:
        self.register(name)

    def register(self, name: str) -> None:
        number: list[int] = []
        version = self.both(lambda: number.append(self.reference.register(name)), lambda: self.r.register(MODEL, name))
        assert number == ([version.number] if version else [])

    @rule(pick=picks, key=st.sampled_from("xy"), value=st.integers(0, 2))
    def tag(self, pick: int, key: str, value: int) -> None:
        name, number = self.target(pick)
        self.both(
            lambda: self.reference.find(name, number)[1].tags.update({key: value}),
            lambda: self.r.tag(f"{name}/{number}", {key: value}),
        )

    @rule(pick=picks, alias=st.sampled_from(("champion", "shadow")))
    def alias(self, pick: int, alias: str) -> None:
        name, number = self.target(pick)
        self.both(
            lambda: self.reference.alias(name, number, alias),
            lambda: self.r.alias(f"{name}/{number}", alias),
        )

    @rule(pick=picks, stage=stages, expect=st.sampled_from((None, "right", "none", 1, 2)))
    def promote(self, pick: int, stage: str, expect: str | int | None) -> None:
        name, number = self.target(pick)
        expected = None if expect is None else "none"
        try:
            model = self.reference.model(name)
        except NotFound:
            expected = None
        else:
            holder = model.holder(stage)
            if expect == "right" and holder:
                expected = f"{model.name}/{holder.number}"
            elif isinstance(expect, int) and expect in model.versions:
                expected = f"{model.name}/{expect}"
        self.both(
            lambda: self.reference.promote(name, number, stage, expected),
            lambda: self.r.promote(f"{name}/{number}", stage, expect=expected),
        )

    @rule(name=names, stage=st.sampled_from(HELD))
    def rollback(self, name: str, stage: str) -> None:
        self.both(lambda: self.reference.rollback(name, stage), lambda: self.r.rollback(name, stage))

    @rule(pick=picks, whole=st.booleans())
    def delete(self, pick: int, whole: bool) -> None:
        name, number = self.target(pick)
        self.both(
            lambda: self.reference.delete(name, None if whole else number),
            lambda: self.r.delete(name if whole else f"{name}/{number}"),
        )

    @rule(pick=picks, whole=st.booleans())
    def restore(self, pick: int, whole: bool) -> None:
        name, number = self.target(pick)
        self.both(
            lambda: self.reference.restore(name, None if whole else number),
            lambda: self.r.restore(name if whole else f"{name}/{number}"),
        )

    @rule(pick=picks)
    def purge(self, pick: int) -> None:
        name, number = self.target(pick)
        self.both(
            lambda: self.reference.purge(name, number), lambda: self.r.purge(f"{name}/{number}", because="asked to")
        )

    @rule(name=names, new=names)
    def rename(self, name: str, new: str) -> None:
        self.both(lambda: self.reference.rename(name, new), lambda: self.r.rename(name, new))

    @rule(pick=picks, whole=st.booleans(), text=st.sampled_from(("good", "bad")))
    def annotate(self, pick: int, whole: bool, text: str) -> None:
        name, number = self.target(pick)
        self.both(
            lambda: (self.reference.model(name) if whole else self.reference.find(name, number)[1]).notes.append(text),
            lambda: self.r.annotate(name if whole else f"{name}/{number}", text),
        )

    @rule(lost=st.sets(st.sampled_from(("registry.json", "registry.index", "seal.json"))), torn=st.integers(0, 90))
    def crash(self, lost: set[str], torn: int) -> None:
        """A process ends amid a write; derived files may be lost with it. Another process goes on."""
        self.crashed.append(self.r)
        if (self.folder / "journal").exists():
            for name in lost:
                (self.folder / name).unlink(missing_ok=True)
            with (self.folder / "journal").open("r+b") as file:
                record = file.read(90)
                file.seek(0, 2)
                file.write(record[:torn])
        self.r = Registry(self.folder)
        Histories.steps += 1
        self.compare()

    @rule(close=st.booleans())
    def checkpoint(self, close: bool) -> None:
        if (self.folder / "journal").exists():
            self.r.core.store.save()
        if close:
            self.r.close()
        Histories.steps += 1
        self.compare()

    @rule(hours=st.sampled_from((-1, 1, -24 * 30, 24 * 30)))
    def clock(self, hours: int) -> None:
        self.time += timedelta(hours=hours)
        Histories.steps += 1

    def teardown(self) -> None:
        try:
            if not self.failed and self.remembered:
                for time, then in self.remembered.items():
                    assert then == observed(self.r.as_of(commits.moment(time)))
                events = self.r.audit()
                assert list(range(len(events))) == [event.seq for event in events]
                assert sorted(event.time for event in events) == [event.time for event in events]
                assert () == self.r.verify().findings
        finally:
            self.patch.undo()
            shutil.rmtree(self.folder, ignore_errors=True)


def run(figures: Any, *, examples: int, steps: int) -> None:
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    chosen = settings(max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=quiet)
    Histories.examples = Histories.steps = Histories.refusals = 0
    run_state_machine_as_test(Histories, settings=chosen)
    assert Histories.examples >= examples
    figures(
        "C4 histories", examples=Histories.examples, steps=Histories.steps, refused=Histories.refusals, differences=0
    )


def test_random_histories(figures: Any) -> None:
    """Any history gives what the dictionaries give: now, at each earlier moment, and after each crash."""
    run(figures, examples=25, steps=25)


@pytest.mark.campaign
@pytest.mark.timeout(0)
def test_random_histories_campaign(figures: Any) -> None:
    """As above, 2,000 histories of 50 steps."""
    run(figures, examples=2_000, steps=50)
