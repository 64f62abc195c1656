"""Metrics, parameters and tags as people write them."""

from __future__ import annotations

import math

import pytest

from nbregistry.errors import RegistryError
from nbregistry.verbs.pairs import metrics, scalar, scalars
from nbregistry.verbs.words import split

NAMESPACE = {
    "auc": 0.93, "scores": {"f1": 0.8, "recall": 0.7}, "df": object(), "lr": 0.1, "risk": "high",
    "params": {"C": 1, "penalty": "l2"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("auc=0.93", {"auc": 0.93}),
        ("auc=auc f1=scores['f1']", {"auc": 0.93, "f1": 0.8}),
        ("auc", {"auc": 0.93}),
        ("scores", {"f1": 0.8, "recall": 0.7}),
        ("loss=-1e-3", {"loss": -1e-3}),
        ("loss=inf", {"loss": math.inf}),
    ],
)
def test_metrics(line: str, expected: dict[str, float]) -> None:
    """A number, a variable, or a mapping of several."""
    assert expected == metrics(split(line), NAMESPACE)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("auc=", "has no value: write auc=0.93"),
        ("auc=$nope", "not a number. IPython could not fill it in"),
        ("auc=93%", "'93%', which is not a number"),
        ("auc=acu", "no variable 'acu', did you mean 'auc'"),
        ("auc=df", "'auc' (object) as a number"),
        ("f2", "no value: write f2=VALUE"),
        ("scores['f1']", "needs a name of its own"),
    ],
)
def test_metrics_that_are_none(line: str, message: str) -> None:
    """What is not a number is told with what to write instead."""
    with pytest.raises(RegistryError) as caught:
        metrics(split(line), NAMESPACE)
    assert message in str(caught.value)


def test_tags_are_typed_and_literal() -> None:
    """Numbers and truth values are themselves, quoted ones are text; a variable's name behind '=' is just text."""
    line = 'team=risk n=3 z="3" rate=0.5 ok=true none=none code=007 empty= path=a=b note="two words"'
    expected = {
        "team": "risk", "n": 3, "z": "3", "rate": 0.5, "ok": True, "none": None, "code": "007", "empty": "",
        "path": "a=b", "note": "two words",
    }  # fmt: skip
    assert expected == scalars(split(line), NAMESPACE, what="tag")


def test_parameters_may_be_variables() -> None:
    """A bare name is a variable, or a mapping of several."""
    assert {"lr": 0.1, "C": 1, "penalty": "l2"} == scalars(split("lr params"), NAMESPACE, what="parameter")
    with pytest.raises(RegistryError, match="The tag 'reviewed' has no value: write reviewed=VALUE"):
        scalars(split("reviewed"), NAMESPACE, what="tag")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1", 1), ("-1", -1), ("1.5", 1.5), ("1e5", 1e5), (".5", 0.5), ("1_000", "1_000"), ("1.2.3", "1.2.3"),
     ("True", True), ("nan", "nan"), ("0x10", "0x10"), ("9" * 30, "9" * 30), ("\u0663", "\u0663")],
)  # fmt: skip
def test_scalar(text: str, expected: object) -> None:
    """Only what is plainly a number becomes one; versions, codes and long digits stay text."""
    assert (expected, type(expected)) == (scalar(text), type(scalar(text)))
