"""The syntax of RLIKE: Python's regular expressions without what would need backtracking, read into a small tree."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

_MAX_DEPTH = 32
_COUNT = re.compile(r"\{(?=[\d,])(\d*)(,?)(\d*)\}", re.ASCII)
_FLAGS = re.compile(r"\(\?([is]+)\)")
_GROUP = re.compile(r"\((?:\?:|\?P<[A-Za-z_]\w*>|(?!\?))")
_HEX = re.compile(r"x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U000[0-9a-fA-F]{5}")
_PLAIN_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}
_PLACES = {"b": "word", "B": "inside", "A": "start", "Z": "end"}

Test = Callable[[str], bool]
"""Whether one character fits."""

_CLASSES: dict[str, Test] = {
    "d": str.isdecimal,
    "s": str.isspace,
    "w": lambda c: c.isalnum() or c == "_",
}


@dataclass(frozen=True, slots=True)
class Node:
    """One part of a pattern.

    Attributes
    ----------
    what : str
        ``char``, ``at``, ``cat``, ``alt`` or ``repeat``.
    test : callable or None
        Of a ``char``.
    place : str
        Of an ``at``: ``start``, ``end``, ``word`` (the edge of one) or ``inside`` (not an edge).
    parts : tuple of Node
        Of the other three.
    low, high : int, int or None
        How often a ``repeat`` may be; None is without end.
    """

    what: str
    test: Test | None = None
    place: str = ""
    parts: tuple[Node, ...] = ()
    low: int = 0
    high: int | None = None


def parse_regex(pattern: str) -> Node:
    """Read a pattern; a ValueError says what it has that it should not."""
    return _Reader(pattern).read()


class _Reader:
    def __init__(self, pattern: str) -> None:
        self._text, self._at = pattern, 0
        flags = _FLAGS.match(pattern)
        self._ignore_case = bool(flags and "i" in flags[1])
        self._dot_all = bool(flags and "s" in flags[1])
        if flags:
            self._at = flags.end()

    def read(self) -> Node:
        found = self._choice(0)
        if self._at < len(self._text):
            raise ValueError(f"The pattern closes a ')' it never opened, at its character {self._at + 1}")
        return found

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        c = self._peek()
        self._at += 1
        return c

    def _choice(self, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            raise ValueError(f"The pattern's groups are nested more than {_MAX_DEPTH} deep")
        parts = [self._sequence(depth)]
        while self._peek() == "|":
            self._at += 1
            parts.append(self._sequence(depth))
        return parts[0] if len(parts) == 1 else Node("alt", parts=tuple(parts))

    def _sequence(self, depth: int) -> Node:
        parts = []
        while self._peek() not in {"", "|", ")"}:
            parts.append(self._repeated(self._atom(depth)))
        return Node("cat", parts=tuple(parts))

    def _repeated(self, atom: Node) -> Node:
        bounds = self._quantifier()
        if bounds is None:
            return atom
        if atom.what == "at":
            raise ValueError("The pattern repeats a place (^, $ or \\b), which is nothing to repeat")
        low, high = bounds
        if high is not None and low > high:
            raise ValueError(f"The pattern repeats from {low} to {high} times: the smaller number comes first")
        if self._peek() == "?":  # lazy or greedy matters only to where a match ends
            self._at += 1
        if self._peek() == "+":
            raise ValueError("The pattern has a possessive quantifier, which RLIKE does not have")
        if self._quantifier() is not None:
            raise ValueError("The pattern has two quantifiers in a row: put the first into a group")
        return Node("repeat", parts=(atom,), low=low, high=high)

    def _quantifier(self) -> tuple[int, int | None] | None:
        c = self._peek()
        simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        if c in simple:
            self._at += 1
            return simple[c]
        count = _COUNT.match(self._text, self._at)
        if count is None:
            return None
        self._at = count.end()
        low = int(count[1] or 0)
        if not count[2]:
            return low, low
        return low, int(count[3]) if count[3] else None

    def _atom(self, depth: int) -> Node:
        c = self._peek()
        if c in {"*", "+", "?"} or _COUNT.match(self._text, self._at):
            raise ValueError(f"The pattern has {c!r} with nothing before it to repeat; write \\{c} for the character")
        if c == "(":
            return self._group(depth)
        self._at += 1
        if c == "[":
            return self._set()
        if c == ".":
            return Node("char", (lambda _: True) if self._dot_all else "\n".__ne__)
        if c == "^":
            return Node("at", place="start")
        if c == "$":
            return Node("at", place="end")
        if c == "\\":
            return self._escape()
        return self._char([c.__eq__])

    def _group(self, depth: int) -> Node:
        opened = _GROUP.match(self._text, self._at)
        if opened is None:
            raise ValueError(
                "The pattern has a group (?...) that RLIKE does not have: no look-around, no back-references; (?i) and"
                " (?s) stand at its beginning"
            )
        self._at = opened.end()
        inside = self._choice(depth + 1)
        if self._take() != ")":
            raise ValueError("The pattern opens a '(' that it never closes")
        return inside

    def _escape(self) -> Node:
        c = self._peek()
        if c in _PLACES:
            self._at += 1
            return Node("at", place=_PLACES[c])
        return self._char([self._escaped()[1]])

    def _escaped(self) -> tuple[str | None, Test]:
        """Read what follows a backslash: the character, if it stands for one, and its test."""
        code = _HEX.match(self._text, self._at)
        if code:
            self._at = code.end()
            return self._same(chr(int(code[0][1:], 16)))
        c = self._take()
        if c in _PLAIN_ESCAPES:
            return self._same(_PLAIN_ESCAPES[c])
        if c and c.lower() in _CLASSES:
            fits = _CLASSES[c.lower()]
            return None, fits if c.islower() else (lambda x: not fits(x))
        if not c:
            raise ValueError("The pattern ends in a backslash")
        if c.isalnum():
            reason = "no back-references" if c.isdigit() else "no such escape"
            raise ValueError(f"The pattern has \\{c}, which RLIKE does not have ({reason})")
        return self._same(c)

    @staticmethod
    def _same(c: str) -> tuple[str, Test]:
        return c, c.__eq__

    def _set(self) -> Node:
        negated = self._peek() == "^"
        if negated:
            self._at += 1
        tests: list[Test] = []
        while True:
            c = self._peek()
            if c == "":
                raise ValueError("The pattern opens a '[' that it never closes")
            if c == "]" and tests:
                self._at += 1
                return self._char(tests, negated=negated)
            tests.append(self._member())

    def _member(self) -> Test:
        first, test = self._one()
        if first is None or self._peek() != "-" or self._text[self._at + 1 : self._at + 2] in {"]", ""}:
            return test
        self._at += 1
        last, _ = self._one()
        if last is None or last < first:
            raise ValueError(f"The pattern has a range from {first!r} that ends nowhere after it")
        return lambda c: first <= c <= last

    def _one(self) -> tuple[str | None, Test]:
        c = self._take()
        if c != "\\":
            return self._same(c)
        if self._peek() == "b":
            self._at += 1
            return self._same("\b")
        return self._escaped()

    def _char(self, tests: Iterable[Test], *, negated: bool = False) -> Node:
        alternatives = tuple(tests)

        def plain(c: str) -> bool:
            return any(test(c) for test in alternatives)

        def either_case(c: str) -> bool:
            return plain(c) or plain(c.lower()) or plain(c.upper())

        fits = either_case if self._ignore_case else plain
        return Node("char", (lambda c: not fits(c)) if negated else fits)
