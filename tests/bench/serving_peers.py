"""Every server of the comparison: its environment, how it is started, what it is asked and where its label stands.

Each has one worker and takes what is best for it: batching on where it has batching, uvloop and httptools beside it,
arrays for the models of doubles, an access log only where it cannot be turned off. MLServer runs models in its own
process (``parallel_workers`` 0), which answers half as much again as its default, one more process.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tests.bench.sides import ROOT
from tests.run import ensure_environment, say, venv_python

EXTRAS = "serve,onnx"
"""What our side installs beside itself: the server, and what compiles models."""
APPS = ROOT / "tests" / "bench" / "serving_apps"
SHARED = ("scikit-learn==1.9.1", "numpy==2.4.6", "pandas==3.1.1", "httptools==0.9.0", "uvloop==0.21.0")
"""The same libraries below every server; of uvloop the last version that all of them start with."""


@dataclass(frozen=True)
class Asked:
    """A prepared model: the rows to ask and the labels that the model itself gives for them."""

    model: str
    place: Path
    columns: list[str]
    numeric: list[bool]
    rows: list[list[Any]]
    expected: list[int]

    @property
    def doubles(self) -> bool:
        """Whether a row is nothing but numbers without gaps."""
        return self.model != "mixed"


class Start(NamedTuple):
    """What to run, in which environment variables."""

    command: list[str]
    variables: Mapping[str, str] = {}


@dataclass(frozen=True)
class Contender:
    """A server that is measured.

    Attributes
    ----------
    name, folder : str
        What tables call it, and its environment: ``.venv-bench-FOLDER``.
    wanted : tuple of str
        What pip installs there; empty: the environment holds us.
    form : str
        How the models are saved for it (see ``serving_prepare``).
    start : callable
        Given its Python, the model and a port.
    path, body, label : callable
        Where a row is posted, what is posted, and the label in the answer.
    settings : tuple of str
        Variants of ``start``.
    settled : callable
        Whether a server that answers is what it will be; given how to get a path and the model.
    """

    name: str
    folder: str
    wanted: tuple[str, ...]
    form: str
    start: Callable[[Path, Asked, int, tuple[str, ...]], Start]
    path: Callable[[Asked], str]
    body: Callable[[Asked, list[Any]], Any]
    label: Callable[[Any], Any]
    settings: tuple[str, ...] = ()
    settled: Callable[[Callable[[str], Any], Asked], bool] = lambda get, asked: True

    def python(self) -> Path:
        """Return the Python of its environment, made where it is missing."""
        return _environment(self.folder, self.wanted)


@cache
def _environment(name: str, wanted: tuple[str, ...]) -> Path:
    folder = ROOT / f".venv-bench-{name}"
    if not wanted:
        return ensure_environment(folder, *SHARED, "joblib", "-e", f".[{EXTRAS}]")
    return _pinned(folder, (*wanted, *SHARED))


def _pinned(folder: Path, wanted: Sequence[str]) -> Path:
    """Make a peer's environment; what stands in our pyproject.toml does not concern it."""
    python, made_from = venv_python(folder), folder / "made-from"
    stamp = "\n".join((sys.version, *wanted))
    if made_from.is_file() and made_from.read_text("utf-8") == stamp:
        return python
    say(f"environment: making {folder.name} (a few minutes, once)")
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([os.path.realpath(sys.executable), "-m", "venv", str(folder)], check=True)
    pip = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    if subprocess.run([*pip, *wanted], check=False).returncode:
        sys.exit(f"The environment {folder.name} could not be installed; pip says why above.")
    made_from.write_text(stamp, "utf-8")
    return python


def _mlflow(python: Path, asked: Asked, port: int, settings: tuple[str, ...]) -> Start:
    where = f"{python.parent}{os.pathsep}{os.environ.get('PATH', '')}"  # it starts the `uvicorn` that it finds there
    serve = ["models", "serve", "-m", "model", "-p", str(port), "--env-manager", "local", "--workers", "1", *settings]
    return Start([str(python), "-m", "mlflow", *serve], {"PATH": where, "MLFLOW_DISABLE_TELEMETRY": "true"})


def _mlflow_body(asked: Asked, row: list[Any]) -> Any:
    if asked.doubles:
        return {"inputs": [row]}
    return {"dataframe_split": {"columns": asked.columns, "data": [row]}}


def _mlserver(python: Path, asked: Asked, port: int, settings: tuple[str, ...]) -> Start:
    told = {
        "debug": False, "host": "127.0.0.1", "http_port": port, "grpc_port": port + 1, "metrics_port": port + 2,
        "parallel_workers": int(settings[0]),
    }  # fmt: skip
    (asked.place / "settings.json").write_text(json.dumps(told), "utf-8")
    return Start([str(python.parent / "mlserver"), "start", "."])


def _mlserver_body(asked: Asked, row: list[Any]) -> Any:
    if asked.doubles:
        return {"inputs": [{"name": "rows", "shape": [1, len(row)], "datatype": "FP64", "data": row}]}
    inputs = []
    for name, number, value in zip(asked.columns, asked.numeric, row, strict=True):
        column = {"name": name, "shape": [1], "datatype": "FP64" if number else "BYTES", "data": [value]}
        inputs.append(column if number else column | {"parameters": {"content_type": "str"}})
    return {"parameters": {"content_type": "pd"}, "inputs": inputs}


def _bento(python: Path, asked: Asked, port: int, settings: tuple[str, ...]) -> Start:
    service = f"bento:{'Doubles' if asked.doubles else 'Mixed'}"
    variables = {
        "BENTOML_HOME": str(asked.place.parent / "home"), "BENTOML_DO_NOT_TRACK": "True",
        "BENCH_MODEL": str(asked.place / "model.joblib"), "BENCH_LATENCY_MS": settings[0],
    }  # fmt: skip
    where = ["--working-dir", str(APPS), "--host", "127.0.0.1", "--port", str(port)]
    return Start([str(python), "-m", "bentoml", "serve", service, *where], variables)


def _bento_body(asked: Asked, row: list[Any]) -> Any:
    return {"rows": [row] if asked.doubles else [dict(zip(asked.columns, row, strict=True))]}


def _lit(python: Path, asked: Asked, port: int, settings: tuple[str, ...]) -> Start:
    columns = json.dumps([] if asked.doubles else asked.columns)
    return Start([str(python), str(APPS / "lit.py"), str(asked.place / "model.joblib"), str(port), columns, *settings])


def _bare(python: Path, asked: Asked, port: int, settings: tuple[str, ...]) -> Start:
    options = ["--port", str(port), "--loop", "uvloop", "--http", "httptools", "--no-access-log"]
    command = [str(python), "-m", "uvicorn", "--app-dir", str(APPS), *options, "--log-level", "warning", "bare:app"]
    return Start(command, {"BENCH_ANSWER_SIZE": settings[0]} if settings else {})


def _ours(python: Path, asked: Asked, port: int, settings: tuple[str, ...]) -> Start:
    registry = str(asked.place.parent / "registry")
    if "batch=1" not in settings:
        serve = ["serve", asked.model, "--registry", registry, "--port", str(port), *settings]
        return Start([str(python), "-m", "nbregistry", *serve])
    options = {"port": port, "batch": 1, "compile": "--no-compile" not in settings}
    code = (
        f"import signal, threading, nbregistry; end = threading.Event(); signal.signal(15, lambda *_: end.set());"
        f"server = nbregistry.Registry({registry!r}).serve({asked.model!r}, **{options!r}); end.wait(); server.stop()"
    )
    return Start([str(python), "-c", code])


def _ours_settled(get: Callable[[str], Any], asked: Asked) -> bool:
    """Whether it has decided which model answers: what is compiled is made beside the first answers."""
    told = get(f"/models/{asked.model}/metadata")["compiled"]
    return bool(told["used"] or told.get("proof") or "yet" not in told.get("why", ""))


def _ours_body(asked: Asked, row: list[Any]) -> Any:
    return {"rows": [row]}


def _ours_path(asked: Asked) -> str:
    return f"/models/{asked.model}/predict"


def _first_prediction(answer: Any) -> Any:
    return answer["predictions"][0]


def no_label(answer: Any) -> Any:
    """There is no model behind it."""


OURS = Contender(
    "nbregistry", "ours", (), "registry", _ours, _ours_path, _ours_body, _first_prediction, settled=_ours_settled
)
BARE = Contender("bare ASGI app", "ours", (), "registry", _bare, lambda asked: "/", _ours_body, no_label)
PEERS = (
    Contender(
        "mlflow models serve", "mlflow", ("mlflow==3.17.2",), "mlflow",
        _mlflow, lambda asked: "/invocations", _mlflow_body, _first_prediction,
    ),
    Contender(
        "MLServer", "mlserver", ("mlserver==1.7.1", "mlserver-sklearn==1.7.1"), "mlserver",
        _mlserver, lambda asked: f"/v2/models/{asked.model}/infer", _mlserver_body,
        lambda answer: answer["outputs"][0]["data"][0], ("0",),
    ),
    Contender(
        "BentoML", "bentoml", ("bentoml==1.4.39",), "joblib",
        _bento, lambda asked: "/predict", _bento_body, lambda answer: answer[0], ("10000",),
    ),
    Contender(
        "LitServe", "litserve", ("litserve==0.2.19",), "joblib",
        _lit, lambda asked: "/predict", lambda asked, row: {"input": row}, lambda answer: answer["output"],
    ),
)  # fmt: skip


def prepared(contender: Contender, base: Path) -> list[Asked]:
    """Fit and save the models in the contender's environment; return what to ask of each."""
    place = base / contender.form
    command = [str(contender.python()), "-m", "tests.bench.serving_prepare", contender.form, str(place)]
    home = {"NBREGISTRY_HOME": str(base / "home"), "NBREGISTRY_USER": "bench"}
    done = subprocess.run(command, cwd=ROOT, env=os.environ | home, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"The models could not be prepared for {contender.name}:\n{done.stderr[-3000:]}")
    every = []
    for folder in sorted(place.glob("*/asked.json")):
        told = json.loads(folder.read_text("utf-8"))
        keys = ("columns", "numeric", "rows", "expected")
        every.append(Asked(folder.parent.name, folder.parent, *(told[key] for key in keys)))
    return every
