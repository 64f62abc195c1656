"""Who looks: what a server may believe of a request, and nothing that a browser says of itself."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address

from nbregistry.errors import InvalidInput
from nbregistry.serving.options import hash_of

MOST_NAME = 200
"""Characters of a user's name."""
MADE = "auto"
"""What asks for a token to be made."""
_SHORTEST = 16  # characters of a token that somebody chose


class Proof(StrEnum):
    """How visitors prove who they are."""

    NONE = "none"
    TOKEN = "token"  # noqa: S105 - a way to prove oneself, not a secret
    PROXY = "proxy"
    HUB = "hub"


class Role(StrEnum):
    """What a visitor may do."""

    READER = "reader"
    APPROVER = "approver"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody the server has let in.

    Attributes
    ----------
    name : str
        As the audit tells it; empty for somebody who may only read and did not have to say.
    session : str
        Whose kernels are whose: another session may not touch them, whatever its name.
    digest : str
        SHA-256 of the token that proved it; empty where none did.
    """

    name: str
    role: Role
    session: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Guests:
    """Who is let in, and as what.

    Attributes
    ----------
    shared : str
        SHA-256 of the token that readers share, or of the secret that a trusted proxy sends.
    approvers : frozenset of str
        Names that may decide.
    personal : mapping of str to str
        SHA-256 of an approver's own token to the name it carries.
    """

    proof: Proof
    shared: str = ""
    approvers: frozenset[str] = frozenset()
    personal: Mapping[str, str] = field(default_factory=dict)

    def by_token(self, token: str) -> Visitor | None:
        """Return who shows a token; every known one is compared, so that time tells nothing."""
        return self.by_digest(hash_of(token), secrets.token_hex(16)) if token else None

    def by_digest(self, digest: str, session: str) -> Visitor | None:
        """Return whose token has a SHA-256, if it is still good."""
        found: Visitor | None = None
        if _same(digest, self.shared):
            found = Visitor("", Role.READER, session, digest)
        for known, name in self.personal.items():
            if _same(digest, known):
                found = Visitor(name, Role.APPROVER, session, digest)
        return found

    def by_proxy(self, names: Iterable[str], proofs: Iterable[str]) -> Visitor | None:
        """Return who a proxy says it is; without the shared secret nobody is believed, nor is a doubled header."""
        said, shown = list(names), list(proofs)
        if len(said) != 1 or len(shown) != 1 or not _same(hash_of(shown[0]), self.shared):
            return None
        return self.named(said[0])

    def named(self, name: str) -> Visitor | None:
        """Return a user whose name has been proven elsewhere."""
        if not (name := name.strip()) or len(name) > MOST_NAME or not name.isprintable():
            return None
        return Visitor(name, Role.APPROVER if name in self.approvers else Role.READER, f"user:{name}")


@dataclass(frozen=True, slots=True)
class Issued:
    """Guests, and the tokens that were made for them: told once, kept nowhere.

    Attributes
    ----------
    shared : str
        What readers, or the proxy, have to show; empty where nothing has to be.
    personal : mapping of str to str
        An approver's name to the approver's own token.
    """

    guests: Guests
    shared: str = ""
    personal: Mapping[str, str] = field(default_factory=dict)


def issue(proof: Proof, *, host: str, token: str | None, approvers: Iterable[str]) -> Issued:
    """Settle who is let in.

    Parameters
    ----------
    token : str or None
        What readers share, or the proxy's secret; made when None or ``auto``.

    Raises
    ------
    InvalidInput
        What was asked would let in anybody, or give a reader's rights to nobody.
    """
    names = list(dict.fromkeys(name.strip() for name in approvers))
    for name in names:
        if not name or len(name) > MOST_NAME or not name.isprintable():
            raise InvalidInput(f"{name[:80]!r} is no name for an approver: give a user's name in one line.")
    if proof is Proof.NONE:
        if not _loopback(host):
            raise InvalidInput(
                f"--auth none lets everybody read, so it listens on this machine only, not on {host!r}: take --auth"
                " token, proxy or hub."
            )
        if names or token:
            raise InvalidInput("--auth none proves nobody: take --auth token or --auth proxy with --token, --approver.")
        return Issued(Guests(proof))
    if proof is Proof.HUB:
        if token:
            raise InvalidInput("--auth hub signs people in through JupyterHub: leave --token away.")
        return Issued(Guests(proof, approvers=frozenset(names)))
    given = None if token == MADE else token
    if given is not None and len(given) < _SHORTEST:
        raise InvalidInput("--token is too short to be a secret: give 16 characters or more, or auto.")
    shared = given or secrets.token_urlsafe(24)
    personal = {name: secrets.token_urlsafe(24) for name in names} if proof is Proof.TOKEN else {}
    known = {hash_of(made): name for name, made in personal.items()}
    return Issued(Guests(proof, hash_of(shared), frozenset(names), known), shared, personal)


def _same(one: str, other: str) -> bool:
    return bool(other) and hmac.compare_digest(one.encode("ascii"), other.encode("ascii"))


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
