"""Which arm an id belongs to: hashed to a point of a line on which each arm holds its weight.

The line is cut into whole units, so that weights of 0 and 1 mean none and all, and so that a change of weights can be
laid over the old line: an arm that shrinks gives up units, an arm that grows takes them, and every other id stays.
Laying arms side by side anew would not do that for three arms or more: the border between two arms that keep their
weights moves when a third one grows.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

UNITS = 1_000_000_000
"""Length of the line; weights are kept to nine decimals."""

_MOST_PIECES = 1_000


class Piece(NamedTuple):
    """A stretch of the line that one arm holds."""

    arm: str
    units: int


Layout = tuple[Piece, ...]


def spot(salt: str, key: str) -> int:
    """Return where an id lies, from 0 up to ``UNITS``: BLAKE2b (RFC 7693) of the id, keyed with the salt's own hash.

    Two nodes with different salts place the same id independently of each other.
    """
    mixed = hashlib.blake2b(salt.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    found = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8, key=mixed).digest()
    return int.from_bytes(found, "big") * UNITS >> 64


class Line:
    """A layout made ready to be asked for each request.

    Parameters
    ----------
    layout : sequence of Piece
        Whose units add up to ``UNITS``.
    salt : str
        What makes this node's line its own.
    """

    def __init__(self, layout: Sequence[Piece], salt: str) -> None:
        held = [piece for piece in layout if piece.units]
        self._arms = [piece.arm for piece in held]
        self._ends = list(accumulate(piece.units for piece in held))
        self._mixed = hashlib.blake2b(salt.encode("utf-8", "surrogatepass"), digest_size=16).digest()

    def arm(self, key: str) -> str:
        """Return the arm that an id belongs to."""
        found = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8, key=self._mixed).digest()
        return self._arms[bisect_right(self._ends, int.from_bytes(found, "big") * UNITS >> 64)]


def laid(weights: Mapping[str, float]) -> Layout:
    """Return the arms side by side, in order; weights add up to 1."""
    return tuple(Piece(arm, units) for arm, units in shares(weights).items() if units)


def relaid(before: Layout, weights: Mapping[str, float]) -> Layout:
    """Return the line for new weights, with as few units changing hands as there can be.

    Arms that are gone give up everything; new ones begin with nothing.
    """
    wanted = shares(weights)
    held = dict.fromkeys(wanted, 0)
    kept: list[Piece] = []
    for arm, units in before:
        stays = min(units, wanted.get(arm, 0) - held.get(arm, 0))
        if stays:
            held[arm] += stays
            kept.append(Piece(arm, stays))
        if units > stays:
            kept.append(Piece("", units - stays))  # up for grabs
    short = {arm: units - held[arm] for arm, units in wanted.items() if units > held[arm]}
    pieces = _merged(_filled(kept, short))
    return pieces if len(pieces) <= _MOST_PIECES else laid(weights)


def _filled(pieces: Sequence[Piece], short: dict[str, int]) -> list[Piece]:
    found: list[Piece] = []
    for arm, units in pieces:
        if arm:
            found.append(Piece(arm, units))
            continue
        left = units
        while left:
            taker = next(iter(short))
            taken = min(left, short[taker])
            found.append(Piece(taker, taken))
            left -= taken
            short[taker] -= taken
            if not short[taker]:
                del short[taker]
    return found


def _merged(pieces: Sequence[Piece]) -> Layout:
    found: list[Piece] = []
    for arm, units in pieces:
        if found and found[-1].arm == arm:
            found[-1] = Piece(arm, found[-1].units + units)
        else:
            found.append(Piece(arm, units))
    return tuple(found)


def shares(weights: Mapping[str, float]) -> dict[str, int]:
    """Return whole units that add up to ``UNITS``: what rounding leaves goes to the largest remainders."""
    exact = {arm: weight * UNITS for arm, weight in weights.items()}
    found = {arm: min(UNITS, int(units + 1e-3)) for arm, units in exact.items()}
    missing = UNITS - sum(found.values())
    order = sorted((arm for arm in exact if exact[arm]), key=lambda arm: found[arm] - exact[arm], reverse=missing < 0)
    for arm in order[: abs(missing)]:
        found[arm] += 1 if missing > 0 else -1
    # What is left is a sum that is off by more than rounding, within what validation lets pass: the largest bears it.
    found[max(found, key=lambda arm: found[arm])] += UNITS - sum(found.values())
    return found
