"""What is counted and how it is told, read by the parser of Prometheus' own client."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import timeit
from pathlib import Path
from typing import Any

import orjson
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families

from nbregistry.serving.app import application
from nbregistry.serving.measures import SHAPES, Measures
from nbregistry.serving.metrics import State, counter, exposition, gauge, histogram, merged, state_of
from nbregistry.serving.options import Options
from nbregistry.serving.snapshots import ENDED, Snapshots, resident
from tests.serving.stand_ins import Offered, asked


def samples(text: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (s.name, tuple(sorted(s.labels.items()))): s.value
        for family in text_string_to_metric_families(text.decode())
        for s in family.samples
    }


def filled() -> Measures:
    measures = Measures()
    measures.requests.labels("churn", "3", "native", "2xx").inc()
    measures.requests.labels("churn", "3", "native", "2xx").inc(2)
    measures.in_flight.labels().inc()
    for seconds in (0.0004, 0.0005, 0.3, 99.0):
        measures.seconds.labels("churn", "3", "native").observe(seconds)
    return measures


ASKED = (("model", "churn"), ("protocol", "native"), ("status", "2xx"), ("version", "3"))


def test_a_cell_is_obtained_once() -> None:
    """The same labels give the same cell, and too few of them are refused."""
    family = counter("things_total", "Things.", "kind")
    assert family.labels("a") is family.labels("a")
    with pytest.raises(TypeError, match="things_total"):
        family.labels("a", "b")


def test_prometheus_reads_what_we_write() -> None:
    """Counters, gauges and histograms come out of the client's parser as they went in."""
    found = samples(exposition(SHAPES, filled().state()))
    assert 3 == found["nbregistry_requests_total", ASKED]
    labels = (("model", "churn"), ("protocol", "native"), ("version", "3"))
    buckets = {
        dict(key)["le"]: value for (name, key), value in found.items() if name == "nbregistry_request_seconds_bucket"
    }
    assert (2, 2, 3, 4) == (buckets["0.0005"], buckets["0.001"], buckets["0.5"], buckets["+Inf"])
    assert 4 == found["nbregistry_request_seconds_count", labels]
    assert pytest.approx(99.3009) == found["nbregistry_request_seconds_sum", labels]


def test_openmetrics_is_strict_and_satisfied() -> None:
    """The strict parser takes our OpenMetrics: names without _total, floats as bounds, the mark at the end."""
    text = exposition(SHAPES, filled().state(), openmetrics=True).decode()
    families = {f.name: f for f in openmetrics_families(text)}
    assert "counter" == families["nbregistry_requests"].type
    assert {shape.name.removesuffix("_total") for shape in SHAPES} == set(families)


def test_every_family_is_well_named() -> None:
    """A counter ends in _total and nothing else does; every family has a help of one line."""
    assert [] == [s.name for s in SHAPES if s.name.endswith("_total") != (s.kind == "counter")]
    assert [] == [s.name for s in SHAPES if not s.help or "\n" in s.help]
    assert len(SHAPES) == len({s.name for s in SHAPES})


@pytest.mark.parametrize("value", [3, 3.5, True, 1e300, -0.0, float("nan"), float("inf"), float("-inf")])
def test_any_number_can_be_set(value: float) -> None:
    """Whole numbers, huge ones and those that are none come back as they were."""
    family = gauge("things", "Things.")
    family.labels().set(value)
    (found,) = text_string_to_metric_families(exposition([family.shape], state_of([family])).decode())
    assert repr(float(value)).replace("-0.0", "0.0") == repr(float(found.samples[0].value))


@pytest.mark.parametrize("value", ['a"b', "a\\b", "a\nb", 'ü{x="1"}', "\\n"])
@pytest.mark.parametrize("openmetrics", [False, True])
def test_label_values_are_escaped(value: str, openmetrics: bool) -> None:
    """Quotes, backslashes and line ends in a name come back as they were."""
    family = counter("things_total", 'Help with a "quote" and a \\.', "kind")
    family.labels(value).inc()
    text = exposition([family.shape], state_of([family]), openmetrics=openmetrics).decode()
    parse = openmetrics_families if openmetrics else text_string_to_metric_families
    (found,) = parse(text)
    assert ({"kind": value}, 'Help with a "quote" and a \\.') == (found.samples[0].labels, found.documentation)


def test_processes_are_added_up() -> None:
    """Counters and histograms of the ended stay; gauges are those of the living, each in its own way."""
    total, open_, newest = counter("a_total", "A."), gauge("b", "B."), gauge("c", "C.", across="max")
    spread = histogram("d", "D.", bounds=(1.0,))
    shapes = [f.shape for f in (total, open_, newest, spread)]
    state: State = {"a_total": [[[], 2.0]], "b": [[[], 3.0]], "c": [[[], 1.0]], "d": [[[], [[1, 2], 5.0]]]}
    assert {
        "a_total": [[[], 6.0]],
        "b": [[[], 6.0]],
        "c": [[[], 1.0]],
        "d": [[[], [[3, 6], 15.0]]],
    } == merged(shapes, [state, state], [state])


def test_another_releases_snapshot_does_no_harm() -> None:
    """Cells with other labels, bounds or kinds than ours are left out."""
    strange: State = {"a_total": [[["x"], 2.0], [[], [[1], 2.0]]], "d": [[[], [[1], 5.0]], [[], 4.0]], "z": [[[], 1.0]]}
    shapes = [counter("a_total", "A.").shape, histogram("d", "D.", bounds=(1.0,)).shape]
    assert {"a_total": [], "d": []} == merged(shapes, [strange])


def test_a_scrape_of_any_process_tells_all(tmp_path: Path) -> None:
    """Two processes of one server answer the same sums; what ended keeps its counters and loses its gauges."""
    first, second = (Snapshots(filled(), tmp_path, index) for index in "01")
    first.write()
    second.write()
    key = ("nbregistry_requests_total", ASKED)
    flight = ("nbregistry_requests_in_flight", ())
    for one in (first, second):
        found = samples(one.text())
        assert (6, 2) == (found[key], found[flight])
    first.stop()
    found = samples(second.text())
    assert (6, 1) == (found[key], found[flight])
    third = Snapshots(Measures(), tmp_path, "1")
    third.write()
    assert (6, 0) == ((found := samples(third.text()))[key], found.get(flight, 0))


def test_a_killed_process_is_not_alive(tmp_path: Path) -> None:
    """What a process counted before SIGKILL stays, its gauges go."""
    code = (
        "import sys, os, pathlib; from nbregistry.serving.measures import Measures;"
        "from nbregistry.serving.snapshots import Snapshots; m = Measures(); m.rows.labels('a', '1', 'native').inc(7);"
        "m.workers.labels().set(1); Snapshots(m, pathlib.Path(sys.argv[1]), '1').write(); os.kill(os.getpid(), 9)"
    )
    assert -9 == subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False).returncode
    found = samples(Snapshots(Measures(), tmp_path, "0").text())
    assert 7 == found["nbregistry_rows_total", (("model", "a"), ("protocol", "native"), ("version", "1"))]
    assert ("nbregistry_workers", ()) not in found


def test_restarts_leave_no_files_behind(tmp_path: Path) -> None:
    """Of processes that ended one file stays, whose counters are neither lost nor counted twice."""
    for _ in range(5):
        process = Snapshots(filled(), tmp_path, "1")
        process.start()
        process.stop()
    key, flight = ("nbregistry_requests_total", ASKED), ("nbregistry_requests_in_flight", ())
    living = Snapshots(filled(), tmp_path, "0")
    living.start()
    try:
        assert 2 == len(list(tmp_path.glob("metrics-*.json")))
        found = samples(living.text())
        assert (18, 1) == (found[key], found[flight])
        living.gather()
        assert 18 == samples(living.text())[key]
    finally:
        living.stop()


def test_a_gathering_that_was_cut_short_counts_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that are in the sum already, since nobody came to remove them, are passed over and removed later."""
    for index in "123":
        Snapshots(filled(), tmp_path, index).stop()
    key, living = ("nbregistry_requests_total", ASKED), Snapshots(filled(), tmp_path, "0")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda *_, **__: None)
        living.gather()
        living.gather()
        assert 4 == len(list(tmp_path.glob("metrics-*.json")))
        assert 12 == samples(living.text())[key]
    living.gather()
    assert [tmp_path / ENDED] == list(tmp_path.glob("metrics-*.json"))
    assert 12 == samples(living.text())[key]


def test_a_process_that_runs_keeps_its_file(tmp_path: Path) -> None:
    """One of the same index that still drains counts on: its file is not taken from under it."""
    old, new = Snapshots(filled(), tmp_path, "1"), Snapshots(filled(), tmp_path, "1")
    old.write()
    new.write()
    new.gather()
    assert 2 == len(list(tmp_path.glob("metrics-1-*.json")))


def test_a_scrape_reads_beside_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither /metrics nor /stats reads the files of others on the loop's thread."""
    seen: list[str] = []
    read = Snapshots.state

    def state(self: Snapshots) -> Any:
        seen.append(threading.current_thread().name)
        return read(self)

    monkeypatch.setattr(Snapshots, "state", state)
    app = application(Offered(), options=Options(folder=tmp_path))
    assert [200, 200] == [asked(app, "GET", path).status for path in ("/metrics", "/stats")]
    assert 2 == len(seen)
    assert threading.main_thread().name not in seen


def test_broken_snapshots_are_passed_over(tmp_path: Path) -> None:
    """A file cut short, or of another kind, costs nothing but its own numbers."""
    for number, text in enumerate([b"", b"{", b"[]", b'{"state": 3}', b'{"index": "2", "state": {}, "pid": "x"}']):
        (tmp_path / f"metrics-1-{number}.json").write_bytes(text)
    assert 3 == samples(Snapshots(filled(), tmp_path, "1").text())["nbregistry_requests_total", ASKED]


def test_snapshots_are_written_when_something_changed(tmp_path: Path) -> None:
    """The file follows the counters within a moment, and is left alone while nothing happens."""
    measures = Measures()
    keeping = Snapshots(measures, tmp_path, "0")
    keeping.start()
    try:
        cell = measures.rows.labels("a", "1", "native")
        cell.inc(5)
        reached = threading.Event()
        for _ in range(200):
            (file,) = tmp_path.glob("metrics-0-*.json")
            if orjson.loads(file.read_bytes())["state"]["nbregistry_rows_total"] == [[["a", "1", "native"], 5.0]]:
                break
            reached.wait(0.02)
        else:
            pytest.fail("no snapshot told of the change")
        before = file.stat().st_mtime_ns
        keeping.write()
        assert before == file.stat().st_mtime_ns
    finally:
        keeping.stop()
    assert orjson.loads(file.read_bytes())["ended"]


def test_counting_costs_little() -> None:
    """A thousand counts take well under a millisecond of anybody's request (a wide bound)."""
    family = counter("things_total", "Things.", "a", "b")
    cell = family.labels("x", "y")
    assert min(timeit.repeat(cell.inc, number=1000, repeat=5)) < 0.01
    assert min(timeit.repeat(lambda: family.labels("x", "y").inc(), number=1000, repeat=5)) < 0.02


def test_two_threads_lose_nothing() -> None:
    """Counts from two threads add up."""
    cell = counter("things_total", "Things.").labels()

    def many() -> None:
        for _ in range(100_000):
            cell.inc()

    threads = [threading.Thread(target=many) for _ in range(2)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert 200_000 == cell.value


def test_memory_is_told() -> None:
    """The memory of this process is between a megabyte and all there is."""
    assert 1e6 < resident() < os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
