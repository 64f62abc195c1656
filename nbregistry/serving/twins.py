"""What a server wants of compiled models: whether there is one that was proven equal, and to have one made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from nbregistry.domain.entities import ModelVersion
from nbregistry.registry import Registry
from nbregistry.serving.table import Table
from nbregistry.types import Document


class Unanswered(Exception):
    """The compiled model does not take these rows; the original answers, or refuses, them."""


class Twin(Protocol):
    """An engine that was proven equal."""

    @property
    def methods(self) -> tuple[str, ...]:
        """What it can be asked."""
        ...

    @property
    def classes(self) -> Any:
        """Labels of the columns of ``predict_proba``; None where there are none."""
        ...

    def run(self, table: Table, method: str, params: Mapping[str, Any]) -> Any:
        """Return outputs as the original gives them."""
        ...


class Known(Protocol):
    """What is known of a version's twin."""

    @property
    def proven(self) -> bool:
        """Whether there is one that was proven equal."""
        ...

    @property
    def why(self) -> str:
        """Why there is none."""
        ...

    def engine(self) -> Twin:
        """Return it, ready to run."""
        ...

    def as_document(self) -> Document:
        """Return the proof, or what spoke against one."""
        ...


class Work(Protocol):
    """A conversion that goes on in a process of its own."""

    def done(self, seconds: float) -> bool:
        """Wait so long at most; whether it ended."""
        ...

    def end(self) -> None:
        """Have it stop."""
        ...


def available() -> bool:
    """Whether models can be compiled here."""
    return False


def find(registry: Registry, version: ModelVersion) -> Known | None:
    """Return what is known of a version's twin; cheap, and imports nothing heavy."""
    return None


def start(registry: Registry, version: ModelVersion) -> Work:
    """Begin to make and to prove one."""
    raise NotImplementedError
