"""Who asks: the registry in use, the user's variables, and the line as it was typed."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nbregistry.types import Document
from nbregistry.verbs.grammar import Place, Values, Verb

if TYPE_CHECKING:
    from nbregistry.registry import Registry
    from nbregistry.verbs.words import Word


class Session:
    """Holds the registry in use and opens it when it is first needed.

    Parameters
    ----------
    uri : str or None
        A folder or a URL; None leaves the choice to the settings.
    cells : callable or None
        Tells the cells that a kernel has executed.
    """

    def __init__(self, uri: str | None = None, cells: Callable[[Any], list[Document]] | None = None) -> None:
        self.uri = uri
        self._cells = cells
        self._opened: Registry | None = None

    @property
    def opened(self) -> Registry | None:
        """The registry, if it was needed before."""
        return self._opened

    @property
    def registry(self) -> Registry:
        """The registry."""
        if self._opened is None:
            self._opened = self._open(self.uri)
        return self._opened

    def _open(self, uri: str | None) -> Registry:
        from nbregistry.registry import Registry

        opened = Registry(uri)
        if self._cells is not None:
            opened.core.cells = self._cells
        return opened

    def use(self, uri: str) -> Registry:
        """Switch to another registry; the one in use stays when the other cannot be opened."""
        place = uri if "://" in uri else os.path.expanduser(uri)
        other = self._open(place)
        self.close()
        self.uri, self._opened = place, other
        return other

    def close(self) -> None:
        """Let go of the registry; it is opened again when needed."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None


@dataclass(frozen=True, slots=True)
class Ask:
    """What the body of a verb may know of the one who asks.

    Attributes
    ----------
    namespace : mapping
        The user's variables; empty on the command line.
    line : str
        What stood behind the verb, as typed; ``words`` are its words.
    made : frozenset of str
        Variables that the cell of a cell magic bound or fitted.
    tell : callable
        Says something beside the answer.
    show : callable
        Shows an answer before the verb has ended.
    confirm : callable or None
        Asks the user a question that is answered with yes or no; None where nobody can answer.
    """

    session: Session
    place: Place
    namespace: Mapping[str, Any] = field(default_factory=dict)
    line: str = ""
    words: tuple[Word, ...] = ()
    made: frozenset[str] = frozenset()
    tell: Callable[[str], None] = print
    show: Callable[[object], None] = print
    confirm: Callable[[str], bool] | None = None

    @property
    def registry(self) -> Registry:
        """The registry in use."""
        return self.session.registry

    def said(self, word: str) -> str:
        """Return how a verb is written by whoever asks."""
        place = Place.SHELL if self.place is Place.SHELL else Place.WORD
        return place.value.format(word=word)

    def answer(self, verb: Verb, values: Values) -> object:
        """Have a verb answered, and pass on what the store has to say, such as an unfinished write it put aside."""
        try:
            return verb.run(self, values)
        finally:
            for notice in self.session.opened.notices() if self.session.opened else ():
                self.tell(notice)
