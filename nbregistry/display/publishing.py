"""A view as it may leave the house: without private places, with times that do not age, and linked within its page.

What is shown in a notebook is seen by those who have the registry; an exported page is mailed to people who have not.
So the paths of notebooks shrink to their names, home directories and the registry's own place are taken out of every
text, and hosts are not told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum
from pathlib import PurePath
from typing import Any, TypeVar

from nbregistry.display.blocks import Look, Span, View, When
from nbregistry.display.figures import stamp
from nbregistry.domain.entities import Event, ModelVersion
from nbregistry.domain.results import Card
from nbregistry.domain.tenure import Tenure
from nbregistry.types import Digest, Document

T = TypeVar("T")

_HOME = re.compile(
    r"(?<![\w.~-])(?:(?:/home/|/Users/|[A-Za-z]:[\\/]Users[\\/])[^/\\\s\"'<>:;,)\]]+|/root(?=[/\s\"']|$))"
)
_PLACES = ("notebook", "script")


@dataclass(frozen=True, slots=True)
class Publisher:
    """Prepares views for one page.

    Attributes
    ----------
    private : tuple of str
        Texts that are taken out wherever they stand, the longest first.
    places : mapping of str to str
        Where in the page (``#v-churn-3``) a reference or a model's name is told of.
    """

    private: tuple[str, ...]
    places: Mapping[str, str]

    def view(self, found: View) -> View:
        """Return the view with every text discreet, every time absolute, and references as links."""
        return self._turned(found)

    def _turned(self, value: T) -> T:
        turned: Any = value
        if isinstance(value, Span):
            turned = self._span(value)
        elif isinstance(value, When):
            turned = Span(f"{stamp(value.moment)} UTC")
        elif isinstance(value, str) and not isinstance(value, Enum):
            turned = self.text(value)
        elif isinstance(value, tuple):
            turned = tuple(map(self._turned, value))
        elif is_dataclass(value) and not isinstance(value, type):
            turned = replace(value, **{f.name: self._turned(getattr(value, f.name)) for f in fields(value)})
        return turned  # type: ignore[no-any-return]  # of the kind that came in: a part of a line for a part of a line

    def _span(self, span: Span) -> Span:
        if span.look is Look.CODE and span.text in self.places:
            return Span(span.text, Look.LINK, self.places[span.text])
        if span.look is Look.LINK:
            return Span(self.text(span.text))  # led elsewhere, where this page is not
        text, title = self.text(span.text), self.text(span.title)
        return span if (text, title) == (span.text, span.title) else replace(span, text=text, title=title)

    def text(self, text: str) -> str:
        """Return a text without private places."""
        for word in self.private:
            text = text.replace(word, "…")
        return _HOME.sub("~", text) if "/" in text or "\\" in text else text

    def version(self, found: ModelVersion) -> ModelVersion:
        """Return a version whose captured files tell the name of its notebook, not the folder."""
        read = found.reader

        def reader(digest: Digest) -> Document:
            document = read(digest) if read else {}
            return {k: last(v) if k in _PLACES and isinstance(v, str) else v for k, v in document.items()}

        return replace(found, reader=reader) if read else found

    def card(self, found: Card) -> Card:
        """Return a card of such versions."""
        previous = self.version(found.previous) if found.previous else None
        return replace(found, version=self.version(found.version), previous=previous)

    def tenure(self, found: Tenure) -> Tenure:
        """Return a tenure of such versions."""
        version, before = (self.version(v) if v else None for v in (found.version, found.predecessor))
        return replace(found, version=version, predecessor=before)

    def event(self, found: Event) -> Event:
        """Return a line of the audit without the host, and with no more than the name of the notebook."""
        return replace(found, host="", notebook=last(found.notebook) if found.notebook else None)


def last(path: str) -> str:
    """Return the last part of a path of any system."""
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2]


def private(places: Iterable[PurePath]) -> tuple[str, ...]:
    """Return the texts by which places are known, without those that are so short that they name nothing."""
    texts = {str(place) for place in places if len(place.parts) > 2}
    return tuple(sorted(texts, key=len, reverse=True))
