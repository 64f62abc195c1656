"""Which cell of one notebook is which of another: by id, else the same code, else code that is alike."""

from __future__ import annotations

import difflib
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

ALIKE = 0.6
"""Two cells are versions of one another when they share this part of their words and signs (Dice's coefficient)."""

_MAX_PAIRS = 10_000
_MAX_CHARACTERS = 100_000
_MAX_LINES = 1_000
_WORD = re.compile(r"\w+|[^\w\s]")


class Cell(NamedTuple):
    """An executed cell.

    Attributes
    ----------
    id : str
        The notebook's; empty where there is none (a terminal, an old notebook).
    ran : int or None
        Its execution count, ``In [7]``.
    position : int
        Its place among the cells that are compared, from 1.
    """

    id: str
    code: str
    ran: int | None
    position: int


Slot: TypeAlias = "list[Cell | None]"
"""One cell as each version has it, None where it has not."""


def executed(source: Mapping[str, Any]) -> list[Cell]:
    """Return the cells of a captured source; of a cell that ran more than once its last run, where the others led."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for cell in source.get("cells") or ():
        if not isinstance(cell, Mapping) or not isinstance(code := cell.get("code"), str) or not code.strip():
            continue
        id_ = cell.get("id") or ""
        key = (id_, "") if id_ else ("", code)
        found.pop(key, None)
        found[key] = cell
    return [
        Cell(str(cell.get("id") or ""), cell["code"], cell.get("count"), position)
        for position, cell in enumerate(found.values(), 1)
    ]


def align(versions: Sequence[Sequence[Cell]]) -> list[Slot]:
    """Return the cells of all versions in rows, each version beside the ones before it."""
    slots: list[Slot] = [[cell] for cell in versions[0]]
    for done, cells in enumerate(versions[1:], 1):
        latest = [next(cell for cell in reversed(slot) if cell is not None) for slot in slots]
        partner = _partners(latest, cells)
        # What is new stands after the cell that it follows in its own notebook.
        behind: dict[int, list[Slot]] = {}
        at = -1
        for n, cell in enumerate(cells):
            if n in partner:
                at = partner[n]
            else:
                behind.setdefault(at, []).append([*[None] * done, cell])
        beside = {old: cells[new] for new, old in partner.items()}
        grown = behind.get(-1, [])
        for n, slot in enumerate(slots):
            grown.append([*slot, beside.get(n)])
            grown += behind.get(n, [])
        slots = grown
    return slots


def _partners(old: Sequence[Cell], new: Sequence[Cell]) -> dict[int, int]:
    """Return for each new cell that has one the index of the old cell it is."""
    partner: dict[int, int] = {}
    for keys in ([c.id for c in old], [c.id for c in new]), ([c.code for c in old], [c.code for c in new]):
        _match_equal(*keys, partner)
    taken = set(partner.values())
    for _, n, o in sorted(_alike(old, new, partner)):
        if n not in partner and o not in taken:
            partner[n] = o
            taken.add(o)
    return partner


def _match_equal(old: Sequence[str], new: Sequence[str], partner: dict[int, int]) -> None:
    taken = set(partner.values())
    free: dict[str, list[int]] = {}
    for o in range(len(old) - 1, -1, -1):  # so that the first of equals is popped first
        if o not in taken and old[o]:
            free.setdefault(old[o], []).append(o)
    for n, key in enumerate(new):
        if n not in partner and free.get(key):
            partner[n] = free[key].pop()


def _alike(
    old: Sequence[Cell], new: Sequence[Cell], partner: Mapping[int, int]
) -> Iterator[tuple[tuple[float, int], int, int]]:
    """Yield how alike the cells without a partner are, best first when sorted; in long notebooks only near ones."""
    taken = set(partner.values())
    left = [(o, _words(cell)) for o, cell in enumerate(old) if o not in taken]
    right = [(n, _words(cell)) for n, cell in enumerate(new) if n not in partner]
    reach = max(5, _MAX_PAIRS // (2 * len(left) + 1))
    for place, (o, before) in enumerate(left):
        for n, after in right[max(0, place - reach) : place + reach]:
            size = before.total() + after.total()
            alike = 2 * (before & after).total() / size if size else 0.0
            if alike >= ALIKE:
                yield (-alike, abs(n - o)), n, o


def _words(cell: Cell) -> Counter[str]:
    return Counter(_WORD.findall(cell.code[:_MAX_CHARACTERS]))


def changed_lines(texts: Sequence[tuple[str, str | None]]) -> tuple[str, ...]:
    """Return unified diffs from each ``(label, text)`` to the next; a text that is not there is None."""
    lines: list[str] = []
    for (label, before), (next_label, after) in itertools.pairwise(texts):
        if before == after:
            continue
        old, new = (before or "").splitlines(), (after or "").splitlines()
        if max(len(old), len(new)) > _MAX_LINES or max(len(before or ""), len(after or "")) > _MAX_CHARACTERS:
            lines += [
                f"--- {label}",
                f"+++ {next_label}",
                f"@@ {len(old):,} lines, then {len(new):,}: too long to show @@",
            ]
        else:
            lines += difflib.unified_diff(old, new, label, next_label, lineterm="")
    return tuple(lines)
