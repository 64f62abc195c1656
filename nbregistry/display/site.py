"""A registry, or one model of it, as one page of HTML that needs no registry any more.

What is in production and how it came there stands first; then the models, each with its story, its versions, their
cards beside their predecessors, and its audit. ``nbregistry export-site`` writes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from nbregistry.config import release
from nbregistry.display import as_html, of_comparison, of_history, of_lists, of_tenure, of_version
from nbregistry.display.blocks import GAP, Banner, Column, Line, Look, Span, Table, Title, View
from nbregistry.display.figures import size, stamp
from nbregistry.display.publishing import Publisher, private
from nbregistry.display.site_contents import Contents, Wish
from nbregistry.display.site_page import GENERATOR, head, tail
from nbregistry.domain import diff
from nbregistry.domain.entities import Event, RegisteredModel
from nbregistry.domain.results import Annotations, Card, Events, Versions
from nbregistry.domain.tenure import Tenure, Tenures
from nbregistry.errors import AlreadyExists, RegistryError
from nbregistry.storage.files import refusal, replacing

if TYPE_CHECKING:
    from nbregistry.registry import Registry

_UNREADABLE = (RegistryError, OSError, AttributeError, KeyError, TypeError, ValueError)


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
    found = Contents.of(registry, wish)
    made = _Maker(found, _publisher(found))
    _count(done, found)
    title = wish.title or (found.models[0].name if wish.model else "Model registry")
    yield head(title, single=bool(wish.model))
    if not wish.model:
        yield _side(found, title)
        yield "<main>"
        yield made.production()
        yield made.index()
    else:
        yield "<main>"
    for number, model in enumerate(found.models, 1):
        tell(f"{number:,} of {len(found.models):,} models")
        yield made.model(model)
    if not wish.model:
        yield made.audit()
    yield _foot(done, found) + "</main>" + tail()


def _publisher(found: Contents) -> Publisher:
    places = {m.name: f"#m-{m.name}" for m in found.models}
    places |= {ref: f"#v-{ref.replace('/', '-')}" for ref in found.refs}
    store = found.registry.core.store.folder
    return Publisher(private((store, store.parent, found.registry.settings.home, Path.home())), places)


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes the parts of the page."""

    found: Contents
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
        return _section("audit", "Audit", self._events(self.found.all_events, self.found.all_count))

    def _events(self, newest: Sequence[Event], count: int) -> str:
        told = f"The newest {len(newest):,} of {count:,} lines" if count > len(newest) else _counted(count, "line")
        lead = _lead(f"{told}, the newest first. Each is sealed by the hash of all before it.")
        return lead + self.draw(_untitled(of_history.events(Events(map(self.publish.event, newest)))))

    def model(self, model: RegisteredModel) -> str:
        """Return all of one model: its story, what it is, its versions, their cards, its audit."""
        name, anchor = model.name, f"{model.name}-"
        told = self.found.of_model(name)
        story = Tenures(map(self.publish.tenure, told), name=name, past=told.past)
        parts = [
            ("story", "", self.draw(of_tenure.tenures(story))),
            ("about", "About the model", self.draw(of_lists.model(model))),
            ("versions", "Versions", self._versions(name)),
            ("cards", "Cards", self._cards(name)),
            ("notes", "Notes on the model", self._notes(name)),
            ("audit", "Audit", self._events(self.found.events[name], self.found.counts[name])),
        ]
        shown = [(f"p-{anchor}{key}", title, body) for key, title, body in parts if body]
        links = "".join(f'<a href="#{at}">{title or "In production"}</a>' for at, title, _ in shown)
        body = "".join(
            f'<div id="{at}">{f"<h3>{title}</h3>" if title else ""}{drawn}</div>' for at, title, drawn in shown
        )
        return _section(f"m-{name}", name, f'<div class="site-parts">{links}</div>{body}')

    def _versions(self, name: str) -> str:
        shown = self.found.shown[name]
        more = f"The newest {len(shown.rows):,} of {shown.total:,}." if shown.total > len(shown.rows) else ""
        listed = Versions(self.found.registry.version(f"{name}/{number}") for number in shown.rows)
        return _lead(more) + self.draw(_untitled(of_lists.versions(listed)))

    def _cards(self, name: str) -> str:
        """Return the cards that are shown, the newest first, each beside the version before it."""
        shown = self.found.shown[name]
        beyond = shown.total - len(shown.cards)
        said = f"{beyond:,} older version{' has' if beyond == 1 else 's have'} no card here." if beyond else ""
        return "".join(self._card(f"{name}/{number}") for number in shown.cards) + _lead(said)

    def _card(self, ref: str) -> str:
        card = self.publish.card(replace(self.found.registry.card(ref), notices=()))
        parts = [self.draw(of_version.card(card))]
        if card.previous is not None and ref in self.found.beside:
            title = f"Everything that differs from {as_html.words(card.previous.ref)}"
            parts.append(f"<details><summary>{title}</summary>{self._beside(card)}</details>")
        parts.append(self._notes(ref))
        return f'<article id="v-{ref.replace("/", "-")}">{"".join(parts)}</article>'

    def _beside(self, card: Card) -> str:
        try:
            compared = diff.compare([v for v in (card.previous, card.version) if v is not None])
            return self.draw(of_comparison.comparison(compared))
        except _UNREADABLE:
            return self.draw(View((Banner(Look.BAD, (Span("Captured files of one of them cannot be read."),)),)))

    def _notes(self, ref: str) -> str:
        notes: Annotations = self.found.registry.annotations(ref)
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


def _side(found: Contents, title: str) -> str:
    """Return the side of the page: where to go."""
    held = {t.name: t for t in found.tenures if t.current}
    names = "".join(f'<a href="#m-{m.name}">{as_html.words(m.name)}{_mark(held.get(m.name))}</a>' for m in found.models)
    return (
        f'<nav class="site-side"><div class="site-name">{as_html.words(title)}</div>'
        f'<div class="site-when">as of {of_tenure.day(found.time)}</div>'
        '<a href="#production">In production</a><a href="#models">Models</a><a href="#audit">Audit</a>'
        f'<div class="site-list">{names}</div></nav>'
    )


def _mark(held: Tenure | None) -> str:
    return f' <span class="site-mark">{held.number}</span>' if held else ""


def _count(done: Exported, found: Contents) -> None:
    done.models, done.left_out = len(found.models), found.left_out
    done.versions = sum(shown.total for shown in found.shown.values())
    done.cards = sum(len(shown.cards) for shown in found.shown.values())


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _foot(done: Exported, found: Contents) -> str:
    told = f"Exported by nbregistry {release()} from the registry as it was on {of_tenure.day(found.time)}."
    left = f" Left out: {'; '.join(done.left_out)}." if done.left_out else ""
    return f'<div class="site-foot">{as_html.words(told + left)}</div>'


def summary(done: Exported) -> tuple[tuple[str, str | int], ...]:
    """Return what was written, as facts."""
    return (
        ("Size", size(done.bytes)), ("Models", done.models), ("Versions", done.versions), ("Cards", done.cards),
        ("Left out", "; ".join(done.left_out) or "nothing"),
    )  # fmt: skip
