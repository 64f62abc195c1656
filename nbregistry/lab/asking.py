"""Questions of the sidebar: each takes what was asked and returns a JSON document. All of them read the disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nbregistry import display
from nbregistry.display.figures import figures
from nbregistry.display.visible import first_line
from nbregistry.domain.entities import ModelVersion, RegisteredModel
from nbregistry.domain.lifecycle import Stage
from nbregistry.errors import InvalidInput
from nbregistry.lab.places import Place
from nbregistry.registry import Registry
from nbregistry.types import Document
from nbregistry.verbs.cards import proven
from nbregistry.verbs.plain import plain

PAGE = 100
MOST = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as far as the functions that answer it are concerned.

    Attributes
    ----------
    query : mapping
        The words behind the ``?``.
    sent : mapping
        The JSON body.
    """

    place: Place
    query: Mapping[str, str] = field(default_factory=dict)
    sent: Mapping[str, Any] = field(default_factory=dict)

    @property
    def registry(self) -> Registry:
        """The registry of the folder."""
        return self.place.registry

    def text(self, name: str, *, needed: bool = False) -> str:
        """Return a word of the query."""
        found = self.query.get(name, "").strip()
        if needed and not found:
            raise InvalidInput(f"Say which: ?{name}= is missing.")
        return found

    def number(self, name: str, default: int, *, least: int = 0, most: int = MOST) -> int:
        """Return a number of the query."""
        text = self.query.get(name, "")
        try:
            found = int(text) if text else default
        except ValueError:
            raise InvalidInput(f"?{name}= takes a whole number, not {text[:40]!r}.") from None
        if not least <= found <= most:
            raise InvalidInput(f"?{name}={found} is out of range: {least:,} to {most:,} will do.")
        return found


def place(asked: Asked) -> Document:
    """Tell which registry it is, what decided that, and who acts."""
    settings = asked.registry.settings
    return {
        "uri": settings.uri, "origin": asked.place.settings.origin, "exists": asked.place.exists, "user": settings.user,
        "notices": list(asked.registry.notices()), **_at(asked),
    }  # fmt: skip


def models(asked: Asked) -> Document:
    """Return models by name: those that have every word of the filter somewhere."""
    words = asked.text("filter").casefold().split()
    limit, offset = asked.number("limit", PAGE, least=1), asked.number("offset", 0, most=10**9)
    at = _at(asked)
    found = [m for m in asked.registry.models() if not words or _has(m, words)]
    page = found[offset : offset + limit]
    return {**at, "total": len(found), "models": [_model(asked.registry, m) for m in page]}


def model(asked: Asked) -> Document:
    """Return one model."""
    at = _at(asked)
    return {**at, "model": _model(asked.registry, asked.registry.model(asked.text("name", needed=True)))}


def versions(asked: Asked) -> Document:
    """Return the versions of a model, newest first."""
    limit, offset = asked.number("limit", PAGE, least=1), asked.number("offset", 0, most=10**9)
    at = _at(asked)
    found = asked.registry.versions(asked.text("name", needed=True))
    return {**at, "total": len(found), "versions": _briefs(found[offset : offset + limit])}


def version(asked: Asked) -> Document:
    """Return everything about one version."""
    at = _at(asked)
    return {**at, "version": plain(asked.registry.version(asked.text("ref", needed=True)))}


def card(asked: Asked) -> Document:
    """Return one version beside the one before it: as data, and drawn."""
    at = _at(asked)
    found = proven(asked.registry, asked.registry.card(asked.text("ref", needed=True)))
    return {
        **at, "ref": found.version.ref, "version": plain(found.version),
        "previous": None if found.previous is None else plain(found.previous), "html": display.html(found),
    }  # fmt: skip


def search(asked: Asked) -> Document:
    """Return the versions that a filter of the search language matches, best first when an order is given."""
    at = _at(asked)
    order = [word.strip() for word in asked.text("order_by").split(",") if word.strip()]
    found = asked.registry.search(
        asked.text("filter"), order_by=order or None, limit=asked.number("limit", PAGE, least=1),
        cursor=asked.text("cursor") or None,
    )  # fmt: skip
    return {**at, "versions": _briefs(found), "cursor": found.cursor}


def events(asked: Asked) -> Document:
    """Return what was committed after ``?since=``; asked again and again, this costs next to nothing."""
    news = asked.place.watch.since(asked.number("since", -1, least=-1, most=2**53))
    return {**news._asdict(), "events": plain(news.events)}


def _at(asked: Asked) -> Document:
    """Return how far the answer is up to date, taken before it is read: rather too early than too late."""
    return {"store": asked.registry.core.store.id, "seq": asked.registry.core.view().seq}


def _has(found: RegisteredModel, words: Iterable[str]) -> bool:
    about = (found.name, found.description, *found.stages, *(f"@{a}" for a in found.aliases))
    text = " ".join((*about, *(f"{k}={v}" for k, v in found.tags.items()))).casefold()
    return all(word in text for word in words)


def _model(registry: Registry, found: RegisteredModel) -> Document:
    """Return a model with the metric that its newest version was given first."""
    name, text = "", ""
    if found.latest is not None:
        metrics = registry.version(f"{found.name}/{found.latest}").metrics
        name = next(iter(metrics), "")
        text = figures([metrics[name]])[0] if name else ""
    about = {k: v for k, v in plain(found).items() if k not in ("description", "tags")}
    best = next((f"{found.name}@{a}" for a in ("champion", *found.aliases) if a in found.aliases), "")
    held = next((f"{found.name}/{s.lower()}" for s in (Stage.PRODUCTION, Stage.STAGING) if s in found.stages), "")
    load = best or held or (f"{found.name}/{found.latest}" if found.latest else "")
    return {**about, "summary": first_line(found.description), "metric": name, "value": text, "load": load}


def _briefs(found: Iterable[ModelVersion]) -> list[Document]:
    """Return versions as a list shows them; the metric is the one that the first of them was given first."""
    listed = list(found)
    names = [next(iter(v.metrics), "") for v in listed]
    common = {v.name: name for v, name in zip(reversed(listed), reversed(names), strict=True) if name}
    values = figures([v.metrics.get(common.get(v.name, "")) for v in listed])
    return [
        {
            "ref": v.ref, "name": v.name, "number": v.number, "stage": v.stage.value, "status": v.status.value,
            "aliases": list(v.aliases), "created_at": plain(v.created_at), "created_by": v.created_by,
            "note": first_line(v.note), "metric": common.get(v.name, "") if value else "", "value": value,
        }
        for v, value in zip(listed, values, strict=True)
    ]  # fmt: skip
