"""The notebook on serving, run from first cell to last in a kernel of its own."""

from __future__ import annotations

from typing import Any

import pytest

from tests.notebooks.executing import executed, shown

pytest.importorskip("nbformat")
pytest.importorskip("nbclient")
for library in ("ipykernel", "sklearn", "uvicorn"):
    pytest.importorskip(library)


pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Execute the notebook once; a cell that fails fails every test of it."""
    return executed("02_serving.ipynb", tmp_path_factory.mktemp("serving"))


def test_every_client_is_answered(book: Any) -> None:
    """The shell's line, the client and the data frame get predictions, and what does not fit is named."""
    assert '"predictions":[1,1]' in shown(book, "!curl -sS {url}")
    assert "array([1, 1, 1, 1, 1])" in shown(book, "client = Client(server.url)")
    assert "'version': '1'" in shown(book, '"digest": client.last.digest')
    refused = shown(book, "from nbregistry import RegistryError")
    assert "row 1, 'mean radius': expected float64, got the text 'large'" in refused


def test_swaps_lose_nothing(book: Any) -> None:
    """Under load the first version answers, then the second, then the first again, and every request is answered."""
    lines = [line.split()[1:] for line in shown(book, "answers.pivot_table").splitlines()[2:]]
    rows = [[int(n) for n in line] for line in lines if line[0].isdecimal()]  # pandas leaves out the middle of many
    first, second = zip(*rows, strict=True)
    assert first[0] > 0 == second[0]
    assert sum(second) > 0
    assert first[-1] > 0
    assert "0" == shown(book, "len(lost)")


def test_feedback_finds_the_better_arm(book: Any) -> None:
    """The bandit sends most requests to the version whose answers earn more, and its report says so."""
    taken = eval(shown(book, "client.feedback"), {"Counter": dict})  # noqa: S307  what our own notebook printed
    assert taken["2"] > taken["1"] > 0
    assert f'"requests":{taken["2"]}' in shown(book, "rivals/report").replace(" ", "")


def test_nothing_is_left_running(book: Any) -> None:
    """The last cell ends both servers."""
    assert "No server runs" in shown(book, "%serve --stop all")
