"""``%register``: which model is meant, and everything that is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbregistry.errors import InvalidInput
from nbregistry.registry import checking
from nbregistry.verbs.asking import Ask
from nbregistry.verbs.cards import ShownVersion
from nbregistry.verbs.grammar import Place, Values
from nbregistry.verbs.namespace import fitted_models, lookup
from nbregistry.verbs.pairs import metrics, scalars
from nbregistry.verbs.reading import data

_LISTED = 8  # models that a question names before it only counts them


def register(ask: Ask, values: Values) -> ShownVersion:
    """Register a model of the notebook."""
    model = _model(ask, values)
    features, target = data(ask, values)
    registry = ask.registry
    first = checking.missing(registry.core) is not None
    card = registry.register_card(
        model, values["name"], X=features, y=target,
        metrics=metrics(values["metric"], ask.namespace),
        params=scalars(values["param"], ask.namespace, what="parameter"),
        tags=scalars(values["tag"], ask.namespace, what="tag"),
        note=values["note"], stage=values["stage"], alias=values["alias"], format=values["format"], key=values["key"],
    )  # fmt: skip
    if first:
        ask.tell(f"A registry was made at {registry.core.store.folder}.")
    return ShownVersion.of(card)


def _model(ask: Ask, values: Values) -> Any:
    if values["model"]:
        return lookup(values["model"], ask.namespace)
    made = {name: ask.namespace[name] for name in sorted(ask.made) if name in ask.namespace}
    found = fitted_models(made) or fitted_models(ask.namespace)
    if len(found) == 1:
        return next(iter(found.values()))
    raise InvalidInput(_which(ask, values["name"], found))


def _which(ask: Ask, name: str, found: Mapping[str, Any]) -> str:
    sign = "%%register" if ask.place is Place.CELL else "%register"
    if not found:
        return f"There is no fitted model among the variables here: fit one first, or name it, as in {sign} {name} clf."
    lines = [
        f"`{sign} {_with_model(ask, name, variable)}` ({type(value).__name__})" for variable, value in found.items()
    ]
    more = f", and {len(lines) - _LISTED} more" if len(lines) > _LISTED else ""
    return f"There are {len(found)} fitted models here, say which: {', '.join(lines[:_LISTED])}{more}."


def _with_model(ask: Ask, name: str, variable: str) -> str:
    """Return the line as typed, with the variable behind the name."""
    end = next(word.end for word in ask.words if word.text == name)
    return f"{ask.line[:end].strip()} {variable}{ask.line[end:].rstrip()}"
