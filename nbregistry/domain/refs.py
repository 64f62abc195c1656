"""References, one grammar: ``churn``, ``churn/3``, ``churn/production``, ``churn@champion``, ``models:/``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nbregistry.domain.lifecycle import Stage
from nbregistry.errors import InvalidInput

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")
_ALIAS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}\Z")
_VERSION_LIKE = re.compile(r"v?\d+\Z", re.IGNORECASE)
_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{d}{i}" for d in ("com", "lpt") for i in range(1, 10))})
_STAGES = frozenset(s.value.casefold() for s in Stage)


@dataclass(frozen=True, slots=True)
class Ref:
    """A parsed reference; at most one of number, stage and alias is set, none means the newest ready version."""

    name: str
    number: int | None = None
    stage: Stage | None = None
    alias: str | None = None

    def __str__(self) -> str:
        if self.number is not None:
            return f"{self.name}/{self.number}"
        if self.stage is not None:
            return f"{self.name}/{self.stage.value}"
        return f"{self.name}@{self.alias}" if self.alias else self.name

    @classmethod
    def parse(cls, text: str) -> Ref:
        """Read a reference.

        Raises
        ------
        InvalidInput
            Not a reference; says which part.
        """
        if not isinstance(text, str):
            raise InvalidInput(f'A reference is text such as "churn/3", not {type(text).__name__}.')
        rest = text.removeprefix("models:/")
        if "@" in rest:
            name, _, alias = rest.partition("@")
            return cls(model_name(name), alias=alias_name(alias))
        name, slash, part = rest.partition("/")
        name = model_name(name)
        if not slash or part.casefold() == "latest":
            return cls(name)
        if part.isascii() and part.isdigit() and len(part) <= 12:
            if int(part) < 1:
                raise InvalidInput(f"{text!r}: versions are numbered from 1.")
            return cls(name, number=int(part))
        if part.casefold() in _STAGES:
            return cls(name, stage=Stage.parse(part))
        raise InvalidInput(
            f"{part[:80]!r} in {text[:200]!r} is neither a version number nor a stage: write {name}/3,"
            f" {name}/production or {name}@alias."
        )


def model_name(text: str) -> str:
    """Return the name, or say what a name may be (also what a file system, a shell and a URL can bear)."""
    if not isinstance(text, str) or not _NAME.match(text):
        raise InvalidInput(
            f"{str(text)[:80]!r} cannot be a model's name: 1 to 128 letters, digits, '.', '_' and '-', beginning with a"
            " letter or digit."
        )
    if text.casefold().partition(".")[0] in _DEVICES or text.endswith("."):
        raise InvalidInput(f"{text!r} cannot be a model's name: some systems cannot store it; choose another.")
    return text


def alias_name(text: str) -> str:
    """Return the alias, or say what an alias may be."""
    if not isinstance(text, str) or not _ALIAS.match(text):
        raise InvalidInput(
            f"{str(text)[:80]!r} cannot be an alias: 1 to 128 letters, digits, '.', '_' and '-', as in champion."
        )
    if _VERSION_LIKE.match(text) or text.casefold() == "latest" or text.casefold() in _STAGES:
        raise InvalidInput(f"{text!r} cannot be an alias: it reads as a version, a stage or 'latest'.")
    return text
