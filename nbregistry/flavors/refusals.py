"""Why bytes are not loaded, in words, and the line that would change it.

Whatever the store says of itself (users, keys, names) may be written by an attacker: it is shown as a claim, stripped
of what does not print, and it goes into a line to be pasted only where pasting it is harmless.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Collection, Sequence

from nbregistry.errors import InvalidInput

FINGERPRINT = re.compile(r"ed25519:[0-9a-f]{32}\Z")

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}\Z")
_ORDINARY = frozenset(
    {"numpy", "scipy", "sklearn", "pandas", "xgboost", "lightgbm", "catboost", "torch", "keras", "collections"}
)


def raw_key(public_key: str) -> bytes:
    """Return the 32 bytes of a public key in base64, or say what a public key looks like."""
    try:
        raw = base64.b64decode(public_key, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raw = b""
    if len(raw) != 32:
        raise InvalidInput(
            f"{clean(public_key)!r} is not a public key: it has 44 characters and ends in '='. Its owner finds it with"
            " `%nbregistry status`."
        )
    return raw


def fingerprint_of(public_key: str) -> str:
    """Return ``ed25519:`` and the first 32 hexadecimal digits of the SHA-256 of the raw key.

    Raises
    ------
    InvalidInput
        Not 32 bytes in base64.
    """
    return "ed25519:" + hashlib.sha256(raw_key(public_key)).hexdigest()[:32]


def of_code(
    *, subject: str, format: str, signer: str, known: bool, user: str, public_key: str, names: Collection[str]
) -> str:
    """Say why a pickle is not loaded.

    Parameters
    ----------
    known : bool
        Whether the signer is trusted, so that it is the signature that does not fit.
    names : collection of str
        What the audit found.
    """
    code = f"{clean(subject)} is stored as {format or 'a pickle'}: loading it runs code of whoever made it"
    claimed = f", registered by {clean(user)!r} as the store says" if user else ""
    shown = _shown(names)
    if not signer:
        return (
            f"{code}, and it is not signed{claimed}.{shown} Nothing was loaded. Ask for a signed version, or for one in"
            " a format that carries no code (skops, onnx)."
        )
    if not FINGERPRINT.match(signer):
        return f"{code}, and what stands for its signer, {clean(signer)!r}, is no fingerprint{claimed}.{shown}"
    if known:
        return (
            f"{code}, and its signature by {signer}, whom you trust, does not fit: it was changed after it was signed."
            " Nothing was loaded; `nbregistry verify` says what else was changed."
        )
    line = _line(signer, user, public_key)
    return f"{code}. It is signed by {signer}{claimed}, whose key you do not trust.{shown}\n{line}"


def of_types(*, subject: str, format: str, signer: str, unknown: Sequence[str]) -> str:
    """Say why an archive of a safe format is not loaded: it uses types that nobody vouches for."""
    shown = [clean(name) for name in unknown]
    few = ", ".join(shown[:10]) + (f" and {len(shown) - 10} more" if len(shown) > 10 else "")
    by = f"It is signed by {clean(signer)}, whom you do not trust." if signer else "It is not signed."
    return (
        f"{clean(subject)} is stored as {format}, a format without code of its own, but it uses what is not known to be"
        f" harmless: {few}. Nothing was loaded. {by}\n"
        f"If you know these types: load({clean(subject)!r}, trusted={shown!r})"
    )


def _line(signer: str, user: str, public_key: str) -> str:
    try:
        key = public_key if fingerprint_of(public_key) == signer else ""
    except InvalidInput:
        key = ""
    name = user if _PLAIN_NAME.match(user) else "NAME"
    if not key:
        return f"If you know whose it is, ask for their public key and trust it: %nbregistry trust KEY --name {name}"
    return (
        f"If you know that this is their key: %nbregistry trust {key} --name {name}\n"
        f"or in a shell: nbregistry trust {key} --name {name}"
    )


def _shown(names: Collection[str]) -> str:
    """Tell what a pickle names that no ordinary model does."""
    if not names:
        return ""
    odd = sorted(name for name in names if name.partition(".")[0] not in _ORDINARY)
    if odd:
        return f" It names {', '.join(map(clean, odd[:8]))}{' ...' if len(odd) > 8 else ''}."
    roots = sorted({name.partition(".")[0] for name in names})
    return f" It names only parts of {' and '.join(roots)}, which proves nothing."


def clean(text: str) -> str:
    """Return untrusted text short and printable, for a message."""
    return "".join(c if c.isprintable() else "\ufffd" for c in str(text)[:100])
