"""A registry, or one model of it, as one page of HTML that needs no registry any more.

What is in production and how it came there stands first; then the models, each with its story, its versions, their
cards beside their predecessors, and its audit. ``nbregistry export-site`` writes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from nbregistry.config import release
from nbregistry.display import as_html, of_comparison, of_history, of_lists, of_tenure, of_version
from nbregistry.display.blocks import GAP, Banner, Column, Line, Look, Span, Table, Title, View
from nbregistry.display.figures import size, stamp
from nbregistry.display.publishing import Publisher, private
from nbregistry.display.site_page import GENERATOR, head, tail
from nbregistry.domain import diff
from nbregistry.domain.commits import moment
from nbregistry.domain.entities import Event, ModelVersion, RegisteredModel
from nbregistry.domain.results import Annotations, Card, Events, Versions
from nbregistry.domain.tenure import Tenure, Tenures
from nbregistry.errors import AlreadyExists, RegistryError
from nbregistry.storage.files import refusal, replacing

if TYPE_CHECKING:
    from nbregistry.registry import Registry

CARDS = 2_000
"""Cards in one page unless all are asked for: some 15 MB, which a browser opens in a second or two."""

NEWEST = 5
_EVENTS = 200
_VERSIONS = 200
_UNREADABLE = (RegistryError, OSError, AttributeError, KeyError, TypeError, ValueError)


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


@dataclass(slots=True)
class Exported:
    """What a page holds, counted while it is made.

    Attributes
    ----------
    left_out : list of str
        What is not in it, in words.
    """

    models: int = 0
    versions: int = 0
    cards: int = 0
    bytes: int = 0
    left_out: list[str] = field(default_factory=list)


def export(
    registry: Registry, target: Path, wish: Wish, *, force: bool = False, tell: Callable[[str], None] = lambda _: None
) -> Exported:
    """Write the page into a file, whole or not at all.

    Parameters
    ----------
    tell : callable
        Hears how far it is.

    Raises
    ------
    AlreadyExists
        There is a file that is no page of ours, and ``force`` was not given.
    NotFound
        There is no such model.
    """
    if not force and not replaceable(target):
        raise AlreadyExists(
            f"{target} exists and is no exported page: choose another name, or overwrite it by --force."
        )
    done = Exported()
    parts = page(registry, wish, done, tell=tell)
    first = next(parts)  # what cannot be asked for is told before any file is made
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as file:
            for part in chain((first,), parts):
                done.bytes += file.write(part.encode())
    except OSError as error:
        raise refusal(error, "write the page", target) from error
    return done


def replaceable(target: Path) -> bool:
    """Whether nothing is lost when a file is written: there is none, or one that we wrote."""
    try:
        with target.open("rb") as file:
            return GENERATOR.encode() in file.read(1_000)
    except FileNotFoundError:
        return True
    except OSError:
        return False


def page(
    registry: Registry, wish: Wish, done: Exported, *, tell: Callable[[str], None] = lambda _: None
) -> Iterator[str]:
    """Yield the page in parts, of the registry as it is at one moment; ``done`` counts what is in them."""
    if not registry.core.asked:
        registry = _pinned(registry)
    found = _Found.of(registry, wish)
    chosen = {name: _chosen(versions, found, wish) for name, versions in found.versions.items()}
    made = _Maker(registry, found, chosen, _publisher(registry, found, chosen))
    title = wish.title or (f"{found.models[0].name}" if wish.model else "Model registry")
    yield head(title, single=bool(wish.model))
    yield from _whole(made, title) if not wish.model else ()
    yield "<main>"
    if not wish.model:
        yield from (made.production(), made.index())
    for number, model in enumerate(found.models, 1):
        tell(f"{number:,} of {len(found.models):,} models")
        yield made.model(model, single=bool(wish.model))
    if not wish.model:
        yield made.audit()
    _count(done, found, chosen)
    yield _foot(done, found) + "</main>" + tail()


def _pinned(registry: Registry) -> Registry:
    """Return the registry as it is now, so that nothing changes half-way."""
    newest = registry.core.view().time
    now = datetime.now(UTC)
    return registry.as_of(max(now, moment(newest)) if newest else now)  # whose clock stood ahead wrote history, too


@dataclass(frozen=True, slots=True)
class _Found:
    """What the registry holds of what is asked for."""

    time: datetime
    models: Sequence[RegisteredModel]
    versions: dict[str, Versions]
    tenures: Tenures
    events: dict[str, list[Event]]
    all_events: Sequence[Event]

    @classmethod
    def of(cls, registry: Registry, wish: Wish) -> _Found:
        models = [registry.model(wish.model)] if wish.model else list(registry.models())
        name = models[0].name if wish.model else None
        # Its birth, of which there is nothing to tell but its identity, is left out.
        found = [event for event in registry.audit(name) if event.seq]
        owners = {called: m.name for m in models for called in (m.name, *m.former_names)}
        events: dict[str, list[Event]] = {m.name: [] for m in models}
        for one in found:
            called = one.target.partition("/")[0].partition("@")[0]
            if called in owners:
                events[owners[called]].append(one)
        time = moment(registry.core.asked)
        return cls(time, models, {m.name: registry.versions(m.name) for m in models}, registry.tenures(name), events,
                   found)  # fmt: skip

    def of_model(self, name: str) -> Tenures:
        """Return the tenures of one model, as if it had been asked for alone."""
        mine = (t for t in self.tenures if t.name == name)
        return Tenures(mine, stage=self.tenures.stage, name=name, past=self.tenures.past)


def _chosen(versions: Versions, found: _Found, wish: Wish) -> set[str]:
    """Return the references of the versions whose cards are shown."""
    if wish.all:
        return {v.ref for v in versions}
    newest = wish.newest if wish.newest is not None else max(1, min(NEWEST, CARDS // max(len(found.models), 1)))
    return {v.ref for v in versions[:newest]} | {v.ref for v in versions if v.aliases or v.stage.single_holder}


def _publisher(registry: Registry, found: _Found, chosen: dict[str, set[str]]) -> Publisher:
    places = {m.name: f"#m-{m.name}" for m in found.models}
    places |= {ref: f"#v-{ref.replace('/', '-')}" for refs in chosen.values() for ref in refs}
    store = registry.core.store.folder
    return Publisher(private((store, store.parent, registry.settings.home, Path.home())), places)


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes the parts of the page."""

    registry: Registry
    found: _Found
    chosen: dict[str, set[str]]
    publish: Publisher

    def draw(self, view: View) -> str:
        return as_html.fragment(self.publish.view(view), self.found.time)

    def production(self) -> str:
        """Return what is in production, of all models."""
        told = Tenures(map(self.publish.tenure, self.found.tenures), vacant=self.found.tenures.vacant,
                       past=self.found.tenures.past)  # fmt: skip
        return _section("production", "In production", self.draw(_untitled(of_tenure.tenures(told, most=len(told)))))

    def index(self) -> str:
        """Return the list of models."""
        held = {t.name: t for t in self.found.tenures if t.current}
        rows = tuple(_row(model, held.get(model.name)) for model in self.found.models)
        columns = (
            Column("Model"), Column("In production"), Column("Since (UTC)", firm=True), Column("Newest"),
            Column("Versions", right=True), Column("Changed (UTC)", firm=True), Column("Description", wide=True),
        )  # fmt: skip
        shown = self.draw(View((Table(columns, rows, total=len(rows)),))) if rows else "<p>There is no model yet.</p>"
        return _section("models", "Models", shown)

    def audit(self) -> str:
        """Return the newest lines of the audit."""
        return _section(
            "audit", "Audit", _lead(self._beyond(self.found.all_events)) + self.events(self.found.all_events)
        )

    def events(self, found: Sequence[Event]) -> str:
        newest = found[: -_EVENTS - 1 : -1]
        return self.draw(_untitled(of_history.events(Events(map(self.publish.event, newest)))))

    @staticmethod
    def _beyond(found: Sequence[Event]) -> str:
        count = len(found)
        told = f"The newest {_EVENTS} of {count:,} lines" if count > _EVENTS else f"{count:,} line{'s' * (count != 1)}"
        return f"{told}, the newest first. Each is sealed by the hash of all before it."

    def model(self, model: RegisteredModel, *, single: bool) -> str:
        """Return all of one model: its story, what it is, its versions, their cards, its audit."""
        name = model.name
        versions, anchor = self.found.versions[name], f"{name}-"
        told = self.found.of_model(name)
        story = Tenures(map(self.publish.tenure, told), name=name, past=told.past)
        parts = [
            ("story", "", self.draw(of_tenure.tenures(story))),
            ("about", "About the model", self.draw(of_lists.model(model))),
            ("versions", "Versions", self._versions(versions)),
            ("cards", "Cards", self._cards(versions)),
            ("notes", "Notes on the model", self._notes(name)),
            ("audit", "Audit", _lead(self._beyond(self.found.events[name])) + self.events(self.found.events[name])),
        ]
        shown = [(f"p-{anchor}{key}", title, body) for key, title, body in parts if body]
        links = "".join(f'<a href="#{at}">{title or "In production"}</a>' for at, title, _ in shown)
        body = "".join(
            f'<div id="{at}">{f"<h3>{title}</h3>" if title else ""}{drawn}</div>' for at, title, drawn in shown
        )
        return _section(f"m-{name}", name, f'<div class="site-parts">{links}</div>{body}')

    def _versions(self, versions: Versions) -> str:
        more = f"The newest {_VERSIONS} of {len(versions):,}." if len(versions) > _VERSIONS else ""
        return _lead(more) + self.draw(_untitled(of_lists.versions(versions[:_VERSIONS])))

    def _cards(self, versions: Versions) -> str:
        """Return the cards that are shown, the newest first, each beside the version before it."""
        if not versions:
            return ""
        chosen, drawn = self.chosen[versions[0].name], []
        ready = [v for v in versions if v.status == "READY"]
        before = dict(zip((v.ref for v in ready), ready[1:], strict=False))
        for version in versions:
            if version.ref in chosen:
                drawn.append(self._card(version, before.get(version.ref)))
        beyond = len(versions) - len(drawn)
        said = f"{beyond:,} older version{' has' if beyond == 1 else 's have'} no card here." if beyond else ""
        return "".join(drawn) + _lead(said)

    def _card(self, version: ModelVersion, previous: ModelVersion | None) -> str:
        card = self.publish.card(Card(version, previous))
        parts = [self.draw(of_version.card(card))]
        if previous is not None:
            title = f"Everything that differs from {as_html.words(previous.ref)}"
            parts.append(f"<details><summary>{title}</summary>{self._beside(card)}</details>")
        parts.append(self._notes(version.ref))
        return f'<article id="v-{version.name}-{version.number}">{"".join(parts)}</article>'

    def _beside(self, card: Card) -> str:
        try:
            compared = diff.compare([v for v in (card.previous, card.version) if v is not None])
            return self.draw(of_comparison.comparison(compared))
        except _UNREADABLE:
            return self.draw(View((Banner(Look.BAD, (Span("Captured files of one of them cannot be read."),)),)))

    def _notes(self, ref: str) -> str:
        notes: Annotations = self.registry.annotations(ref)
        return self.draw(of_history.thread(notes)) if notes else ""


def _row(model: RegisteredModel, held: Tenure | None) -> tuple[Line, ...]:
    newest = f"{model.name}/{model.latest}" if model.latest else ""
    return (
        (Span(model.name, Look.CODE),),
        (Span(held.ref, Look.CODE),) if held else (GAP,),
        (Span(stamp(held.since)),) if held else (GAP,),
        (Span(newest, Look.CODE),) if newest else (GAP,),
        (Span(f"{model.versions:,}", Look.NUMBER),),
        (Span(stamp(model.updated_at)),),
        (Span(of_tenure.unmarked(model.description)),) if model.description.strip() else (),
    )


def _untitled(view: View) -> View:
    """Return a view without its title, where a heading of the page says it, and without columns that are empty."""
    kept = (block for block in view.blocks if not isinstance(block, Title))
    return View(tuple(_filled(b) if isinstance(b, Table) else b for b in kept), framed=view.framed)


def _filled(table: Table) -> Table:
    shown = [at for at in range(len(table.columns)) if any(row[at] for row in table.rows)]
    rows = tuple(tuple(row[at] for at in shown) for row in table.rows)
    return replace(table, columns=tuple(table.columns[at] for at in shown), rows=rows)


def _section(anchor: str, title: str, body: str) -> str:
    return f'<section id="{anchor}"><h2>{as_html.words(title)}</h2>{body}</section>\n'


def _lead(text: str) -> str:
    return f'<p class="site-lead">{as_html.words(text)}</p>' if text else ""


def _whole(made: _Maker, title: str) -> Iterator[str]:
    """Yield the side of the page: where to go."""
    held = {t.name: t for t in made.found.tenures if t.current}
    names = "".join(
        f'<a href="#m-{m.name}">{as_html.words(m.name)}{_mark(held.get(m.name))}</a>' for m in made.found.models
    )
    yield (
        f'<nav class="site-side"><div class="site-name">{as_html.words(title)}</div>'
        f'<div class="site-when">as of {of_tenure.day(made.found.time)}</div>'
        '<a href="#production">In production</a><a href="#models">Models</a><a href="#audit">Audit</a>'
        f'<div class="site-list">{names}</div></nav>'
    )


def _mark(held: Tenure | None) -> str:
    return f' <span class="site-mark">{held.number}</span>' if held else ""


def _count(done: Exported, found: _Found, chosen: dict[str, set[str]]) -> None:
    done.models, done.versions = len(found.models), sum(map(len, found.versions.values()))
    done.cards = sum(map(len, chosen.values()))
    if done.versions > done.cards:
        done.left_out.append(f"the cards of {done.versions - done.cards:,} older versions")
    cut = sum(max(0, len(events) - _EVENTS) for events in found.events.values())
    if cut:
        done.left_out.append(f"{cut:,} older lines of audits")


def _foot(done: Exported, found: _Found) -> str:
    told = f"Exported by nbregistry {release()} from the registry as it was on {of_tenure.day(found.time)}."
    left = f" Left out: {'; '.join(done.left_out)}." if done.left_out else ""
    return f'<div class="site-foot">{as_html.words(told + left)}</div>'


def summary(done: Exported) -> tuple[tuple[str, str | int], ...]:
    """Return what was written, as facts."""
    return (
        ("Size", size(done.bytes)), ("Models", done.models), ("Versions", done.versions), ("Cards", done.cards),
        ("Left out", "; ".join(done.left_out) or "nothing"),
    )  # fmt: skip
