"""The one way from stored bytes to a model: look at the bytes, ask whether they may run, and only then load.

The order is the promise: the format's safety comes from the reader's own flavor, the file's first bytes must fit the
format, a safe format is audited, and what the audit finds, like every pickle, needs a signer whom the reader trusts. No
scanner's verdict takes part in it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import BinaryIO

from nbregistry.errors import RegistryError, Untrusted
from nbregistry.flavors import refusals, table, trust
from nbregistry.flavors.protocol import Flavor, expect


@dataclass(frozen=True, slots=True)
class Origin:
    """What is known of where the bytes come from.

    Attributes
    ----------
    subject : str
        How a message names them: ``churn/3``.
    signer : str
        Fingerprint in the version's document; "" when unsigned.
    vouched : bool
        Whether ``keyring.vouches`` for the manifest, which holds the digest that these very bytes were checked against.
    user, public_key : str
        Who the store says registered it and with which key; untrusted, only shown.
    estimator : str
        The type in the version's document; only picks among the library's own classes.
    """

    subject: str = "This model"
    signer: str = ""
    vouched: bool = False
    user: str = ""
    public_key: str = ""
    estimator: str = ""


def load(
    file: BinaryIO,
    *,
    flavor: str,
    format: str,
    origin: Origin,
    keyring: trust.Keyring,
    trusted: Collection[str] = (),
) -> object:
    """Build a model from bytes that match their digest, if they may be loaded.

    Parameters
    ----------
    file : BinaryIO
        Seekable and verified: nobody else can change it any more.
    trusted : collection of str
        Types that the caller allows a safe format to hold, beyond those that the format's library allows itself.

    Raises
    ------
    nbregistry.errors.Damaged
        The bytes are not what the document says they are.
    nbregistry.errors.Untrusted
        Loading would run code by someone the reader does not trust.
    """
    chosen, allowed = _admitted(file, flavor, format, origin=origin, keyring=keyring, trusted=trusted)
    return chosen.load(file, format, estimator=origin.estimator, trusted=allowed)


def admit(
    file: BinaryIO,
    *,
    flavor: str,
    format: str,
    origin: Origin,
    keyring: trust.Keyring,
    trusted: Collection[str] = (),
) -> None:
    """Raise what ``load`` would raise before it builds anything; for who runs the model in another form.

    Raises
    ------
    nbregistry.errors.Damaged, nbregistry.errors.Untrusted
        As ``load`` does.
    """
    _admitted(file, flavor, format, origin=origin, keyring=keyring, trusted=trusted)


def _admitted(
    file: BinaryIO, flavor: str, format: str, *, origin: Origin, keyring: trust.Keyring, trusted: Collection[str]
) -> tuple[Flavor, Collection[str]]:
    """Return the flavor that may load these bytes, and the types it may build."""
    chosen = table.flavor(flavor)
    form = expect(chosen, file, format)
    known = origin.vouched and keyring.is_trusted(origin.signer)
    if not form.safe:
        if not known:
            _refuse(chosen, file, format, origin=origin, keyring=keyring)
        return chosen, ()
    unknown = [name for name in chosen.audit(file, format) if name not in set(trusted)]
    if unknown and not known:
        raise Untrusted(refusals.of_types(subject=origin.subject, format=format, signer=origin.signer, unknown=unknown))
    return chosen, {*trusted, *unknown}


def _refuse(flavor: Flavor, file: BinaryIO, format: str, *, origin: Origin, keyring: trust.Keyring) -> None:
    try:
        names = flavor.audit(file, format)
    except RegistryError:  # advice only: without it the refusal still says the rest
        names = ()
    trust.decide(
        format_safe=False, signer=origin.signer, signature_ok=origin.vouched, keyring=keyring, subject=origin.subject,
        format=format, user=origin.user, public_key=origin.public_key, names=names,
    )  # fmt: skip
