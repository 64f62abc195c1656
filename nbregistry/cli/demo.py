"""``nbregistry demo``: the whole story in a minute, on data that comes with scikit-learn."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import nbregistry
from nbregistry import display
from nbregistry.errors import MissingDependency
from nbregistry.verbs.asking import Ask
from nbregistry.verbs.grammar import Values

if TYPE_CHECKING:
    from nbregistry.registry import Registry

FOLDER = Path("nbregistry-demo")
NOTEBOOK = "01_quickstart.ipynb"
NAME = "tumour"
_PAUSE = 0.8  # seconds: long enough to read a heading, short enough to stay
_RULE = 78


class Step(NamedTuple):
    """One step of the story: its heading, what one would type in a notebook, and what happens."""

    title: str
    typed: str
    act: Callable[[], object]


def demo(ask: Ask, values: Values) -> None:
    """Tell the story, then the next step; with ``--open`` take it."""
    for module, library in (("sklearn", "scikit-learn"), ("pandas", "pandas")):
        if importlib.util.find_spec(module) is None:
            raise MissingDependency(library, "lab", "The demo")
    if values["open"] and importlib.util.find_spec("jupyterlab") is None:
        raise MissingDependency("jupyterlab", "lab", "Going on in JupyterLab")
    folder = FOLDER.absolute()
    if ask.session.uri is None:
        ask.session.use(str(folder / ".nbregistry"))
    else:
        folder = ask.registry.core.store.folder.parent
    pace = _PAUSE if sys.stdout.isatty() and not values["fast"] else 0.0
    print("nbregistry demo: a model that tells malignant tumours from benign ones.")
    print(f"The registry: {ask.registry.core.store.folder}")
    for number, step in enumerate(_Story(ask.registry).steps(), 1):
        _heading(number, step)
        time.sleep(pace)
        _show(step.act())
        time.sleep(pace)
    _next(folder, open_it=values["open"])


def _heading(number: int, step: Step) -> None:
    title = f"── {number}. {step.title} "
    print(f"\n{title}{'─' * max(0, _RULE - len(title))}")
    if step.typed:
        print(f"In a notebook:  {step.typed}\n", flush=True)


def _show(answer: object) -> None:
    if isinstance(answer, str):
        print(answer, flush=True)
    elif answer is not None:
        print(display.text(answer), flush=True)


@dataclass(slots=True)
class _Data:
    X_train: Any
    X_test: Any
    y_train: Any
    y_test: Any


class _Story:
    """Three versions of a model, and what a team does with them."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._data = _data()
        self._refs: list[str] = []

    def steps(self) -> Iterator[Step]:
        """Yield the steps; each is worded when the ones before it have happened."""
        registry = self._registry
        line = f"%register {NAME} clf --data X_train y_train --metric auc=$auc"
        yield Step(
            "Train a first model and register it", line, lambda: self._register("a first, cautious try", _cautious())
        )
        first = self._refs[0]
        yield Step("Two more, so that there is a choice", line, self._more)
        forest, third = self._refs[1:]
        yield Step("All of them", f"%versions {NAME}", lambda: registry.versions(NAME)[:6])
        yield Step("What differs", f"%compare {first} {third}", lambda: registry.compare(first, third))
        yield Step(
            "Promote the first one, with a reason", f'%promote {first} production --because "our baseline"',
            lambda: registry.promote(first, "Production", because="our baseline"),
        )  # fmt: skip
        yield Step(
            "Replace it, unless someone was faster",
            f'%promote {forest} production --expect {first} --because "higher AUC"',
            lambda: registry.promote(forest, "Production", because="higher AUC", expect=first),
        )  # fmt: skip
        warning = "Slow: a hundred trees for every patient. See the minutes of Monday."
        yield Step(
            "Write down what was found out", f'%annotate {forest} "{warning}" --kind warning',
            lambda: registry.annotate(forest, warning, kind="warning"),
        )  # fmt: skip
        yield Step(
            "Go back to who held the stage before", f'%rollback {NAME} production --because "too slow at noon"',
            lambda: registry.rollback(NAME, "Production", because="too slow at noon"),
        )  # fmt: skip
        yield Step(
            "Find versions by what they can do", "%search metrics.auc > 0.99 AND estimator LIKE '%Pipeline%'",
            lambda: registry.search("metrics.auc > 0.99 AND estimator LIKE '%Pipeline%'", limit=6),
        )  # fmt: skip
        yield Step("Load what is in production and use it", f"clf = %load_model {NAME}/production", self._predict)
        yield Step("Who did what, when and why", f"%audit {NAME}", lambda: registry.audit(NAME, limit=12))
        yield Step("Is every byte of it still true?", "%nbregistry verify", registry.verify)

    def _register(self, note: str, model: Any) -> object:
        from sklearn.metrics import accuracy_score, roc_auc_score

        data = self._data
        fitted = model.fit(data.X_train, data.y_train)
        scores = {
            "auc": roc_auc_score(data.y_test, fitted.predict_proba(data.X_test)[:, 1]),
            "accuracy": accuracy_score(data.y_test, fitted.predict(data.X_test)),
        }
        card = self._registry.register_card(fitted, NAME, X=data.X_train, y=data.y_train, metrics=scores, note=note)
        self._refs.append(card.version.ref)
        return card

    def _more(self) -> object:
        from sklearn.ensemble import RandomForestClassifier

        self._register("a hundred trees", RandomForestClassifier(n_estimators=100, random_state=0))
        return self._register("less regularised", _bolder())

    def _predict(self) -> str:
        version = self._registry.version(f"{NAME}/production")
        model = self._registry.load(version)
        first = self._data.X_test.head(5)
        answers = ", ".join("benign" if told else "malignant" for told in model.predict(first))
        return f"{version.ref}, verified and trusted, says of five patients: {answers}."


def _data() -> _Data:
    from sklearn.datasets import load_breast_cancer
    from sklearn.model_selection import train_test_split

    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    return _Data(*train_test_split(X, y, test_size=0.3, random_state=0, stratify=y))


def _cautious() -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=0.001))


def _bolder() -> Any:
    return _cautious().set_params(logisticregression__C=0.3)


def _jupyter() -> str:
    """Return how this environment's Jupyter is called from here, activated or not."""
    ours = Path(sys.executable).parent / "jupyter"
    found = shutil.which("jupyter")
    if not ours.is_file() or (found is not None and Path(found) == ours):
        return "jupyter"
    return _quoted(ours)


def _next(folder: Path, *, open_it: bool) -> None:
    notebook = _notebook(folder)
    target = folder if notebook is None else notebook
    print(f"\n── Next {'─' * (_RULE - 8)}")
    if open_it:
        print(f"Opening {target} in JupyterLab; Ctrl-C ends it.", flush=True)
        subprocess.run([sys.executable, "-m", "jupyterlab", str(target)], cwd=folder, check=False)  # noqa: S603 - our own
        return
    print("The same in a notebook, with cards, tables and the TAB key:\n")
    print(f"    {_jupyter()} lab {_quoted(target)}\n")
    print("or `nbregistry demo --open`, which does that for you.")


def _notebook(folder: Path) -> Path | None:
    """Put the quickstart beside the registry, unless it is there; what the user changed in it stays."""
    target = folder / NOTEBOOK
    if target.exists():
        return target
    package = Path(nbregistry.__file__).parent
    for place in (package / "notebooks", package.parent / "notebooks"):
        if (place / NOTEBOOK).is_file():
            shutil.copyfile(place / NOTEBOOK, target)
            return target
    return None


def _quoted(path: Path) -> str:
    import shlex

    try:
        shown = path.relative_to(Path.cwd())
    except ValueError:
        shown = path
    return shlex.quote(str(shown))
