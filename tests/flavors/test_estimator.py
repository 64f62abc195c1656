"""What can be told of a model without knowing its library."""

from __future__ import annotations

import enum
import functools
import math
from collections import OrderedDict
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbregistry.domain.commits import canonical
from nbregistry.errors import Conflict
from nbregistry.flavors.estimator import MAX_PARAMS, answer, fitted, flattened, scalar, type_name


class Colour(enum.Enum):
    RED = "red"


class Shouting(str):
    """Text whose own methods are not to be trusted."""

    __slots__ = ()

    def __str__(self) -> str:
        raise AssertionError

    def __repr__(self) -> str:
        raise AssertionError


class Silent:
    """An object whose repr must never be asked for."""

    def __repr__(self) -> str:
        raise AssertionError


class Model:
    def __init__(self, c: float = 1.0, weights: Any = None, *, inner: Any = None, **more: Any) -> None:
        self.told = {"c": c, "weights": weights, "inner": inner, **more}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        found = dict(self.told)
        if deep and hasattr(self.told["inner"], "get_params"):
            found |= {f"inner__{k}": v for k, v in self.told["inner"].get_params().items()}
        return found


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None), (True, True), (3, 3), (2.5, 2.5), ("text", "text"), (math.nan, "nan"), (-math.inf, "-inf"),
        (2**70, "integer of 71 bits"), (Colour.RED, "red"), (Shouting("loud"), "loud"), ("\ud800x", "?x"),
        ("x" * 500, "x" * 199 + "…"), ([1, "a", None], "[1, 'a', None]"), ((1,), "(1)"), ({"b", "a"}, "{'a', 'b'}"),
        ({"a": [1]}, "{'a': [1]}"), (list(range(100)), "list of 100"), (range(3), "range(0, 3)"), (len, "len"),
        (OrderedDict, "collections.OrderedDict"), (functools.partial(len), "partial(len)"), (Silent(), None),
        (Model(), "Model"), (Decimal(1), "decimal.Decimal"), ([[[[[1]]]]], "[[[list of 1]]]"),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_values_become_short_json(value: object, expected: object) -> None:
    """Every kind of value becomes one that JSON holds, without asking objects for their repr."""
    found = scalar(value)
    assert (f"{Silent.__module__}.Silent" if isinstance(value, Silent) else expected) == found
    assert len(canonical(found)) < 1_000


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers() | st.binary() | st.decimals()
    | st.text(st.characters(codec=None, exclude_categories=())),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner) | st.frozensets(st.text()),
)  # fmt: skip


@given(ANYTHING)
def test_any_value_can_be_stored(value: object) -> None:
    """Whatever a parameter is, what is kept of it is small and canonical JSON takes it."""
    assert len(canonical(scalar(value))) < 1_300


@settings(max_examples=15)
@given(st.dictionaries(st.text(st.characters(codec=None, exclude_categories=())), ANYTHING))
def test_any_params_can_be_stored(told: dict[str, object]) -> None:
    """Whatever names and values an estimator gives, they can be stored."""
    model = Model()
    model.told |= told
    values, changed = flattened(model)
    canonical(values)
    assert set(changed) <= set(values)


def test_numpy_values_become_plain() -> None:
    """NumPy's scalars become numbers, its arrays a description."""
    numpy = pytest.importorskip("numpy")
    assert (1.5, 3, True, "a", "nan") == tuple(
        scalar(v)
        for v in (numpy.float32(1.5), numpy.int64(3), numpy.bool_(True), numpy.str_("a"), numpy.float64("nan"))
    )
    assert "ndarray(2, 3) float64" == scalar(numpy.zeros((2, 3)))
    assert "float64" == str(scalar(numpy.dtype("float64"))).rpartition(".")[2].replace("Float64DType", "float64")


def test_changed_are_those_that_differ_from_the_constructors_defaults() -> None:
    """Defaults are read from the constructors, those behind **kwargs from further up."""

    class Wrapped(Model):
        def __init__(self, *, depth: int = 3, **rest: Any) -> None:
            super().__init__(**rest)
            self.told["depth"] = depth

    values, changed = flattened(Wrapped(c=1, inner=Model(c=2.0), weights=[1]))
    assert ("weights", "inner", "inner__c") == tuple(changed)
    assert ("Model", 2.0, 3) == (values["inner"], values["inner__c"], values["depth"])


def test_many_params_are_cut_and_the_changed_ones_kept() -> None:
    """A version's document stays small: of thousands of parameters the changed ones are kept first."""
    values, changed = flattened(Model(c=7, **{f"p{i}": i for i in range(5_000)}))
    assert MAX_PARAMS == len(values)
    assert (7, ("c",)) == (values["c"], changed)


def test_params_that_raise_say_whose_they_are() -> None:
    """An estimator whose get_params fails is named, with the cause."""

    class Broken(Model):
        def get_params(self, deep: bool = True) -> dict[str, Any]:
            raise ZeroDivisionError("oh")

    with pytest.raises(Conflict, match=r"Reading the parameters of .*Broken failed: ZeroDivisionError: oh"):
        flattened(Broken())
    assert ({}, ()) == flattened(object())
    assert ({}, ()) == flattened(Model)


def test_types_are_named_as_they_are_imported() -> None:
    """The shortest path on which a loaded module gives that very type."""
    json = pytest.importorskip("json.decoder")
    assert "json.JSONDecoder" == type_name(json.JSONDecoder())
    assert "collections.OrderedDict" == type_name(OrderedDict())
    assert (f"{__name__}.Model", "len", "dict") == (type_name(Model()), type_name(len), type_name({}))
    strange = type("strange", (), {"__module__": None, "__qualname__": "x" * 10_000})
    assert 200 == len(type_name(strange()))


def test_fitted_is_told_only_where_something_tells() -> None:
    """Attributes with a trailing underscore, or the object's own word; None where neither speaks."""

    class Trained:
        def __init__(self, **told: object) -> None:
            vars(self).update(told)

        def fit(self) -> None: ...

    class Sure(Trained):
        def __sklearn_is_fitted__(self) -> bool:
            return False

    found = [fitted(m) for m in (Trained(coef_=1), Trained(), Trained(__x_=1), Sure(coef_=1), len, Trained, object())]
    assert [True, None, None, False, None, None, None] == found


def test_answers_come_from_the_first_verb() -> None:
    """A method before being called; None where there is nothing to ask; faults are told."""

    class Verbs:
        def transform(self, X: int) -> str:
            return f"transformed {X}"

        def __call__(self, X: int) -> str:
            raise AssertionError

    assert "transformed 3" == answer(Verbs(), 3)
    assert [1, 2] == answer(sorted, [2, 1])
    assert None is answer(object(), 3)
    assert None is answer(Verbs, 3)
    with pytest.raises(Conflict, match=r"Predicting with math\.sqrt failed: ValueError"):
        answer(math.sqrt, -1)
