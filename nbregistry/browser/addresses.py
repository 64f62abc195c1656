"""What an address asks for, and the address of what one wants to see: ``?model=churn&version=3&view=audit``.

An address can be sent to a colleague: it says what is to be seen and nothing of who looks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

_LONGEST = 300  # characters of one value
_MOST = 5  # versions side by side

REGISTRY_VIEWS = ("production", "models", "inbox", "audit", "serving")
MODEL_VIEWS = ("production", "versions", "notes", "audit")
VERSION_VIEWS = ("card", "compare", "notes", "audit", "decide", "move")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be shown.

    Attributes
    ----------
    words : str
        A search, as typed.
    beside : tuple of int
        Versions to compare with.
    page : int
        From 1 up.
    """

    model: str = ""
    version: int | None = None
    view: str = ""
    words: str = ""
    beside: tuple[int, ...] = ()
    page: int = 1

    @classmethod
    def parse(cls, query: str) -> Asked:
        """Read an address; what it cannot mean is left out, since people edit addresses by hand."""
        found = {k: v.strip()[:_LONGEST] for k, v in parse_qsl(query[:4_000].removeprefix("?"))}
        model, version = found.get("model", ""), _whole(found.get("version", ""))
        beside = tuple(dict.fromkeys(n for n in map(_whole, found.get("with", "").split(",")) if n is not None))
        known = REGISTRY_VIEWS if not model else MODEL_VIEWS if version is None else VERSION_VIEWS
        view, words = found.get("view", ""), found.get("q", "")
        if not model and words:
            view = "models"  # what is searched for is found there, wherever one stands
        return cls(
            model, version if model else None, view if view in known else known[0], words,
            beside[:_MOST - 1], _whole(found.get("page", "")) or 1,
        )  # fmt: skip

    def link(self) -> str:
        """Return the address of this."""
        told: dict[str, Any] = {}
        if self.model:
            told["model"] = self.model
        if self.version is not None:
            told["version"] = self.version
        if self.view not in ("", "production", "card") and not (self.view == "models" and self.words):
            told["view"] = self.view
        if self.words:
            told["q"] = self.words
        if self.beside:
            told["with"] = ",".join(map(str, self.beside))
        if self.page > 1:
            told["page"] = self.page
        return f"?{urlencode(told)}"

    def turned(self, page: int) -> Asked:
        """Return another page of the same."""
        return replace(self, page=page)


def to(model: str = "", version: int | None = None, view: str = "", beside: tuple[int, ...] = ()) -> str:
    """Return the address of a view."""
    return Asked(model, version, view, beside=beside).link()


def to_ref(ref: str) -> str:
    """Return the address of what a reference names: ``churn`` or ``churn/3``."""
    name, _, number = ref.partition("/")
    return to(name, _whole(number))


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 10 else None
