"""Bytes into plain values: content types, JSON and CSV. What cannot be read is a 400 in words, whatever it is."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import orjson

from nbregistry.capture.values import text_of
from nbregistry.domain.signature import Column
from nbregistry.errors import BadRows, InvalidInput, UnsupportedMedia
from nbregistry.serving.intake import Intake
from nbregistry.serving.intake.checks import INTEGERS
from nbregistry.serving.table import Table

LARGE = 256 * 1024
"""Bytes of a body that is read in a few milliseconds."""

JSON = "application/json"
CSV = ("text/csv", "application/csv")
_TEXTS_AND_NAN = re.compile(rb'("(?:[^"\\]|\\.|\\\Z)*+(?:"|\Z)|NaN)', re.DOTALL)
_PIECE = 64 * 1024
_LINES = 4096
_MISSING = frozenset(("", "na", "n/a", "nan", "null", "none", "<na>"))
_TRUTHS = {"true": True, "false": False}
_NUMBERS = {*INTEGERS, "float16", "float32", "float64"}


def media(content_type: str) -> str:
    """Return a content type without its parameters, in lower case.

    Raises
    ------
    UnsupportedMedia
        Another character set than UTF-8.
    """
    if content_type == JSON:
        return JSON
    found, _, parameters = content_type.partition(";")
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip().strip('"').lower() not in ("utf-8", "utf8", "us-ascii"):
            raise UnsupportedMedia(f"The character set {text_of(value.strip(), 40)!r} is not read: send UTF-8.")
    return found.strip().lower()


def unsupported(content_type: str, *known: str) -> UnsupportedMedia:
    """Return the refusal of a content type."""
    came = f"the content type {text_of(content_type, 60)!r}" if content_type else "no content type"
    return UnsupportedMedia(f"The request has {came}: send {' or '.join(known)}.")


def parsed(body: bytes, *, nan: bool = False) -> Any:
    """Return the JSON value that a body holds.

    Parameters
    ----------
    nan : bool
        Whether ``NaN`` is read as null, for clients whose writer knows no better.

    Raises
    ------
    InvalidInput
        Not JSON (RFC 8259: UTF-8, no NaN, no numbers beyond a double), nested too deeply, or an object that has a key
        twice, whose meaning is anybody's guess.
    """
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as fault:
        if nan and b"NaN" in body and (cleaned := _without_nan(body)) is not None:
            return parsed(cleaned)
        raise InvalidInput(f"The body is not JSON: {text_of(str(fault), 200)}.{_advice(body)}") from None
    if body.count(b":") != _keys(found):
        _refuse_repeated(body, found)
    return found


def _without_nan(body: bytes) -> bytes | None:
    """Return a body with null for each NaN that is not in a text; None where there is none."""
    parts = _TEXTS_AND_NAN.split(body)  # every second part is a text or a NaN
    found = [b"null" if part == b"NaN" else part for part in parts]
    return b"".join(found) if b"NaN" in parts else None


def _advice(body: bytes) -> str:
    if re.search(rb"[\[,:\s]-?(NaN|Infinity|nan|inf)\b", body[:100_000]):
        return " JSON has no NaN and no Infinity: send null for a missing value."
    return ""


def _keys(found: Any) -> int:
    """Return how many keys the objects have that are found without looking at every value."""
    count, ahead = 0, [found]
    while ahead:
        value = ahead.pop()
        if type(value) is dict:
            count += len(value)
            ahead += [v for v in value.values() if type(v) is dict or type(v) is list]
        elif value and type(value[0]) is dict if type(value) is list else False:
            ahead += [v for v in value if type(v) is dict]
    return count


def _all_keys(found: Any) -> int:
    """Return how many keys all objects have."""
    count, ahead = 0, [found]
    while ahead:
        value = ahead.pop()
        if type(value) is dict:
            count += len(value)
            ahead += [v for v in value.values() if type(v) is dict or type(v) is list]
        else:
            ahead += [v for v in value if type(v) is dict or type(v) is list]
    return count


def _colons(body: bytes) -> int:
    """Return how many colons of a JSON document stand outside of its texts: one behind each key."""
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    count, within = 0, 0
    for at in range(0, len(body), _PIECE):  # all parts of a long body at once would take many times its memory
        parts = body[at : at + _PIECE].split(b'"')
        count += b"".join(parts[within::2]).count(b":")
        within = (within + len(parts) - 1) % 2
    return count


def _refuse_repeated(body: bytes, found: Any) -> None:
    """Raise InvalidInput when a key is there twice; more colons than keys may also be in texts, or further inside."""
    colons = _colons(body)
    if colons == _keys(found) or type(found) not in (dict, list) or colons == _all_keys(found):
        return

    def once(pairs: list[tuple[str, Any]]) -> None:
        seen = set()
        for key, _ in pairs:
            if key in seen:
                raise InvalidInput(f"The key {text_of(key, 60)!r} is in one object twice: send it once.")
            seen.add(key)

    try:
        if len(body) <= LARGE:  # which one it is takes a reader that is slow
            json.loads(body, object_pairs_hook=once)
    except RecursionError:
        raise InvalidInput("The body is nested too deeply: send rows of plain values.") from None
    raise InvalidInput("A key is in one object twice: send it once.")


def csv_table(body: bytes, intake: Intake) -> Table:
    """Return the rows of a CSV text whose first line names the columns.

    An empty cell is a missing value, and so are ``NA``, ``NaN``, ``null`` and the like where a number is expected.

    Raises
    ------
    InvalidInput
        Not CSV in UTF-8.
    BadRows
        The rows do not fit.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise InvalidInput(f"The body is not UTF-8 (byte {fault.start}): send CSV in UTF-8.") from None
    lines = _lines(text)
    names = next((line for some in lines for line in some[:1]), None)
    if names is None:
        raise InvalidInput("The body is empty: send a line with the names of the columns, then one line a row.")
    columns, width = _columns(names, intake), len(names)
    values: list[list[Any]] = [[] for _ in columns]
    count = 0
    for rows in lines:
        count += len(rows)
        intake.check_rows(count)
        if set(map(len, rows)) - {width}:
            number, row = next((n, row) for n, row in enumerate(rows) if len(row) != width)
            number += count - len(rows)
            raise BadRows(f"Row {number} has {len(row)} cells, and the first line names {width} columns.")
        for cells, texts, column in zip(values, zip(*rows, strict=True), columns, strict=True):
            cells.extend(_cells(texts, column))
    return intake.from_rows(list(map(list, zip(*values, strict=True))), names)


def _lines(text: str) -> Iterator[list[list[str]]]:
    """Yield the lines that are not empty: the first one, then some thousand at a time."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    most = 1
    try:
        while some := list(islice(reader, most)):
            if found := [line for line in some if line]:
                yield found
                most = _LINES
    except csv.Error as fault:
        raise InvalidInput(f"The body is not CSV: {text_of(str(fault), 200)}.") from None


def _cells(texts: Sequence[str], column: Column) -> Sequence[Any]:
    """Return the cells of a column: all at once where they are alike."""
    kind = float if column.dtype == "float64" else int if column.dtype in INTEGERS else None
    if kind is not None and "_" not in "".join(texts):
        try:
            found = list(map(kind, texts))
            if kind is int or math.isfinite(sum(found)):
                return found
        except ValueError:  # one that is missing, or no such number
            pass
    return [_cell(text, column) for text in texts]


def _columns(names: list[str], intake: Intake) -> list[Column]:
    """Return what is expected under each name; any value where that is not known."""
    signature, free = intake.signature, Column("", "any", True)
    if signature is None or not signature.inputs:
        return [free] * len(names)
    if signature.container != "frame":
        return [signature.inputs[0]] * len(names)
    known = {c.name: c for c in signature.inputs}
    return [known.get(name, free) for name in names]


def _cell(text: str, column: Column) -> Any:
    dtype = column.dtype.lower().replace("boolean", "bool")
    if dtype in _NUMBERS or dtype == "any":
        if text.strip().lower() in _MISSING:
            return None
        return _number(text)
    if dtype == "bool":
        return None if text.strip().lower() in _MISSING else _TRUTHS.get(text.strip().lower(), text)
    return None if not text and (column.nullable or column.dtype == "category") else text


def _number(text: str) -> Any:
    if "_" in text:
        return text
    if "." not in text:
        try:
            return int(text)
        except ValueError:  # not whole, or of so many digits that no dtype holds it
            pass
    try:
        return text if math.isinf(found := float(text)) else found
    except ValueError:
        return text
