"""What a worker was doing, read by another process after its end."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from nbregistry.serving.marker import Look, Marker
from nbregistry.serving.quarantine import TIMES, WITHIN, Crashes, quarantine, quarantined
from nbregistry.serving.spec import ADMIN, PREDICT, RunFolder, ServerSpec, Token, address, runs

A, B = "a" * 64, "b" * 64


def test_process_that_dies_leaves_what_it_ran(tmp_path: Path) -> None:
    """A process that ends in the middle of a run tells which version it was."""
    pid = os.fork()
    if pid == 0:
        Marker(tmp_path / "m").running(A)
        os._exit(1)
    os.waitpid(pid, 0)
    assert (A,) == Look(tmp_path / "m").suspects()


def test_each_thread_has_its_own_place(tmp_path: Path) -> None:
    """Two models that run at the same time are both seen, and one that is done is not."""
    marker, look = Marker(tmp_path / "m"), Look(tmp_path / "m")
    marker.running(A)
    other = threading.Thread(target=marker.running, args=(B,))
    other.start()
    other.join()
    assert {A, B} == set(look.suspects())
    marker.idle()
    assert (B,) == look.suspects()


def test_blame_names_one(tmp_path: Path) -> None:
    """Where one version is known to be the reason, the others that ran are not suspected."""
    marker = Marker(tmp_path / "m")
    marker.running(A)
    marker.blame(B)
    assert (B,) == Look(tmp_path / "m").suspects()


def test_new_process_begins_with_nothing(tmp_path: Path) -> None:
    """What the process before it ran is forgotten, without shortening the file under a sibling's feet."""
    look = Look(tmp_path / "m")
    Marker(tmp_path / "m").running(A)
    Marker(tmp_path / "m")
    assert () == look.suspects()


def test_more_threads_than_places_do_no_harm(tmp_path: Path) -> None:
    """A thread too many is not noted; places are free again when threads are done."""
    marker = Marker(tmp_path / "m")
    gate = threading.Barrier(41)

    def work() -> None:
        marker.running(A)
        gate.wait()
        gate.wait()
        marker.idle()

    threads = [threading.Thread(target=work) for _ in range(40)]
    for thread in threads:
        thread.start()
    gate.wait()
    gate.wait()
    for thread in threads:
        thread.join()
    marker.running(B)
    assert (B,) == Look(tmp_path / "m").suspects()


def test_beat_tells_time_and_connections(tmp_path: Path) -> None:
    """A beat is a moment that other processes understand."""
    Marker(tmp_path / "m").beat(7)
    when, connections = Look(tmp_path / "m").beat()
    assert 0 <= time.monotonic() - when < 1
    assert 7 == connections


def test_noting_a_run_costs_next_to_nothing(tmp_path: Path) -> None:
    """A run is noted and un-noted in a few microseconds (a wide bound)."""
    marker = Marker(tmp_path / "m")
    began = time.perf_counter()
    for _ in range(2_000):
        marker.running(A)
        marker.idle()
    assert (time.perf_counter() - began) / 2_000 < 50e-6


def test_crashes_long_apart_are_forgiven() -> None:
    """Only crashes within the time count together."""
    crashes = Crashes()
    for at in range(TIMES + 2):
        assert () == crashes.note([A], at * WITHIN / 1.5)


def test_version_that_was_there_every_time_is_the_one() -> None:
    """Of two that ran at the third crash, the one that ran at all three is put away."""
    crashes = Crashes()
    assert () == crashes.note([A], 0)
    assert () == crashes.note([A], 1)
    assert (A,) == crashes.note([A, B], 2)


def test_crash_while_nothing_ran_blames_nobody() -> None:
    """A worker that is killed at rest puts no version away."""
    crashes = Crashes()
    assert [()] * 5 == [crashes.note([], at) for at in range(5)]
    assert 5 == crashes.recent(5)


def test_quarantine_keeps_the_reason(tmp_path: Path) -> None:
    """What was put away is read back by digest, beside what was there before."""
    quarantine(tmp_path, A, "ended by SIGSEGV")
    quarantine(tmp_path, B, "ended by SIGKILL")
    assert {A: "ended by SIGSEGV", B: "ended by SIGKILL"} == quarantined(tmp_path)


def test_spec_survives_the_file(tmp_path: Path) -> None:
    """A spec that was written is read back equal, and only its owner may read it."""
    run = RunFolder(tmp_path / "servers" / "0123abcd")
    tokens = (Token.of("secret", PREDICT), Token.of("other", PREDICT, ADMIN))
    spec = ServerSpec("0123abcd", "store", "home", "ana", ("churn", "ltv@best"), tokens=tokens, path=("lib",))
    run.create(spec)
    assert spec == run.spec()
    assert (0o700, 0o600) == (run.path.stat().st_mode & 0o777, (run.path / "spec.json").stat().st_mode & 0o777)
    assert b"secret" not in (run.path / "spec.json").read_bytes()
    assert [run] == runs(tmp_path)


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:80"), ("::1", "http://[::1]:80"), ("0.0.0.0", "http://127.0.0.1:80")],  # noqa: S104 - only named
)
def test_address_can_be_asked(host: str, url: str) -> None:
    """An address is one that a client can use."""
    assert url == address(host, 80)
