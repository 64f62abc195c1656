"""LIKE, ILIKE and RLIKE on text anyone may have written, with patterns anyone may send: time is linear in the text.

Python's ``re`` tries one way after another and can be made to try for years; counting its quantifiers does not
prevent that (``.*a.*b.*c`` is enough on a long line). So RLIKE follows all ways at once, as K. Thompson did ("Regular
expression search algorithm", CACM 11(6), 1968), and remembers each set of ways it has met, which makes the usual step
one dictionary look-up. The syntax is that of ``re`` without back-references and look-around, which cannot be had so.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from nbregistry.domain.regex import Node, Test, parse_regex

MAX_PATTERN = 1_000
MAX_STEPS = 500
MAX_SUBJECT = 10_000
"""RLIKE reads the first 10,000 characters of a text."""

_MAX_STATES = 1_000
_MAX_EDGES = 20_000


def like(pattern: str, *, fold: bool = False) -> Test:
    r"""Compile a LIKE pattern: ``%`` any text, ``_`` one character, ``\%`` and ``\_`` themselves; ``fold`` is ILIKE."""
    if fold:
        matches = like(pattern.casefold())
        return lambda text: matches(text.casefold())
    first, *rest = _segments(pattern)
    if not rest:
        return _whole(first)
    *middle, last = rest
    inner = [m for m in middle if m]
    start, end = _literal(first), _literal(last)
    inside = _literal(inner[0]) if len(inner) == 1 else None if inner else ""
    if start is not None and end is not None and inside is not None:
        return _simple(start, inside, end)
    return _general(first, inner, last)


Segment = list["str | None"]
"""The characters between two ``%``; None stands for ``_``."""


def _segments(pattern: str) -> list[Segment]:
    found: list[Segment] = [[]]
    characters = iter(pattern)
    for c in characters:
        if c == "%":
            found.append([])
        elif c == "_":
            found[-1].append(None)
        elif c == "\\":
            found[-1].append(next(characters, c))
        else:
            found[-1].append(c)
    return found


def _literal(segment: Segment) -> str | None:
    return None if None in segment else "".join(c for c in segment if c is not None)


def _whole(segment: Segment) -> Test:
    exact = _literal(segment)
    if exact is not None:
        return lambda text: text == exact
    fits = _expression(segment).fullmatch
    return lambda text: fits(text) is not None


def _simple(start: str, inside: str, end: str) -> Test:
    if not start and not end:
        return lambda text: inside in text
    fixed = len(start) + len(end)

    def matches(text: str) -> bool:
        if len(text) < fixed or not text.startswith(start) or not text.endswith(end):
            return False
        return not inside or text.find(inside, len(start), len(text) - len(end)) >= 0

    return matches


def _general(first: Segment, middle: list[Segment], last: Segment) -> Test:
    begins, ends = _expression(first).match, _expression(last).fullmatch
    finds = [_expression(m).search for m in middle]

    def matches(text: str) -> bool:
        stop = len(text) - len(last)
        if len(first) > stop or begins(text) is None or ends(text, stop) is None:
            return False
        at = len(first)
        for find in finds:
            found = find(text, at, stop)
            if found is None:
                return False
            at = found.end()
        return True

    return matches


def _expression(segment: Segment) -> re.Pattern[str]:
    # No quantifier: each attempt reads a fixed number of characters, so nothing here can backtrack.
    return re.compile("".join("." if c is None else re.escape(c) for c in segment), re.DOTALL)


def rlike(pattern: str) -> Test:
    """Compile a regular expression that is searched for anywhere in a text.

    Raises
    ------
    ValueError
        The pattern is broken, too large or uses what cannot be matched in linear time; the message says which.
    """
    if len(pattern) > MAX_PATTERN:
        raise ValueError(f"The pattern has {len(pattern)} characters, more than the {MAX_PATTERN} RLIKE takes")
    return _Machine(_program(parse_regex(pattern))).search


class Step(NamedTuple):
    """One instruction: test a character, be at a place, go on at each of several (``fork``), or be done (``match``).

    After a test or a place that holds comes the next instruction.
    """

    what: str
    test: Test | None = None
    place: str = ""
    to: tuple[int, ...] = ()


def _program(node: Node) -> list[Step]:
    steps: list[Step] = []
    _emit(node, steps)
    steps.append(Step("match"))
    return steps


def _emit(node: Node, steps: list[Step]) -> None:
    if len(steps) > MAX_STEPS:
        raise ValueError("The pattern is too large once its repetitions are written out")
    if node.what in {"char", "at"}:
        steps.append(Step(node.what, node.test, node.place))
    elif node.what == "cat":
        for part in node.parts:
            _emit(part, steps)
    elif node.what == "alt":
        _emit_choice(node.parts, steps)
    else:
        _emit_repeat(node, steps)


def _emit_choice(parts: tuple[Node, ...], steps: list[Step]) -> None:
    jumps = []
    for part in parts[:-1]:
        fork = _reserve(steps)
        _emit(part, steps)
        jumps.append(_reserve(steps))
        steps[fork] = Step("fork", to=(fork + 1, len(steps)))
    _emit(parts[-1], steps)
    for jump in jumps:
        steps[jump] = Step("fork", to=(len(steps),))


def _emit_repeat(node: Node, steps: list[Step]) -> None:
    (body,) = node.parts
    for _ in range(node.low):
        before = len(steps)
        _emit(body, steps)
        if len(steps) == before:  # nothing, however often repeated, is nothing: (){999999999} must not take its time
            return
    if node.high is None:
        fork = _reserve(steps)
        _emit(body, steps)
        steps.append(Step("fork", to=(fork,)))
        steps[fork] = Step("fork", to=(fork + 1, len(steps)))
        return
    forks = []
    for _ in range(node.high - node.low):
        forks.append(_reserve(steps))
        _emit(body, steps)
    for fork in forks:
        steps[fork] = Step("fork", to=(fork + 1, len(steps)))


def _reserve(steps: list[Step]) -> int:
    """Keep a place for an instruction that can only be written once we know where it leads."""
    steps.append(Step("fork"))
    return len(steps) - 1


def _is_word(c: str) -> bool:
    return c.isalnum() or c == "_"


class _State(dict[str, "_State"]):
    """A set of places in the program, and where each next character leads; fills itself on first use."""

    __slots__ = ("before", "machine", "places")

    def __init__(self, machine: _Machine, places: frozenset[int], before: bool | None) -> None:
        self.machine, self.places, self.before = machine, places, before

    def __missing__(self, c: str) -> _State:
        return self.machine.advance(self, c)


class _Machine:
    """Runs a program over a text, all ways at once."""

    def __init__(self, steps: list[Step]) -> None:
        self._steps = steps
        self._looks_back = any(s.place in {"word", "inside"} for s in steps)
        self._matched = _State(self, frozenset(), None)
        self._forget()

    def _forget(self) -> None:
        """Drop all that was remembered, so that no pattern and no text can fill the memory."""
        self._states: dict[tuple[frozenset[int], bool | None], _State] = {}
        self._edges = 0
        self._start = self._state(frozenset({0}), None)

    def _state(self, places: frozenset[int], before: bool | None) -> _State:
        found = self._states.get((places, before))
        if found is None:
            found = self._states[places, before] = _State(self, places, before)
        return found

    def search(self, text: str) -> bool:
        """Return whether the pattern is found in the first ``MAX_SUBJECT`` characters."""
        state, matched = self._start, self._matched
        for c in text[:MAX_SUBJECT]:
            state = state[c]
            if state is matched:
                return True
        return self._reach(state, None)[1]

    def advance(self, state: _State, c: str) -> _State:
        """Return where ``c`` leads from ``state``, and remember it."""
        ways, done = self._reach(state, c)
        if done:
            target = self._matched
        else:
            if self._edges > _MAX_EDGES or len(self._states) > _MAX_STATES:
                self._forget()
            places = frozenset({0, *(at + 1 for at, test in ways if test(c))})
            target = self._state(places, _is_word(c) if self._looks_back else False)
        self._edges += 1
        state[c] = target
        return target

    def _reach(self, state: _State, after: str | None) -> tuple[list[tuple[int, Test]], bool]:
        """Follow what takes no character, up to the tests of the next one; also tell whether the end was reached."""
        ways: list[tuple[int, Test]] = []
        seen: set[int] = set()
        todo: list[int] = list(state.places)
        done = False
        while todo:
            at = todo.pop()
            if at in seen:
                continue
            seen.add(at)
            step = self._steps[at]
            if step.test is not None:
                ways.append((at, step.test))
            elif step.what == "match":
                done = True
            elif step.what == "fork":
                todo += step.to
            elif _holds(step.place, state.before, after):
                todo.append(at + 1)
        return ways, done


def _holds(where: str, before: bool | None, after: str | None) -> bool:
    """Whether a place between two characters is the start, the end, the edge of a word or not that."""
    if where == "start":
        return before is None
    if where == "end":
        return after is None
    edge = bool(before) != (after is not None and _is_word(after))
    return edge if where == "word" else not edge
