"""Who is let in, and as what."""

from __future__ import annotations

import pytest

from nbregistry.browser.identity import Proof, Role, issue
from nbregistry.errors import InvalidInput
from nbregistry.serving.options import hash_of


def test_tokens_are_personal_and_only_hashes_are_kept() -> None:
    """Each approver has a token that carries the name, readers share one, and what is kept is no token."""
    issued = issue(Proof.TOKEN, host="127.0.0.1", token=None, approvers=["ana", "bo", "ana"])
    assert ["ana", "bo"] == list(issued.personal)
    for name, token in issued.personal.items():
        found = issued.guests.by_token(token)
        assert found is not None
        assert (name, Role.APPROVER) == (found.name, found.role)
        assert token not in repr(issued.guests)
    reader = issued.guests.by_token(issued.shared)
    assert reader is not None
    assert ("", Role.READER) == (reader.name, reader.role)
    assert issued.shared not in repr(issued.guests)
    assert 4 == len({issued.shared, *issued.personal.values(), hash_of(issued.shared)})


@pytest.mark.parametrize("token", ["", " ", "Bearer ", "x" * 32, "none", "0" * 64])
def test_nobody_else_comes_in(token: str) -> None:
    """What is no token opens nothing, nor does the hash of one."""
    issued = issue(Proof.TOKEN, host="127.0.0.1", token=None, approvers=["ana"])
    assert None is issued.guests.by_token(token)
    assert None is issued.guests.by_token(hash_of(issued.shared))


def test_two_visitors_with_one_token_are_two() -> None:
    """Who shares a token does not share kernels."""
    guests = issue(Proof.TOKEN, host="127.0.0.1", token="0123456789abcdef", approvers=[]).guests
    one, two = guests.by_token("0123456789abcdef"), guests.by_token("0123456789abcdef")
    assert one is not None
    assert two is not None
    assert one.session != two.session


def test_a_proxy_is_believed_with_its_secret_only() -> None:
    """The user's header counts beside the secret, once, and as one printable name."""
    guests = issue(Proof.PROXY, host="10.0.0.5", token="0123456789abcdef", approvers=["ana"]).guests
    ana = guests.by_proxy(["ana"], ["0123456789abcdef"])
    eve = guests.by_proxy(["eve"], ["0123456789abcdef"])
    assert ana is not None
    assert eve is not None
    assert [Role.APPROVER, Role.READER] == [ana.role, eve.role]
    for names, secrets in (
        (["ana"], []), (["ana"], [""]), (["ana"], ["0123456789abcdee"]), (["ana", "eve"], ["0123456789abcdef"]),
        ([], ["0123456789abcdef"]), (["ana"], ["0123456789abcdef"] * 2), ([" "], ["0123456789abcdef"]),
        (["an\x07a"], ["0123456789abcdef"]), (["a" * 201], ["0123456789abcdef"]),
    ):  # fmt: skip
        assert None is guests.by_proxy(names, secrets), (names, secrets)


@pytest.mark.parametrize("host", [".".join("0000"), "", "192.168.1.5", "::", "example.org", "localhost.example.org"])
def test_without_proof_only_this_machine(host: str) -> None:
    """A browser for everybody listens on loopback or not at all."""
    with pytest.raises(InvalidInput, match="this machine only"):
        issue(Proof.NONE, host=host, token=None, approvers=[])


@pytest.mark.parametrize(
    ("proof", "token", "approvers"),
    [
        (Proof.NONE, None, ["ana"]),
        (Proof.NONE, "0123456789abcdef", []),
        (Proof.TOKEN, "short", []),
        (Proof.TOKEN, None, [" "]),
        (Proof.PROXY, None, ["a\nb"]),
    ],
)
def test_what_cannot_be_meant(proof: Proof, token: str | None, approvers: list[str]) -> None:
    """Approvers that nothing proves, secrets that are none and names that are none are refused."""
    with pytest.raises(InvalidInput):
        issue(proof, host="127.0.0.1", token=token, approvers=approvers)
