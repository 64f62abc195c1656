"""The card of a version as a panel: everything that is known of it, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from importlib import import_module
from typing import Any

import ipywidgets as w

from nbregistry.display import (
    of_checks,
    of_course,
    of_environment,
    of_history,
    of_lineage,
    of_profile,
    of_source,
    told,
)
from nbregistry.display.blocks import Look, Span, Title, View
from nbregistry.domain.entities import ModelVersion
from nbregistry.domain.results import Card, Events
from nbregistry.registry import Registry
from nbregistry.verbs import reading
from nbregistry.verbs.asking import Ask
from nbregistry.verbs.cards import proven
from nbregistry.verbs.grammar import Values
from nbregistry.widgets import parts
from nbregistry.widgets.panel import Panel

ACTIONS = ("Compare", "Promote", "Annotate", "Serve")
"""What can be done with a version, each by the panel of its verb."""

_HARMLESS = frozenset({"Compare"})
_LONG = 10_000  # changes of a registry that are read through in more than a moment
_READING = "Reading the history of the registry …"
_COURSE = 50  # versions of which metrics are drawn
_TIPS = {
    "Compare": "Put it beside other versions",
    "Promote": "Move it into a stage",
    "Annotate": "Read and write notes",
    "Serve": "Answer requests with it",
}


def card_panel(registry: Registry, ref: str, *, actions: Collection[str] | None = None) -> CardPanel:
    """Return the card of a version as a panel.

    Parameters
    ----------
    ref : str
        ``churn/3``, ``churn/production``, ``churn@champion``, or ``churn`` for the newest.
    actions : collection of str
        Which of ``ACTIONS`` to offer; unless told, all that the registry allows.
    """
    return CardPanel(registry, ref, actions=actions)


def opened(ask: Ask, values: Values) -> Panel:
    """Return the panel of ``%show``."""
    return card_panel(reading.view(ask, values), values["ref"])


def allowed(registry: Registry, actions: Collection[str] | None = None) -> tuple[str, ...]:
    """Return what can be done through a registry: where nothing may be changed, only what changes nothing."""
    core = registry.core
    still = core.read_only or core.frozen is not None
    return tuple(
        action
        for action in ACTIONS
        if (actions is None or action in actions) and (action in _HARMLESS or not still)
    )  # fmt: skip


def deed(action: str, registry: Registry, ref: str) -> Panel:
    """Return the panel of an action, about a version."""
    room = import_module(f"nbregistry.widgets.{action.lower()}")
    made: Panel
    match action:
        case "Compare":
            made = room.compare_panel(registry, refs=(ref,))
        case "Promote":
            made = room.promote_panel(registry, ref=ref)
        case "Annotate":
            made = room.annotate_panel(registry, ref)
        case _:
            made = room.serve_panel(registry, refs=(ref,))
    return made


class CardPanel(Panel):
    """The card of one version.

    Parameters
    ----------
    actions : collection of str, optional
        Which of ``ACTIONS`` to offer.
    changed : callable, optional
        Called when the version may have changed by what was done here.

    Attributes
    ----------
    version : ModelVersion
        As it was when it was last read.
    views : Views
        What of it is looked at.
    """

    def __init__(
        self,
        registry: Registry,
        ref: str,
        *,
        actions: Collection[str] | None = None,
        changed: Callable[[], object] | None = None,
    ) -> None:
        self.version: ModelVersion = registry.version(ref)
        self._card = Card(self.version)
        super().__init__(registry, self.version.ref)
        self._changed = changed
        self._seq = -1
        self._events: Events | None = None
        self._open: Panel | None = None
        self.buttons = {action: parts.button(action, tip=_TIPS[action]) for action in allowed(registry, actions)}
        for action, button in self.buttons.items():
            self.press(button, partial(self.act, action))
        self.again = parts.button("Refresh", tip="Read it again")
        self.press(self.again, self.refresh)
        self.close_button = parts.button("Close")
        self.press(self.close_button, self.leave)
        self._below = parts.row(self.close_button)
        self.place = parts.stack(self._below)
        self.place.add_class("nbr-deed")
        parts.shown(self.place, False)
        self._read()
        self.views = parts.Views("What to see of this version", self._makers(), self.run)
        # Inside another panel it is that one which reads again.
        parts.shown(self.again, changed is None)
        actions_row = parts.row(*self.buttons.values(), self.again)
        self.body.children = (actions_row, self.place, self.views)

    # -- what is seen

    def _read(self) -> None:
        view = self.registry.core.view()
        self._seq, self._events = view.seq, None
        self._card = proven(self.registry, self.registry.card(self.version.ref))
        self.version = self._card.version
        self.head.show(told.view(self._card).blocks[:1])

    def _makers(self) -> dict[str, Callable[[], w.Widget]]:
        def drawn(tell: Callable[[], View]) -> Callable[[], w.Widget]:
            return lambda: parts.Drawn(tell())

        def detail(file: str, tell: Callable[[Any], View]) -> Callable[[], w.Widget]:
            return drawn(lambda: tell(self.version.details(file)))

        return {
            "Overview": drawn(lambda: View(told.view(self._card).blocks[1:])),
            "Metrics": drawn(self._metrics),
            "Signature": drawn(self._signature),
            "Data": detail("profile", of_profile.profile),
            "Environment": detail("environment", of_environment.environment),
            "Cells": detail("source", of_source.source),
            "Lineage": drawn(self._lineage),
            "Notes": drawn(lambda: of_history.thread(self.registry.annotations(self.version))),
            "History": drawn(lambda: of_history.events(Events(reversed(self._audit())))),
        }

    def _metrics(self) -> View:
        v = self.version
        earlier = [number for number in self.registry.core.view().index.ready[v.name] if number < v.number]
        return of_course.course(v, [self.registry.version(f"{v.name}/{number}") for number in earlier[-_COURSE:]])

    def _signature(self) -> View:
        found = self.version.signature
        if found is None:
            said = "No signature was captured: neither data nor the estimator told what it takes."
            return View((Title((Span(said, Look.MUTED),)),))
        return View(of_checks.signature(found).blocks)

    def _lineage(self) -> View:
        return of_lineage.lineage(self.version, self._audit(), self._card.previous)

    def _audit(self) -> Events:
        """Return the audit of the version, read once for the views that show it."""
        if self._events is None:
            long = self._seq > _LONG
            if long:
                self.strip.tell(_READING, tone="warn")
            self._events = self.registry.audit(self.version)
            if long and self.strip.told == _READING:
                self.strip.clear()
        return self._events

    def picture(self) -> View:
        """Return the card."""
        return View(told.view(self._card).blocks)

    # -- what is done

    def act(self, action: str) -> None:
        """Open the panel of an action in this one."""
        self.leave()
        self._open = deed(action, self.registry, self.version.ref)
        # Whatever a panel does it tells in its strip: then is the time to look whether anything has changed.
        self._open.strip.observe(lambda change: self.run(self.follow), "value")
        self.place.children = (self._open, self._below)
        parts.shown(self.place, True)

    def leave(self) -> None:
        """Close the panel that an action opened."""
        parts.shown(self.place, False)
        self.place.children = (self._below,)
        if self._open is not None:
            parts.discard(self._open)
            self._open = None
        self.follow()

    def follow(self) -> None:
        """Read the version again where the registry has changed."""
        if self.registry.core.view().seq != self._seq:
            self.refresh()

    def refresh(self) -> None:
        """Read the version again."""
        self._read()
        self.views.forget()
        self.retake()
        if self._changed is not None:
            self._changed()
