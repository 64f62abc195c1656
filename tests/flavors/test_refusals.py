"""What a refusal says, when an attacker wrote half of it."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbregistry.flavors.refusals import clean, fingerprint_of, of_code, of_types

KEY = base64.b64encode(b"k" * 32).decode("ascii")
SIGNER = fingerprint_of(KEY)


def refusal(**changed: object) -> str:
    given_: dict = {"subject": "churn/3", "format": "cloudpickle", "signer": SIGNER, "known": False, "user": "bob",
                    "public_key": KEY, "names": ()} | changed  # fmt: skip
    return of_code(**given_)


@pytest.mark.parametrize(
    "user", ["bob; rm -rf ~", "bob\nrun me", "$(id)", "`id`", "-x", "bob --name eve", "\x1b[2Jb", "b" * 65]
)
def test_a_users_name_that_does_harm_is_not_in_the_line(user: str) -> None:
    """The line to paste holds a name only if pasting it is harmless; else a word to replace."""
    line = next(li for li in refusal(user=user).splitlines() if "%nbregistry trust" in li)
    assert line.endswith(f"%nbregistry trust {KEY} --name NAME")


@pytest.mark.parametrize("key", ["", "rubbish; id", base64.b64encode(b"x" * 32).decode("ascii"), KEY + "\n"])
def test_a_key_that_is_not_the_signers_is_not_in_the_line(key: str) -> None:
    """The store's key is suggested only if it is the one that the fingerprint names."""
    text = refusal(public_key=key)
    assert "ask for their public key and trust it: %nbregistry trust KEY --name bob" in text
    assert "rubbish" not in text


def test_ordinary_globals_are_summed_up_and_odd_ones_named() -> None:
    """What every model names does not hide what only this one names."""
    assert "It names only parts of numpy and sklearn, which proves nothing." in refusal(names=("sklearn.a", "numpy.b"))
    assert "It names os.system." in refusal(names=("sklearn.a", "os.system", "numpy.b"))


@given(st.text(), st.text(), st.lists(st.text()), st.text())
def test_no_text_breaks_the_message(user: str, signer: str, names: list[str], subject: str) -> None:
    """Whatever the store holds, the message prints, and has only the line breaks that are ours."""
    for text in (
        refusal(user=user, signer=signer, names=names, subject=subject),
        of_types(subject=subject, format="skops", signer=signer, unknown=names),
    ):
        assert all(part.isprintable() for part in text.split("\n"))
        assert text.count("\n") <= 2


def test_clean_is_short_and_printable() -> None:
    """Controls, escapes and lone surrogates become a visible mark, and length is bounded."""
    assert "a\ufffd[2J\ufffd\ufffd" == clean("a\x1b[2J\x00\ud800")
    assert 100 == len(clean("x" * 10_000))
