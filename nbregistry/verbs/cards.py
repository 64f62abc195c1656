"""A version that shows itself as its card: what changed since the one before, and what there is to know."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, fields, replace

from nbregistry import display
from nbregistry.domain.entities import ModelVersion
from nbregistry.domain.results import Card
from nbregistry.registry import Registry


def proven(registry: Registry, card: Card) -> Card:
    """Return the card with what was found out about serving its version compiled."""
    core = registry.core
    if not any((folder / "compiled").is_dir() for folder in (core.store.folder, core.settings.home)):
        return card  # looking closer would load what only servers need
    from nbregistry.serving import compiling

    found = compiling.find(registry, card.version)
    return card if found is None else replace(card, compiled=found.as_document())


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ShownVersion(ModelVersion):
    """The version in every respect, so that ``v = %register churn`` is what ``Registry.register`` returns.

    Attributes
    ----------
    card : Card
        What is shown of it.
    """

    card: Card = field(kw_only=True, repr=False)

    @classmethod
    def of(cls, card: Card) -> ShownVersion:
        """Return the version of a card."""
        version = card.version
        return cls(**{f.name: getattr(version, f.name) for f in fields(version)}, card=card)

    def __eq__(self, other: object) -> bool:
        mine = self.card.version
        return bool(mine == (other.card.version if isinstance(other, ShownVersion) else other))

    def __hash__(self) -> int:
        return hash(self.card.version)

    def __str__(self) -> str:
        return display.text(self.card)

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        shown = display.bundle(self.card)
        return {k: v for k, v in shown.items() if (not include or k in include) and not (exclude and k in exclude)}
