"""What registering would capture, told before it is done: what there will be, and how to get what there will not be."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from nbregistry.capture import git
from nbregistry.capture.boundary import attempt
from nbregistry.capture.signature import from_estimator
from nbregistry.capture.whereabouts import shell, where
from nbregistry.display.figures import together
from nbregistry.flavors import table
from nbregistry.registry import Registry
from nbregistry.verbs.makers import executed
from nbregistry.verbs.suiting import Candidate

_NO_X = "pick the data it was trained on as X"


class Foreseen(NamedTuple):
    """One thing that is captured with a version; where it will not be, ``told`` is how to get it."""

    what: str
    told: str
    there: bool = True


def foresee(registry: Registry, model: Any, X: Candidate | None, y: Candidate | None) -> list[Foreseen]:
    """Return what will be captured of a model and what surrounds it, in the order of a card."""
    found = [_model(model), *_data(model, X, y)]
    found.append(Foreseen("environment", "Python, the packages loaded here with their releases, the machine"))
    cells = sum(1 for cell in executed(registry.core, shell()) if cell.get("code"))
    notebook, _ = where()
    if cells:
        of = f" of {Path(notebook).name}" if notebook else ""
        count = f"the {cells:,} cells executed" if cells > 1 else "the one cell executed"
        found.append(Foreseen("source", f"{count}{of}; secrets are left out"))
    else:
        found.append(Foreseen("source", "no cells are known: run %load_ext nbregistry where the model is made", False))
    place = attempt("", lambda: git.find(Path.cwd()), None)
    if place is not None:
        found.append(Foreseen("git", f"commit and uncommitted changes of {place.top.name}"))
    else:
        found.append(Foreseen("git", "this folder is in no git checkout: git init begins one", False))
    return found


def _model(model: Any) -> Foreseen:
    flavor = attempt("", lambda: table.flavor_of(model), None)
    if flavor is None:
        return Foreseen("model", "it cannot be told how it is stored before it is tried", False)
    format_ = attempt("", lambda: flavor.default(model), "")
    params = attempt("", lambda: len(flavor.params(model).values), 0)
    told = f"stored as {format_ or flavor.name}, loaded back once and compared"
    return Foreseen("model", f"{told}; {params:,} parameters" if params else told)


def _data(model: Any, X: Candidate | None, y: Candidate | None) -> list[Foreseen]:
    if X is None:
        known = attempt("", lambda: from_estimator(model), None)
        names = [column.name for column in known.inputs if column.name] if known is not None else []
        told = f"from the model alone, without types: {together(names, 4)}" if names else "from the model alone"
        signature = Foreseen("signature", told) if known is not None else Foreseen("signature", _NO_X, False)
        return [signature, Foreseen("data profile", _NO_X, False), Foreseen("example", _NO_X, False)]
    columns = f"{X.shape[1]:,} column{'' if X.shape[1] == 1 else 's'} of {X.name}"
    output = f", and {y.name} as what it answers" if y is not None else "; pick y to have what it answers"
    return [
        Foreseen("signature", f"names and types of {columns}{output}"),
        Foreseen("data profile", f"figures of each column, of {X.shape[0]:,} rows; not the data itself"),
        Foreseen("example", f"the first {min(5, X.shape[0])} rows of {X.name}, to try and to check the model"),
    ]
