"""TAB behind a magic of ours, in the terminal and in JupyterLab."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

from nbregistry.magics.boundary import quietly
from nbregistry.verbs import table
from nbregistry.verbs.beside import beside
from nbregistry.verbs.catalogue import catalogue
from nbregistry.verbs.grammar import Offer, Place
from nbregistry.verbs.offering import Catalogue, Nothing, Question, kinds, words_of
from nbregistry.verbs.words import Word, split

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nbregistry.verbs.asking import Session

_LINE = re.compile(r"\s*(?:[\w.\s,*\[\]]+=\s*)?(?P<sign>%{1,2})(?P<word>\w+)\s+(?P<rest>.*)\Z", re.DOTALL)
UMBRELLA = "nbregistry"
"""The magic behind which every verb can be said, also those whose own name would hide one of IPython's."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What the word under the cursor could become, and what was asked for it."""

    fragment: str = ""
    words: Mapping[str, Offer] = field(default_factory=dict)
    question: Question | None = None
    catalogue: Catalogue = field(default_factory=Nothing)


_NOTHING = _Found()


class Matcher:
    """Answers IPython's completer for one shell."""

    def __init__(self, shell: InteractiveShell, session: Session) -> None:
        self._shell = shell
        self._session = session

    def attach(self) -> None:
        """Begin to answer."""
        self._shell.Completer.custom_matchers.append(self.match)

    def detach(self) -> None:
        """Answer no more."""
        matchers = self._shell.Completer.custom_matchers
        if self.match in matchers:
            matchers.remove(self.match)

    @context_matcher(identifier="nbregistry", priority=50)
    def match(self, context: CompletionContext) -> SimpleMatcherResult:
        """Return what the word under the cursor could become; nothing for lines that are not ours.

        Front ends insert a completion's text and show its type beside it (JupyterLab in small letters, the terminal for
        the one that is chosen), so what is worth knowing of a word before it is chosen stands there.
        """
        found = quietly(lambda: self._offers(context), _NOTHING)
        told: Mapping[str, str] = quietly(lambda: self._beside(found), {})
        completions = [SimpleCompletion(text=text, type=_whole(told.get(text) or UMBRELLA)) for text in found.words]
        return SimpleMatcherResult(
            completions=completions, suppress=True, matched_fragment=found.fragment, ordered=True
        )

    def _offers(self, context: CompletionContext) -> _Found:
        line = _LINE.match(context.text_until_cursor)
        if line is None or (line["sign"] == "%%" and context.cursor_line > 0):
            return _NOTHING
        place = Place.CELL if line["sign"] == "%%" else Place.LINE
        words, fragment = _words(line["rest"])
        known, word = table.at(place), line["word"]
        if word == UMBRELLA and place is Place.LINE:
            place, known = Place.WORD, table.at(Place.WORD)
            if not words:
                return _Found(fragment, dict.fromkeys(words_of(fragment, known), Offer.VERB))
            word, words = words[0].text, words[1:]
        if word not in known:
            return _NOTHING
        question = Question(known[word], place, words, fragment)
        names = catalogue(self._session)
        return _Found(fragment, kinds(question, names, self._shell.user_ns), question, names)

    def _beside(self, found: _Found) -> dict[str, str]:
        if found.question is None:
            return {}
        return beside(found.words, found.question, found.catalogue, self._shell.user_ns)


def _whole(told: str) -> str:
    """Return text that is not broken into lines: JupyterLab's list gives every word one line and would overlap them."""
    return told.replace(" ", "\N{NO-BREAK SPACE}")


def _words(rest: str) -> tuple[list[Word], str]:
    words = split(rest)
    if not words or rest[-1].isspace():
        return words, ""
    return words[:-1], words[-1].raw
