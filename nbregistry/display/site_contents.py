"""What an exported page is made of: which models, which of their versions as rows and as cards, which of their audit.

A page of everything would be hundreds of megabytes for a registry of a hundred thousand versions, and nobody would
read it. So there is a budget for the page, which the models share, and what does not fit is counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nbregistry.domain.commits import moment
from nbregistry.domain.entities import Event, RegisteredModel
from nbregistry.domain.lifecycle import Stage
from nbregistry.domain.tenure import Tenures
from nbregistry.storage.index import FAILED, READY

if TYPE_CHECKING:
    from nbregistry.registry import Registry

CARDS = 2_000
"""Cards of newest versions in one page, unless more are asked for; those that hold a stage or an alias come on top."""

ROWS = 5_000
"""Rows of versions, and lines of audits, that the models of one page share: a browser minds rows, not bytes."""

BESIDE = 500
"""Cards beside which everything that differs from the version before is told as well; beyond, of holders only."""

MOST = 200
"""Rows, and lines, of one model."""

_NEWEST, _LEAST = 5, 5
_HELD = frozenset(stage.value for stage in Stage if stage.single_holder)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a page is to hold.

    Attributes
    ----------
    model : str or None
        One model rather than all.
    newest : int or None
        Cards of how many of a model's newest versions, beside those that hold a stage or an alias; as many as fit
        a page of sensible size when None.
    all : bool
        Cards of every version.
    title : str
        How the page is called.
    """

    model: str | None = None
    newest: int | None = None
    all: bool = False
    title: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown of one model's versions, by their numbers, the newest first.

    Attributes
    ----------
    total : int
        How many there are that can be used.
    rows, cards : tuple of int
        Which have a row in the list, and which a card.
    """

    total: int
    rows: tuple[int, ...]
    cards: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """What the registry holds of what is asked for, at one moment.

    Attributes
    ----------
    events : dict of str to list of Event
        By model: the newest lines of its audit, the newest first; ``counts`` has how many there are.
    all_events : sequence of Event
        The newest lines of the whole audit, the newest first.
    beside : frozenset of str
        The versions of which all that differs from the one before is told, beyond what their cards say.
    """

    registry: Registry
    time: datetime
    models: Sequence[RegisteredModel]
    shown: dict[str, Shown]
    tenures: Tenures
    events: dict[str, list[Event]]
    counts: dict[str, int]
    all_events: Sequence[Event]
    all_count: int
    beside: frozenset[str]

    @classmethod
    def of(cls, registry: Registry, wish: Wish) -> Contents:
        """Look up what a page is to hold; the registry is pinned to a moment, if it is not yet."""
        if not registry.core.asked:
            registry = _pinned(registry)
        models = [registry.model(wish.model)] if wish.model else list(registry.models())
        name = models[0].name if wish.model else None
        # Its birth, of which there is nothing to tell but its identity, is left out.
        found = [event for event in reversed(registry.audit(name)) if event.seq]
        share = max(_LEAST, min(MOST, ROWS // max(len(models), 1)))
        newest = max(1, min(_NEWEST, CARDS // max(len(models), 1))) if wish.newest is None else wish.newest
        shown = {m.name: _shown(registry, m.name, rows=share, newest=10**9 if wish.all else newest) for m in models}
        events, counts = _by_model(models, found, share)
        tenures = registry.tenures(name)
        beside = {f"{model}/{number}" for model, one in shown.items() for number in one.cards}
        if len(beside) > BESIDE:
            beside &= {t.ref for t in tenures if t.current}
        return cls(registry, moment(registry.core.asked), models, shown, tenures, events, counts, found[:MOST],
                   len(found), frozenset(beside))  # fmt: skip

    def of_model(self, name: str) -> Tenures:
        """Return the tenures of one model, as if it had been asked for alone."""
        mine = (t for t in self.tenures if t.name == name)
        return Tenures(mine, stage=self.tenures.stage, name=name, past=self.tenures.past)

    @property
    def refs(self) -> set[str]:
        """The references of the versions that have a card."""
        return {f"{name}/{number}" for name, found in self.shown.items() for number in found.cards}

    @property
    def left_out(self) -> list[str]:
        """What there is and is not shown, in words."""
        cards = sum(found.total - len(found.cards) for found in self.shown.values())
        rows = sum(found.total - len(found.rows) for found in self.shown.values())
        lines = sum(count - len(self.events[name]) for name, count in self.counts.items())
        told = (
            (cards, f"the cards of {cards:,} older versions"), (rows, f"{rows:,} of them from the lists as well"),
            (lines, f"{lines:,} older lines of audits"),
        )  # fmt: skip
        return [words for count, words in told if count]


def _pinned(registry: Registry) -> Registry:
    """Return the registry as it is now, so that nothing changes half-way."""
    newest = registry.core.view().time
    now = datetime.now(UTC)
    return registry.as_of(max(now, moment(newest)) if newest else now)  # whose clock stood ahead wrote history, too


def _shown(registry: Registry, name: str, *, rows: int, newest: int) -> Shown:
    """Choose by the index alone: reading every version of a large registry would take longer than writing the page."""
    index = registry.core.view().index
    entries = index.entries["versions"]
    known = [(number, entries[id_]) for number, id_ in sorted(index.numbers[name].items(), reverse=True)]
    usable = [(number, entry) for number, entry in known if entry[4] in (READY, FAILED)]
    cards = tuple(number for at, (number, entry) in enumerate(usable) if at < newest or entry[2] in _HELD or entry[3])
    return Shown(len(usable), tuple(number for number, _ in usable[:rows]), cards)


def _by_model(
    models: Sequence[RegisteredModel], found: Sequence[Event], most: int
) -> tuple[dict[str, list[Event]], dict[str, int]]:
    owners = {called: m.name for m in models for called in (m.name, *m.former_names)}
    events: dict[str, list[Event]] = {m.name: [] for m in models}
    counts = dict.fromkeys(events, 0)
    for one in found:
        owner = owners.get(one.target.partition("/")[0].partition("@")[0])
        if owner is not None:
            counts[owner] += 1
            if counts[owner] <= most:
                events[owner].append(one)
    return events, counts
