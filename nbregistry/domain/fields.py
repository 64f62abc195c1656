"""What can be searched and ordered by: names, their synonyms, and how each is read from a version's document.

A field that a document does not have is missing, and reads as None. What a captured file holds (schema, packages, code)
is read through ``details(document, file)``; without it those fields are missing in every document.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import Enum
from typing import Any, TypeAlias

from nbregistry.domain.literals import number
from nbregistry.errors import did_you_mean

Details: TypeAlias = "Callable[[Mapping[str, Any], str], Mapping[str, Any]]"
"""Returns a captured file of a document: ``signature``, ``environment``, ``source`` or ``profile``; ``{}`` if none."""

Test: TypeAlias = "Callable[[Mapping[str, Any]], bool]"
"""Whether a document is wanted."""


class Kind(Enum):
    """How the values of a field are compared."""

    TEXT = "text"
    NUMBER = "number"
    SIZE = "size in bytes"
    METRIC = "metric"
    TIME = "time"
    STAGE = "stage"
    STATUS = "status"
    ALIAS = "alias"
    TYPED = "typed value"
    RELEASE = "release"
    ANYWHERE = "any text"


@dataclass(frozen=True, slots=True)
class Field:
    """One field, ready to be read.

    Attributes
    ----------
    label : str
        Its canonical name: ``metrics.auc``.
    get : callable
        Its value in a document, None when missing; of ``text`` an iterator over all its texts, of ``alias`` a list.
    absent : callable
        Whether ``IS NULL`` holds: missing, or an empty text, or a stored null.
    key, table : str, str
        Where a plain value is: ``document[key]``, or ``document[table][key]``; empty for what is worked out.
    indexed : bool
        Whether an equality may be answered by an index on ``key``.
    costly : bool
        Whether a captured file must be read for it.
    """

    label: str
    kind: Kind
    get: Callable[[Mapping[str, Any]], Any] = field(repr=False, compare=False)
    absent: Test = field(repr=False, compare=False)
    key: str = ""
    table: str = ""
    indexed: bool = False
    costly: bool = False


_PLAIN: dict[str, tuple[str, Kind]] = {
    "name": ("name", Kind.TEXT),
    "version": ("number", Kind.NUMBER),
    "ref": ("ref", Kind.TEXT),
    "stage": ("stage", Kind.STAGE),
    "alias": ("aliases", Kind.ALIAS),
    "status": ("status", Kind.STATUS),
    "status_reason": ("status_reason", Kind.TEXT),
    "created": ("created_at", Kind.TIME),
    "updated": ("updated_at", Kind.TIME),
    "author": ("created_by", Kind.TEXT),
    "description": ("description", Kind.TEXT),
    "note": ("note", Kind.TEXT),
    "flavor": ("flavor", Kind.TEXT),
    "format": ("format", Kind.TEXT),
    "estimator": ("estimator", Kind.TEXT),
    "digest": ("digest", Kind.TEXT),
    "size": ("size", Kind.SIZE),
    "signer": ("signer", Kind.TEXT),
    "run_id": ("run_id", Kind.TEXT),
    "source_path": ("source_path", Kind.TEXT),
}
"""``{field: (key of the document, kind)}``."""

_SYNONYMS = {
    "number": "version", "version_number": "version", "current_stage": "stage", "aliases": "alias",
    "created_at": "created", "creation_timestamp": "created", "creation_time": "created",
    "updated_at": "updated", "last_updated_timestamp": "updated", "last_updated": "updated",
    "created_by": "author", "user_id": "author", "source": "source_path", "flavour": "flavor",
}  # fmt: skip

_TABLES = {
    "tags": "tags", "tag": "tags",
    "metrics": "metrics", "metric": "metrics",
    "params": "params", "param": "params", "parameters": "params", "parameter": "params",
    "schema": "schema", "packages": "packages", "package": "packages",
}  # fmt: skip
"""``{what stands before the dot: the table it means}``."""

_ATTRIBUTES = {"attribute", "attributes", "attr"}

NAMES: tuple[str, ...] = (*_PLAIN, "python", "data", "text")
"""The fields that stand alone, for completion and for suggestions."""

TABLES: tuple[str, ...] = ("tags", "metrics", "params", "schema", "packages")
"""The fields that take a key after a dot."""

_INDEXED = {"name", "version", "stage", "alias", "status"}
_NOTHING: Mapping[str, Any] = {}


def resolve(word: str, key: str | None = None, *, details: Details | None = None) -> Field:
    """Find the field that ``word`` means; ``key`` is what stood in quotes after its dot.

    Raises
    ------
    ValueError
        No such field; suggests the nearest.
    """
    before, dot, rest = word.partition(".")
    if before.casefold() in _ATTRIBUTES and rest:
        return resolve(rest, key, details=details)
    inside = key if key is not None else rest
    table = _TABLES.get(before.casefold())
    if table is not None:
        if not inside:
            raise ValueError(f"{before} needs a key after a dot, as in {_example(table)}")
        return _inside(table, inside, details)
    plain = _SYNONYMS.get(word.casefold(), word.casefold())
    if not dot and plain in _PLAIN:
        return _plain(plain)
    if not dot and plain in NAMES:
        return _worked_out(plain, details)
    if number(word) is not None:
        raise ValueError(f"The field comes first: write metrics.auc > {word[:40]}")
    raise ValueError(_unknown(word, before, inside if dot else None))


def _example(table: str) -> str:
    return {"schema": "schema.age", "packages": "packages.numpy", "metrics": "metrics.auc", "params": "params.C"}.get(
        table, "tags.team"
    )


def _unknown(word: str, before: str, inside: str | None) -> str:
    if inside is None:
        near = did_you_mean(word, (*NAMES, *_SYNONYMS, *TABLES))
        if near:
            return f"No field {word[:80]!r}{near}"
        return (
            f"No field {word[:80]!r}; a metric is written metrics.{word[:40]}, a parameter params.{word[:40]}, a tag"
            f" tags.{word[:40]}. The fields are {', '.join(NAMES)}, and with a key {', '.join(TABLES)}"
        )
    if before.casefold() in NAMES or before.casefold() in _SYNONYMS:
        return f"{before} takes no key after a dot"
    tables = get_close_matches(before.casefold(), _TABLES, n=1)
    if tables:
        return f"No field {word[:80]!r}, did you mean {f'{_TABLES[tables[0]]}.{inside[:60]}'!r}?"
    return f"No field {word[:80]!r}; what takes a key after a dot is {', '.join(TABLES)}"


def _plain(name: str) -> Field:
    key, kind = _PLAIN[name]

    def get(doc: Mapping[str, Any]) -> Any:
        return doc.get(key)

    def empty(doc: Mapping[str, Any]) -> bool:
        found = doc.get(key)
        return not found and found != 0

    def no_stage(doc: Mapping[str, Any]) -> bool:
        return doc.get(key) in {None, "None"}

    absent = no_stage if kind is Kind.STAGE else empty
    return Field(name, kind, get, absent, key=key, indexed=name in _INDEXED)


def _inside(table: str, key: str, details: Details | None) -> Field:
    label = f"{table}.{key}" if re.fullmatch(r"[\w.-]+", key) else f"{table}.`{key.replace('`', '``')}`"
    if table == "schema":
        return _captured(label, Kind.TEXT, details, "signature", lambda found: _dtype(found, key))
    if table == "packages":
        wanted = _canonical(key)
        return _captured(label, Kind.RELEASE, details, "environment", lambda found: _installed(found, key, wanted))

    def stored(doc: Mapping[str, Any]) -> Any:
        return doc.get(table, _NOTHING).get(key)

    def typed(doc: Mapping[str, Any]) -> Any:
        found = doc.get(table, _NOTHING)
        value = found.get(key)
        return "None" if value is None and key in found else value

    def absent(doc: Mapping[str, Any]) -> bool:
        return stored(doc) is None

    if table == "metrics":
        return Field(label, Kind.METRIC, stored, absent, key=key, table=table)
    return Field(label, Kind.TYPED, typed, absent, key=key, table=table)


def _worked_out(name: str, details: Details | None) -> Field:
    if name == "python":
        return _captured(name, Kind.RELEASE, details, "environment", lambda found: found.get("python"))
    if name == "data":
        return _captured(name, Kind.TEXT, details, "profile", lambda found: found.get("fingerprint"))
    return Field(name, Kind.ANYWHERE, lambda doc: _texts(doc, details), lambda _: False, costly=details is not None)


def _captured(
    label: str, kind: Kind, details: Details | None, file: str, pick: Callable[[Mapping[str, Any]], Any]
) -> Field:
    def get(doc: Mapping[str, Any]) -> Any:
        return None if details is None else pick(details(doc, file))

    return Field(label, kind, get, lambda doc: get(doc) is None, costly=details is not None)


def _dtype(signature: Mapping[str, Any], column: str) -> Any:
    for found in signature.get("inputs", ()):
        if found.get("name") == column:
            return found.get("dtype")
    return None


def _canonical(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).casefold()


def _installed(environment: Mapping[str, Any], key: str, wanted: str) -> Any:
    packages = environment.get("packages", _NOTHING)
    if key in packages:
        return packages[key]
    return next((version for name, version in packages.items() if _canonical(name) == wanted), None)


def _texts(doc: Mapping[str, Any], details: Details | None) -> Iterator[str]:
    """Yield all that ``text`` searches, what lies in the document first: a captured file is read only if it must be."""
    yield doc.get("ref") or doc.get("name") or ""
    for key in ("description", "note", "estimator"):
        yield doc.get(key) or ""
    for key, value in doc.get("tags", _NOTHING).items():
        yield key
        yield str(value)
    if details is not None:
        for cell in details(doc, "source").get("cells", ()):
            yield cell.get("code") or ""
