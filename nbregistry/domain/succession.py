"""Whether one version can take another's place before callers who know nothing of the change."""

from __future__ import annotations

from nbregistry.domain.signature import Column, Signature

_WIDER = {"b": "biuf", "u": "uif", "i": "if", "f": "f"}
"""Kinds of numbers, and those that can stand for them."""


def breaks(new: Signature | None, old: Signature | None) -> tuple[str, ...]:
    """Return why requests that fitted the old signature would not fit the new one, or be answered in another kind.

    What is not known on either side breaks nothing. Columns that the new version does not need any more are ignored.
    """
    if new is None or old is None or "unknown" in (new.container, old.container):
        return ()
    if new.container != old.container:
        return (f"it takes {_named(new)}, its predecessor {_named(old)}",)
    found = _columns(new, old) if new.container in ("frame", "dict") else _tensors(new, old)
    return (*found, *_outputs(new, old))


def _columns(new: Signature, old: Signature) -> tuple[str, ...]:
    before = {c.name: c for c in old.inputs}
    found = []
    for column in new.inputs:
        known = before.get(column.name)
        if known is None:
            found.append(f"it needs the column {column.name!r}, which its predecessor did not take")
        else:
            found += [f"the column {column.name!r} {why}" for why in _narrower(column, known)]
    return tuple(found)


def _tensors(new: Signature, old: Signature) -> tuple[str, ...]:
    if len(new.inputs) != len(old.inputs):
        return (f"it takes {len(new.inputs)} inputs, its predecessor {len(old.inputs)}",)
    found = []
    for column, known in zip(new.inputs, old.inputs, strict=True):
        if column.shape and known.shape and column.shape[1:] != known.shape[1:]:
            found.append(f"it takes rows of the shape {_shape(column)}, its predecessor {_shape(known)}")
        found += [f"its input {why}" for why in _narrower(column, known)]
    return tuple(found)


def _narrower(new: Column, old: Column) -> list[str]:
    found = []
    kind, before = _kind(new), _kind(old)
    if kind and before and kind != before and kind not in _WIDER.get(before, ""):
        found.append(f"is {new.dtype} where it was {old.dtype}")
    if old.nullable and not new.nullable:
        found.append("may not be missing any more")
    if old.categories is not None and new.categories is not None:
        gone = [str(c)[:40] for c in old.categories if c not in new.categories]
        if gone:
            found.append(f"does not know {', '.join(gone[:5])} any more")
    return found


def _outputs(new: Signature, old: Signature) -> tuple[str, ...]:
    if len(new.outputs) != 1 or len(old.outputs) != 1:
        return ()
    kind, before = _kind(new.outputs[0]), _kind(old.outputs[0])
    if not kind or not before or (kind in _WIDER) == (before in _WIDER):
        return ()
    return (f"it answers with {new.outputs[0].dtype} where its predecessor answered with {old.outputs[0].dtype}",)


def _kind(column: Column) -> str:
    """Return the kind of a dtype as one word: ``b i u f`` for numbers; empty when it is not known."""
    name = column.dtype.lower()
    if name in ("any", ""):
        return ""
    for start, kind in (("bool", "b"), ("uint", "u"), ("int", "i"), ("float", "f"), ("double", "f")):
        if name.startswith(start) and not name.startswith("interval"):
            return kind
    if name.startswith(("str", "object", "large_string", "<u")):
        return "text"
    return name.partition("[")[0]


def _shape(column: Column) -> str:
    return "x".join(map(str, (column.shape or ())[1:])) or "one value"


def _named(signature: Signature) -> str:
    return f"{'an' if signature.container == 'array' else 'a'} {signature.container}"
