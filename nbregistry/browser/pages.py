"""What each address shows: blocks of ``display``, with links to each other, and nothing that needs a script."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from nbregistry.browser.access import Access
from nbregistry.browser.addresses import Asked, to, to_ref
from nbregistry.display import as_html, of_lists, of_server, of_tenure, told
from nbregistry.display.blocks import (
    Banner,
    Block,
    Bullets,
    Code,
    Column,
    Line,
    Look,
    Span,
    Table,
    Title,
    View,
    When,
)  # fmt: skip
from nbregistry.domain.entities import ModelVersion
from nbregistry.domain.lifecycle import Stage
from nbregistry.domain.proposals import Proposal
from nbregistry.errors import InvalidInput, RegistryError
from nbregistry.registry.deciding import proposals
from nbregistry.serving import process
from nbregistry.serving.process import Servers
from nbregistry.verbs.telling import fault_text

ROWS = 100
"""Rows of a list on one page; the next page is a link."""
_EVENTS = 100
_NEWEST = 12  # versions below the story of a model
_FILTER = ("=", "<", ">", " LIKE ", " ILIKE ", " IN ", " BETWEEN ")
_LINKED = frozenset({"Model", "Version", "Of", "Replaced"})
_NAMES = {
    "models": "Models", "inbox": "Waiting for a decision", "audit": "Audit", "serving": "Being served",
    "production": "In production", "versions": "Versions", "notes": "Notes", "card": "Card", "compare": "Compare",
    "decide": "Decide", "move": "Move",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    Attributes
    ----------
    title : str
        For the browser's window.
    crumbs, tabs : tuple of Span
        Where this is, and what else there is to see of the same thing; a ``LINK`` where one can go.
    views : tuple of View
        One under the other.
    twin : bool
        Whether a panel shows the same as soon as it lives, so that this gives way to it.
    """

    title: str
    crumbs: Line
    tabs: Line
    views: tuple[View, ...]
    twin: bool = False


def drawn(access: Access, asked: Asked) -> Page:
    """Return the page of an address; what goes wrong is told in its place."""
    crumbs = _crumbs(asked)
    title = " · ".join(reversed([part.text for part in crumbs if isinstance(part, Span)]))
    try:
        known = access.registry.core.view().index.model
        views = tuple(linked(view, known) for view in _views(access, asked))
    except RegistryError as error:
        views = (View((Banner(Look.BAD, (Span(fault_text(error) or ""),)),)),)
    twin = access.decides and bool(asked.model) and asked.view == "notes"
    return Page(title, crumbs, _tabs(access, asked), views, twin)


def _views(access: Access, asked: Asked) -> Iterable[View]:
    makers: dict[str, Callable[[Access, Asked], Iterable[View]]]
    if not asked.model:
        makers = {"production": _held, "models": _models, "inbox": _inbox, "audit": _audit, "serving": _serving}
    elif asked.version is None:
        makers = {"production": _production, "versions": _versions, "notes": _notes, "audit": _audit}
    else:
        makers = {
            "card": _card,
            "compare": _compare,
            "notes": _notes,
            "audit": _audit,
            "decide": _decide,
            "move": _move,
        }
    return makers[asked.view](access, asked)


def _crumbs(asked: Asked) -> Line:
    found = [Span("Model registry", Look.LINK, "?")]
    if asked.model:
        found.append(Span(asked.model, Look.LINK, to(asked.model)))
    if asked.version is not None:
        found.append(Span(f"version {asked.version}", Look.LINK, to(asked.model, asked.version)))
    return tuple(found)


def _tabs(access: Access, asked: Asked) -> Line:
    if not asked.model:
        names = ["production", "models", *(["inbox"] if access.decides else []), "serving", "audit"]
    elif asked.version is None:
        names = ["production", "versions", "notes", "audit"]
    else:
        names = ["card", "compare", "notes", "audit", *(["decide", "move"] if access.decides else [])]
    return tuple(
        Span(_NAMES[name], Look.STRONG)
        if name == asked.view
        else Span(_NAMES[name], Look.LINK, to(asked.model, asked.version, name))
        for name in names
    )


# -- of the registry


def _held(access: Access, asked: Asked) -> Iterable[View]:
    found = access.registry.tenures()
    held = sum(1 for tenure in found if tenure.current)
    view = of_tenure.tenures(found, most=ROWS)
    blocks = [replace(b, more=f"{held - ROWS:,} more: see Models.") if isinstance(b, Table) and b.more else b
              for b in view.blocks]  # fmt: skip
    yield replace(view, blocks=tuple(blocks))


def _models(access: Access, asked: Asked) -> Iterable[View]:
    words = asked.words
    if words and any(sign in f" {words} " for sign in _FILTER):
        try:
            found = access.registry.search(words, limit=ROWS)
        except InvalidInput as error:
            yield View((Banner(Look.WARN, (Span("That search cannot be read."),)), Code(tuple(str(error).split("\n")))))
            return
        yield of_lists.versions(found)
        return
    models = access.registry.models()
    if words:
        folded = words.casefold()
        models = type(models)(m for m in models if folded in m.name.casefold() or folded in m.description.casefold())
    first = (asked.page - 1) * ROWS
    view = of_lists.models(models[first : first + ROWS])
    count = f"{len(models):,} model{'' if len(models) == 1 else 's'}"
    head = Title((Span("Models", Look.STRONG), Span(f"{count}{' found' if words else ''}", Look.MUTED)))
    yield View((head, *(block for block in view.blocks if not isinstance(block, Title))))
    yield from _pager(asked, len(models))


def _pager(asked: Asked, count: int) -> Iterable[View]:
    last = -(-count // ROWS)
    if last <= 1:
        return
    spans = [Span(f"Page {asked.page} of {last}", Look.MUTED)]
    if asked.page > 1:
        spans.append(Span("Previous", Look.LINK, asked.turned(asked.page - 1).link()))
    if asked.page < last:
        spans.append(Span("Next", Look.LINK, asked.turned(asked.page + 1).link()))
    yield View((Title((), tuple(spans)),))


def _inbox(access: Access, _: Asked) -> Iterable[View]:
    waiting = proposals(access.registry) if access.decides else []
    if not waiting:
        yield View((Title((Span("Nothing waits for a decision.", Look.STRONG),), _EXPLAINED),))
        return
    columns = (
        Column("Version"), Column("Would replace"), Column("Proposed by"), Column("Waits since", firm=True),
        Column("Why", wide=True), Column(""),
    )  # fmt: skip
    table = Table(columns, tuple(_waiting(p) for p in waiting[:ROWS]), total=len(waiting))
    yield View((Title((Span("Waiting for a decision", Look.STRONG),), _EXPLAINED), table))


_EXPLAINED: Line = (Span("A version in Staging waits until somebody approves it for Production, or rejects it."),)


def _waiting(found: Proposal) -> tuple[Line, ...]:
    replaced = (Span(found.holder, Look.LINK, to_ref(found.holder)),) if found.holder else (Span("nobody", Look.MUTED),)
    return (
        (Span(found.ref, Look.CODE),), replaced, (Span(found.by),), (When(found.since),), (Span(found.because),),
        (Span("Decide", Look.LINK, to(found.name, found.number, "decide")),),
    )  # fmt: skip


def _serving(access: Access, _: Asked) -> Iterable[View]:
    # One user may serve from many registries; a page tells of its own alone, whoever reads it.
    own = str(access.registry.core.store.folder)
    found = Servers(one for one in process.running(access.registry.settings.home) if one.spec.uri == own)
    if not found:
        yield View((Title((Span("No model is being served from here.", Look.STRONG),)),))
        return
    yield told.view(found)
    for server in found:
        # The lines that ask it hold a row of the data it was made with, and who reads can neither stop nor ask it.
        yield told.view(server) if access.decides else View(of_server.known(server, server.served()), framed=True)


def _audit(access: Access, asked: Asked) -> Iterable[View]:
    target = (asked.model if asked.version is None else f"{asked.model}/{asked.version}") if asked.model else None
    yield told.view(access.registry.audit(target, limit=_EVENTS))


# -- of a model, or of a version


def _production(access: Access, asked: Asked) -> Iterable[View]:
    yield told.view(access.registry.tenures(asked.model))
    yield told.view(access.registry.model(asked.model))
    yield of_lists.versions(access.registry.versions(asked.model)[:_NEWEST])


def _versions(access: Access, asked: Asked) -> Iterable[View]:
    found = access.registry.versions(asked.model)
    first = (asked.page - 1) * ROWS
    yield of_lists.versions(found[first : first + ROWS])
    yield from _pager(asked, len(found))


def _notes(access: Access, asked: Asked) -> Iterable[View]:
    yield told.view(access.registry.annotations(_target(asked)))


def _card(access: Access, asked: Asked) -> Iterable[View]:
    yield told.view(access.registry.card(_target(asked)))


def _compare(access: Access, asked: Asked) -> Iterable[View]:
    ref = _target(asked)
    others = [v for v in access.registry.versions(asked.model) if v.number != asked.version]
    if not others:
        yield View((Title((Span(f"{ref} is the only version, so there is nothing to compare it with."),)),))
        return
    held = next((v.number for v in others if v.stage is Stage.PRODUCTION), None)
    earlier = next((v.number for v in others if v.number < (asked.version or 0)), others[0].number)
    beside = asked.beside or (held or earlier,)
    yield View((Title((), _choices(asked, beside, others[:_NEWEST])),))
    yield told.view(access.registry.compare(*(f"{asked.model}/{n}" for n in beside), ref))


def _choices(asked: Asked, beside: tuple[int, ...], others: Sequence[ModelVersion]) -> Line:
    spans = [Span("Compare with")]
    for other in others:
        text = f"version {other.number}{'' if other.stage is Stage.NONE else f' ({other.stage.value})'}"
        chosen = other.number in beside
        link = to(asked.model, asked.version, "compare", (other.number,))
        spans += [Span(text, Look.STRONG) if chosen else Span(text, Look.LINK, link), Span("·", Look.MUTED)]
    return tuple(spans[:-1])


def _decide(access: Access, asked: Asked) -> Iterable[View]:
    if not access.decides:
        yield _FOR_APPROVERS
        return
    yield from _compare(access, asked)


def _move(access: Access, _: Asked) -> Iterable[View]:
    if not access.decides:
        yield _FOR_APPROVERS


_FOR_APPROVERS = View((Banner(Look.WARN, (Span("You may look at everything here; deciding is for approvers."),)),))


def _target(asked: Asked) -> str:
    return asked.model if asked.version is None else f"{asked.model}/{asked.version}"


# -- links


def linked(view: View, known: Container[str]) -> View:
    """Return a view in whose tables the names of models and versions lead to their pages.

    Parameters
    ----------
    known : container of str
        Names of the models that there are, casefolded; an audit tells of others too.
    """
    return replace(view, blocks=tuple(_linked(block, known) for block in view.blocks))


def _linked(block: Block, known: Container[str]) -> Block:
    if not isinstance(block, Table):
        return block
    places = [at for at, column in enumerate(block.columns) if column.name in _LINKED]
    rows = tuple(
        tuple(_leading(cell, known) if at in places else cell for at, cell in enumerate(row)) for row in block.rows
    )
    return replace(block, rows=rows)


def _leading(cell: Line, known: Container[str]) -> Line:
    first = cell[0] if cell else None
    if not isinstance(first, Span) or first.look is not Look.CODE:
        return cell
    if first.text.partition("/")[0].casefold() not in known:
        return cell
    return (Span(first.text, Look.LINK, to_ref(first.text)), *cell[1:])


# -- markup

_BUTTONS = (
    '<button type="button" data-nbr="copy">Copy link</button>'
    '<button type="button" data-nbr="theme" aria-label="Light or dark">◐</button>'
)  # of a page's own: in a notebook there is no address to copy, and the theme is the notebook's


def markup(page: Page, access: Access) -> str:
    """Return the whole of what a page shows, as one element; every text in it has passed ``display``."""
    now = datetime.now(UTC)
    who = (Span(access.name, Look.STRONG), Span("may decide", Look.MUTED)) if access.decides else (
        *((Span(access.name, Look.STRONG),) if access.name else ()), Span("reading", Look.MUTED),
    )  # fmt: skip

    def listed(lines: Line) -> str:
        return as_html.fragment(View((Bullets(tuple((part,) for part in lines)),)), now)

    body = "".join(as_html.fragment(view, now) for view in page.views)
    return (
        f'<header class="nbr-top"><nav class="nbr-crumbs" aria-label="Where you are">{listed(page.crumbs)}</nav>'
        '<form class="nbr-search" method="get" role="search"><label class="nbr-unseen" for="nbr-q">Search</label>'
        '<input id="nbr-q" name="q" type="search" placeholder="churn, or metrics.auc &gt; 0.9" autocomplete="off">'
        "</form>"
        f'<div class="nbr-who">{as_html.fragment(View((Title((), who),)), now)}</div>'
        f"{_BUTTONS if access.served else ''}</header>"
        f'<nav class="nbr-tabs" aria-label="Views">{listed(page.tabs)}</nav>'
        f'<main class="nbr-views{" nbr-twin" if page.twin else ""}" tabindex="-1">{body}</main>'
    )
