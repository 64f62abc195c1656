"""Shadows: compared, never waited for, and never heard of by the caller."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nbregistry.capture.signature import infer
from nbregistry.domain import graph as g
from nbregistry.errors import InvalidInput, ModelFailed
from nbregistry.serving.graph.differences import MOST_ROWS, Differences, distances_of, merged
from nbregistry.serving.graph.endpoint import GraphEndpoint
from nbregistry.serving.graph.state import State
from nbregistry.serving.intake import Intake
from tests.serving.graph.leaves import Fake, Models, constant, question, rows, until


def shadowed(models: Models, state: State | None = None, **how: Any) -> GraphEndpoint:
    return GraphEndpoint(g.Graph(g.shadow("m/1", "m/2", **how), "ab"), models, state=state)


def report(endpoint: GraphEndpoint) -> Any:
    return endpoint.report()["shadows"]["ab"]


async def asked(endpoint: GraphEndpoint, *ids: str, **more: Any) -> list[Any]:
    answers = [await endpoint(question(id_, **more)) for id_ in ids]
    await endpoint.settled()
    return [answer.outputs.tolist() for answer in answers]


def test_agreement_and_distance() -> None:
    """The report counts rows that agree, and how far the others are apart."""
    models = Models(
        Fake("m/1", lambda data, method: data.sum(axis=1)),
        Fake("m/2", lambda data, method: data.sum(axis=1) + (data[:, 0] > 2) * 0.5),
    )
    endpoint = shadowed(models)
    table = rows((1, 2), (3, 4), (5, 6), (0, 0))
    assert [[3.0, 7.0, 11.0, 0.0]] == asyncio.run(asked(endpoint, "r1", table=table))
    found = report(endpoint)
    assert (1, 4, 2, 0.5, 0) == tuple(found[k] for k in ("requests", "rows", "agreed", "agreement", "failed"))
    assert (0.25, 0.5) == (found["distance"]["mean"], found["distance"]["max"])
    assert [1, 2] == [row["row"] for row in found["most_different"]]
    assert {"distance": 0.5, "id": "r1", "row": 1, "inputs": {"0": 3.0, "1": 4.0}, "main": 7.0, "shadow": 7.5} == (
        found["most_different"][0]
    )
    counted = {labels[2]: cell for labels, cell in endpoint.measures.shadow.state()}
    assert {"agreed": 2.0, "differed": 2.0, "failed": 0.0, "skipped": 0.0} == counted


def test_rows_keep_their_columns_while_models_change() -> None:
    """A request that is on its way when the first model is exchanged for one of another order is read as it came."""
    before, after = (infer(pd.DataFrame({name: [1.0, 2.0] for name in order})) for order in ("ab", "ba"))
    first = Fake("m/1", lambda data, method: data["a"].to_numpy(), signature=before)
    endpoint = shadowed(Models(first, Fake("m/2", lambda data, method: data["a"].to_numpy(), signature=before)))

    async def main() -> None:
        answer = await endpoint(question("r1", table=endpoint.intake.from_rows([[1.0, 2.0]])))
        first.intake = Intake(after)  # the shadow has not begun yet
        assert [1.0] == answer.outputs.tolist()
        await endpoint.settled()

    asyncio.run(main())
    assert 1.0 == report(endpoint)["agreement"]


DISTANCES = {
    "labels": (["a", "b"], ["a", "c"], "predict", [0.0, 1.0], [True, False]),
    "numbers": ([1.0, 2.0], [1.0, 2.5], "predict", [0.0, 0.5], [True, False]),
    "whole numbers": ([1, 2], [1, 3], "predict", [0.0, 1.0], [True, False]),
    "probabilities": ([[0.9, 0.1], [0.6, 0.4]], [[0.7, 0.3], [0.4, 0.6]], "predict_proba", [0.2, 0.2], [True, False]),
    "several numbers": ([[1.0, 2.0]], [[1.0, 4.0]], "predict", [1.0], [False]),
    "missing": ([np.nan, 1.0], [np.nan, np.nan], "predict", [0.0, 1.0], [True, False]),
}


@pytest.mark.parametrize("case", DISTANCES, ids=str)
def test_distances(case: str) -> None:
    """Labels, numbers and probabilities each have their distance and their agreement."""
    main, other, method, apart, same = DISTANCES[case]
    found = distances_of(np.array(main), np.array(other), method)
    np.testing.assert_allclose(apart, found[0], atol=1e-12)
    assert same == found[1]


def test_a_failing_shadow_changes_nothing() -> None:
    """Whatever the shadow raises, the caller gets the main answer, and the report counts it by kind."""

    def fails(data: Any, method: str) -> Any:
        raise ModelFailed("broken")

    def worse(data: Any, method: str) -> Any:
        raise ZeroDivisionError("unforeseen")

    for answer, kind in ((fails, "ModelFailed"), (worse, "Unforeseen")):
        endpoint = shadowed(Models(Fake("m/2", answer)))
        assert [[1.0], [1.0]] == asyncio.run(asked(endpoint, "r1", "r2"))
        assert (2, {kind: 2}, 0) == tuple(report(endpoint)[k] for k in ("failed", "errors", "requests"))


def test_other_shapes_are_failures() -> None:
    """A shadow that answers in another shape cannot be compared, which is counted and harms nobody."""
    endpoint = shadowed(Models(Fake("m/2", lambda data, method: np.zeros((len(data), 3)))))
    assert [[1.0]] == asyncio.run(asked(endpoint, "r1"))
    assert 1 == report(endpoint)["failed"]


def test_a_slow_shadow_is_never_waited_for() -> None:
    """Answers come while the shadow hangs; beyond the bound its requests are left out and counted."""

    async def scene() -> None:
        gate = asyncio.Event()
        models = Models(Fake("m/2", constant(1.0), gate=gate))
        endpoint = shadowed(models, under_way=3)
        for i in range(10):
            assert [1.0] == (await asyncio.wait_for(endpoint(question(f"r{i}")), 5)).outputs.tolist()
        await until(lambda: 3 == len(models["m/2"].asked))
        assert (7, 0) == (report(endpoint)["skipped"], report(endpoint)["requests"])
        gate.set()
        await endpoint.settled()
        assert (3, 1.0) == (report(endpoint)["requests"], report(endpoint)["agreement"])

    asyncio.run(scene())


def test_what_the_shadow_decides_is_not_the_callers() -> None:
    """Routing and steps of the shadow's own nodes do not show in the answer."""
    node = g.shadow("m/1", g.split({"x": ("m/2", 1.0), "y": ("m/3", 0.0)}))
    endpoint = GraphEndpoint(g.Graph(node, "ab"), Models())

    async def scene() -> Any:
        answer = await endpoint(question(steps=[]))
        await endpoint.settled()
        return answer

    answer = asyncio.run(scene())
    assert {} == answer.routing
    assert ["ab/main", "ab"] == [step.node for step in answer.steps]
    assert ["m/1"] == [by.ref for by in answer.by]


def test_a_bandit_cannot_be_a_shadow() -> None:
    """Rewards are for answers that were given, so a bandit that only watches would learn from another's."""
    with pytest.raises(InvalidInput, match="ab/shadow: a bandit learns from rewards of its own answers"):
        g.Graph(g.shadow("m/1", g.bandit(["m/2", "m/3"])), "ab")


def test_a_share_of_the_requests() -> None:
    """With a share, about as many requests are compared."""
    endpoint = shadowed(Models(), share=0.3, under_way=1000)
    asyncio.run(asked(endpoint, *(f"r{i}" for i in range(500))))
    assert 90 < report(endpoint)["requests"] < 210


def test_the_most_different_rows_are_kept_without_secrets() -> None:
    """Of many rows the most different stay, bounded, and redacted columns do not show."""
    frame = pd.DataFrame({"n": np.arange(100.0), "ssn": [f"123-{i}" for i in range(100)], "text": ["x" * 500] * 100})
    first = Fake("m/1", lambda data, method: np.zeros(len(data)), signature=infer(frame))
    second = Fake("m/2", lambda data, method: data["n"].to_numpy(), signature=infer(frame))
    endpoint = shadowed(Models(first, second), redact=["ssn"])
    table = first.intake.from_frame(frame)
    asyncio.run(asked(endpoint, "r1", table=table))
    found = report(endpoint)["most_different"]
    assert [99.0 - i for i in range(MOST_ROWS)] == [row["distance"] for row in found]
    assert all("redacted" == row["inputs"]["ssn"] for row in found)
    assert "123-" not in str(found)
    assert 120 == len(found[0]["inputs"]["text"])


def test_reports_of_processes_add_up(tmp_path: Path) -> None:
    """What each process compared, those that ended included, is one report."""

    def compared(count: int) -> GraphEndpoint:
        models = Models(Fake("m/2", lambda data, method: data[:, 0]))
        endpoint = shadowed(models, State(tmp_path / "s"))
        asyncio.run(asked(endpoint, *(f"r{i}" for i in range(count)), table=rows((1, 1), (5, 5))))
        return endpoint

    first = compared(3)
    first.close()
    second = compared(4)
    found = report(second)
    second.close()
    assert (7, 14, 7, 4.0) == (found["requests"], found["rows"], found["agreed"], found["distance"]["max"])
    assert 7 == len(found["most_different"])


def test_another_shadow_is_another_comparison(tmp_path: Path) -> None:
    """What an earlier shadow at the same place did does not count for the next; one that never answered is silent."""
    state = State(tmp_path / "s")
    first = shadowed(Models(), state)
    asyncio.run(asked(first, "r1", "r2"))
    never = GraphEndpoint(g.Graph(g.shadow("m/1", "m/3"), "ab"), Models(), state=state)
    assert (2, 0) == (report(first)["requests"], report(never)["requests"])
    state.close()
    again = State(tmp_path / "s")
    other = GraphEndpoint(g.Graph(g.shadow("m/1", "m/3"), "ab"), Models(), state=again)
    assert (2, 0) == (report(shadowed(Models(), again))["requests"], report(other)["requests"])
    again.close()


SHADOWING = """
import asyncio, sys
from pathlib import Path
from nbregistry.domain import graph as g
from nbregistry.serving.graph.endpoint import GraphEndpoint
from nbregistry.serving.graph.state import State
from nbregistry.serving.intake import Intake
from tests.serving.graph.leaves import Models, question
endpoint = GraphEndpoint(g.Graph(g.shadow("m/1", "m/2"), "ab"), Models(), state=State(Path(sys.argv[1])))
async def ask():
    await endpoint(question())
    await endpoint.settled()
asyncio.run(ask())
endpoint.close()
"""


def test_reports_of_the_past_become_one_file(tmp_path: Path) -> None:
    """What processes that ended have seen stays counted, in one file however many there were."""
    folder, root = tmp_path / "s", Path(__file__).parents[3]
    for _ in range(3):
        subprocess.run([sys.executable, "-c", SHADOWING, str(folder)], check=True, cwd=root)
    endpoint = shadowed(Models(), State(folder))
    assert (3, 3) == (report(endpoint)["requests"], len(report(endpoint)["most_different"]))
    assert ["report-past.json"] == [path.name for path in folder.glob("report-*.json")]
    (folder / f"report-{os.getpid()}-x.json").write_bytes(b'{"ab": 3}')  # as anything might write it
    assert 3 == report(endpoint)["requests"]
    endpoint.close()


def test_merging_is_counting_once() -> None:
    """Merging parts gives what one count of everything would have."""
    parts, whole = [Differences(), Differences()], Differences()
    for i in range(50):
        for found in (parts[i % 2], whole):
            found.compared([float(i)], i % 2, (0.1, 0.2))
            if found.wants(float(i)):
                found.keep({"distance": float(i), "id": str(i)})
    whole.failure("ModelFailed")
    parts[0].failure("ModelFailed")
    expected, added = whole.as_document(), merged(part.as_document() for part in parts)
    assert expected["most_different"] == added["most_different"]
    assert expected["errors"] == added["errors"]
    for key in ("rows", "agreed", "requests", "failed"):
        assert expected[key] == added[key]
    assert expected["seconds"] == pytest.approx(added["seconds"])
