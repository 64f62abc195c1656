"""Secrets in text that is about to be kept: found by their form or by the name they are given to, and blacked out.

What only looks like one stays: a tokenizer, a limit of tokens, a password that is asked for or read from the
environment. A text that was redacted is not found again.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any, NamedTuple

from nbregistry.capture.assignments import KINDS, group_of, is_secret, spans_by_name
from nbregistry.capture.tokens import Span, spans_of_form


class Finding(NamedTuple):
    """One secret that was found: what kind, and on which line (from 1)."""

    kind: str
    line: int


_MARK = re.compile(r"\[redacted [A-Za-z ]{1,40}\]")


def redact(text: str) -> tuple[str, tuple[Finding, ...]]:
    """Return text with its secrets blacked out, and what was found.

    Quotes around a secret stay, so that code that could be parsed still can be.
    """
    spans = _unmarked(text, sorted((*spans_of_form(text), *spans_by_name(text))))
    if not spans:
        return text, ()
    parts, findings, behind = [], [], 0
    line, counted = 1, 0
    for start, end, kind in _merged(spans):
        line += text.count("\n", counted, start)
        counted = start
        parts += [text[behind:start], f"[redacted {kind}]"]
        findings.append(Finding(kind, line))
        behind = end
    return "".join((*parts, text[behind:])), tuple(findings)


def redact_value(key: str, value: Any) -> tuple[Any, tuple[Finding, ...]]:
    """Return a parameter's or tag's value, blacked out if its key or its form says that it is a secret."""
    if not isinstance(value, str) or not value:
        return value, ()
    named = group_of(key)
    if named is not None and not value.startswith("[redacted "):
        group, before = named
        # `password` and `db__password` say so themselves; of `pad_token` the value decides
        if not re.split(r"__|\.", before)[-1] or is_secret(value, group, before):
            return f"[redacted {KINDS[group]}]", (Finding(KINDS[group], 1),)
    return redact(value)


def _unmarked(text: str, spans: list[Span]) -> list[Span]:
    """Leave out what touches a mark of an earlier redaction."""
    if not spans or "[redacted " not in text:
        return spans
    marks = [match.span() for match in _MARK.finditer(text)]
    ends = [end for _, end in marks]
    return [s for s in spans if (i := bisect_right(ends, s.start)) == len(marks) or marks[i][0] >= s.end]


def _merged(spans: list[Span]) -> Iterator[Span]:
    """Yield spans without overlaps; of two that overlap the first names the kind."""
    current = spans[0]
    for span in spans[1:]:
        if span.start < current.end:
            current = current._replace(end=max(current.end, span.end))
        else:
            yield current
            current = span
    yield current
