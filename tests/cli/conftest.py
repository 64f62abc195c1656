"""The command line, in this process, and a registry to ask about."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

import pytest

from nbregistry.cli import main
from nbregistry.registry import Registry


class Said(NamedTuple):
    """What a command left: its exit status and what it wrote."""

    status: int
    out: str
    err: str


@pytest.fixture
def nb(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Return a function that runs a command line."""

    def runs(*words: str) -> Said:
        capsys.readouterr()
        status = main(words)
        return Said(status, *capsys.readouterr())

    return runs


@pytest.fixture
def stocked() -> Registry:
    """Return a registry in the working folder with two versions of a model."""
    registry = Registry()
    model = functools.partial(pow, 2)
    registry.register(model, "churn", metrics={"auc": 0.9}, note="first", alias="champion")
    registry.register(model, "churn", metrics={"auc": 0.95}, tags={"team": "risk"})
    return registry
