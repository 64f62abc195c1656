"""What stands beside a word that TAB offers: a version's stage and metric, who holds a stage, what a variable holds.

The versions of a model show one metric, the first that the first of them has, so that it can be compared down the list;
a version without it shows its own first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from nbregistry.display.figures import figure, figures
from nbregistry.display.visible import inline
from nbregistry.domain.lifecycle import Stage
from nbregistry.verbs.grammar import Offer
from nbregistry.verbs.namespace import fitted
from nbregistry.verbs.offering import PREFIX, Catalogue, Glimpse, Question, Standing, name_before

_SEPARATOR = " · "
_NONE = Stage.NONE.value
_STAGELESS = "no stage"
_METRIC_NAME = 24  # characters; more would push the names out of the list
_CLASS_NAME = 40


class _Told(NamedTuple):
    """What is known of a reference before its version was looked at."""

    name: str
    number: int
    parts: tuple[str, ...]
    stage: bool
    """Whether the version's stage is worth a word."""
    tail: str = ""


def beside(
    words: Mapping[str, Offer], question: Question, catalogue: Catalogue, namespace: Mapping[str, Any]
) -> dict[str, str]:
    """Return a few words beside each of the words offered for a question, all of it safe to show in one line."""
    references = {word for word, kind in words.items() if kind in (Offer.REF, Offer.NAME)}
    found = _beside_references([word for word in words if word in references], catalogue)
    before = catalogue.standing(name_before(question)) if not references else Standing()
    for word, kind in words.items():
        if word not in references:
            found[word] = _beside_word(_value(word), kind, question, before, namespace)
    return found


def _beside_references(words: Sequence[str], catalogue: Catalogue) -> dict[str, str]:
    standings: dict[str, Standing] = {}
    told: list[_Told] = []
    for word in words:
        name = _split(word)[0]
        if name not in standings:
            standings[name] = catalogue.standing(name)
        told.append(_told(word, standings[name]))
    glimpses = catalogue.glimpses((one.name, one.number) for one in told)
    metrics = _metrics([(one.name, glimpse.metrics) for one, glimpse in zip(told, glimpses, strict=True)])
    lines = map(_line, told, glimpses, metrics)
    return dict(zip(words, lines, strict=True))


def _told(word: str, standing: Standing) -> _Told:
    name, sign, rest = _split(word)
    if sign == "@":
        number = standing.aliases.get(rest, 0)
        return _Told(name, number, (f"version {number}",), stage=True)
    if sign and rest.isdecimal():
        return _Told(name, int(rest), (), stage=True)
    if sign:
        number = standing.stages.get(rest, 0)
        return _Told(name, number, (f"version {number}",), stage=False)
    count = f"{standing.ready:,} version{'' if standing.ready == 1 else 's'}"
    held = next(iter(standing.stages.items()), ("latest", standing.latest))
    return _Told(name, held[1], (f"{held[0]} {held[1]}",) if held[1] else (), stage=False, tail=count)


def _line(told: _Told, glimpse: Glimpse, metric: str) -> str:
    state = glimpse.state if told.stage else ""
    if state == _NONE:
        state = "" if told.parts else _STAGELESS
    parts = (*told.parts, state, metric, told.tail)
    return _SEPARATOR.join(part for part in parts if part)


def _metrics(held: Sequence[tuple[str, Mapping[str, float]]]) -> list[str]:
    """Return each version's metric; those of one model have as many decimals as they need together."""
    chosen: dict[str, str] = {}
    for model, metrics in held:
        for metric in metrics:
            chosen.setdefault(model, metric)
            break
    columns: dict[str, list[float]] = {}
    for model, metrics in held:
        if chosen.get(model) in metrics:
            columns.setdefault(model, []).append(metrics[chosen[model]])
    texts = {model: iter(figures(values)) for model, values in columns.items()}
    return [_metric(metrics, chosen.get(model, ""), texts.get(model, iter(()))) for model, metrics in held]


def _metric(metrics: Mapping[str, float], chosen: str, texts: Iterator[str]) -> str:
    if chosen in metrics:
        return f"{_short(chosen)} {next(texts)}"
    return next((f"{_short(name)} {figure(value)}" for name, value in metrics.items()), "")


def _beside_word(word: str, kind: Offer, question: Question, before: Standing, namespace: Mapping[str, Any]) -> str:
    if kind is Offer.STAGE and word in before.stages:
        return f"held by version {before.stages[word]}"
    if kind is Offer.ALIAS and word in before.aliases:
        return f"version {before.aliases[word]}"
    if kind in (Offer.MODEL, Offer.DATA, Offer.METRIC):
        return _beside_variable(namespace.get(word.rpartition("=")[2]), kind)
    return _WORDS.get(kind, "")


def _beside_variable(value: object, kind: Offer) -> str:
    held = type(value)  # what a class of the user's says of itself may be anything
    if kind is Offer.METRIC and issubclass(held, int | float):
        return figure(value)
    name = inline(held.__name__, _CLASS_NAME)
    return f"{name}{_SEPARATOR}not fitted" if kind is Offer.MODEL and fitted(value) is False else name


_WORDS = {
    Offer.CHOICE: "choice", Offer.STAGE: "stage", Offer.ALIAS: "alias", Offer.TAG: "tag", Offer.FIELD: "field",
    Offer.OPTION: "option",
}  # fmt: skip


def _value(word: str) -> str:
    """Return a word without the option it is said to."""
    return word.partition("=")[2] if word.startswith("--") and "=" in word else word


def _split(word: str) -> tuple[str, str, str]:
    """Return the name, the sign and the rest of a reference."""
    ref = _value(word).removeprefix(PREFIX)
    sign = "@" if "@" in ref else "/"
    return ref.partition(sign)


def _short(name: str) -> str:
    return inline(name[:_METRIC_NAME]) + ("…" if len(name) > _METRIC_NAME else "")
