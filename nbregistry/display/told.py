"""Which view tells of which kind of object, and which line where there is room for no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbregistry.config import Settings
from nbregistry.display import (
    of_checks,
    of_comparison,
    of_estimators,
    of_history,
    of_lists,
    of_server,
    of_tenure,
    of_version,
)
from nbregistry.display.blocks import View
from nbregistry.domain.commits import Receipt
from nbregistry.domain.comparison import Comparison, Section
from nbregistry.domain.entities import Annotation, Event, ModelVersion, Promotion, RegisteredModel, Report
from nbregistry.domain.estimators import Estimator, Estimators
from nbregistry.domain.results import Annotations, Card, Events, Models, Overview, Versions
from nbregistry.domain.signature import Signature
from nbregistry.domain.tenure import Tenure, Tenures
from nbregistry.errors import InvalidInput
from nbregistry.serving.process import Server, Servers

TELLERS: dict[type, Callable[[Any], View]] = {
    Annotation: of_history.annotation,
    Annotations: of_history.thread,
    Card: of_version.card,
    Comparison: of_comparison.comparison,
    Estimator: of_estimators.estimator,
    Estimators: of_estimators.estimators,
    Event: of_history.event,
    Events: of_history.events,
    ModelVersion: of_version.version,
    Models: of_lists.models,
    Overview: of_checks.overview,
    Promotion: of_history.promotion,
    Receipt: of_checks.receipt,
    RegisteredModel: of_lists.model,
    Report: of_checks.report,
    Section: of_comparison.section,
    Server: of_server.server,
    Servers: of_server.servers,
    Settings: of_checks.settings,
    Signature: of_checks.signature,
    Tenure: of_tenure.tenure,
    Tenures: of_tenure.tenures,
    Versions: of_lists.versions,
}

BRIEFS: dict[type, Callable[[Any], str]] = {
    Annotation: of_history.brief_annotation,
    Estimator: of_estimators.brief,
    Event: of_history.brief_event,
    ModelVersion: of_version.brief,
    RegisteredModel: of_lists.brief_model,
    Server: of_server.brief,
    Tenure: of_tenure.brief,
}


def view(obj: object) -> View:
    """Return the view of an object, or say that there is none."""
    for kind in type(obj).__mro__:
        if teller := TELLERS.get(kind):
            return teller(obj)
    known = ", ".join(sorted(kind.__name__ for kind in TELLERS))
    raise InvalidInput(f"There is no representation of a {type(obj).__name__}: there is of {known}.")


def brief(obj: object) -> str:
    """Return an object in one line."""
    return next(BRIEFS[kind] for kind in type(obj).__mro__ if kind in BRIEFS)(obj)
