"""A commit: what changed, by whom, when and why, sealed by a hash chain.

The hash of a commit is the SHA-256 of its canonical JSON, which holds the hash of the commit before it; so a commit
names the whole history that led to it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from nbregistry.types import Document

FORMAT = 1
"""Number of the commit format. Raise it when an older program could misread what a newer one writes, keep a sample of
every number ever shipped under ``tests/storage/samples``, and go on reading them all."""

GENESIS_HASH = "0" * 64


class Head(NamedTuple):
    """Where a ledger stands."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof for the caller that a change was acknowledged; keep it, and no history without it verifies.

    Attributes
    ----------
    store : str
        Identity of the store, made at its birth.
    seq, hash : int, str
        The commit and the SHA-256 that seals it and all before it.
    """

    store: str
    seq: int
    hash: str

    def __str__(self) -> str:
        return f"nbr1:{self.store}:{self.seq}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> Receipt:
        """Read what ``str(receipt)`` wrote."""
        from nbregistry.errors import InvalidInput

        parts = text.strip().split(":")
        if len(parts) != 4 or parts[0] != "nbr1" or not parts[2].isdigit() or len(parts[3]) != 64:
            raise InvalidInput(f"{text!r} is not a receipt: it reads nbr1:STORE:SEQ:HASH, as a change prints it.")
        return cls(parts[1], int(parts[2]), parts[3])


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and from where."""

    user: str
    host: str = ""
    pid: int = 0
    notebook: str | None = None
    cell: str | None = None

    def as_document(self) -> Document:
        """Return the fields that are set."""
        found = {"user": self.user, "host": self.host, "pid": self.pid, "notebook": self.notebook, "cell": self.cell}
        return {k: v for k, v in found.items() if v}


@dataclass(frozen=True, slots=True)
class Commit:
    """One change of the registry, whole or not at all.

    Attributes
    ----------
    action : str
        The verb: ``register``, ``promote``, ``refuse`` ...
    target : str
        What it is about: a reference, or a model's name.
    time : str
        Wall clock, UTC, ISO 8601 with microseconds; never earlier than the commit before.
    put : mapping
        ``{table: {id: document}}`` as they are after the change.
    removed : mapping
        ``{table: [id, ...]}``.
    before, after : mapping
        The fields that changed, as a reader of the audit wants them.
    key : str or None
        The caller's idempotency key.
    seq, prev, hash : int, str, str
        Place in the chain; set when the commit is sealed.
    """

    action: str
    target: str
    actor: Actor
    time: str
    put: Mapping[str, Mapping[int, Document]] = field(default_factory=dict)
    removed: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    before: Document = field(default_factory=dict)
    after: Document = field(default_factory=dict)
    reason: str = ""
    key: str | None = None
    evidence: Document = field(default_factory=dict)
    seq: int = -1
    prev: str = ""
    hash: str = ""

    def payload(self) -> bytes:
        """Return the canonical JSON that is hashed and stored."""
        body: Document = {
            "v": FORMAT, "seq": self.seq, "prev": self.prev, "time": self.time, "action": self.action,
            "target": self.target, "actor": self.actor.as_document(),
        }  # fmt: skip
        optional: Document = {
            "put": {t: {str(i): d for i, d in docs.items()} for t, docs in self.put.items() if docs},
            "removed": {t: list(ids) for t, ids in self.removed.items() if ids},
            "before": dict(self.before), "after": dict(self.after), "reason": self.reason, "key": self.key,
            "evidence": dict(self.evidence),
        }  # fmt: skip
        body.update({k: v for k, v in optional.items() if v})
        return canonical(body)

    def sealed(self, head: Head) -> tuple[Commit, bytes]:
        """Return this commit chained behind ``head``, with its payload."""
        open_ = replace(self, seq=head.seq + 1, prev=head.hash, hash="")
        payload = open_.payload()
        return replace(open_, hash=hashlib.sha256(payload).hexdigest()), payload

    @classmethod
    def decode(cls, body: Mapping[str, Any], digest: str) -> Commit:
        """Build a commit from parsed JSON whose bytes hashed to ``digest``."""
        actor = body.get("actor", {})
        return cls(
            action=body["action"], target=body["target"], time=body["time"],
            actor=Actor(actor.get("user", ""), actor.get("host", ""), actor.get("pid", 0), actor.get("notebook"),
                        actor.get("cell")),
            put={t: {int(i): d for i, d in docs.items()} for t, docs in body.get("put", {}).items()},
            removed={t: tuple(ids) for t, ids in body.get("removed", {}).items()},
            before=body.get("before", {}), after=body.get("after", {}), reason=body.get("reason", ""),
            key=body.get("key"), evidence=body.get("evidence", {}),
            seq=body["seq"], prev=body["prev"], hash=digest,
        )  # fmt: skip


def canonical(value: object) -> bytes:
    """Encode as canonical JSON: sorted keys, no spaces, UTF-8, no NaN.

    Lone surrogates, which UTF-8 cannot carry, are refused with ValueError as NaN is.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def timestamp(moment: datetime | None = None) -> str:
    """Format a moment (now by default) as stored: UTC, microseconds, fixed width, so that text order is time order."""
    moment = moment or datetime.now(UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(text: str) -> datetime:
    """Read what ``timestamp`` wrote."""
    return datetime.fromisoformat(text)
