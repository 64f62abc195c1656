"""The panel of servers: looked at with little patience, tried, swapped, stopped and started."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import numpy as np
import pytest

from nbregistry import Registry
from nbregistry.domain.signature import Column, Signature
from nbregistry.errors import Conflict
from nbregistry.serving.client import Last, NoAnswer
from nbregistry.serving.metrics import SECONDS
from nbregistry.serving.process import Server, running
from nbregistry.serving.spec import PREDICT, RunFolder, ServerSpec, Token
from nbregistry.verbs.asking import Ask, Session
from nbregistry.verbs.grammar import Place
from nbregistry.widgets import serve, serve_panel
from nbregistry.widgets.serve import ServePanel
from tests.display import corpus
from tests.display.hostile import CANARY, faults
from tests.serving.obedient import Obedient
from tests.widgets.conftest import click, find, html, read, send

COLUMNS = Signature((Column("age", "int64"), Column("plan", "category", categories=("basic", "plus"))))


class Asked:
    """What a server that is no process would answer, and what it was asked."""

    def __init__(self) -> None:
        self.fault: Exception | None = None
        self.requests = 0
        self.endpoints: list[dict[str, Any]] = []
        self.signature: Signature | None = COLUMNS
        self.methods = ["predict", "predict_proba"]
        self.answer: Any = np.array([1])
        self.looks: list[float] = []
        self.rows: list[Any] = []
        self.last = Last("1", "churn", "2", "ab")

    def __call__(self, server: Server, timeout: float = 3.0) -> Asked:
        self.looks.append(timeout)
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def stats(self) -> dict[str, Any]:
        if self.fault is not None:
            raise self.fault
        counts = [self.requests, *[0] * len(SECONDS)]
        return {
            "versions": [{"requests": {"2xx": self.requests}}], "memory": 2 * 10**8, "endpoints": self.endpoints,
            "seconds": {"bounds": list(SECONDS), "counts": counts},
        }  # fmt: skip

    def metadata(self, ref: str) -> dict[str, Any]:
        if self.fault is not None:
            raise self.fault
        return {"signature": self.signature and self.signature.as_document(), "methods": self.methods}

    def predict(self, rows: Any, ref: str, method: str = "predict") -> Any:
        if self.fault is not None:
            raise self.fault
        self.rows.append((rows, ref, method))
        return self.answer


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Have every server answer from here."""
    found = Asked()
    monkeypatch.setattr(Server, "quick", lambda self, timeout=3.0: found(self, timeout))
    return found


Runs = Callable[..., Server]


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory, model: Any, iris: tuple[Any, Any]) -> Path:
    """A folder with a home and a store that has churn/1, in Production, to churn/3; each test has a copy of both."""
    folder = tmp_path_factory.mktemp("stocked")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBREGISTRY_HOME", str(folder / "home"))
        with Registry(folder / "store") as registry:
            for number in (1, 2, 3):
                registry.register(model, "churn", X=iris[0], metrics={"auc": 0.9 + number / 100})
            registry.promote("churn/1", "Production", because="first model")
    return folder


@pytest.fixture
def churn(stocked: Path, tmp_path: Path) -> Iterator[Registry]:
    """A registry with three versions of churn."""
    shutil.copytree(stocked / "home", os.environ["NBREGISTRY_HOME"], dirs_exist_ok=True)
    shutil.copytree(stocked / "store", tmp_path / "store")
    with Registry(tmp_path / "store") as registry:
        yield registry


@pytest.fixture
def runs(churn: Registry, asked: Asked) -> Iterator[Runs]:
    """Yield a function that makes the run folder of a server that seems alive."""
    with ExitStack() as held:

        def made(*refs: str, id: str = "0123abcd", **more: Any) -> Server:
            home = churn.settings.home
            run = RunFolder(Path(home) / "servers" / id)
            spec = ServerSpec(id, str(churn.core.store.folder), str(home), "ana", refs or ("churn/1",), **more)
            run.create(spec)
            run.write("state.json", {"state": "ready", "url": "http://127.0.0.1:5001", "port": 5001, "started": 1.7e9})
            run.write("examples.json", {ref: {"records": [{"age": 31, "plan": "plus"}]} for ref in spec.refs})
            alive = held.enter_context(ExitStack())
            alive.enter_context(run.held())
            server = Server(run)
            asked.endpoints = [{"ref": ref, "serves": ref, "ready": True, "trouble": ""} for ref in spec.refs]
            made.end = alive.close  # type: ignore[attr-defined]  # how a test ends it
            return server

        yield made


def test_nothing_runs(churn: Registry) -> None:
    """Without a server the panel says so, and offers to start one."""
    panel = serve_panel(churn)
    assert "No server runs. Start one below." in read(panel)
    assert find(panel, "Serve").button_style == "primary"
    assert [] == panel.faults


def test_the_load_is_that_between_two_looks(churn: Registry, runs: Runs, asked: Asked) -> None:
    """A look a second gives requests a second and latencies; the first look knows of none."""
    runs()
    panel = serve_panel(churn)
    assert "Requests each second— " in read(panel)
    for _ in range(3):
        asked.requests += 5
        panel.pulse._handle_msg(
            {
                "content": {
                    "data": {"method": "custom", "content": {"kind": "tick", "number": panel.pulse.answered + 1}}
                },
                "buffers": [],
            }
        )
    assert 3 == panel.pulse.answered
    rates = panel.watched["0123abcd"].past[-1]
    assert rates is not None
    assert rates.requests > 0
    shown = read(panel)
    assert "churn/1 ready" in shown
    assert "200 MB" in shown
    assert 5 == html(panel.load).count("nbr-spark")
    assert [] == faults(html(panel))


def test_a_server_that_hangs_is_asked_less_often(churn: Registry, runs: Runs, asked: Asked) -> None:
    """No answer is told; the next looks do not wait for one again, and each waits less than a second."""
    runs()
    panel = serve_panel(churn)
    before = len(asked.looks)
    asked.fault = NoAnswer("it took the request and did not answer")
    for _ in range(20):
        panel.tick()
    assert 1 == len(asked.looks) - before
    assert max(asked.looks) <= 1
    assert "It does not answer: it took the request and did not answer It is asked again in 2 s." in read(panel)
    asked.fault = None
    panel.watched["0123abcd"]._again = 0.0
    panel.tick()
    assert "It does not answer" not in read(panel)
    assert [] == panel.faults


def test_a_server_that_ended_says_so(churn: Registry, runs: Runs, asked: Asked) -> None:
    """What was shown stays, with what became of it; another server takes its place when it is chosen."""
    server = runs()
    panel = serve_panel(churn)
    server.run.write("state.json", {**server.run.state(), "state": "failed", "why": "no room left"})
    runs.end()  # type: ignore[attr-defined]  # see the fixture
    looks = len(asked.looks)
    panel.tick()
    assert "This server has failed: no room left" in read(panel)
    assert panel.stop.disabled
    assert looks == len(asked.looks)
    runs("churn/2", id="11112222")
    panel.tick()
    assert "no room left" in read(panel)
    send(panel.server, index=1)
    assert "11112222" == panel.shown_id
    assert "no room left" not in read(panel)


def test_the_form_asks_the_server(churn: Registry, runs: Runs, asked: Asked) -> None:
    """The form holds the captured row; the answer comes with who gave it, the time, and lines that ask the same."""
    runs("churn@champion", "price/1")
    panel = serve_panel(churn)
    send(find(panel, "age"), value=40)
    send(find(panel, "Method"), index=1)
    asked.answer = np.array([[0.25, 0.75]])
    click(find(panel, "Predict"))
    assert [([{"age": 40, "plan": "plus"}], "churn@champion", "predict_proba")] == asked.rows
    assert panel.tryit is not None
    said = read(panel.tryit)
    assert "0.75" in said
    assert "Answered bychurn/2" in said
    assert "curl -sS http://127.0.0.1:5001/models/churn/predict" in said
    assert '{"age":40,"plan":"plus"}' in said
    assert "nbregistry.Client('http://127.0.0.1:5001').predict([{'age': 40" in said
    assert "method='predict_proba'" in said
    assert [] == faults(html(panel))


def test_rows_without_a_form_are_json(churn: Registry, runs: Runs, asked: Asked) -> None:
    """Many columns are typed as JSON; what is no JSON, and what the server refuses, is told in the strip."""
    asked.signature = Signature(tuple(Column(f"c{n}", "float64") for n in range(30)))
    runs()
    panel = serve_panel(churn)
    area = find(panel, "Rows as JSON")
    assert '"age": 31' in area.value
    send(area, value="[[1, 2")
    click(find(panel, "Predict"))
    assert "The rows are no JSON" in panel.strip.told
    send(area, value="[[1, 2]]")
    click(find(panel, "Predict"))
    assert [[1, 2]] == asked.rows[0][0]
    asked.fault = Conflict("The model failed.")
    click(find(panel, "Predict"))
    assert "The model failed." in panel.strip.told


def test_what_is_typed_outlives_the_looks(churn: Registry, runs: Runs, asked: Asked) -> None:
    """Servers that come, go and change their state leave the form and what was typed into it alone."""
    server = runs()
    runs("churn/3", id="33334444")
    panel = serve_panel(churn)
    send(panel.server, index=[id for _, id in panel.server.options].index("0123abcd"))
    panel.watched = dict(sorted(panel.watched.items(), reverse=True))  # not the first of the list
    panel.tick()
    age = find(panel, "age")
    send(age, value=77)
    server.run.write("state.json", {**server.run.state(), "state": "stopping"})
    panel.tick()
    runs("churn/2", id="11112222")
    panel.tick()
    assert "stopping" in str(panel.server.options)
    assert 77 == find(panel, "age").value
    assert age is find(panel, "age")
    assert "0123abcd" == panel.server.value


def test_a_form_comes_when_the_server_answers(churn: Registry, runs: Runs, asked: Asked) -> None:
    """A server that is still starting has no form; the first look that is answered brings it."""
    server = runs()
    server.run.write("state.json", {**server.run.state(), "state": "starting"})
    panel = serve_panel(churn)
    assert "The form comes as soon as the server answers." in read(panel)
    assert [] == asked.looks
    server.run.write("state.json", {**server.run.state(), "state": "ready"})
    panel.tick()
    assert 31 == find(panel, "age").value


def test_an_alias_is_moved(churn: Registry, runs: Runs) -> None:
    """What follows an alias is swapped by moving the alias, once it was asked for, on what was shown or not at all."""
    churn.alias("churn/1", "champion")
    runs("churn@champion")
    panel = serve_panel(churn)
    panel.views.select("Swap")  # type: ignore[union-attr]  # a server runs, so there are views
    send(find(panel, "Reason"), value="better on Q3")
    click(find(panel, "Move @champion …"))
    assert "churn/1" in read(panel.swap.confirm)  # type: ignore[union-attr]  # it was just made
    assert "churn/1" == churn.version("churn@champion").ref
    click(find(panel, "Move the alias"))
    assert "churn/3" == churn.version("churn@champion").ref
    assert "better on Q3" == churn.audit("churn")[-1].reason
    click(find(panel, "Move @champion …"))
    churn.alias("churn/2", "champion")
    click(find(panel, "Move the alias"))
    assert "churn/2" == churn.version("churn@champion").ref
    assert "churn/2" in panel.strip.told


def test_a_pinned_version_is_swapped_without_a_gap(
    churn: Registry, runs: Runs, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other version is served beside the one before, which goes when it answers; when it cannot, it goes itself."""
    server = runs("churn/1")
    panel = serve_panel(churn)
    panel.views.select("Swap")  # type: ignore[union-attr]  # a server runs, so there are views
    click(find(panel, "Swap …"))
    click(find(panel, "Swap"))
    assert ("churn/1", "churn/3") == server.run.wanted()
    panel.tick()
    assert ("churn/1", "churn/3") == server.run.wanted()
    asked.endpoints.append({"ref": "churn/3", "ready": True})
    panel.tick()
    assert ["churn/3"] == [*server.run.wanted()]
    assert "churn/3 is served in place of churn/1." == panel.strip.told
    send(panel.swap.picker.version, index=1)  # type: ignore[union-attr]  # it was just made
    click(find(panel, "Swap …"))
    click(find(panel, "Swap"))
    asked.endpoints.append({"ref": "churn/2", "ready": False, "trouble": "out of memory"})
    monkeypatch.setattr("nbregistry.widgets.swap.time", SimpleNamespace(monotonic=lambda: time.monotonic() + 100))
    panel.tick()
    assert ["churn/3"] == [*server.run.wanted()]
    assert "which still answers: out of memory" in panel.strip.told


def test_a_swap_goes_on_while_another_server_is_looked_at(churn: Registry, runs: Runs, asked: Asked) -> None:
    """Who begins a swap and turns to another server does not leave two versions behind."""
    other = runs("churn/2", id="4567cdef")
    server = runs("churn/1")
    panel = serve_panel(churn)
    panel.server.value = server.id
    panel.views.select("Swap")  # type: ignore[union-attr]  # a server runs, so there are views
    click(find(panel, "Swap …"))
    click(find(panel, "Swap"))
    panel.server.value = other.id
    panel.tick()
    assert ("churn/1", "churn/3") == server.run.wanted()
    asked.endpoints.append({"ref": "churn/3", "ready": True})
    panel.tick()
    assert ["churn/3"] == [*server.run.wanted()]
    assert [] == panel.faults


def test_a_stage_is_promoted(churn: Registry, runs: Runs) -> None:
    """What follows a stage opens the panel that promotes, with what was picked."""
    runs("churn/production")
    panel = serve_panel(churn)
    panel.views.select("Swap")  # type: ignore[union-attr]  # a server runs, so there are views
    click(find(panel, "Promote …"))
    assert "Promote and roll back" in read(panel.swap)
    assert [] == panel.faults
    assert "churn/1" == churn.version("churn/production").ref


def test_stopping_is_asked_twice(churn: Registry, runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server is stopped once it was confirmed, and nobody waits for its end."""
    ended: list[str] = []
    monkeypatch.setattr(Server, "begin_stop", lambda self: ended.append(self.id))
    runs()
    panel = serve_panel(churn)
    click(find(panel, "Stop …"))
    assert "Stop the server 0123abcd at http://127.0.0.1:5001, which serves churn/1?" in read(panel.confirm)
    assert [] == ended
    click(find(panel, "Stop it"))
    assert ["0123abcd"] == ended


def test_a_reader_looks_and_changes_nothing(churn: Registry, runs: Runs, asked: Asked, model: Any) -> None:
    """A read-only registry offers no start, stop or swap, shows its own servers, and tries those without a token."""
    runs()
    runs("churn/2", id="22223333", tokens=(Token.of("s3cret", PREDICT),))
    elsewhere = RunFolder(Path(churn.settings.home) / "servers" / "44445555")
    elsewhere.create(ServerSpec("44445555", "/elsewhere", str(churn.settings.home), "ana", ("fraud",)))
    with elsewhere.held(), Registry(churn.core.store.folder, read_only=True) as reading:
        panel = serve_panel(reading, ["churn/1"])
        labels = {getattr(x, "description", "") for x in _all(panel)}
        assert not {"Stop …", "Serve", "Swap …"} & labels
        assert {"0123abcd", "22223333"} == panel.watched.keys()
        for at, id in enumerate(panel.watched):
            send(panel.server, index=at)
            assert ("Predict" in read(panel)) == (id == "0123abcd")
        assert ["Try it"] == list(panel.views.names.options)  # type: ignore[union-attr]  # a server runs


def _all(panel: ServePanel) -> Iterator[Any]:
    from tests.widgets.conftest import walk

    yield from walk(panel)


def test_servers_are_started(churn: Registry, runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is picked is served as it was asked for, and shown; a token that was made is said once."""
    wishes: list[Any] = []

    def started(*refs: str, **wish: Any) -> Server:
        wishes.append((refs, wish))
        server = runs(*refs)
        server.token, server.made = "shown-once", True
        return server

    monkeypatch.setattr(churn, "serve", started)
    churn.alias("churn/2", "champion")
    panel = serve_panel(churn, ["churn/1"])
    offered = [ref for _, ref in find(panel, "Version").options]
    assert {"churn", "churn@champion", "churn/Production", "churn/3"} <= set(offered)
    send(find(panel, "Version"), index=offered.index("churn@champion"))
    click(find(panel, "Add"))
    send(find(panel, "Processes"), value=2)
    send(find(panel, "Callers need a token"), value=True)
    click(find(panel, "Serve"))
    ((refs, wish),) = wishes
    assert ("churn/1", "churn@champion") == refs
    assert (0, 2, "auto", False) == tuple(wish[name] for name in ("port", "workers", "token", "detach"))
    assert "0123abcd" == panel.shown_id
    assert "shown-once" in panel.strip.told
    assert "shown-once" not in panel._bundle()["text/html"]


def test_the_line_opens_it(churn: Registry) -> None:
    """`%serve churn --port 5001 --panel` fills the form that starts a server."""
    session = Session()
    session._opened = churn
    values = {"refs": ("churn@best",), "port": 5001, "workers": 3, "token": "auto", "detach": True}
    panel = serve.opened(Ask(session, Place.LINE), values)
    assert 5001 == find(panel, "Port (0: any that is free)").value
    assert 3 == find(panel, "Processes").value
    assert find(panel, "Callers need a token").value
    assert find(panel, "churn@best ✕").tooltip == "Do not serve churn@best"


def test_a_picture_is_left(churn: Registry, runs: Runs, outputs: list[Any]) -> None:
    """The picture tells what was served, how it bore up, and the last answer."""
    runs()
    panel = serve_panel(churn)
    panel.tick()
    click(find(panel, "Predict"))
    panel._ipython_display_()
    for kind in ("text/html", "text/markdown", "text/plain"):
        text = outputs[-1][0][kind]
        assert "Latency, median" in text
        assert "churn/1" in text
        assert "Prediction" in text


@pytest.mark.parametrize("text", [*corpus.MARKUP[:4], corpus.CONTROLS[0]])
def test_hostile_text_stays_text(churn: Registry, runs: Runs, asked: Asked, text: str) -> None:
    """Whatever a server says of itself, its columns and its answers is text, in the panel and in its picture."""
    asked.signature = Signature((Column(text, "str"), Column("b", "category", categories=(text, "x"))))
    asked.answer = [text]
    server = runs()
    asked.endpoints = [{"ref": text, "serves": text, "ready": False, "trouble": text}]
    asked.last = Last(text, text, text, text)
    server.run.log.write_text(text)
    panel = serve_panel(churn)
    click(find(panel, "Predict"))
    for name in ("Try it", "Log"):
        panel.views.select(name)  # type: ignore[union-attr]  # a server runs, so there are views
        assert [] == faults(html(panel))
        assert CANARY in html(panel.views)
    assert [] == faults(panel._bundle()["text/html"].partition("</style>")[2])


def test_a_real_server(r: Registry) -> None:
    """Started, looked at, asked and stopped from the panel alone; nothing of it is left."""
    r.register(Obedient(10.0), "sum", X=np.array([[1.0, 2.0], [3.0, 4.0]]))
    panel = serve_panel(r, ["sum"])
    click(find(panel, "Serve"))
    deadline = time.monotonic() + 60
    while not (panel.tryit is not None and panel.tryit.made) and time.monotonic() < deadline:
        panel.tick()
        time.sleep(0.1)
    click(find(panel, "Predict"))
    assert panel.tryit is not None
    assert "Answered bysum/1" in read(panel.tryit)
    assert "30" in read(panel.tryit)
    panel.tick()
    rates = panel.watched[panel.shown_id].past[-1]
    assert rates is not None
    assert rates.requests > 0
    click(find(panel, "Stop …"))
    click(find(panel, "Stop it"))
    while running(r.settings.home) and time.monotonic() < deadline:
        time.sleep(0.05)
    panel.tick()
    assert "This server has ended" in read(panel)
    assert [] == running(r.settings.home)
    assert [] == panel.faults
