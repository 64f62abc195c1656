"""What TAB offers: the names, versions, stages, aliases, options and variables that the next word could be."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from nbregistry.domain import fields
from nbregistry.domain.lifecycle import Stage
from nbregistry.errors import InvalidInput
from nbregistry.verbs.grammar import Argument, Offer, Place, Verb
from nbregistry.verbs.namespace import fitted, looks_like_model, visible
from nbregistry.verbs.parsing import HELP, Walk
from nbregistry.verbs.words import Word

LIMIT = 500
"""As many as a front end shows; IPython cuts here too."""

_VERSIONS = 100  # of one model, the newest
PREFIX = "models:/"
_FIELDS = (*fields.NAMES, *(f"{t}." for t in fields.TABLES), "AND", "OR", "NOT", "IN", "LIKE", "ILIKE", "BETWEEN")
NAME_END = re.compile(r"[/@]")


class Catalogue(Protocol):
    """What completion asks of a registry; answered from memory."""

    def names(self) -> Sequence[str]:
        """Return the names of the models."""
        ...

    def standing(self, name: str) -> Standing:
        """Return what can be said behind a name."""
        ...

    def glimpses(self, versions: Iterable[tuple[str, int]]) -> list[Glimpse]:
        """Return how versions, each told by name and number, stand: one glimpse for each, empty where there is none."""
        ...


class Standing(NamedTuple):
    """What a model has.

    Attributes
    ----------
    last_number : int
        The highest number that a version of it ever had.
    aliases, stages : mapping of str to int
        The aliases and the stages that one version at most holds, each with that version's number.
    tags : tuple of str
        Of its newest version.
    ready, latest : int
        How many of its versions can be used, and the highest number among these.
    """

    last_number: int = 0
    aliases: Mapping[str, int] = MappingProxyType({})
    stages: Mapping[str, int] = MappingProxyType({})
    tags: tuple[str, ...] = ()
    ready: int = 0
    latest: int = 0


class Glimpse(NamedTuple):
    """A version as far as a word's width allows: its stage, or what keeps it from being used, and its metrics."""

    state: str = ""
    metrics: Mapping[str, float] = MappingProxyType({})


class Nothing:
    """The catalogue of a place where there is no registry yet."""

    def names(self) -> Sequence[str]:
        """Return no names."""
        return ()

    def standing(self, name: str) -> Standing:
        """Return nothing."""
        return Standing()

    def glimpses(self, versions: Iterable[tuple[str, int]]) -> list[Glimpse]:
        """Return nothing of each."""
        return [Glimpse() for _ in versions]


@dataclass(frozen=True, slots=True)
class Question:
    """A line that ends where the cursor is.

    Attributes
    ----------
    words : sequence of Word
        The finished words behind the verb.
    fragment : str
        The word under the cursor, as far as it is typed.
    """

    verb: Verb
    place: Place
    words: Sequence[Word]
    fragment: str


def offers(question: Question, catalogue: Catalogue, namespace: Mapping[str, Any]) -> list[str]:
    """Return what the fragment could become, whole words, the likeliest kind first."""
    return list(kinds(question, catalogue, namespace))


def kinds(question: Question, catalogue: Catalogue, namespace: Mapping[str, Any]) -> dict[str, Offer]:
    """Return what the fragment could become, as ``offers``, and what each word is."""
    walk = Walk(question.verb, question.place)
    try:
        for word in question.words:
            walk.take(word)
    except InvalidInput:
        return {}
    fragment = question.fragment
    name, equals, value = fragment.partition("=")
    if equals and (arg := walk.options.get(name)) is not None:
        values = _for_argument(arg, value, question, catalogue, namespace)
        return {f"{name}={text}": arg.offer for text in islice(values, LIMIT)}
    awaited = walk.next()
    pending = walk.opened is not None and walk.quota < walk.opened.least
    found: dict[str, Offer] = {}
    for arg in awaited:
        for text in islice(_for_argument(arg, fragment, question, catalogue, namespace), LIMIT):
            found.setdefault(text, arg.offer)
    if not pending and (fragment.startswith("-") or (not fragment and not any(a.needed for a in awaited))):
        for option in _options(walk, fragment):
            found.setdefault(option, Offer.OPTION)
    return dict(islice(found.items(), LIMIT))


def words_of(fragment: str, words: Iterable[str]) -> Iterator[str]:
    """Yield the words that begin with the fragment, whatever the case."""
    folded = fragment.casefold()
    return (w for w in words if w.casefold().startswith(folded))


def _options(walk: Walk, fragment: str) -> list[str]:
    unused = [o for o, arg in walk.options.items() if arg.pairs or o not in walk.taken]
    return [o for o in (*unused, HELP[1]) if o.startswith(fragment) and (fragment or o != HELP[1])]


def _for_argument(
    arg: Argument, fragment: str, question: Question, catalogue: Catalogue, namespace: Mapping[str, Any]
) -> Iterator[str]:
    if arg.offer in (Offer.NAME, Offer.REF):
        yield from _references(fragment, catalogue, whole=arg.offer is Offer.REF)
    elif arg.offer is Offer.STAGE:
        yield from words_of(fragment, (s.value for s in (Stage.PRODUCTION, Stage.STAGING, Stage.ARCHIVED, Stage.NONE)))
    elif arg.offer in (Offer.ALIAS, Offer.TAG):
        standing = catalogue.standing(name_before(question))
        yield from words_of(fragment, standing.aliases if arg.offer is Offer.ALIAS else standing.tags)
    elif arg.offer is Offer.CHOICE:
        yield from words_of(fragment, arg.choices)
    elif arg.offer is Offer.FIELD:
        yield from words_of(fragment, _FIELDS)
    elif arg.offer in _VARIABLES:
        yield from _variables(arg.offer, fragment, namespace)


def name_before(question: Question) -> str:
    """Return the name of the model that the first of the finished words is of."""
    first = question.words[0].text if question.words else ""
    return NAME_END.split(first.removeprefix(PREFIX))[0]


def _references(fragment: str, catalogue: Catalogue, *, whole: bool) -> Iterator[str]:
    scheme = PREFIX if fragment.startswith(PREFIX) else ""
    rest = fragment.removeprefix(PREFIX)
    name = NAME_END.split(rest)[0]
    if name != rest:
        if whole:
            found = (f"{scheme}{r}" for r in _refs(name, catalogue.standing(name)))
            yield from words_of(fragment, found)
        return
    names = [n for n in words_of(rest, catalogue.names())]
    yield from (f"{scheme}{n}" for n in names)
    if whole and rest in names and len(names) == 1:
        yield from (f"{scheme}{r}" for r in _refs(rest, catalogue.standing(rest)))


def _refs(name: str, standing: Standing) -> Iterator[str]:
    yield from (f"{name}@{alias}" for alias in standing.aliases)
    yield from (f"{name}/{stage}" for stage in standing.stages)
    newest = standing.last_number
    yield from (f"{name}/{n}" for n in range(newest, max(0, newest - _VERSIONS), -1))


def _variables(offer: Offer, fragment: str, namespace: Mapping[str, Any]) -> Iterator[str]:
    key, equals, value = fragment.partition("=")
    prefix, wanted = (f"{key}=", value) if offer is Offer.METRIC and equals else ("", fragment)
    suits = _VARIABLES[offer]
    names = list(islice((n for n in words_of(wanted, visible(namespace)) if suits(namespace.get(n))), LIMIT))
    if offer is Offer.MODEL:
        names.sort(key=lambda n: fitted(namespace.get(n)) is not True)
    yield from (prefix + n for n in names)


def _holds_data(value: object) -> bool:
    kind = type(value)
    shaped = hasattr(kind, "shape") and hasattr(kind, "__getitem__")
    return (shaped or isinstance(value, list)) and not isinstance(value, type)


def _holds_number(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(isinstance(v, float) for v in islice(value.values(), 20))
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_VARIABLES: Mapping[Offer, Callable[[object], bool]] = {
    Offer.MODEL: looks_like_model,
    Offer.DATA: _holds_data,
    Offer.METRIC: _holds_number,
}
