"""The client: rows in and out, retries, errors as they are here, connections that are kept."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nbregistry import Client, errors
from nbregistry.serving.asking import answered, rows
from nbregistry.serving.client import Broken, NoAnswer, Unreachable


class Fake:
    """A server that answers as it is told and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, Any, dict[str, str]]] = []
        self.asked: list[tuple[str, str, Any, dict[str, str]]] = []
        self.connections = 0
        self.pause = 0.0
        outer = self

        class Answering(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                outer.connections += 1

            def log_message(self, *args: Any) -> None:
                pass

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {k.lower(): v for k, v in self.headers.items()}
                outer.asked.append((self.command, self.path, json.loads(body or b"null"), headers))
                status, found, more = outer.answers.pop(0) if outer.answers else (200, {"predictions": [1]}, {})
                time.sleep(outer.pause)
                if status == 0:
                    self.close_connection = True
                    return
                text = json.dumps(found).encode()
                self.send_response(status)
                for name, value in {"content-length": str(len(text)), "x-request-id": "r-1", **more}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

            locals().update(do_GET=answer, do_POST=answer)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()


@pytest.fixture
def fake() -> Iterator[Fake]:
    """Yield a server that answers as told."""
    found = Fake()
    yield found
    found.server.shutdown()
    found.server.server_close()
    found.thread.join()


@pytest.fixture
def client(fake: Fake) -> Iterator[Client]:
    """Yield a client of that server."""
    with Client(fake.url, timeout=5) as found:
        yield found


FORMS = {
    "frame": (
        pd.DataFrame({"a": [1, 2], "b": ["x", None]}),
        {"columns": ["a", "b"], "rows": [[1, "x"], [2, None]]},
    ),
    "missing": (pd.DataFrame({"a": pd.array([1, None], "Int64")}), {"columns": ["a"], "rows": [[1], [None]]}),
    "times": (
        pd.DataFrame({"t": pd.to_datetime(["2026-01-02T03:04"])}),
        {"columns": ["t"], "rows": [["2026-01-02T03:04:00"]]},
    ),
    "array": (np.array([[1.5, np.nan]]), {"rows": [[1.5, None]]}),
    "rows": ([[1, 2]], {"rows": [[1, 2]]}),
    "records": ([{"a": 1}], {"records": [{"a": 1}]}),
    "record": ({"a": np.float64(1)}, {"records": [{"a": 1.0}]}),
    "texts": (["good", "bad"], {"rows": ["good", "bad"]}),
    "series": (pd.Series(["good", None]), {"rows": ["good", None]}),
}


@pytest.mark.parametrize("form", FORMS)
def test_rows_are_sent_as_the_protocol_has_them(client: Client, fake: Fake, form: str) -> None:
    """Whatever holds the rows in a notebook, the server reads the same rows."""
    given, expected = FORMS[form]
    client.predict(given, "churn")
    ((_, path, body, _),) = fake.asked
    assert ("/models/churn/predict", expected) == (path, body)


def test_what_is_no_table_is_refused_here() -> None:
    """A text or a number alone is no row, and nothing is sent."""
    for thing in ("text", 3, np.float64(1)):
        with pytest.raises(errors.InvalidInput):
            rows(thing)


def test_answers_come_in_their_natural_form() -> None:
    """Numbers are an ndarray, named columns a DataFrame, labels a list, a gap keeps the list."""
    numbers = answered({"predictions": [[0.1, 0.9]]})
    assert isinstance(numbers, np.ndarray)
    assert (1, 2) == numbers.shape
    assert np.dtype("int64") == answered({"predictions": [1, 0]}).dtype
    assert ["yes", "no"] == answered({"predictions": ["yes", "no"]})
    assert [1.0, None] == answered({"predictions": [1.0, None]})
    assert [True] == answered({"predictions": [True]})
    frame = answered({"predictions": [[1, "x"]], "columns": ["n", "t"]})
    assert ["n", "t"] == list(frame.columns)


def test_first_model_is_asked_when_none_is_named(client: Client, fake: Fake) -> None:
    """Without a name the first that is served is asked, and which that is, is asked once."""
    fake.answers = [(200, {"models": [{"name": "churn"}, {"name": "ltv"}]}, {})]
    client.predict([[1]])
    client.predict([[1]])
    assert ["/models", "/models/churn/predict", "/models/churn/predict"] == [path for _, path, _, _ in fake.asked]


def test_method_key_and_params_travel(client: Client, fake: Fake) -> None:
    """What is asked beside the rows stands in the body, a reference in the path."""
    client.predict([[1]], "models:/churn@best", method="predict_proba", key="u-7", params={"t": 1})
    ((_, path, body, _),) = fake.asked
    assert "/models/churn@best/predict" == path
    assert {"rows": [[1]], "method": "predict_proba", "key": "u-7", "params": {"t": 1}} == body


def test_token_is_sent_and_never_shown(fake: Fake) -> None:
    """The token goes as a bearer token, and no repr has it."""
    with Client(fake.url, "s3cret-token-value") as client:
        client.predict([[1]], "churn")
        assert "s3cret" not in repr(client)
    assert "Bearer s3cret-token-value" == fake.asked[0][3]["authorization"]


@pytest.mark.parametrize("token", ["", "  ", "two\nlines"])
def test_token_that_is_none_is_refused(token: str) -> None:
    """An empty token is a mistake and not the absence of one."""
    with pytest.raises(errors.InvalidInput):
        Client("http://127.0.0.1:1", token)


@pytest.mark.parametrize("status", [429, 503])
def test_busy_server_is_asked_again(client: Client, fake: Fake, status: int) -> None:
    """A server that is busy is asked again, no earlier than it says."""
    fake.answers = [(status, {"message": "busy"}, {"retry-after": "1"}), (200, {"predictions": [5]}, {})]
    assert [5] == client.predict([[1]], "churn").tolist()
    assert 2 == len(fake.asked)


def test_broken_connection_is_no_lost_prediction(client: Client, fake: Fake) -> None:
    """A connection that breaks before the answer is followed by another."""
    fake.answers = [(0, None, {}), (200, {"predictions": [5]}, {})]
    assert [5] == client.predict([[1]], "churn").tolist()


def test_request_that_broke_its_connection_is_sent_twice_at_most(client: Client, fake: Fake) -> None:
    """A request that may be what ends the server's processes is not sent often enough to end three."""
    fake.answers = [(0, None, {})] * 3
    with pytest.raises(Broken):
        client.predict([[1]], "churn")
    assert 2 == len(fake.asked)


def test_late_answer_is_not_asked_for_again(fake: Fake) -> None:
    """A model that takes longer than the client waits is not given the same work once more."""
    fake.pause = 0.5
    with Client(fake.url, timeout=0.1) as client, pytest.raises(NoAnswer, match=r"0\.1 s"):
        client.predict([[1]], "churn")
    time.sleep(0.4)  # in which it would be sent again
    assert 1 == len(fake.asked)


def test_busy_after_the_work_is_asked_once_more(fake: Fake) -> None:
    """A server that says that it is busy after it was at work is not asked as often as one that refused at once."""
    fake.pause, fake.answers = 1.1, [(503, {"message": "did not come back"}, {})] * 3
    with Client(fake.url) as client, pytest.raises(errors.Overloaded):
        client.predict([[1]], "churn")
    assert 2 == len(fake.asked)


@pytest.mark.parametrize(("status", "asked"), [(502, 2), (504, 1)])
def test_what_a_proxy_says_is_what_became_of_the_request(client: Client, fake: Fake, status: int, asked: int) -> None:
    """A proxy's word that the connection broke, or that no answer came, counts as if it had been seen here."""
    fake.answers = [(status, {}, {})] * 4
    with pytest.raises(Unreachable):
        client.predict([[1]], "churn")
    assert asked == len(fake.asked)


def test_connection_with_a_high_number_is_kept(fake: Fake) -> None:
    """A process that has a thousand files open asks like any other."""
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, limits[1]), limits[1]))
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        with Client(fake.url) as client:
            for _ in range(3):
                client.predict([[1]], "churn")
    finally:
        for fd in held:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert 1 == fake.connections


def test_retries_end(fake: Fake) -> None:
    """After the retries the server's last word is raised."""
    fake.answers = [(503, {"message": "the queue is full"}, {})] * 3
    with Client(fake.url, retries=2) as client, pytest.raises(errors.Overloaded, match="the queue is full"):
        client.predict([[1]], "churn")
    assert 3 == len(fake.asked)


REFUSALS = {
    400: errors.InvalidInput, 401: errors.NotAuthenticated, 403: errors.NotAllowed, 404: errors.NotFound,
    413: errors.TooLarge, 415: errors.UnsupportedMedia, 500: errors.ModelFailed,
}  # fmt: skip


@pytest.mark.parametrize("status", REFUSALS)
def test_refusal_is_the_error_it_is_here_and_asked_once(client: Client, fake: Fake, status: int) -> None:
    """A caller's mistake is raised at once, as the class of its status, with the server's message."""
    fake.answers = [(status, {"error": "whatever", "message": "because"}, {})]
    with pytest.raises(REFUSALS[status], match="because"):
        client.predict([[1]], "churn")
    assert 1 == len(fake.asked)


def test_bad_rows_bring_their_faults(client: Client, fake: Fake) -> None:
    """Each bad value is told with row, column, what was expected and what came."""
    fault = {"row": 0, "column": "age", "expected": "int64", "found": "'x'"}
    fake.answers = [(422, {"error": "bad_rows", "message": "1 value does not fit", "faults": [fault]}, {})]
    with pytest.raises(errors.BadRows) as caught:
        client.predict([["x"]], "churn")
    assert (errors.Fault(0, "age", "int64", "'x'"),) == caught.value.faults


def test_word_of_the_server_cannot_name_any_class(client: Client, fake: Fake) -> None:
    """An error's name is looked up among ours only where it means that status; nothing else is made of it."""
    for word in ("annotations", "BadRows", "__builtins__", "did_you_mean", "not_found"):
        fake.answers.append((409, {"error": word, "message": "no"}, {}))
        with pytest.raises(errors.Conflict):
            client.predict([[1]], "churn")


def test_last_tells_who_answered(client: Client, fake: Fake) -> None:
    """Version, digest and request id of the latest answer are at hand, for feedback."""
    told = {"x-model-name": "churn", "x-model-version": "3", "x-model-digest": "d" * 64}
    fake.answers = [(200, {"predictions": [1]}, told)]
    client.predict([[1]], "churn")
    assert ("r-1", "churn", "3", "d" * 64) == (
        client.last.id, client.last.model, client.last.version, client.last.digest,
    )  # fmt: skip
    client.feedback(client.last.id, 1.0)
    assert ("POST", "/feedback", {"id": "r-1", "reward": 1.0}) == fake.asked[-1][:3]


def test_connection_is_kept(client: Client, fake: Fake) -> None:
    """Many requests one after the other need one connection."""
    for _ in range(10):
        client.predict([[1]], "churn")
    assert 1 == fake.connections


def test_threads_share_a_client(client: Client, fake: Fake) -> None:
    """Eight threads get their own answers over no more connections than there are threads."""
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: client.predict([[n]], "churn").tolist(), range(64)))
    assert [[1]] * 64 == found
    assert fake.connections <= 8


def test_nobody_there_is_told(fake: Fake) -> None:
    """An address where nobody listens is named, after the retries."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Unreachable, match=str(port)):
        Client(f"127.0.0.1:{port}", retries=1).predict([[1]], "churn")


@pytest.mark.parametrize("url", ["ftp://host", "http://", "file:///etc/passwd"])
def test_what_is_no_address_is_refused(url: str) -> None:
    """Only http and https with a host can be asked."""
    with pytest.raises(errors.InvalidInput):
        Client(url)
