"""What can be told of a model without knowing its library: its type's name, its parameters, whether it is fitted.

All by duck typing on scikit-learn's conventions (``get_params``, ``fit``, attributes that end in an underscore), which
xgboost, lightgbm and most classes written in notebooks follow too; nothing is imported for it.
"""

from __future__ import annotations

import enum
import functools
import inspect
import math
import sys
import types
from collections.abc import Iterator, Mapping
from typing import Any

from nbregistry.flavors.boundary import foreign
from nbregistry.flavors.protocol import Params
from nbregistry.types import Scalar

MAX_PARAMS = 200
"""More than this are not kept one by one: a version's document is to stay small."""

_MAX_TEXT = 200
_MAX_ITEMS = 20
_BIG = 2**63
_VERBS = ("predict", "transform", "decision_function", "score_samples")
_NAMED = (type, types.FunctionType, types.BuiltinFunctionType, types.MethodType)


def roots(model: object) -> Iterator[str]:
    """Yield the top-level module of the object's type and of each type it inherits from, nearest first."""
    for kind in type(model).__mro__:
        module = getattr(kind, "__module__", None)
        if isinstance(module, str):
            yield module.partition(".")[0]


def type_name(thing: object) -> str:
    """Return the dotted name of a type (or of an object's type), by the shortest path on which it can be imported.

    Only modules that are loaded are looked at: ``sklearn.linear_model._logistic.LogisticRegression`` is known to be
    ``sklearn.linear_model.LogisticRegression``.
    """
    kind = thing if isinstance(thing, type) or inspect.isroutine(thing) else type(thing)
    module, name = str(getattr(kind, "__module__", "") or ""), str(getattr(kind, "__qualname__", type(kind).__name__))
    parts = module.split(".")
    for length in range(1, len(parts)):
        found = sys.modules.get(path := ".".join(parts[:length]))
        if found is not None and vars(found).get(name) is kind:
            return _text(f"{path}.{name}")
    return _text(f"{module}.{name}" if module and module != "builtins" else name)


def flattened(model: object) -> Params:
    """Flatten ``get_params(deep=True)`` to values that JSON can hold, and name those that are not the default.

    A nested estimator stands as the name of its type; lists of named steps, whose parts have entries of their own, are
    left out. Objects without ``get_params`` have no parameters.

    Raises
    ------
    nbregistry.errors.Conflict
        The object's own code failed.
    """
    get_params = getattr(model, "get_params", None)
    if isinstance(model, type) or not callable(get_params):
        return Params({}, ())
    with foreign(f"Reading the parameters of {type_name(model)}"):
        try:
            raw = get_params(deep=True)
        except TypeError:  # some get_params take no argument
            raw = get_params()
        if not isinstance(raw, Mapping):
            return Params({}, ())
        return _flat(model, {str(k): v for k, v in raw.items()})


def _flat(model: object, raw: Mapping[str, Any]) -> Params:
    owners: dict[str, object] = {"": model, **{k: v for k, v in raw.items() if _is_estimator(v)}}
    known: dict[type, Mapping[str, Any]] = {}
    values: dict[str, Scalar] = {}
    changed = []
    for key, value in raw.items():
        if _is_steps(value):
            continue
        values[_text(key)] = plain = scalar(value)
        prefix, _, leaf = key.rpartition("__")
        owner = owners.get(prefix)
        if owner is None:
            continue
        kind = type(owner)
        if kind not in known:
            known[kind] = _defaults(kind)
        if leaf in known[kind] and not _same(plain, known[kind][leaf]):
            changed.append(_text(key))
    if len(values) > MAX_PARAMS:
        kept = [*changed, *(k for k in values if k not in set(changed))][:MAX_PARAMS]
        return Params({k: values[k] for k in kept}, tuple(k for k in changed if k in set(kept)))
    return Params(values, tuple(changed))


def _defaults(kind: type) -> Mapping[str, Any]:
    """Map a constructor's parameters to their defaults; those without one to ``Parameter.empty``."""
    found: dict[str, Any] = {}
    for base in kind.__mro__:
        init = vars(base).get("__init__")
        if init is None or base is object:
            continue
        try:
            parameters = inspect.signature(init).parameters
        except (TypeError, ValueError):  # written in C and says nothing
            return found
        for name, parameter in parameters.items():
            found.setdefault(name, parameter.default)
        # What **kwargs takes is spelled out by a class further up, as xgboost and lightgbm do it.
        if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            break
    return found


def _same(plain: Scalar, default: Any) -> bool:
    return default is not inspect.Parameter.empty and plain == scalar(default)


def _is_estimator(value: object) -> bool:
    return not isinstance(value, type) and hasattr(type(value), "get_params")


def _is_steps(value: object) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(v, tuple) and len(v) >= 2 and isinstance(v[0], str) for v in value)
    )


def scalar(value: Any) -> Scalar:
    """Return the value as one JSON value: itself where that is possible, else a short text that never runs its repr."""
    if value is None or value is True or value is False:
        return value
    if isinstance(value, enum.Enum):
        return scalar(value.value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return int(value) if -_BIG <= value < _BIG else f"integer of {int(value).bit_length()} bits"
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else repr(float(value))
    if (shape := getattr(value, "shape", None)) is not None and (dtype := getattr(value, "dtype", None)) is not None:
        item = getattr(value, "item", None)
        if shape == () and callable(item) and isinstance(plain := item(), bool | int | float | str):
            return scalar(plain)
        return _text(f"{type(value).__name__}{shape} {dtype}")
    if isinstance(value, list | tuple | set | frozenset | dict):
        return _text(_collection(value, depth=0))
    return _named(value)


def _named(value: Any) -> str:
    if isinstance(value, functools.partial):
        return f"partial({_named(value.func)})"
    if isinstance(value, _NAMED):
        return type_name(value)
    if isinstance(value, range | slice):
        return _text(repr(value))
    return type(value).__name__ if _is_estimator(value) else type_name(value)


def _collection(value: Any, *, depth: int) -> str:
    if len(value) > _MAX_ITEMS or depth > 2:
        return f"{type(value).__name__} of {len(value)}"

    def shown(item: Any) -> str:
        if isinstance(item, list | tuple | set | frozenset | dict):
            return _collection(item, depth=depth + 1)
        return repr(_text(item)) if isinstance(item, str) else str(scalar(item))

    if isinstance(value, dict):
        return "{" + ", ".join(f"{shown(k)}: {shown(v)}" for k, v in value.items()) + "}"
    inner = [shown(v) for v in value]
    if isinstance(value, set | frozenset):
        return "{" + ", ".join(sorted(inner)) + "}"
    opening, closing = ("(", ")") if isinstance(value, tuple) else ("[", "]")
    return f"{opening}{', '.join(inner)}{closing}"


def _text(value: str) -> str:
    text = str.__str__(value)
    if len(text) > _MAX_TEXT:
        text = text[: _MAX_TEXT - 1] + "…"
    return text.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate could not be stored


def fitted(model: object) -> bool | None:
    """Tell as scikit-learn's ``check_is_fitted`` does whether the model was trained; None where nothing tells."""
    if isinstance(model, type) or not callable(getattr(model, "fit", None)):
        return None
    with foreign(f"Asking {type_name(model)} whether it is fitted"):
        told = getattr(model, "__sklearn_is_fitted__", None)
        if callable(told):
            return bool(told())
        if any(name.endswith("_") and not name.startswith("__") for name in getattr(model, "__dict__", ())):
            return True
        tags = getattr(model, "__sklearn_tags__", None)
        if not callable(tags):
            return None  # no scikit-learn estimator: nothing says how it shows that it was trained
        return not getattr(tags(), "requires_fit", True)


def answer(model: object, X: object) -> object:
    """Ask the model about ``X`` by the first of its verbs; None where it cannot say anything about new rows."""
    if isinstance(model, type):
        return None
    with foreign(f"Predicting with {type_name(model)}"):
        for verb in (*(getattr(model, name, None) for name in _VERBS), model):
            if callable(verb):
                return verb(X)
    return None
