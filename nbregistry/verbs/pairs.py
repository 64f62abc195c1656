"""``key=value`` words into metrics, parameters and tags."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from nbregistry.errors import InvalidInput
from nbregistry.flavors.boundary import foreign
from nbregistry.types import Scalar
from nbregistry.verbs.namespace import lookup
from nbregistry.verbs.words import Word

_WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})\Z")
_REAL = re.compile(r"[-+]?(\d+\.\d*|\.\d+|\d+(?=[eE]))([eE][-+]?\d+)?\Z")
_CONSTANTS: Mapping[str, Scalar] = {"true": True, "false": False, "none": None, "null": None}


def metrics(words: Sequence[Word], namespace: Mapping[str, Any]) -> dict[str, Any]:
    """Read metrics: ``auc=0.93``, ``auc=variable``, ``auc`` (a variable of that name) or ``scores`` (a mapping).

    Raises
    ------
    InvalidInput
        A value that is neither a number nor names one.
    """
    found: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.text.partition("=")
        if equals:
            found[key.strip()] = _number(key, text.strip(), namespace)
        else:
            found.update(_variable(key, namespace, what="metric"))
    for key, value in found.items():
        _check_number(key, value)
    return found


def scalars(words: Sequence[Word], namespace: Mapping[str, Any], *, what: str) -> dict[str, Any]:
    """Read parameters or tags: ``team=risk``, ``n=3`` (a number; ``n="3"`` is text), or a variable.

    Raises
    ------
    InvalidInput
        A word without ``=`` that names no variable.
    """
    found: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.text.partition("=")
        if not equals:
            found.update(_variable(key, namespace, what=what))
        elif not key.strip():
            raise InvalidInput(f"{word.text[:80]!r} has no name before its '='.")
        else:
            found[key.strip()] = text if word.value_quoted or word.quoted else scalar(text)
    return found


def scalar(text: str) -> Scalar:
    """Read a value as people type it: a number, true, false, none, or text."""
    folded = text.casefold()
    if folded in _CONSTANTS:
        return _CONSTANTS[folded]
    if _WHOLE.match(text):
        return int(text)
    return float(text) if _REAL.match(text) else text


def _number(key: str, text: str, namespace: Mapping[str, Any]) -> Any:
    try:
        return float(text)
    except ValueError:
        pass
    if not text:
        raise InvalidInput(f"The metric {key!r} has no value: write {key}=0.93, without spaces.")
    if not namespace or not (text[0].isalpha() or text[0] == "_"):
        hint = " IPython could not fill it in: is everything in it defined?" if text[0] in "{$" else ""
        raise InvalidInput(f"The metric {key!r} is {text[:80]!r}, which is not a number.{hint}")
    return lookup(text, namespace)


def _variable(name: str, namespace: Mapping[str, Any], *, what: str) -> dict[str, Any]:
    try:
        value = lookup(name, namespace)
    except InvalidInput as fault:
        raise InvalidInput(f"The {what} {name[:80]!r} has no value: write {name[:80]}=VALUE. {fault}") from None
    if isinstance(value, Mapping):
        return {str(k): v for k, v in value.items()}
    key = name.rpartition(".")[2]
    if not key.isidentifier():
        raise InvalidInput(f"{name[:80]!r} needs a name of its own: write NAME={name[:80]}.")
    return {key: value}


def _check_number(key: str, value: Any) -> None:
    # Arrays, frames and whatever a notebook holds refuse to be a number each in its own way.
    with foreign(f"Reading the metric {key!r} ({type(value).__name__}) as a number"):
        float(value)
