"""What a verb is: its words, where it can be said, what TAB offers, and the function that answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from nbregistry.verbs.asking import Ask

Values: TypeAlias = "Mapping[str, Any]"
"""What was typed, by argument name: text, a number, a tuple, a bool, or None where nothing was."""


class Place(Enum):
    """Where a verb can be said; the value is how it is written there."""

    LINE = "%{word}"
    CELL = "%%{word}"
    WORD = "%nbregistry {word}"
    SHELL = "nbregistry {word}"

    @property
    def notebook(self) -> bool:
        """Whether a kernel with the user's variables is at hand."""
        return self is not Place.SHELL


NOTEBOOK = frozenset({Place.LINE, Place.CELL, Place.WORD})
EVERYWHERE = frozenset(Place)


class Offer(Enum):
    """What TAB offers for an argument."""

    NOTHING = "nothing"
    CHOICE = "one of its choices"
    NAME = "a model's name"
    REF = "a reference"
    STAGE = "a stage"
    ALIAS = "an alias of the model named before"
    TAG = "a tag of the version named before"
    MODEL = "a variable that holds a model"
    DATA = "a variable that holds data"
    METRIC = "a variable that holds a number"
    FIELD = "a field to search by"
    PATH = "a file or folder"
    VERB = "a verb"
    OPTION = "an option"


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument.

    Attributes
    ----------
    name : str
        ``ref`` for a word told by its position, ``--because`` for an option.
    least, most : int
        How many words it takes; ``most`` of 0 makes a flag.
    text : bool
        Several words are one text; a notebook does not ask for quotes around them.
    pairs : bool
        Words read ``key=value``; more may follow as long as they do.
    needed : bool
        Whether it can be left out.
    others : bool
        Whether something beside its choices may be meant; the registry judges it.
    """

    name: str
    help: str
    offer: Offer = Offer.NOTHING
    least: int = 1
    most: int = 1
    text: bool = False
    pairs: bool = False
    needed: bool = False
    default: Any = None
    read: Callable[[str], Any] | None = None
    choices: tuple[str, ...] = ()
    others: bool = False
    shown: str = ""
    places: frozenset[Place] = EVERYWHERE

    @property
    def option(self) -> bool:
        """Whether it is told by its name rather than by its position."""
        return self.name.startswith("--")

    @property
    def flag(self) -> bool:
        """Whether it takes no value."""
        return self.most == 0

    @property
    def key(self) -> str:
        """Name of its value."""
        return self.name.lstrip("-").replace("-", "_")

    @property
    def many(self) -> bool:
        """Whether its value is a tuple."""
        return self.pairs or (self.most > 1 and not self.text)

    @property
    def label(self) -> str:
        """How help writes its value."""
        return self.shown or self.key.upper()

    @property
    def usage(self) -> str:
        """How a usage line writes it."""
        if self.flag:
            return f"[{self.name}]"
        words = f"{self.name} {self.label}" if self.option else self.label
        words += " ..." if self.pairs else ""
        return words if self.needed else f"[{words}]"


MANY = 1_000_000
"""As many words as there are."""


Body: TypeAlias = "Callable[[Ask, Values], object]"


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb, the same in every place.

    Attributes
    ----------
    word : str
        What one says.
    summary : str
        What it does, in a line.
    body : str
        ``"module:function"`` under ``nbregistry``, found when first used, so that the table costs nothing.
    magic : str
        Its name as a magic, where the word would hide one of IPython's.
    example : str
        What one types after the word.
    details : str
        A paragraph for the help.
    cell : str
        What becomes of the cell behind it, where it is a cell magic too.
    json : bool
        Whether it answers with something that ``--json`` can write.
    runs_cell : bool
        Whether its cell magic runs the cell; otherwise the cell is its text.
    """

    word: str
    summary: str
    body: str
    arguments: tuple[Argument, ...] = ()
    places: frozenset[Place] = EVERYWHERE
    magic: str = ""
    example: str = ""
    details: str = ""
    cell: str = ""
    json: bool = True
    runs_cell: bool = False

    def at(self, place: Place) -> tuple[Argument, ...]:
        """Return the arguments it takes in a place."""
        return tuple(a for a in self.arguments if place in a.places)

    def said(self, place: Place) -> str:
        """Return how it is written in a place."""
        word = self.magic if self.magic and place in (Place.LINE, Place.CELL) else self.word
        return place.value.format(word=word)

    def run(self, ask: Ask, values: Values) -> object:
        """Answer."""
        module, _, name = self.body.partition(":")
        body: Body = getattr(import_module(f"nbregistry.{module}"), name)
        return body(ask, values)
