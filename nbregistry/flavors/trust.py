"""Whose bytes may run code: the user's Ed25519 key, the keys the user trusts, and the decision.

A pickle is a program. So each user signs what they register, each *reader* keeps the list of keys whose programs they
run, and a signature is only ever checked against the reader's own copy of a key, never against one that came along with
the bytes. Ed25519 is RFC 8032.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbregistry.domain.commits import timestamp
from nbregistry.errors import Damaged, InvalidInput, NewerFormat, NotFound, Untrusted
from nbregistry.flavors import keyfiles, refusals
from nbregistry.flavors.refusals import FINGERPRINT, fingerprint_of, raw_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_FORMAT = 1

# RFC 8410: an unencrypted Ed25519 private key is these bytes and its own 32, in one line of PEM.
_PKCS8 = bytes.fromhex("302e020100300506032b657004220420")
_BEGIN, _END = b"-----BEGIN PRIVATE KEY-----\n", b"\n-----END PRIVATE KEY-----\n"


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A key whose pickles the reader loads.

    Attributes
    ----------
    public_key : str
        The 32 raw bytes in base64.
    name : str
        Whose it is, in the reader's words; "you" for the own key.
    added : str
        When, UTC; empty for the own key.
    """

    fingerprint: str
    public_key: str
    name: str
    added: str


class Keyring:
    """The keys in one home folder.

    Making one reads nothing and needs no folder: what only verifies works without a home that can be written. The own
    key is made when it is first asked for; the list of trusted keys is read anew each time, so that a key distrusted in
    one process is distrusted in all.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._key: Ed25519PrivateKey | None = None
        self._public_key = ""

    @property
    def public_key(self) -> str:
        """The own public key in base64; makes the key on first use."""
        self._made()
        return self._public_key

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the own key; makes the key on first use."""
        return fingerprint_of(self.public_key)

    def sign(self, payload: bytes) -> str:
        """Sign with the own key; returns base64.

        Raises
        ------
        nbregistry.errors.StoreReadOnly
            There is no key and none can be made here.
        """
        return base64.b64encode(self._made().sign(payload)).decode("ascii")

    @staticmethod
    def verify(public_key: str, payload: bytes, signature: str) -> bool:
        """Whether the signature is this key's of exactly these bytes; malformed is False, not an error."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            raw = base64.b64decode(signature, validate=True)
            Ed25519PublicKey.from_public_bytes(raw_key(public_key)).verify(raw, payload)
        except (InvalidSignature, InvalidInput, ValueError, TypeError):
            return False
        return True

    def vouches(self, signer: str, payload: bytes, signature: str) -> bool:
        """Whether a trusted key of this fingerprint signed these bytes, by the reader's own copy of that key."""
        found = self._find(signer)
        return found is not None and self.verify(found.public_key, payload, signature)

    def trusted(self) -> list[TrustedKey]:
        """Return the own key, where there is one, and those on the list."""
        own = self._own_entry()
        return own + [k for k in self._listed() if k.public_key != self._public_key]

    def is_trusted(self, fingerprint: str) -> bool:
        """Whether this signer's code may run; the own key always may."""
        return self._find(fingerprint) is not None

    def trust(self, key: str, name: str) -> TrustedKey:
        """Put a key on the list; one that is there gets the new name.

        Parameters
        ----------
        key : str
            The public key, or ``FINGERPRINT PUBLIC_KEY``, which must belong together.
        name : str
            Whose it is.
        """
        words = key.split()
        if len(words) == 1 and FINGERPRINT.match(words[0]):
            raise InvalidInput(
                f"{words[0]} is a fingerprint, which only identifies a key: give the public key itself, which its owner"
                " finds with `%nbregistry status`."
            )
        raw = raw_key(words[-1] if words else "")
        public_key = base64.b64encode(raw).decode("ascii")  # one spelling: base64 has several for the last digit
        found = fingerprint_of(public_key)
        if len(words) > 2 or (len(words) == 2 and words[0] != found):
            raise InvalidInput(
                f"The public key given has the fingerprint {found}, not {words[0][:80]!r}: nothing was trusted."
            )
        if not name.strip() or len(name) > 128 or not name.isprintable():
            raise InvalidInput(
                f"{name[:80]!r} cannot name a key's owner: 1 to 128 printable characters, as in --name bob."
            )
        entry = TrustedKey(found, public_key, name.strip(), timestamp())
        with keyfiles.changing(self._home):
            self._store([*(k for k in self._listed() if k.fingerprint != found), entry])
        return entry

    def distrust(self, fingerprint: str) -> None:
        """Take a key off the list.

        Raises
        ------
        NotFound
            It is not on it.
        """
        if self._own() and fingerprint in {self.fingerprint, self._public_key}:
            raise InvalidInput("This is your own key, which is always trusted; distrust is for the keys of others.")
        with keyfiles.changing(self._home):
            listed = self._listed()
            kept = [k for k in listed if fingerprint not in {k.fingerprint, k.public_key}]
            if len(kept) == len(listed):
                known = ", ".join(f"{k.name} {k.fingerprint}" for k in listed) or "none"
                raise NotFound(f"No trusted key has the fingerprint {fingerprint[:80]!r}; trusted are: {known}.")
            self._store(kept)

    def _find(self, fingerprint: str) -> TrustedKey | None:
        # The own key first: a list that cannot be read must not stand between users and their own models.
        for keys in (self._own_entry, self._listed):
            if found := next((k for k in keys() if k.fingerprint == fingerprint), None):
                return found
        return None

    def _own_entry(self) -> list[TrustedKey]:
        return [TrustedKey(self.fingerprint, self._public_key, "you", "")] if self._own() else []

    def _own(self) -> Ed25519PrivateKey | None:
        if self._key is None and (pem := keyfiles.read_key(self._home)) is not None:
            self._public_key, self._key = _parsed(pem, self._home / keyfiles.KEY)
        return self._key

    def _made(self) -> Ed25519PrivateKey:
        if key := self._own():
            return key
        made = keyfiles.make_key(self._home, _new_pem())  # another process's, if that was first
        self._public_key, self._key = _parsed(made, self._home / keyfiles.KEY)
        return self._key

    def _listed(self) -> list[TrustedKey]:
        text = keyfiles.read_list(self._home)
        return _parsed_list(text, self._home / keyfiles.TRUSTED) if text is not None else []

    def _store(self, keys: Sequence[TrustedKey]) -> None:
        text = json.dumps({"format": _FORMAT, "keys": [asdict(k) for k in keys]}, indent=1, ensure_ascii=False)
        keyfiles.write_list(self._home, text.encode("utf-8", "replace"))


def _new_pem() -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    body = base64.b64encode(_PKCS8 + Ed25519PrivateKey.generate().private_bytes_raw())
    return b"".join((_BEGIN, body, _END))


def _parsed(pem: bytes, path: Path) -> tuple[str, Ed25519PrivateKey]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    der = _decoded(pem)
    if der.startswith(_PKCS8) and len(der) == len(_PKCS8) + 32:
        key = Ed25519PrivateKey.from_private_bytes(der[len(_PKCS8) :])
        return base64.b64encode(key.public_key().public_bytes_raw()).decode("ascii"), key
    return _parsed_otherwise(pem, path)


def _decoded(pem: bytes) -> bytes:
    if not (pem.startswith(_BEGIN) and pem.endswith(_END)):
        return b""
    try:
        return base64.b64decode(pem[len(_BEGIN) : -len(_END)], validate=True)
    except ValueError:
        return b""


def _parsed_otherwise(pem: bytes, path: Path) -> tuple[str, Ed25519PrivateKey]:
    """Read a key that was not made here, with a library that takes 25 ms to load."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Damaged(
            f"{path} is not a key that can be read ({error}). Restore it from a backup; or move it away and a new key"
            " is made, which others, and you for what you signed so far, must trust anew."
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Damaged(f"{path} holds a {type(key).__name__}, not an Ed25519 key: move it away and one is made.")
    return base64.b64encode(key.public_key().public_bytes_raw()).decode("ascii"), key


def _parsed_list(text: bytes, path: Path) -> list[TrustedKey]:
    try:
        document: Mapping[str, Any] = json.loads(text)
        if document["format"] > _FORMAT:
            raise NewerFormat(f"{path} was written by a newer nbregistry; update to read it.")
        found = [TrustedKey(k["fingerprint"], k["public_key"], k["name"], k["added"]) for k in document["keys"]]
        if wrong := [k.name for k in found if fingerprint_of(k.public_key) != k.fingerprint]:
            raise ValueError(f"the key of {wrong[0]!r} does not have the fingerprint beside it")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Damaged(
            f"{path}, your list of trusted keys, cannot be read ({type(error).__name__}: {str(error)[:200]}). Nobody is"
            " trusted until it is repaired, or removed and made again with `%nbregistry trust`."
        ) from error
    return found


def decide(
    *,
    format_safe: bool,
    signer: str,
    signature_ok: bool,
    keyring: Keyring,
    subject: str = "This model",
    format: str = "",
    user: str = "",
    public_key: str = "",
    names: Sequence[str] = (),
) -> None:
    """Return if these bytes may be loaded, else say who signed them and what would change that.

    Parameters
    ----------
    format_safe : bool
        What the reader's own flavor says of the format, never what the store says.
    signer : str
        Fingerprint the store gives.
    signature_ok : bool
        Whether ``keyring.vouches`` for the manifest that holds the digest of these bytes.
    user, public_key : str
        Who the store says registered it, and with which key: untrusted text, shown as such.
    names : sequence of str
        What the audit found; advice in the message.

    Raises
    ------
    Untrusted
        Neither is the format safe nor is it signed by a trusted key.
    """
    if format_safe or (signature_ok and keyring.is_trusted(signer)):
        return
    known = bool(signer) and keyring.is_trusted(signer)
    text = refusals.of_code(
        subject=subject, format=format, signer=signer, known=known, user=user, public_key=public_key, names=names
    )
    raise Untrusted(text)
