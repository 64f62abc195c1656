"""What a graph remembers: across processes, restarts, kills and a log that is cut."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nbregistry.errors import InvalidInput, NotFound, StoreUnavailable
from nbregistry.serving.graph.state import State
from nbregistry.serving.graph.tallies import Tallies

NODE = "ab"


@pytest.fixture
def states(tmp_path: Path) -> Iterator[Callable[..., State]]:
    """Make states over one folder, as several processes would; close what is open at the end."""
    made: list[State] = []

    def make(**options: Any) -> State:
        made.append(State(tmp_path / "state", **options))
        return made[-1]

    yield make
    for state in made:
        state.close()


def reaches(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.005)


def counts(state: State, arm: str = "a") -> tuple[int, int, float]:
    tally = state.tally(NODE, arm)
    return tally.pulls, tally.rewarded, tally.reward


def test_a_reward_counts_once(states: Callable[..., State]) -> None:
    """The first reward of a request counts; a repeat is told that it did not; an unknown id is not found."""
    state = states()
    state.chosen("r1", NODE, "a")
    assert ({NODE: "a"}, True) == tuple(state.reward("r1", 1.0))
    assert ({NODE: "a"}, False) == tuple(state.reward("r1", 0.0))
    assert (1, 1, 1.0) == counts(state)
    with pytest.raises(NotFound, match="No request 'r2' is remembered: give the id that its answer carried"):
        state.reward("r2", 1.0)
    for bad in (1.5, -0.1, float("nan"), True, "1"):
        with pytest.raises(InvalidInput, match="a number from 0 to 1"):
            state.reward("r1", bad)  # type: ignore[arg-type]  # what a client may send


def test_memory_alone_works_without_a_folder() -> None:
    """Without a folder everything is the same until the process ends."""
    state = State()
    state.chosen("r1", NODE, "a")
    assert state.reward("r1", 0.5).counted
    assert (1, 1, 0.5) == counts(state)


def test_another_process_hears_of_choices_and_rewards(states: Callable[..., State]) -> None:
    """What one process chose, another one rewards at once, and both tallies agree."""
    one, two = states(), states()
    one.chosen("r1", NODE, "a")
    assert two.reward("r1", 1.0).counted
    assert not one.reward("r1", 1.0).counted
    reaches(lambda: (1, 1, 1.0) == counts(one) == counts(two))


def test_nothing_is_forgotten_when_all_end(states: Callable[..., State]) -> None:
    """After a restart choices, rewards and the start of a canary are there."""
    one = states()
    began = one.started("canary")
    for i in range(100):
        one.chosen(f"r{i}", NODE, "a")
    one.reward("r1", 0.25)
    one.close()
    two = states()
    assert (100, 1, 0.25) == counts(two)
    assert began == two.started("canary")
    assert not two.reward("r1", 1.0).counted
    assert two.reward("r99", 1.0).counted


def test_the_start_is_the_first_one(states: Callable[..., State]) -> None:
    """Of two processes that begin at different times both ramp from the earlier one after a restart."""
    one = states(clock=lambda: 1000.0)
    two = states(clock=lambda: 2000.0)
    assert 1000.0 == one.started("canary")
    one.flush()
    two.flush()
    assert 1000.0 == two.started("canary")


def test_a_torn_line_hurts_nobody(tmp_path: Path, states: Callable[..., State]) -> None:
    """A log cut at any byte of its last line is read up to there, and written on."""
    one = states()
    for i in range(3):
        one.chosen(f"r{i}", NODE, "a")
        one.flush()
    one.close()
    log = tmp_path / "state" / "decisions.log"
    whole = log.read_bytes()
    lines = whole.splitlines(keepends=True)
    for cut in range(1, len(lines[-1])):
        log.write_bytes(whole[:-cut])
        torn = State(tmp_path / "state")
        torn.chosen("later", NODE, "b")
        torn.close()
        again = State(tmp_path / "state")
        kept = 3 if cut == 1 else 2  # without its line end the line still says everything
        assert (kept, 1) == (again.tally(NODE, "a").pulls, again.tally(NODE, "b").pulls), cut
        again.close()
        log.write_bytes(whole)


@pytest.mark.parametrize(
    "junk", [b"\xff\xfe\n", b"[]\n", b"[1]\n", b'["x",[["c",1,2,3],["r","a"],7,["?"]]]\n', b"\n\n"]
)
def test_senseless_lines_are_passed_over(tmp_path: Path, states: Callable[..., State], junk: bytes) -> None:
    """Lines that are no records change nothing."""
    one = states()
    one.chosen("r1", NODE, "a")
    one.close()
    with (tmp_path / "state" / "decisions.log").open("ab") as log:
        log.write(junk)
    two = states()
    two.chosen("r2", NODE, "a")
    assert two.reward("r1", 1.0).counted
    assert (2, 1, 1.0) == counts(two)


def test_a_long_log_is_shortened_and_says_the_same(tmp_path: Path, states: Callable[..., State]) -> None:
    """A log that grew is replaced by a shorter one; the others read that one and agree, and nothing counts twice."""
    one, two = states(longest=50_000, most=200), states(longest=50_000, most=200)
    log = tmp_path / "state" / "decisions.log"
    for i in range(3000):
        (one, two)[i % 2].chosen(f"request-{i}", NODE, "a" if i % 3 else "b")
        if i % 50 == 0:
            one.flush()
            two.flush()
    one.reward("request-2990", 1.0)
    reaches(lambda: (2000, 1, 1.0) == counts(one) == counts(two))
    assert (1000, 0, 0.0) == counts(one, "b") == counts(two, "b")
    assert log.stat().st_size < 150_000
    assert all(len(line) <= 4096 for line in log.read_bytes().splitlines(keepends=True))
    three = states(most=200)
    assert (2000, 1, 1.0) == counts(three)


def test_memory_is_bounded() -> None:
    """Of the decisions only the last ones are kept; the tallies keep all."""
    state = State(most=100)
    for i in range(1000):
        state.chosen(f"r{i}", NODE, "a")
    assert 1000 == state.tally(NODE, "a").pulls
    with pytest.raises(NotFound, match="The last 100 are remembered"):
        state.reward("r1", 1.0)
    assert state.reward("r950", 1.0).counted


def test_folding_the_records_gives_the_same_memory() -> None:
    """What a shortened log says is what the memory was."""
    memory = Tallies()
    for record in (["s", "n", 5.0], ["c", "r1", "n", "a"], ["c", "r1", "m", "x"], ["c", "", "n", "b"], ["r", "r1", 0.5],
                   ["c", "r2", "n", "b"]):  # fmt: skip
        memory.apply(record)
    again = Tallies()
    for record in memory.records():
        again.apply(record)
    assert list(memory.records()) == list(again.records())


def test_records_that_come_twice_count_once() -> None:
    """A choice and a reward that stand in the log twice, as two processes may write them, are counted once."""
    memory = Tallies()
    for record in (["c", "r1", "n", "a"], ["c", "r1", "n", "b"], ["r", "r1", 1.0], ["r", "r1", 0.0], ["r", "r2", 1.0]):
        memory.apply(record)
    assert (1, 1, 1.0) == (memory.tally("n", "a").pulls, memory.tally("n", "a").rewarded, memory.tally("n", "a").reward)
    assert 0 == memory.tally("n", "b").pulls


WORKER = """
import sys, time
from pathlib import Path
from nbregistry.serving.graph.state import State
state, name, count = State(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
for i in range(count):
    state.chosen(f"{name}-{i}", "ab", "a")
    if i % 100 == 99:
        time.sleep(0.01)
        print(i, flush=True)
state.close()
print("done", flush=True)
"""


def test_processes_at_once_lose_nothing(tmp_path: Path, states: Callable[..., State]) -> None:
    """Four processes that choose at the same time, over a log that is shortened meanwhile, add up exactly."""
    folder = str(tmp_path / "state")
    watching = states(longest=20_000)
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, folder, f"w{n}", "1000"], stdout=subprocess.DEVNULL)
        for n in range(4)
    ]
    assert [0, 0, 0, 0] == [worker.wait(60) for worker in workers]
    reaches(lambda: (4000, 0, 0.0) == counts(watching))
    assert (4000, 0, 0.0) == counts(states())
    assert watching.reward("w3-999", 1.0).counted


def test_a_killed_process_loses_its_last_moment_only(tmp_path: Path, states: Callable[..., State]) -> None:
    """After SIGKILL what was written is there, and the others go on."""
    folder = tmp_path / "state"
    for n in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", WORKER, str(folder), f"k{n}", "1000000"], stdout=subprocess.PIPE, text=True
        ) as worker:
            assert worker.stdout is not None
            for line in worker.stdout:
                if int(line) >= 1000:
                    break
            reaches(lambda: (folder / "decisions.log").stat().st_size > 0)
            os.kill(worker.pid, signal.SIGKILL)
    state = states()
    before = counts(state)[0]
    assert before > 300
    state.chosen("after", NODE, "a")
    assert state.reward("after", 1.0).counted
    assert before + 1 == counts(states())[0]


def test_a_folder_that_cannot_be_used_is_said_so(tmp_path: Path) -> None:
    """Where nothing can be remembered, the error names the place."""
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(StoreUnavailable, match=r"cannot be remembered in .*file"):
        State(tmp_path / "file" / "state")


def _race(folder: str, barrier: Any, found: Any) -> None:
    state = State(Path(folder))
    barrier.wait()
    found.put(sum(state.reward(f"r{i}", 1.0).counted for i in range(50)))
    state.close()


def test_two_processes_cannot_both_count_a_reward(tmp_path: Path, states: Callable[..., State]) -> None:
    """Told the same rewards at the same moment, processes count each exactly once between them."""
    state = states()
    for i in range(50):
        state.chosen(f"r{i}", NODE, "a")
    state.flush()
    context = multiprocessing.get_context("spawn")
    barrier, found = context.Barrier(3), context.Queue()
    racers = [context.Process(target=_race, args=(str(tmp_path / "state"), barrier, found)) for _ in range(3)]
    for racer in racers:
        racer.start()
    total = sum(found.get(timeout=60) for _ in racers)
    for racer in racers:
        racer.join(30)
    assert 50 == total
    reaches(lambda: (50, 50, 50.0) == counts(state))
