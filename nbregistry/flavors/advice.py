"""What a pickle names, read without running it: for people to look at, never a reason to load.

Every scanner of pickles has been deceived, and so can this one be; a list without anything odd means nothing. It is
shown in refusals and on cards, where a list *with* something odd means a lot.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

_MAX_OPCODES = 2_000_000
_MAX_NAMES = 500
_MAX_TEXT = 200
_LENGTHS = {
    "BINBYTES": "<I", "BINBYTES8": "<Q", "BYTEARRAY8": "<Q", "BINSTRING": "<i", "BINUNICODE": "<I", "BINUNICODE8": "<Q",
    "SHORT_BINBYTES": "<B", "SHORT_BINSTRING": "<B", "SHORT_BINUNICODE": "<B", "LONG4": "<i", "LONG1": "<B",
}  # fmt: skip
_TEXTS = frozenset(
    {"BINUNICODE", "BINUNICODE8", "SHORT_BINUNICODE", "UNICODE", "STRING", "BINSTRING", "SHORT_BINSTRING"}
)
_LONG_LINE = 1 << 16


def globals_in(file: BinaryIO) -> tuple[str, ...]:
    """List the dotted names that unpickling would look up, sorted; rewinds the file.

    Never raises for bad bytes: what was found until then is returned, with ``"..."`` for the rest that could not be
    read. Big strings and arrays are skipped, not read.
    """
    names: set[str] = set()
    file.seek(0)
    try:
        for name in _names(file):
            names.add(name)
            if len(names) >= _MAX_NAMES:
                return (*sorted(names), "...")
    except (ValueError, EOFError, struct.error, OverflowError):
        return (*sorted(names), "...")
    finally:
        file.seek(0)
    return tuple(sorted(names))


def _names(file: BinaryIO) -> Iterator[str]:
    # STACK_GLOBAL takes two strings from the stack. Following the strings pushed last, also through the memo, is right
    # for what picklers write; a forger can do better, which is why this is advice.
    recent = ["", ""]
    memo: dict[int, str] = {}
    last = ""
    for name, value in _opcodes(file):
        if name in {"GLOBAL", "INST"}:
            last = _dotted(*str(value).partition(" ")[::2])
            yield last
        elif name == "STACK_GLOBAL":
            last = _dotted(*recent)
            yield last
        elif name in _TEXTS:
            last = str(value)
            recent = [recent[1], last]
        elif name == "MEMOIZE":
            memo[len(memo)] = last
        elif name in {"PUT", "BINPUT", "LONG_BINPUT"} and isinstance(value, int):
            memo[value] = last
        elif name in {"GET", "BINGET", "LONG_BINGET"} and isinstance(value, int):
            last = memo.get(value, "")
            recent = [recent[1], last]
        elif name not in {"FRAME", "PROTO", "MARK"}:
            last = ""


def _dotted(module: str, name: str) -> str:
    return f"{module or '?'}.{name or '?'}"[:_MAX_TEXT]


def _opcodes(file: BinaryIO) -> Iterator[tuple[str, object]]:
    import pickletools  # slow to load, and only refusals and cards need it

    known = {opcode.code: opcode for opcode in pickletools.opcodes}
    for _ in range(_MAX_OPCODES):
        code = file.read(1)
        opcode = known.get(code.decode("latin-1"))
        if opcode is None:
            raise ValueError("no opcode")
        if opcode.name in _LENGTHS:
            yield opcode.name, _sized(file, _LENGTHS[opcode.name])
        elif opcode.arg is None:
            yield opcode.name, None
        elif opcode.arg.n >= 0:
            yield opcode.name, opcode.arg.reader(file)
        else:
            yield opcode.name, _line(file, pair=opcode.name in {"GLOBAL", "INST"})
        if opcode.name == "STOP":
            return
    raise ValueError("too many opcodes")


def _sized(file: BinaryIO, length: str) -> str:
    """Read a counted string, or skip it where it is too long to be a name."""
    size = struct.unpack(length, file.read(struct.calcsize(length)))[0]
    if size < 0:
        raise ValueError("negative size")
    if size > _MAX_TEXT:
        file.seek(size, 1)
        return ""
    return file.read(size).decode("utf-8", "replace")


def _line(file: BinaryIO, *, pair: bool) -> object:
    """Read an argument that ends with its line: two of them for GLOBAL, a number where it looks like one."""
    lines = [file.readline(_LONG_LINE).rstrip(b"\n").decode("utf-8", "replace") for _ in range(2 if pair else 1)]
    if not pair and lines[0].isdigit():
        return int(lines[0])
    return " ".join(lines)
