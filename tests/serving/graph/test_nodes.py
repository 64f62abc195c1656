"""Each kind of node: who is asked with what, and what comes back."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nbregistry.capture.signature import infer
from nbregistry.domain import graph as g
from nbregistry.domain.graph_layout import Line, laid
from nbregistry.errors import BadRows, Damaged, InvalidInput, ModelFailed, Overloaded
from nbregistry.serving.graph.state import State
from nbregistry.serving.measures import Measures
from nbregistry.serving.node import Batch
from nbregistry.serving.table import Shape
from tests.serving.graph.leaves import Fake, Models, ask, constant, made, question, rows, until


def test_a_model_alone() -> None:
    """A graph of one model answers as the model does, and says which version it was."""
    models = Models()
    answer = ask(made(g.model("churn/3"), models))
    assert ([3.0], "churn/3", {}) == (answer.outputs.tolist(), answer.by[0].ref, answer.routing)


def test_a_pinned_model_answers_with_its_bytes_only() -> None:
    """An answer by other bytes than those that were registered is refused, not given."""
    pinned = g.Graph(g.model("churn/3"), "ab").pinned(lambda ref: g.Pin(ref, "ab" * 32))
    with pytest.raises(Damaged, match="churn/3 answers with other bytes"):
        ask(made(pinned, Models()))
    good = Models(Fake("churn/3", constant(1.0), digest="ab" * 32))
    assert [1.0] == ask(made(pinned, good)).outputs.tolist()


def test_a_split_is_sticky_by_key() -> None:
    """The same key meets the same arm whatever the request; without a key the request's id decides."""
    models, measures = Models(), Measures()
    built = made(g.split({"a": ("m/1", 0.5), "b": ("m/2", 0.5)}), models, measures=measures)
    by_key = {ask(built, question(f"r{i}", key="ana")).routing["ab"] for i in range(20)}
    assert 1 == len(by_key)
    line = Line(laid({"a": 0.5, "b": 0.5}), "ab")
    for id_ in ("r1", "r2", "r3", "r4", "r5"):
        assert line.arm(id_) == ask(built, question(id_)).routing["ab"]
    counted = sum(cell for _, cell in measures.routed.state())
    assert 25 == counted


def test_a_split_that_is_not_sticky_goes_by_request() -> None:
    """Without stickiness a user meets both arms."""
    built = made(g.split({"a": ("m/1", 0.5), "b": ("m/2", 0.5)}, sticky=False), Models())
    assert {"a", "b"} == {ask(built, question(f"r{i}", key="ana")).routing["ab"] for i in range(40)}


def test_a_failing_arm_is_not_replaced() -> None:
    """When the arm that a request belongs to fails, the request fails: nobody else is asked."""

    def fails(data: Any, method: str) -> Any:
        raise ModelFailed("broken")

    models = Models(Fake("m/1", fails))
    measures = Measures()
    built = made(g.split({"a": ("m/1", 1.0), "b": ("m/2", 0.0)}), models, measures=measures)
    with pytest.raises(ModelFailed, match="broken"):
        ask(built)
    assert [] == models["m/2"].asked
    assert {("ab", "ab"): 1.0, ("ab", "ab/a"): 1.0, ("ab", "ab/b"): 0.0} == {
        tuple(labels): cell for labels, cell in measures.node_errors.state()
    }


def test_a_chain_hands_on_what_each_gives() -> None:
    """A function before the model sees rows as the model would, one behind it sees its outputs; versions add up."""
    seen: list[Any] = []

    def prepare(data: Any) -> Any:
        seen.append(type(data).__name__)
        return data * 10

    def finish(outputs: Any) -> Any:
        return [f"<{value:g}>" for value in outputs]

    scaler = Fake("scaler/1", lambda data, method: data + 1, methods=("transform",))
    model = Fake("churn/3", lambda data, method: data.sum(axis=1))
    answer = ask(made(g.chain(prepare, "scaler/1", "churn/3", finish), Models(scaler, model)))
    assert ["<32>"] == answer.outputs  # (1 * 10 + 1) + (2 * 10 + 1)
    assert ["ndarray"] == seen
    assert ["churn/3", "scaler/1"] == [by.ref for by in answer.by]
    assert (["transform"], ["predict"]) == ([b.method for b in scaler.asked], [b.method for b in model.asked])
    assert Shape.ARRAY is model.asked[0].table.shape  # so that it can be batched


def test_frames_travel_as_frames() -> None:
    """Where the signature is a frame's, a function sees a DataFrame, and the next model takes its columns by name."""
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})
    target = pd.DataFrame({"n": [1.0], "b": ["x"]})
    first = Fake("pre/1", lambda data, method: data, signature=infer(frame), methods=("transform",))
    model = Fake("churn/1", lambda data, method: data["n"].to_numpy(), signature=infer(target))
    seen: list[list[str]] = []

    def rename(data: Any) -> Any:
        seen.append(list(data.columns))
        return pd.DataFrame({"b": data["b"], "n": data["a"] * 2, "more": 1})

    built = made(g.chain("pre/1", rename, "churn/1"), Models(first, model))
    table = first.intake.from_frame(frame)
    assert [2.0, 4.0] == ask(built, question(table=table)).outputs.tolist()
    assert [["a", "b"]] == seen


def test_a_models_own_signature_holds() -> None:
    """A second model with its columns in another order, or with integers, is given them as it was trained."""
    first = Fake("m/1", constant(0.0), signature=infer(pd.DataFrame({"a": [1.5], "b": [2.5], "c": [3.0]})))
    other = infer(pd.DataFrame({"c": [1], "a": [2.5]}))
    second = Fake("m/2", lambda data, method: data["c"] * 100 + data["a"], signature=other)
    built = made(g.ensemble(["m/1", "m/2"], combine=lambda outputs: outputs[1]), Models(first, second))
    table = first.intake.from_records([{"a": 1.5, "b": 9.0, "c": 3.0}])
    assert [301.5] == list(ask(built, question(table=table)).outputs)
    with pytest.raises(BadRows, match=r"int64|'c'"):
        ask(built, question(table=first.intake.from_records([{"a": 1.5, "b": 9.0, "c": 3.5}])))


WRONG = {
    "too few": (lambda data: data[:1], ModelFailed, "The function fixed returned 1 rows for 2"),
    "nothing": (lambda data: None, ModelFailed, r"something without rows \(NoneType\) for 2"),
    "refuses": (lambda data: int("x"), BadRows, "The function fixed refused these rows: ValueError"),
    "fails": (lambda data: 1 / 0, ModelFailed, "The function fixed failed on these rows: ZeroDivisionError"),
    "exits": (lambda data: sys.exit(3), ModelFailed, "The function fixed tried to end the server"),
}


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_functions_that_go_wrong(wrong: str) -> None:
    """A function's fault is told with its name and never reaches the loop."""
    call, kind, told = WRONG[wrong]
    built = made(g.chain(g.function(call, "fixed"), "m/1"), Models())
    with pytest.raises(kind, match=told):
        ask(built, question(table=rows((1, 2), (3, 4))))


def test_functions_never_run_on_the_loop() -> None:
    """While a function waits, the loop answers others."""
    import threading

    entered, leave = threading.Event(), threading.Event()

    def slow(data: Any) -> Any:
        entered.set()
        assert leave.wait(10)
        return data

    async def scene() -> None:
        built = made(g.split({"a": (g.chain(slow, "m/1"), 0.5), "b": ("m/2", 0.5)}), Models())
        line = Line(laid({"a": 0.5, "b": 0.5}), "ab")
        ids = {line.arm(f"r{i}"): f"r{i}" for i in range(20)}
        waiting = asyncio.create_task(built.root(question(ids["a"])))
        await until(entered.is_set)
        assert [2.0] == (await built.root(question(ids["b"]))).outputs.tolist()
        leave.set()
        assert [1.0] == (await waiting).outputs.tolist()

    asyncio.run(scene())


def test_a_node_has_its_time() -> None:
    """A node that takes longer than its timeout is given up, and the model behind it hears of it."""

    async def scene() -> None:
        models = Models(Fake("m/1", constant(1.0), gate=asyncio.Event()))
        with pytest.raises(Overloaded, match=r"ab took longer than the 0\.05 s"):
            await made(g.model("m/1", timeout=0.05), models).root(question())
        fast = made(g.model("m/2", timeout=5), Models())
        assert [2.0] == (await fast.root(question())).outputs.tolist()

    asyncio.run(scene())


def test_members_are_asked_at_the_same_time() -> None:
    """Every member of an ensemble is under way before the first answers; a failing one gives the others up."""

    async def scene() -> None:
        gate = asyncio.Event()
        models = Models(*(Fake(f"m/{i}", constant(float(i)), gate=gate) for i in (1, 2, 3)))
        built = made(g.ensemble({"x": "m/1", "y": "m/2", "z": ("m/3", 2.0)}), models)
        task = asyncio.create_task(built.root(question()))
        await until(lambda: 3 == sum(len(models[f"m/{i}"].asked) for i in (1, 2, 3)))
        gate.set()
        answer = await task
        assert [(1 + 2 + 2 * 3) / 4] == answer.outputs.tolist()
        assert ["m/1", "m/2", "m/3"] == [by.ref for by in answer.by]

        def fails(data: Any, method: str) -> Any:
            raise ModelFailed("broken")

        stuck = Models(Fake("m/1", fails), Fake("m/2", constant(1.0), gate=asyncio.Event()))
        with pytest.raises(ModelFailed, match="broken"):
            await asyncio.wait_for(made(g.ensemble(["m/1", "m/2"]), stuck).root(question()), 5)

    asyncio.run(scene())


def labels(*values: str) -> Any:
    return lambda data, method: np.array(values)


def test_a_vote_takes_the_most_and_the_first_of_equals() -> None:
    """Labels are counted row by row; where as many say one thing as another, the member listed first decides."""
    models = Models(Fake("m/1", labels("no", "no", "a")), Fake("m/2", labels("yes", "yes", "b")),
                    Fake("m/3", labels("yes", "no", "c")))  # fmt: skip
    table = rows((1, 2), (3, 4), (5, 6))
    node = g.ensemble(["m/1", "m/2", "m/3"], "vote")
    assert ["yes", "no", "a"] == ask(made(node, models), question(table=table)).outputs.tolist()
    weighted = g.ensemble({"x": "m/1", "y": ("m/2", 5.0), "z": "m/3"}, "vote")
    assert ["yes", "yes", "b"] == ask(made(weighted, models), question(table=table)).outputs.tolist()


def test_a_mean_of_classifiers_is_of_probabilities() -> None:
    """Classifiers under a mean are asked for probabilities; labels are refused with what to do."""

    def classifier(p: float) -> Any:
        return lambda data, method: np.array([[1 - p, p]]) if method == "predict_proba" else np.array(["yes"])

    methods = ("predict", "predict_proba")
    models = Models(*(Fake(f"m/{i}", classifier(p), methods=methods) for i, p in ((1, 0.2), (2, 0.6))))
    built = made(g.ensemble(["m/1", "m/2"]), models)
    assert ("predict_proba",) == built.root.methods
    np.testing.assert_allclose([[0.6, 0.4]], ask(built, question(method="predict_proba")).outputs)
    with pytest.raises(InvalidInput, match="ask for predict_proba, or combine by 'vote'"):
        ask(built, question())


def test_a_function_combines() -> None:
    """A function is given the list of outputs and makes the answer."""
    built = made(g.ensemble(["m/1", "m/2"], combine=lambda outputs: np.maximum(*outputs)), Models())
    assert [2.0] == ask(built).outputs.tolist()


def test_a_canary_grows_by_the_clock() -> None:
    """The share of ids that meet the canary is its weight at the time, and who met it keeps meeting it."""
    time = [1000.0]
    state = State(clock=lambda: time[0])
    node = g.canary("m/1", "m/2", ramp=[(0, 0.1), (60, 0.5), (120, 1.0)])
    built = made(node, Models(), state=state)
    ids = [f"user-{i}" for i in range(2000)]

    def met() -> set[str]:
        return {i for i in ids if ask_now(built, i) == "canary"}

    first = met()
    assert 0.07 * len(ids) < len(first) < 0.13 * len(ids)
    time[0] += 60
    second = met()
    assert first < second
    assert 0.46 * len(ids) < len(second) < 0.54 * len(ids)
    time[0] -= 3600  # a clock that goes back takes nothing away
    assert second == met()
    time[0] += 3600 + 60
    assert set(ids) == met()


LOOP = asyncio.new_event_loop()


def ask_now(built: Any, key: str) -> str:
    """Ask on one loop, a thousand times a second."""
    arm: str = LOOP.run_until_complete(built.root(question("", key=key))).routing["ab"]
    return arm


def test_an_explanation_names_every_node() -> None:
    """With steps asked for, each node tells its path, its kind, its time and what it decided; failures too."""
    graph = g.split({"a": (g.chain(lambda data: data, "m/1"), 1.0), "b": ("m/2", 0.0)})
    answer = ask(made(graph, Models()), question(steps=[]))
    assert answer.steps is not None
    assert [("ab/a/function", "function"), ("ab/a/m", "model"), ("ab/a", "chain"), ("ab", "split")] == [
        (step.node, step.kind) for step in answer.steps
    ]
    assert {"version": "m/1", "outputs": "ndarray(1,) float64"} == answer.steps[1].detail
    assert {"route": "a"} == answer.steps[3].detail
    assert all(step.seconds > 0 for step in answer.steps)
    failing = made(g.chain(g.function(lambda data: 1 / 0, "bad"), "m/1"), Models())
    batch = question(steps=[])
    with pytest.raises(ModelFailed):
        ask(failing, batch)
    assert batch.steps is not None
    assert [("ab/bad", {"error": "ModelFailed"}), ("ab", {"error": "ModelFailed"})] == [
        (step.node, step.detail) for step in batch.steps
    ]


def test_nested_routing_is_told_by_path() -> None:
    """Every node that chose stands in the routing under its own path."""
    inner = g.split({"x": ("m/1", 0.0), "y": ("m/2", 1.0)})
    answer = ask(made(g.split({"a": (inner, 1.0), "b": ("m/3", 0.0)}), Models()))
    assert {"ab": "a", "ab/a": "y"} == answer.routing


def test_whole_tables_reach_models_of_other_signatures() -> None:
    """Rows read without a signature go the long way to a model that has one."""
    frame = pd.DataFrame({"a": [1.0], "b": [2.0]})
    first = Fake("m/1", constant(0.0), signature=None)
    second = Fake("m/2", lambda data, method: data["b"], signature=infer(frame[["b"]]))
    built = made(g.ensemble(["m/1", "m/2"], combine=lambda outputs: outputs[1]), Models(first, second))
    table = first.intake.from_frame(frame)
    assert Shape.WHOLE is table.shape
    assert [2.0] == list(ask(built, Batch(table, id="r")).outputs)
