"""The verb serve: in a notebook a handle, on the command line a server in the foreground."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from nbregistry import Client, Registry
from nbregistry.serving.process import running
from tests.serving.conftest import ROWS
from tests.serving.obedient import Obedient
from tests.serving.waiting import until


@pytest.fixture
def registry() -> Iterator[Registry]:
    """Yield the registry of the working folder, with a model; servers that run at the end are stopped."""
    with Registry() as found:
        found.register(Obedient(), "sum", X=ROWS)
        yield found
    for server in running(found.settings.home):
        server.stop()


@pytest.fixture
def run(registry: Registry) -> Iterator[Callable[[str], Any]]:
    """Yield a function that runs a cell of a shell with the extension and returns its result."""
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "nbregistry")

    def runs(cell: str) -> Any:
        result = shell.run_cell(cell)
        result.raise_error()
        return result.result

    yield runs
    shell.run_line_magic("unload_ext", "nbregistry")
    InteractiveShell.clear_instance()


def test_magic_gives_a_handle_and_the_same_one_again(run: Callable[[str], Any]) -> None:
    """The cell's output is the server, which shows itself, is listed, and is stopped by its id."""
    first = run("%serve sum --no-compile").wait_ready()
    assert first == run("server = %serve sum --no-compile\nserver")
    assert [3.0, 7.0] == first.predict(ROWS).tolist()
    assert {"text/plain", "text/html", "text/markdown"} == set(first._repr_mimebundle_())
    assert first.url in str(run("%serve --list"))
    first.client.close()  # a server that is told to end gives connections a second
    assert [] == run(f"%serve --stop {first.id}")
    assert "ended" == first.state
    assert "No server runs." == str(run("%serve --list"))


def test_magic_says_the_token_once(run: Callable[[str], Any], capsys: pytest.CaptureFixture[str]) -> None:
    """A token that was made is printed by the cell that made it, and by no later one."""
    server = run("%serve sum --token auto --no-compile").wait_ready()
    assert f"Token, shown this once: {server.token}" in capsys.readouterr().out
    run("%serve sum --token auto --no-compile")
    assert "Token" not in capsys.readouterr().out.replace("Token  ", "")
    server.client.close()


def test_magic_serves_graphs_of_variables_and_files(run: Callable[[str], Any]) -> None:
    """A variable that holds a graph is served under its name, and so is a YAML file."""
    first = run(
        "from nbregistry.domain import graph as g\nab = g.split({'a': 'sum/1', 'b': 'sum'})\n%serve ab --no-compile"
    ).wait_ready()
    assert (("ab",), [3.0, 7.0]) == (first.refs, first.predict(ROWS).tolist())
    Path("cd.yaml").write_text(
        "graph: {root: {ensemble: {members: [{name: a, node: sum/1}, {name: b, node: sum}], combine: mean}}}\n"
    )
    second = run(f"%serve cd.yaml --port {first.port} --no-compile")
    assert (first, ("ab", "cd")) == (second, second.refs)
    assert [3.0, 7.0] == second.predict(ROWS, ref="cd").tolist()
    first.client.close()
    second.client.close()


@pytest.mark.parametrize(
    "line", ["%serve", "%serve summ", "%serve sum --port x", "%serve sum --host 0.0.0.0", "%serve --stop nothing"]
)
def test_magic_refuses_what_cannot_be_meant(run: Callable[[str], Any], line: str) -> None:
    """A refusal is one line in the notebook, and no server runs."""
    with pytest.raises(UsageError):
        run(line)
    assert [] == running(Path(os.environ["NBREGISTRY_HOME"]))


def command(*words: str) -> subprocess.Popen[str]:
    """Start a command line."""
    return subprocess.Popen(
        [sys.executable, "-m", "nbregistry", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("number", [pytest.param(signal.SIGTERM, marks=pytest.mark.campaign), signal.SIGINT])
def test_command_serves_until_it_is_told_to_end(registry: Registry, number: signal.Signals) -> None:
    """The command prints the address, answers, and ends with status 0, its server with it."""
    with command("serve", "sum", "--port", "0", "--no-compile") as found:
        assert found.stdout is not None
        url = next(m[0] for line in found.stdout if (m := re.search(r"http://[\d.:]+", line)))
        (server,) = running(registry.settings.home)
        server.wait_ready()
        with Client(url) as client:
            assert [3.0, 7.0] == client.predict(ROWS).tolist()
        found.send_signal(number)
        assert 0 == found.wait(15)
    assert [] == running(registry.settings.home)


def test_command_tells_in_json(registry: Registry) -> None:
    """With --json the address is data, and what runs is listed as data too."""
    with command("serve", "sum", "--detach", "--json") as found:
        told = json.loads(found.communicate()[0])
    (server,) = running(registry.settings.home)
    assert (server.url, ["sum"]) == (told["url"], told["refs"])
    with command("serve", "--list", "--json") as found:
        assert [server.id] == [s["id"] for s in json.loads(found.communicate()[0])]
    with command("serve", "--stop") as found:
        assert 0 == found.wait(20)
    until(lambda: not server.alive)


@pytest.mark.parametrize(("words", "status"), [(["summ"], 1), (["sum", "--host", "0.0.0.0"], 1), ([], 2)])  # noqa: S104 - refused
def test_command_is_refused_with_its_status(registry: Registry, words: list[str], status: int) -> None:
    """A refusal ends the command at once: 1 for what is not there or not allowed, 2 for what cannot be meant."""
    with command("serve", *words) as found:
        assert status == found.wait(15)
