"""``{expr}`` and ``$var`` on a magic's line, filled in with the user's variables.

IPython fills in the whole line at once, as text: a lone apostrophe behind a ``$var`` leaves it as it is, one brace that
cannot be filled in leaves all of them, a cell magic's line is filled in before its cell has run, and what a variable
holds can break a word in two or bring options of its own. Here each word is filled in by itself and stays one word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from IPython.utils.text import DollarFormatter, FullEvalFormatter

from nbregistry.magics.boundary import quietly
from nbregistry.verbs.words import Word


def filled(words: Sequence[Word], namespace: Mapping[str, Any]) -> list[Word]:
    """Return the words with everything filled in that can be; the rest stays as typed."""
    if not any("{" in word.text or "$" in word.text for word in words):
        return list(words)
    names = dict(namespace)  # what is evaluated in it must not leave anything behind in the user's own
    return [_filled(word, names) for word in words]


def _filled(word: Word, namespace: dict[str, Any]) -> Word:
    # As in a shell, what stands between apostrophes keeps its $.
    formatter = FullEvalFormatter() if word.raw.startswith("'") else DollarFormatter()
    text = quietly(lambda: formatter.vformat(word.text, (), namespace), word.text)
    if text == word.text:
        return word
    mark = word.raw[:1] if word.quoted else ""
    literal = not word.raw.startswith("-")
    return replace(word, text=text, raw=f"{mark}{text}{mark}", literal=literal)
