"""Filter text to one function: ``parse("metrics.auc > 0.9 AND NOT stage = Archived")`` is a query of the documents.

    filter     = term { OR term }
    term       = factor { AND factor }
    factor     = [NOT] ( "(" filter ")" | comparison )
    comparison = field (= | == | != | <> | < | <= | > | >=) value
               | field [NOT] (LIKE | ILIKE | RLIKE) value        | field [NOT] IN "(" value { "," value } ")"
               | field [NOT] BETWEEN value AND value             | field IS [NOT] NULL
    field      = name | table "." key | table "." quoted key
    value      = number | 'text' | "text" | word

Keywords are written in any case, a quote inside of quotes is doubled, a bare word is text. Whatever MLflow's filters
say is said the same way here. ``fields`` knows what can be searched, ``matching`` what a comparison means.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from nbregistry.domain.fields import Details, Field, Kind, Test, resolve
from nbregistry.domain.literals import Literal
from nbregistry.domain.matching import COMPARE, PATTERNS, Node, allow, both, either, operand, opposite, predicate
from nbregistry.domain.order import Order, parse_order
from nbregistry.domain.tokens import Token, Tokens
from nbregistry.errors import InvalidFilter, did_you_mean

__all__ = ["Filter", "Order", "parse", "parse_order"]

MAX_DEPTH = 32
MAX_LIST = 1000

_SIGNS = {"==": "=", "<>": "!="}
_OTHER_WORDS = {"&": "AND", "&&": "AND", "|": "OR", "||": "OR"}
_WORDS = ("IN", "BETWEEN", *PATTERNS)
_KEYWORDS = {"AND", "OR", "NOT", "IS", "NULL", *_WORDS}
_REF = re.compile(r"([^/]+)/([1-9][0-9]{0,11})\Z")


@dataclass(frozen=True, slots=True)
class Filter:
    """A compiled filter; call it with a document.

    Attributes
    ----------
    text : str
        As written.
    equal : mapping
        Equalities that hold for every match, for an index; keys among ``name number stage alias status``.
    moment : str
        What its times were read against, empty when there are none. The document layer remembers what a query found, so
        "7d" of today and "7d" of tomorrow must not be equal.
    reads : frozenset of str, or None
        The keys of a document that it looks at; None when it may look at anything.
    """

    text: str
    # A slot and not a method: Python goes straight to the compiled function, a quarter less of a scan's time.
    __call__: Test = field(repr=False, compare=False)
    equal: Mapping[str, object] = field(repr=False, compare=False)
    moment: str = ""
    details: Details | None = field(default=None, repr=False)
    reads: frozenset[str] | None = field(default=None, repr=False, compare=False)


def parse(text: str, *, now: datetime | None = None, details: Details | None = None) -> Filter:
    """Compile a filter; blank text matches everything.

    Parameters
    ----------
    now : datetime, optional
        What ``'7d'`` and ``today`` count from, and whose zone dates are in; UTC now by default.
    details : callable, optional
        Reads captured files, ``details(document, "signature" | "environment" | "source" | "profile")``. Without it
        schema, packages and code are missing everywhere.

    Raises
    ------
    InvalidFilter
        It cannot be read; points at the column.
    """
    if not isinstance(text, str):
        raise InvalidFilter(f"A filter is text such as 'metrics.auc > 0.9', not {type(text).__name__}.", "", 0)
    moment = now or datetime.now(UTC)
    parser = _Parser(Tokens(text), moment if moment.tzinfo else moment.replace(tzinfo=UTC), details)
    found = parser.read()
    equal = MappingProxyType(dict(found.equal))
    reads = None if "" in parser.reads else frozenset(parser.reads)
    return Filter(text, found.test, equal, moment.isoformat() if parser.timed else "", details, reads)


class _Parser:
    """Recursive descent, one method for each rule of the grammar."""

    def __init__(self, tokens: Tokens, now: datetime, details: Details | None) -> None:
        self._tokens, self._now, self._details = tokens, now, details
        self._bare = False
        self.timed = False
        self.reads: set[str] = set()

    def read(self) -> Node:
        if self._tokens.next.kind == "end":
            return Node(lambda _: True)
        found = self._filter(0)
        left = self._tokens.next
        if left.keyword == ")":
            raise self._tokens.fault("This ')' closes nothing", left.column)
        if left.kind != "end":
            hint = "; text of several words stands in quotes" if self._bare and left.kind == "word" else ""
            hint = f", did you mean {_OTHER_WORDS[left.text]}?" if left.text in _OTHER_WORDS else hint
            raise self._tokens.fault(f"AND, OR or the end is expected, not {left}{hint}", left.column)
        return found

    def _filter(self, depth: int) -> Node:
        terms = [self._term(depth)]
        while self._tokens.took("OR"):
            terms.append(self._term(depth))
        return terms[0] if len(terms) == 1 else either(terms)

    def _term(self, depth: int) -> Node:
        factors = [self._factor(depth)]
        while self._tokens.took("AND"):
            factors.append(self._factor(depth))
        return factors[0] if len(factors) == 1 else both(factors)

    def _factor(self, depth: int) -> Node:
        start = self._tokens.next
        if depth > MAX_DEPTH:
            raise self._tokens.fault(f"Parentheses and NOTs are nested more than {MAX_DEPTH} deep", start.column)
        if self._tokens.took("NOT"):
            return opposite(self._factor(depth + 1))
        if not self._tokens.took("("):
            return self._comparison()
        inside = self._filter(depth + 1)
        if not self._tokens.took(")"):
            left = self._tokens.next
            if left.kind == "end":
                raise self._tokens.fault("This '(' is never closed", start.column)
            raise self._tokens.fault(f"AND, OR or ')' is expected, not {left}", left.column)
        return inside

    def _comparison(self) -> Node:
        name, key = self._tokens.name()
        if not name.quote and name.keyword in _KEYWORDS:
            raise self._tokens.fault(f"A field is expected before {name.keyword}, as in metrics.auc > 0.9", name.column)
        found = self._checked(name, resolve, name.text, key, details=self._details)
        at = self._tokens.next
        op, negated = self._operator(found)
        self._checked(at, allow, found, op)
        operands = self._operands(found, op)
        self.timed |= found.kind is Kind.TIME
        self.reads.add(found.table or found.key)  # what is worked out has neither
        test = predicate(found, op, operands, negated=negated)
        return Node(test, {} if negated or op != "=" else _implied(found, operands[0]), found.costly)

    def _operator(self, found: Field) -> tuple[str, bool]:
        if sign := self._tokens.took(*COMPARE, "!=", *_SIGNS):
            sign = _SIGNS.get(sign, sign)
            return ("=", True) if sign == "!=" else (sign, False)
        if self._tokens.took("IS"):
            negated = bool(self._tokens.took("NOT"))
            if not self._tokens.took("NULL"):
                raise self._tokens.fault(
                    f"IS [NOT] NULL is expected, not {self._tokens.next}", self._tokens.next.column
                )
            return "NULL", negated
        negated = bool(self._tokens.took("NOT"))
        if word := self._tokens.took(*_WORDS):
            return word, negated
        token = self._tokens.next
        hint = did_you_mean(token.text, [*_WORDS, "IS"]) if token.kind == "word" else ""
        raise self._tokens.fault(
            f"After {found.label} a comparison is expected (= != < > LIKE IN BETWEEN IS NULL), not {token}{hint}",
            token.column,
        )

    def _operands(self, found: Field, op: str) -> Sequence[Any]:
        if op == "NULL":
            return ()
        if op == "IN":
            return self._list(found)
        first = self._operand(found, op)
        if op != "BETWEEN":
            return (first,)
        if not self._tokens.took("AND"):
            left = self._tokens.next
            raise self._tokens.fault(f"BETWEEN low AND high: AND is expected, not {left}", left.column)
        return first, self._operand(found, op)

    def _list(self, found: Field) -> Sequence[Any]:
        start = self._tokens.next
        if not self._tokens.took("("):
            raise self._tokens.fault(f"IN takes a list in parentheses, not {start}", start.column)
        operands = [self._operand(found, "IN")]
        while self._tokens.took(","):
            if len(operands) == MAX_LIST:
                raise self._tokens.fault(f"IN takes at most {MAX_LIST:,} values", self._tokens.next.column)
            operands.append(self._operand(found, "IN"))
        if not self._tokens.took(")"):
            left = self._tokens.next
            raise self._tokens.fault(f"',' or ')' is expected in the list of IN, not {left}", left.column)
        return operands

    def _operand(self, found: Field, op: str) -> Any:
        token = self._tokens.take()
        if token.kind in {"sign", "end"} or token.keyword in _KEYWORDS:
            if token.keyword == "NULL":
                raise self._tokens.fault(f"Nothing compares with NULL: write {found.label} IS NULL", token.column)
            hint = "; as text it stands in quotes" if token.kind == "word" else ""
            raise self._tokens.fault(f"A value for {found.label} is expected, not {token}{hint}", token.column)
        self._bare = not token.quote
        literal = Literal(token.text, bool(token.quote), token.column)
        return self._checked(token, operand, found, op, literal, self._now)

    def _checked(self, token: Token, do: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """Call, and point at the token if what it says cannot be meant."""
        try:
            return do(*args, **named)
        except ValueError as error:
            raise self._tokens.fault(str(error), token.column) from None


def _implied(found: Field, wanted: Any) -> Mapping[str, object]:
    """Return what an equality gives to an index, as documents store it."""
    value = wanted.text if isinstance(wanted, Literal) else wanted
    if found.label == "ref":
        parts = _REF.match(value)
        return {"name": parts[1], "number": int(parts[2])} if parts else {}
    if not found.indexed:
        return {}
    if found.kind is Kind.NUMBER:
        return {found.key: int(value)} if float(value).is_integer() else {}
    return {"alias" if found.kind is Kind.ALIAS else found.key: value}
