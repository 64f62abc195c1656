"""``"metrics.auc DESC, name"``: an order that is total, and pages of it that survive what others insert meanwhile.

What is missing comes last in both directions, ``nan`` just before it; ties are broken by name and number. A cursor is
not an offset but the place of the last document shown, so a version registered between two pages shifts nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import heapq
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from nbregistry.domain.fields import Details, Field, Kind, Test, resolve
from nbregistry.domain.literals import release
from nbregistry.domain.tokens import Tokens
from nbregistry.errors import InvalidFilter, InvalidInput

MAX_KEYS = 16
_MAX_TOKEN = 64 * 1024
_MAX_TEXT = 256
"""Texts are ordered by their first 256 characters, so that a cursor stays short."""

_NUMERIC = {Kind.NUMBER, Kind.SIZE, Kind.METRIC}
_VALUE, _NAN, _MISSING = 0, 1, 2

SortKey: TypeAlias = "tuple[Any, ...]"


class _Down:
    """Turns an order around, for what cannot be negated."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __lt__(self, other: _Down) -> bool:
        return bool(other.value < self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Down) and bool(self.value == other.value)

    __hash__ = None  # type: ignore[assignment]  # a sort key is compared, never looked up


@dataclass(frozen=True, slots=True)
class Order:
    """A total order of documents.

    Attributes
    ----------
    text : str
        Canonical: ``metrics.auc DESC, name ASC``.
    keys : tuple of (Field, bool)
        What is ordered by, and whether it descends.
    ranks : tuple of callable
        Each gives its part of the sort key.
    digest : str
        Of the order and the filter it belongs to; a cursor of another query is refused by it.
    """

    text: str
    keys: tuple[tuple[Field, bool], ...] = field(repr=False)
    ranks: tuple[Callable[[Mapping[str, Any]], SortKey], ...] = field(repr=False, compare=False)
    digest: str

    def key(self, doc: Mapping[str, Any]) -> SortKey:
        """Return the sort key, for ``sorted`` and ``heapq``."""
        return (*[rank(doc) for rank in self.ranks], doc.get("name") or "", doc.get("number") or 0)

    def cursor(self, doc: Mapping[str, Any]) -> str:
        """Return a token for the place of a document in this order; safe in a URL."""
        values = [_plain(_value(f, doc)) for f, _ in self.keys]
        place = [self.digest, *values, doc.get("name") or "", doc.get("number") or 0]
        return base64.urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode()).decode().rstrip("=")

    def after(self, token: str) -> Test:
        """Return a test for the documents strictly after a cursor's place.

        Raises
        ------
        InvalidInput
            It is no cursor, or one of another filter or order.
        """
        here, key = self._position(token), self.key
        return lambda doc: key(doc) > here

    def _position(self, token: str) -> SortKey:
        *values, name, number = self._place(token)
        try:
            ranks = [_rank(f.kind, value, down) for (f, down), value in zip(self.keys, values, strict=True)]
        except (ValueError, TypeError):
            raise InvalidInput(_BROKEN) from None
        if not isinstance(name, str) or type(number) is not int:
            raise InvalidInput(_BROKEN)
        return (*ranks, name, number)

    def page(
        self, docs: Iterable[Mapping[str, Any]], *, limit: int, after: str | None = None
    ) -> tuple[list[Mapping[str, Any]], str | None]:
        """Return the first ``limit`` documents (after a cursor), and the cursor of the next page, None on the last."""
        if limit < 1:
            raise InvalidInput(f"A page has at least one document; limit={limit} has none.")
        keyed = ((self.key(doc), n, doc) for n, doc in enumerate(docs))
        if after is not None:
            here = self._position(after)
            keyed = (one for one in keyed if one[0] > here)
        found = [doc for _, _, doc in heapq.nsmallest(limit + 1, keyed)]
        return found[:limit], self.cursor(found[limit - 1]) if len(found) > limit else None

    def _place(self, token: str) -> list[Any]:
        """Decode a token that anyone may have written."""
        if not isinstance(token, str) or len(token) > _MAX_TOKEN:
            raise InvalidInput(_BROKEN)
        try:
            raw = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
            place = json.loads(raw)
        except (ValueError, binascii.Error, RecursionError):
            raise InvalidInput(_BROKEN) from None
        if not isinstance(place, list) or not place or not all(isinstance(v, _SCALARS) for v in place):
            raise InvalidInput(_BROKEN)
        if place[0] != self.digest:
            raise InvalidInput(
                "This cursor belongs to another search: filter and order must be those of its first page."
            )
        if len(place) != len(self.keys) + 3:
            raise InvalidInput(_BROKEN)
        return place[1:]


_SCALARS = (str, int, float, bool, type(None))
_BROKEN = "This is not a cursor that a search returned: ask for the first page again, without one."


def parse_order(text: str | Sequence[str], *, filter_text: str = "", details: Details | None = None) -> Order:
    """Read what to order by: fields separated by commas, each with ASC or DESC; blank is by name and number.

    Parameters
    ----------
    text : str or sequence of str
        ``"metrics.auc DESC, name"``, or its parts in a list, as MLflow has them.
    filter_text : str
        The filter of the same search; its cursors serve no other.
    details : callable, optional
        Reads captured files, as for ``search.parse``.

    Raises
    ------
    InvalidFilter
        It cannot be read; points at the column.
    """
    parts = [text] if isinstance(text, str) or not isinstance(text, Sequence) else text
    keys: list[tuple[Field, bool]] = []
    for part in parts:
        if not isinstance(part, str):
            raise InvalidFilter(f"An order is text such as 'metrics.auc DESC', not {type(part).__name__}.", "", 0)
        keys += _keys(Tokens(part), details)
        if len(keys) > MAX_KEYS:
            raise InvalidFilter(f"An order has at most {MAX_KEYS} fields.", part[:80], 0)
    canonical = ", ".join(f"{f.label} {'DESC' if descending else 'ASC'}" for f, descending in keys)
    mark = json.dumps([filter_text.strip(), canonical]).encode()
    return Order(canonical, tuple(keys), tuple(_ranking(*k) for k in keys), hashlib.sha256(mark).hexdigest()[:16])


def _keys(tokens: Tokens, details: Details | None) -> list[tuple[Field, bool]]:
    keys: list[tuple[Field, bool]] = []
    while keys or tokens.next.kind != "end":
        name, inside = tokens.name()
        try:
            found = resolve(name.text, inside, details=details)
        except ValueError as error:
            raise tokens.fault(str(error), name.column) from None
        if found.kind is Kind.ANYWHERE:
            raise tokens.fault("text is many texts, which have no order", name.column)
        keys.append((found, tokens.took("ASC", "DESC") == "DESC"))
        if tokens.next.kind == "end":
            break
        if not tokens.took(","):
            raise tokens.fault(f"ASC, DESC, ',' or the end is expected, not {tokens.next}", tokens.next.column)
    return keys


def _value(f: Field, doc: Mapping[str, Any]) -> Any:
    if f.absent(doc):
        return None
    found = min(f.get(doc)) if f.kind is Kind.ALIAS else f.get(doc)
    return found[:_MAX_TEXT] if isinstance(found, str) else found


def _plain(value: Any) -> Any:
    # What JSON cannot hold is written as documents store it, and read back by the same rule.
    return repr(value) if isinstance(value, float) and value - value != 0 else value


def _ranking(f: Field, descending: bool) -> Callable[[Mapping[str, Any]], SortKey]:
    """Return what gives a document's part of the sort key: the rank of its value, with a shortcut for numbers."""
    kind, get = f.kind, f.get
    if kind not in _NUMERIC:
        return lambda doc: _rank(kind, _value(f, doc), descending)

    def numeric(doc: Mapping[str, Any]) -> SortKey:
        value = get(doc)
        if type(value) is float and value == value:  # noqa: PLR0124  # not nan
            return (_VALUE, -value if descending else value)
        return _rank(kind, value, descending)

    return numeric


def _rank(kind: Kind, value: Any, descending: bool) -> SortKey:
    """Return a tuple that orders one value among all values of its field; ValueError if it can be none of them."""
    if value is None:
        return (_MISSING,)
    if kind in _NUMERIC:
        number = float(value) if isinstance(value, str) else value
        if number != number:  # noqa: PLR0124  # nan
            return (_NAN,)
        return (_VALUE, -number if descending else number)
    rank: Any = value if isinstance(value, str) else str(value)
    if kind is Kind.TYPED:
        rank = (0, value) if isinstance(value, int | float) and not isinstance(value, bool) else (1, rank)
    elif kind is Kind.RELEASE:
        order = release(rank)
        rank = (1, rank) if order is None else (0, order)
    return (_VALUE, _Down(rank) if descending else rank)
