r"""A line as people type it, split into words.

A shell's rules would refuse ``--note it's fine``. Here a quotation mark counts only where a quotation can begin, at the
start of a word or right after ``key=``, and ends only where a word can end; anywhere else it is a letter. A backslash
is a letter too, so that ``C:\models`` survives, except before the mark that would end the quotation. What stands
between braces is one word, as it is going to be filled in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from nbregistry.errors import InvalidInput

_MARKS = {'"': '"', "'": "'", "\u201c": "\u201d", "\u2018": "\u2019"}
_APOSTROPHES = ("'", "\u2018")
_KEY = re.compile(r"-{0,2}[A-Za-z_][\w.-]*\Z")
_OPTION = re.compile(r"--[A-Za-z][\w-]*(=.*)?\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a line.

    Attributes
    ----------
    text : str
        Without its quotation marks.
    quoted : bool
        The whole word stood in quotation marks: never an option, never a number.
    value_quoted : bool
        What follows ``key=`` stood in quotation marks.
    raw : str
        As typed.
    start, end : int
        Where it stands in the line.
    literal : bool
        It came out of a variable: never an option, whatever it holds.
    """

    text: str
    quoted: bool = False
    value_quoted: bool = False
    raw: str = ""
    start: int = 0
    end: int = 0
    literal: bool = False

    @property
    def option(self) -> bool:
        """Whether it is written as an option."""
        return not self.quoted and not self.literal and bool(_OPTION.match(self.text))

    @property
    def pair(self) -> bool:
        """Whether it reads ``key=value``."""
        key, equals, _ = self.text.partition("=")
        return bool(equals and key.strip()) and not self.option


def split(line: str) -> list[Word]:
    """Split a line into words.

    Raises
    ------
    InvalidInput
        A double quotation mark opens a word and is never closed.
    """
    words: list[Word] = []
    i, end = 0, len(line)
    while True:
        while i < end and line[i].isspace():
            i += 1
        if i >= end:
            return words
        word = _word(line, i)
        words.append(word)
        i = word.end


def from_shell(words: Iterable[str]) -> list[Word]:
    """Take words that a shell has split; what holds a space was quoted."""
    found = []
    for text in words:
        spaced = any(c.isspace() for c in text)
        found.append(Word(text, quoted=spaced and not _OPTION.match(text), value_quoted=spaced, raw=text))
    return found


def silenced(line: str) -> tuple[str, bool]:
    """Return the line without a trailing semicolon, and whether there was one.

    IPython's own test tokenises the line as Python, and fails on a line of prose.
    """
    stripped = line.rstrip()
    return (stripped[:-1], True) if stripped.endswith(";") else (line, False)


def _word(line: str, start: int) -> Word:
    if line[start] in _MARKS:
        if (close := _close(line, start)) is not None:
            return Word(_inside(line, start, close), True, False, line[start : close + 1], start, close + 1)
        _insist(line, start)
    i = start
    while i < len(line) and not line[i].isspace():
        if line[i] == "{":
            i = _brace(line, i)
        if i >= len(line) or line[i].isspace():
            break
        opens = line[i] == "=" and i + 1 < len(line) and line[i + 1] in _MARKS
        if opens and _KEY.match(line[start:i]):
            if (close := _close(line, i + 1)) is not None:
                text = line[start : i + 1] + _inside(line, i + 1, close)
                return Word(text, False, True, line[start : close + 1], start, close + 1)
            _insist(line, i + 1)
        i += 1
    return Word(line[start:i], False, False, line[start:i], start, i)


def _brace(line: str, start: int) -> int:
    """Return where the braces that open at ``start`` have closed, or ``start`` where they never do."""
    depth = 0
    for i in range(start, len(line)):
        depth += (line[i] == "{") - (line[i] == "}")
        if depth == 0:
            return i + 1
    return start


def _close(line: str, start: int) -> int | None:
    """Return where the quotation that opens at ``start`` ends."""
    mark, last = _MARKS[line[start]], len(line.rstrip()) - 1
    for i in range(start + 1, last + 1):
        ends_word = i == last or line[i + 1].isspace()
        if line[i] == mark and ends_word and (line[i - 1] != "\\" or i == last):
            return i
    return None


def _inside(line: str, start: int, close: int) -> str:
    mark = _MARKS[line[start]]
    return line[start + 1 : close].replace("\\" + mark, mark)


def _insist(line: str, start: int) -> None:
    if line[start] not in _APOSTROPHES:
        raise InvalidInput(f"The quotation mark at column {start + 1} is never closed: {line[start : start + 40]}")
