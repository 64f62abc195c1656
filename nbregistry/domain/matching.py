"""From a field, an operator and what it is compared with to one small function that tests a document.

What is missing compares with nothing: every comparison with it is false, ``!=``, ``NOT IN``, ``NOT LIKE`` and ``NOT
BETWEEN`` too; only ``IS NULL`` is true. ``NOT`` in front of a whole comparison or group is its exact opposite, and so
true of what is missing. A version's aliases are a set, never missing: ``alias != 'champion'`` holds when none is that.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from nbregistry.domain.fields import Field, Kind, Test
from nbregistry.domain.lifecycle import Stage, Status
from nbregistry.domain.literals import Literal, Period, amount, number, period, release
from nbregistry.domain.patterns import like, rlike
from nbregistry.errors import did_you_mean

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
PATTERNS = ("LIKE", "ILIKE", "RLIKE")
_ORDERED = {*COMPARE, "BETWEEN", "IN", "NULL"}
_NAMED = {"=", "IN", *PATTERNS, "NULL"}
_ALLOWED = {
    Kind.NUMBER: _ORDERED,
    Kind.SIZE: _ORDERED,
    Kind.METRIC: _ORDERED,
    Kind.STAGE: _NAMED,
    Kind.STATUS: _NAMED,
    Kind.ALIAS: _NAMED,
    Kind.ANYWHERE: {"=", *PATTERNS},
}
_NOTHING: Mapping[str, Any] = {}
_NUMERIC = {Kind.NUMBER, Kind.SIZE, Kind.METRIC}

Match = Callable[[Any], bool]
"""Whether a value, which is not missing, fits."""


def allow(field: Field, op: str) -> None:
    """Raise ValueError when the field cannot be compared that way."""
    allowed = _ALLOWED.get(field.kind)
    if allowed is None or op in allowed:
        return
    words = {"=": "=, !=", "NULL": "IS NULL"}
    known = ", ".join(words.get(o, o) for o in (*COMPARE, "BETWEEN", "IN", *PATTERNS, "NULL") if o in allowed)
    raise ValueError(f"{field.label} cannot be compared with {'IS NULL' if op == 'NULL' else op}: use one of {known}")


def operand(field: Field, op: str, literal: Literal, now: datetime) -> Any:
    """Read a literal as what the field is compared with.

    Raises
    ------
    ValueError
        The literal does not fit the field.
    """
    if op in PATTERNS:
        return rlike(literal.text) if op == "RLIKE" else like(literal.text, fold=op == "ILIKE")
    kind = field.kind
    if kind in _NUMERIC:
        found = amount(literal.text) if kind is Kind.SIZE else number(literal.text)
        if found is None:
            raise ValueError(f"{field.label} is a number; {literal.text[:40]!r} is not")
        return found
    if kind is Kind.TIME:
        stretch = period(literal, now)
        if stretch.point and op in {"=", "IN"}:
            raise ValueError(f"{literal.text[:40]!r} is one instant, which nothing equals: write {field.label} > '7d'")
        return stretch
    if kind is Kind.STAGE:
        return Stage.parse(literal.text).value
    if kind is Kind.STATUS:
        return _status(literal.text)
    if kind is Kind.RELEASE and op not in {"=", "IN"} and release(literal.text) is None:
        raise ValueError(f"{field.label} is a version; {literal.text[:40]!r} is not")
    if field.label == "ref":
        return replace(literal, text=literal.text.removeprefix("models:/"))
    return literal


def _status(text: str) -> str:
    names = [s.value for s in Status]
    if text.strip().upper() in names:
        return text.strip().upper()
    hint = did_you_mean(text[:40], names) or "."
    raise ValueError(f"No status {text[:40]!r}{hint} The statuses are {', '.join(names)}.")


def predicate(field: Field, op: str, operands: Sequence[Any], *, negated: bool = False) -> Test:
    """Compile one comparison; ``operands`` are one for most operators, two for BETWEEN, any number for IN."""
    if op == "NULL":
        absent = field.absent
        return (lambda doc: not absent(doc)) if negated else absent
    if field.kind is Kind.METRIC and op in COMPARE and not negated:
        return _metric(field.key, op, operands[0])
    if field.indexed and op == "=" and not negated and field.kind is not Kind.ALIAS:
        return _equality(field.key, operands[0])
    get, fits = field.get, _match(field.kind, op, operands)
    if field.kind is Kind.TYPED and op == "=" and not negated and not _says_bool(operands[0]):
        return _tagged(field, fits, operands[0].text)
    if field.kind in {Kind.ALIAS, Kind.ANYWHERE}:
        return _any_of(get, fits, negated=negated)
    if negated:
        return lambda doc: (value := get(doc)) is not None and not fits(value)
    return lambda doc: (value := get(doc)) is not None and fits(value)


def _equality(key: str, operand_: Any) -> Test:
    wanted = operand_.text if isinstance(operand_, Literal) else operand_
    return lambda doc: bool(doc.get(key) == wanted)


def _tagged(field: Field, fits: Match, text: str) -> Test:
    """Compare a tag or a parameter; texts, which most of them are, at once."""
    table, key, get = field.table, field.key, field.get

    def equal(doc: Mapping[str, Any]) -> bool:
        try:
            value = doc[table].get(key)
        except KeyError:
            return False
        if type(value) is str:
            return value == text
        return (value := get(doc)) is not None and fits(value)

    return equal


def _any_of(get: Callable[[Mapping[str, Any]], Any], fits: Match, *, negated: bool) -> Test:
    def matches(doc: Mapping[str, Any]) -> bool:
        for value in get(doc) or ():
            if fits(value):
                return not negated
        return negated

    return matches


def _metric(key: str, op: str, bound: float) -> Test:
    """Compare a metric; written out, for this is the scan over every version there is.

    A float, nearly always there, is compared at once. Every version has ``metrics``; other documents may not.
    """
    fits, compare = _match(Kind.METRIC, op, [bound]), COMPARE[op]

    def rest(value: Any) -> bool:
        return value is not None and fits(value)

    def above(doc: Mapping[str, Any]) -> bool:
        try:
            value = doc["metrics"].get(key)
        except KeyError:
            return False
        return value > bound if type(value) is float else rest(value)

    def below(doc: Mapping[str, Any]) -> bool:
        try:
            value = doc["metrics"].get(key)
        except KeyError:
            return False
        return value < bound if type(value) is float else rest(value)

    def other(doc: Mapping[str, Any]) -> bool:
        try:
            value = doc["metrics"].get(key)
        except KeyError:
            return False
        return compare(value, bound) if type(value) is float else rest(value)

    def equal(doc: Mapping[str, Any]) -> bool:
        return rest(doc.get("metrics", _NOTHING).get(key))

    return {">": above, "<": below, "=": equal}.get(op, other)


def _match(kind: Kind, op: str, operands: Sequence[Any]) -> Match:
    if op in PATTERNS:
        fits = operands[0]
        return lambda value: fits(shown(value))
    if op == "BETWEEN":
        low, high = _match(kind, ">=", operands[:1]), _match(kind, "<=", operands[1:])
        return lambda value: low(value) and high(value)
    if op == "IN":
        return _member(kind, operands)
    wanted = operands[0]
    if kind in _NUMERIC:
        return _number(op, wanted)
    if kind is Kind.TIME:
        return _time(op, wanted)
    if kind is Kind.RELEASE:
        return _release(op, wanted)
    if kind is Kind.TYPED:
        return _typed(op, wanted)
    if kind is Kind.ANYWHERE:
        return like(f"%{_escaped(wanted.text)}%", fold=True)
    compare, text = COMPARE[op], wanted.text if isinstance(wanted, Literal) else wanted
    return lambda value: compare(shown(value), text)


def _member(kind: Kind, operands: Sequence[Any]) -> Match:
    if kind in {Kind.TEXT, Kind.ALIAS, Kind.STAGE, Kind.STATUS}:
        texts = frozenset(o.text if isinstance(o, Literal) else o for o in operands)
        return lambda value: shown(value) in texts
    if kind in _NUMERIC and all(o == o for o in operands):  # noqa: PLR0124  # nan, which no set would find, is not itself
        numbers = frozenset(operands)
        return lambda value: real(value) in numbers
    tests = [_match(kind, "=", [o]) for o in operands]
    return lambda value: any(test(value) for test in tests)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def shown(value: Any) -> str:
    """Return a stored value as the text that patterns and texts are compared with."""
    return value if isinstance(value, str) else str(value)


def _number(op: str, wanted: float) -> Match:
    # "nan" equals nan here, unlike in arithmetic: someone who looks for it wants to find it. It is not ordered.
    if op == "=" and wanted != wanted:  # noqa: PLR0124  # what nan is: unequal to itself
        return lambda value: (v := real(value)) != v
    compare = COMPARE[op]
    return lambda value: compare(real(value), wanted)


def real(value: Any) -> float:
    """Read a stored number; those JSON does not have are stored as text."""
    return float(value) if isinstance(value, str) else value


def _time(op: str, wanted: Period) -> Match:
    start, end, _ = wanted
    if op == "=":
        return lambda value: start <= value < end
    if op == "<":
        return lambda value: bool(value < start)
    if op == ">=":
        return lambda value: bool(value >= start)
    if wanted.point:
        return (lambda value: bool(value > start)) if op == ">" else lambda value: bool(value <= start)
    return (lambda value: bool(value >= end)) if op == ">" else lambda value: bool(value < end)


def _release(op: str, wanted: Literal) -> Match:
    compare, bound, text = COMPARE[op], release(wanted.text), wanted.text
    read = lru_cache(maxsize=1024)(release)

    def fits(value: Any) -> bool:
        found = read(shown(value))
        if found is None or bound is None:  # not a version we can order: equal only when the same text
            return op == "=" and shown(value) == text
        return compare(found, bound)

    return fits


def _says_bool(wanted: Literal) -> bool:
    return not wanted.quoted and wanted.text.casefold() in {"true", "false"}


def _typed(op: str, wanted: Literal) -> Match:
    """Compare as numbers when the stored value is one and the literal reads as one, else as text."""
    compare, text, bound = COMPARE[op], wanted.text, number(wanted.text)
    folded, says_bool = text.casefold(), _says_bool(wanted)

    def fits(value: Any) -> bool:
        if bound is not None and type(value) in {int, float}:
            return compare(value, bound)
        if says_bool or isinstance(value, bool):
            return compare(shown(value).casefold(), folded)
        return compare(shown(value), text)

    return fits


class Node(NamedTuple):
    """A compiled part of a filter: its test, the equalities it implies, and whether it reads captured files."""

    test: Test
    equal: Mapping[str, object] = MappingProxyType({})
    costly: bool = False


def opposite(part: Node) -> Node:
    """Return what holds exactly when the part does not."""
    test = part.test
    return Node(lambda doc: not test(doc), costly=part.costly)


def both(parts: Sequence[Node]) -> Node:
    """Join two or more parts by AND."""
    one, *rest = _cheap_first(parts)
    equal = {key: value for part in reversed(parts) for key, value in part.equal.items()}
    costly = any(part.costly for part in parts)
    if len(rest) == 1:
        two = rest[0]
        return Node(lambda doc: one(doc) and two(doc), equal, costly)
    return Node(lambda doc: one(doc) and all(test(doc) for test in rest), equal, costly)


def either(parts: Sequence[Node]) -> Node:
    """Join two or more parts by OR."""
    one, *rest = _cheap_first(parts)
    costly = any(part.costly for part in parts)
    if len(rest) == 1:
        two = rest[0]
        return Node(lambda doc: one(doc) or two(doc), costly=costly)
    return Node(lambda doc: one(doc) or any(test(doc) for test in rest), costly=costly)


def _cheap_first(parts: Sequence[Node]) -> list[Test]:
    # Whatever the order it was written in: a captured file is read only for what is left.
    return [part.test for part in sorted(parts, key=lambda part: part.costly)]
