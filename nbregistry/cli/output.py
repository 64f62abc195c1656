"""What leaves the command line: answers on standard output, everything else on standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from nbregistry.display.visible import inline


def prepare() -> None:
    """Let text that the terminal's encoding lacks be shown in escapes instead of failing half-way."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # whoever captures output may have put a plain one there
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def show(answer: object, *, json: bool) -> None:
    """Print an answer."""
    if json:
        from nbregistry.verbs.plain import dumps

        print(dumps(answer), flush=True)
    elif isinstance(answer, str):
        print(answer, flush=True)
    elif answer is not None:
        from nbregistry import display

        print(display.text(answer), flush=True)


def lines(texts: Iterable[str]) -> None:
    """Print lines of our own."""
    for text in texts:
        print(text)


def aside(text: str) -> None:
    """Say something that is not the answer."""
    print(inline(text, 1_000), file=sys.stderr)


def fault(text: str) -> None:
    """Say why it was not done."""
    print(f"nbregistry: {text}", file=sys.stderr)


def confirm(question: str) -> bool:
    """Ask for a yes."""
    print(f"{inline(question)} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().casefold() in ("y", "yes")


def abandon() -> None:
    """Send what is left nowhere, so that the interpreter does not complain when it flushes on its way out."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def succeeded(answer: object) -> bool:
    """Whether an answer means success: not a verification with findings, nor a rehearsed promotion that would fail."""
    from nbregistry.domain.entities import Promotion, Report

    if isinstance(answer, Report):
        return answer.ok
    return answer.passed if isinstance(answer, Promotion) else True
