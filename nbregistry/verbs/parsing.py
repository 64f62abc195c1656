"""Words into the values of a verb's arguments.

Not argparse: it exits on error, cannot tell a quoted word that begins with a dash from an option, gives up on
``NAME --option x MODEL`` when MODEL may be left out, and its messages differ between Python versions. The walk below is
also what TAB follows, so that what is offered is what would be accepted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from nbregistry.errors import InvalidInput, did_you_mean
from nbregistry.verbs.grammar import MANY, Argument, Place, Values, Verb
from nbregistry.verbs.words import Word

HELP = ("-h", "--help")
PANEL = "--panel"
"""The option that opens a panel instead of answering."""


def wants_help(words: Sequence[Word]) -> bool:
    """Whether the line asks for help rather than for the verb."""
    return any(w.text in HELP and not (w.quoted or w.literal) for w in words)


def parse(verb: Verb, words: Sequence[Word], place: Place, *, cell: str | None = None) -> Values:
    """Read the arguments of a verb.

    Parameters
    ----------
    cell : str or None
        The body of a cell magic; a text argument that was not typed takes it.

    Raises
    ------
    InvalidInput
        A word that fits nowhere, an argument that is missing or that cannot be read.
    """
    walk = Walk(verb, place)
    for word in words:
        walk.take(word)
    return walk.values(cell)


@dataclass(slots=True)
class Walk:
    """Follows the words one by one and knows what may come next."""

    verb: Verb
    place: Place
    taken: dict[str, list[Word]] = field(default_factory=dict)
    opened: Argument | None = None
    quota: int = 0
    prose: bool = False
    plain: bool = False
    at: int = 0

    @property
    def positions(self) -> list[Argument]:
        """Arguments told by position."""
        return [a for a in self.verb.at(self.place) if not a.option]

    @property
    def options(self) -> dict[str, Argument]:
        """Arguments told by name."""
        return {a.name: a for a in self.verb.at(self.place) if a.option}

    def take(self, word: Word) -> None:
        """Place one word."""
        if word.option and not self.plain:
            self._open(word)
        elif word.text == "--" and not word.quoted and not self.prose and not self.plain:
            self.plain, self.opened = True, None
        elif self.opened is not None and self._more(self.opened, word):
            self._give(self.opened, word)
        else:
            self._position(word)

    def next(self) -> list[Argument]:
        """Return the arguments that the next word could belong to, the likeliest first."""
        found = []
        if (open_ := self.opened) is not None:
            given = self.quota
            if given < open_.least:
                return [open_]
            if open_.pairs or given < open_.most:
                found.append(open_)
        if self.at < len(self.positions):
            found.append(self.positions[self.at])
        return found

    def values(self, cell: str | None = None) -> Values:
        """Read what was taken."""
        found: dict[str, Any] = {}
        for arg in self.verb.at(self.place):
            words = self.taken.get(arg.name)
            if words is None and cell is not None and arg.text and not arg.option:
                found[arg.key] = cell.strip("\n")
            else:
                found[arg.key] = self._value(arg, words)
        self.complete(found)
        return found

    def complete(self, found: Values | None = None) -> None:
        """Raise InvalidInput if a needed argument was not told; ``found`` holds what else it may have come from."""
        self._finish()
        if PANEL in self.taken:  # it asks for the rest
            return
        for arg in self.verb.at(self.place):
            told = len(self.taken.get(arg.name, ()))
            short = arg.least > told > 0 and not arg.option
            if (arg.needed and not told and not (found or {}).get(arg.key)) or short:
                wanted = f"{arg.name} {arg.label}" if arg.option else arg.label
                raise InvalidInput(
                    f"{self.verb.said(self.place)} needs {wanted}: {arg.help}. Usage: {usage(self.verb, self.place)}"
                )

    def _open(self, word: Word) -> None:
        name, equals, value = word.text.partition("=")
        arg = self.options.get(name)
        if arg is None:
            raise InvalidInput(self._unknown(name))
        if arg.name in self.taken and not (arg.pairs or (arg.most == MANY and not arg.text)):
            raise InvalidInput(f"{name} was given twice.")
        self._finish()
        self.taken.setdefault(arg.name, [])
        self.opened, self.quota, self.prose = arg, 0, False
        if arg.flag:
            if equals:
                raise InvalidInput(f"{name} takes no value.")
            self.opened = None
        elif equals:
            raw = word.raw.partition("=")[2]
            self._give(arg, Word(value, word.value_quoted, False, raw, word.start, word.end, word.literal))
            if not self.prose:
                self.opened = None

    def _unknown(self, name: str) -> str:
        hint = did_you_mean(name, self.options)
        has = f" It takes {', '.join(self.options)}." if self.options else " It takes no options."
        return f"{self.verb.said(self.place)} has no option {name}{hint or '.'}{has}"

    def _more(self, arg: Argument, word: Word) -> bool:
        if self.quota < arg.least:
            return True
        if arg.pairs:
            return word.pair
        return self.prose or (self.quota < arg.most and not arg.text)

    def _give(self, arg: Argument, word: Word) -> None:
        self.taken.setdefault(arg.name, []).append(word)
        self.quota += 1
        # A shell has split and unquoted already; in a notebook a text that was not put in quotation marks goes on.
        self.prose = arg.text and (not arg.option or self.place.notebook) and (self.prose or not word.quoted)

    def _position(self, word: Word) -> None:
        self._finish()
        self.opened, self.prose = None, False
        positions = self.positions
        if self.at >= len(positions):
            raise InvalidInput(self._stray(word))
        arg = positions[self.at]
        self.taken.setdefault(arg.name, []).append(word)
        if len(self.taken[arg.name]) >= arg.most:
            self.at += 1
        elif arg.text:
            self.prose = True

    def _finish(self) -> None:
        if self.opened is not None and self.quota < self.opened.least:
            raise InvalidInput(f"{self.opened.name} needs a value: {self.opened.usage.strip('[]')}.")

    def _stray(self, word: Word) -> str:
        said = self.verb.said(self.place)
        if any(a.pairs for a in self.options.values()) and word.text[:1].isdigit():
            hint = " Values are written name=value, without spaces."
        elif any(a.text and a.option for a in self.options.values()):
            hint = " A text of several words goes in quotation marks."
        else:
            hint = ""
        return f"{said} does not know what to do with {word.text[:80]!r}.{hint} Usage: {usage(self.verb, self.place)}"

    def _value(self, arg: Argument, words: list[Word] | None) -> Any:
        if words is None:
            return () if arg.many else False if arg.flag else arg.default
        if arg.flag:
            return True
        if arg.many:
            return tuple(words) if arg.pairs else tuple(w.text for w in words)
        # A text of several words keeps the quotation marks inside it: name = 'churn', the "best" one.
        text = words[0].text if len(words) == 1 else " ".join(w.raw for w in words)
        if arg.choices and text not in arg.choices and not arg.others:
            hint = did_you_mean(text, arg.choices) or "."
            raise InvalidInput(f"{arg.label} cannot be {text[:80]!r}{hint} It is one of {', '.join(arg.choices)}.")
        return arg.read(text) if arg.read else text


def usage(verb: Verb, place: Place) -> str:
    """Return the line that shows how a verb is written."""
    return " ".join([verb.said(place), *(a.usage for a in verb.at(place))])


def check(verb: Verb, words: Sequence[Word], place: Place) -> None:
    """Raise InvalidInput for a line that could not be read whatever its values turn out to be."""
    walk = Walk(verb, place)
    for word in words:
        walk.take(word)
    walk.complete()
