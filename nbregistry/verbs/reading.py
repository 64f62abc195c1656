"""Verbs that only look."""

from __future__ import annotations

from typing import Any, TypeVar

from nbregistry.domain.estimators import Estimators
from nbregistry.domain.results import Events, Models, Versions
from nbregistry.domain.tenure import Tenures
from nbregistry.errors import InvalidInput
from nbregistry.registry import Registry, checking
from nbregistry.verbs.asking import Ask
from nbregistry.verbs.cards import ShownVersion, proven
from nbregistry.verbs.grammar import Values
from nbregistry.verbs.here import here
from nbregistry.verbs.namespace import lookup

_Found = TypeVar("_Found", Models, Versions, Events, Tenures)

_PAGE = 50  # rows that a search answers with unless told otherwise


def view(ask: Ask, values: Values) -> Registry:
    """Return the registry, or the registry as it was where ``--as-of`` says so."""
    moment = values.get("as_of")
    return ask.registry.as_of(moment) if moment else ask.registry


def models(ask: Ask, values: Values) -> Models | Estimators:
    """List the models, or the estimators among the user's variables."""
    registry = view(ask, values)
    if values.get("here") or values.get("big"):
        return here(registry, ask.namespace, big=values["big"])
    return _or_nowhere(ask, registry, registry.models())


def _or_nowhere(ask: Ask, registry: Registry, found: _Found) -> _Found:
    """Return what was found; where that is nothing, since there is no registry at all, say so."""
    if not found and (missing := checking.missing(registry.core)) is not None:
        ask.tell(str(missing))
    return found


def versions(ask: Ask, values: Values) -> Versions:
    """List the versions of a model, the newest first."""
    return view(ask, values).versions(values["name"], deleted=values["deleted"])[: values["limit"]]


def show(ask: Ask, values: Values) -> ShownVersion:
    """Show the card of a version."""
    registry = view(ask, values)
    return ShownVersion.of(proven(registry, registry.card(values["ref"])))


def search(ask: Ask, values: Values) -> Versions:
    """Find versions."""
    limit = values["limit"] or _PAGE
    registry = view(ask, values)
    found = registry.search(values["filter"] or "", order_by=values["order_by"], limit=limit)
    return _or_nowhere(ask, registry, found)


def compare(ask: Ask, values: Values) -> object:
    """Compare two to five versions."""
    features, target = data(ask, values)
    return view(ask, values).compare(*values["refs"], X=features, y=target, only_differences=not values["all"])


def audit(ask: Ask, values: Values) -> Events:
    """Show who did what."""
    registry = view(ask, values)
    return _or_nowhere(ask, registry, registry.audit(values["ref"], limit=values["limit"]))


def data(ask: Ask, values: Values) -> tuple[Any, Any]:
    """Return X and y as ``--data`` names them, or None and None."""
    words = values.get("data") or ()
    found = [lookup(word, ask.namespace) for word in words]
    for word, value in zip(words, found, strict=True):
        if value is None:
            raise InvalidInput(f"--data {word}: this variable is None.")
    features, target = [*found, None, None][:2]
    return features, target


def production(ask: Ask, values: Values) -> Tenures:
    """Tell what is in production, since when, who decided, and what it replaced."""
    registry = view(ask, values)
    return _or_nowhere(ask, registry, registry.tenures(values["name"]))
