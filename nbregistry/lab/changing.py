"""What the user changes from the sidebar: the verbs of the registry, with what was sent checked before they are asked.

A promotion or a rollback must say whom it expects to replace: a page shows the past, and a click must not undo what
somebody else decided since.
"""

from __future__ import annotations

from typing import Any

from nbregistry.errors import InvalidInput
from nbregistry.lab.asking import Asked
from nbregistry.types import Document
from nbregistry.verbs.plain import plain

_TEXT: tuple[type, ...] = (str,)
_MAYBE: tuple[type, ...] = (str, type(None))


def promote(asked: Asked) -> Document:
    """Move a version into a stage, if who holds it now is the one that ``expect`` names (null: nobody)."""
    sent = _sent(
        asked, ref=_TEXT, stage=_TEXT, expect=_MAYBE, optional={"because": _MAYBE, "dry_run": (bool,), "key": _MAYBE}
    )
    expect = sent.pop("expect") or "none"
    return {"promotion": plain(asked.registry.promote(sent.pop("ref"), sent.pop("stage"), expect=expect, **sent))}


def rollback(asked: Asked) -> Document:
    """Put the previous holder of a stage back, if who holds it now is the one that ``expect`` names (null: nobody)."""
    sent = _sent(asked, name=_TEXT, stage=_TEXT, expect=_MAYBE, optional={"because": _MAYBE, "key": _MAYBE})
    expect = sent.pop("expect") or "none"
    return {"promotion": plain(asked.registry.rollback(sent.pop("name"), sent.pop("stage"), expect=expect, **sent))}


def annotate(asked: Asked) -> Document:
    """Add a note to a version, or to a model for a bare name."""
    optional: dict[str, tuple[type, ...]] = {"kind": _TEXT, "reply_to": (int, type(None)), "key": _MAYBE}
    sent = _sent(asked, ref=_TEXT, text=_TEXT, optional=optional)
    return {"annotation": plain(asked.registry.annotate(sent.pop("ref"), sent.pop("text"), **sent))}


def alias(asked: Asked) -> Document:
    """Point an alias at a version; ``expect`` is the reference it must point at now."""
    optional = {"because": _MAYBE, "expect": _MAYBE, "key": _MAYBE}
    sent = _sent(asked, ref=_TEXT, alias=_TEXT, optional=optional)
    return {"version": plain(asked.registry.alias(sent.pop("ref"), sent.pop("alias"), **sent))}


def unalias(asked: Asked) -> Document:
    """Remove an alias."""
    sent = _sent(asked, name=_TEXT, alias=_TEXT, optional={"because": _MAYBE})
    return {"version": plain(asked.registry.unalias(sent.pop("name"), sent.pop("alias"), **sent))}


def tag(asked: Asked) -> Document:
    """Set tags of a version, or of a model for a bare name."""
    sent = _sent(asked, ref=_TEXT, tags=(dict,))
    return {"changed": plain(asked.registry.tag(sent["ref"], sent["tags"]))}


def untag(asked: Asked) -> Document:
    """Remove tags."""
    sent = _sent(asked, ref=_TEXT, names=(list,))
    if not sent["names"] or not all(isinstance(name, str) for name in sent["names"]):
        raise InvalidInput("`names` takes the names of the tags to remove, as a list of texts.")
    return {"changed": plain(asked.registry.untag(sent["ref"], *sent["names"]))}


def _sent(
    asked: Asked, *, optional: dict[str, tuple[type, ...]] | None = None, **needed: tuple[type, ...]
) -> dict[str, Any]:
    """Return the fields of the body, each of the type it must have, and none that nobody reads."""
    known = {**needed, **(optional or {})}
    sent = dict(asked.sent)
    if missing := [name for name in needed if name not in sent]:
        raise InvalidInput(f"{_listed(missing)} missing: send {_listed(known)}.")
    if unknown := [name[:40] for name in sent if name not in known]:
        raise InvalidInput(f"{_listed(unknown)} cannot be meant: send {_listed(known)}.")
    for name, value in sent.items():
        # True is an int to Python, and to nobody who sends JSON.
        if not isinstance(value, known[name]) or (isinstance(value, bool) and bool not in known[name]):
            raise InvalidInput(f"`{name}` is of the wrong type: {_said(known[name])} is expected.")
    return sent


def _listed(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _said(kinds: tuple[type, ...]) -> str:
    words = {str: "text", int: "a whole number", bool: "true or false", dict: "an object", list: "a list"}
    return " or ".join(words.get(kind, "null") for kind in kinds)
