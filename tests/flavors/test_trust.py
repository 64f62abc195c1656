"""Keys, the list of trusted ones, and the decision whether bytes may run."""

from __future__ import annotations

import base64
import itertools
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nbregistry.errors import Damaged, InvalidInput, NewerFormat, NotFound, StoreReadOnly, Untrusted
from nbregistry.flavors.refusals import fingerprint_of
from nbregistry.flavors.trust import Keyring, decide
from tests.flavors.fresh import ROOT

PAYLOAD = b'{"digest":"' + b"a" * 64 + b'"}'


@pytest.fixture
def bob(tmp_path: Path) -> Keyring:
    """Keys of somebody else."""
    return Keyring(tmp_path / "bob")


def test_a_signature_fits_its_key_and_its_bytes_only(keyring: Keyring, bob: Keyring) -> None:
    """Verification holds for exactly the signed bytes under exactly the signing key."""
    signature = keyring.sign(PAYLOAD)
    assert Keyring.verify(keyring.public_key, PAYLOAD, signature)
    assert not Keyring.verify(keyring.public_key, PAYLOAD + b" ", signature)
    assert not Keyring.verify(bob.public_key, PAYLOAD, signature)
    assert not Keyring.verify(keyring.public_key, PAYLOAD, bob.sign(PAYLOAD))


@pytest.mark.parametrize(
    "text", ["", "x", "AAAA", "\u20ac", "=" * 88, base64.b64encode(b"0" * 64).decode(), "A" * 10_000]
)
def test_malformed_signatures_and_keys_are_false(keyring: Keyring, text: str) -> None:
    """Rubbish in place of a signature or a key is no signature, and no error either."""
    assert not Keyring.verify(keyring.public_key, PAYLOAD, text)
    assert not Keyring.verify(text, PAYLOAD, keyring.sign(PAYLOAD))


def test_the_key_is_made_once_and_found_again(tmp_path: Path) -> None:
    """The fingerprint is that of the public key and the same for whoever opens the home next."""
    first = Keyring(tmp_path / "home")
    assert first.fingerprint == fingerprint_of(first.public_key)
    assert (32, "ed25519:") == (len(first.fingerprint.partition(":")[2]), first.fingerprint[:8])
    assert first.fingerprint == Keyring(tmp_path / "home").fingerprint
    assert first.fingerprint != Keyring(tmp_path / "other").fingerprint


def test_looking_makes_no_key(tmp_path: Path) -> None:
    """Whoever only reads and verifies leaves no trace in a home, not even the folder."""
    reader = Keyring(tmp_path / "absent")
    assert [] == reader.trusted()
    assert not reader.is_trusted("ed25519:" + "0" * 32)
    assert not reader.vouches("ed25519:" + "0" * 32, PAYLOAD, "AAAA")
    assert not (tmp_path / "absent").exists()


def test_without_a_home_to_write_reading_works_and_signing_says_why(tmp_path: Path, bob: Keyring) -> None:
    """A home that cannot be made allows verifying; signing and trusting are refused with what to do."""
    (tmp_path / "file").write_text("not a folder", "utf-8")
    reader = Keyring(tmp_path / "file" / "home")
    assert not reader.is_trusted(bob.fingerprint)
    assert Keyring.verify(bob.public_key, PAYLOAD, bob.sign(PAYLOAD))
    for write in (
        lambda: reader.sign(PAYLOAD),
        lambda: reader.fingerprint,
        lambda: reader.trust(bob.public_key, "bob"),
    ):
        with pytest.raises(StoreReadOnly, match="Set NBREGISTRY_HOME to a folder that you can write"):
            write()


def test_trust_and_distrust(keyring: Keyring, bob: Keyring, tmp_path: Path) -> None:
    """A trusted key is trusted by every process at once, and no longer after distrust."""
    other_process = Keyring(tmp_path / "reader")
    assert not other_process.is_trusted(bob.fingerprint)
    entry = keyring.trust(bob.public_key, "bob")
    assert (bob.fingerprint, bob.public_key, "bob") == (entry.fingerprint, entry.public_key, entry.name)
    assert other_process.is_trusted(bob.fingerprint)
    assert [entry] == keyring.trusted()
    keyring.trust(f"{bob.fingerprint} {bob.public_key}", "Bob at work")
    assert ["Bob at work"] == [k.name for k in other_process.trusted()]
    keyring.distrust(bob.fingerprint)
    assert not other_process.is_trusted(bob.fingerprint)
    with pytest.raises(NotFound, match="trusted are: none"):
        keyring.distrust(bob.fingerprint)


def test_the_own_key_is_always_trusted(keyring: Keyring) -> None:
    """The own key needs no entry, comes first, and cannot be distrusted."""
    own = keyring.fingerprint
    assert keyring.is_trusted(own)
    assert [(own, "you")] == [(k.fingerprint, k.name) for k in keyring.trusted()]
    with pytest.raises(InvalidInput, match="your own key"):
        keyring.distrust(own)


def test_vouching_uses_the_readers_copy_of_the_key(keyring: Keyring, bob: Keyring) -> None:
    """A signature counts only if its signer is trusted and it is that very signer's."""
    signature = bob.sign(PAYLOAD)
    assert not keyring.vouches(bob.fingerprint, PAYLOAD, signature)
    keyring.trust(bob.public_key, "bob")
    assert keyring.vouches(bob.fingerprint, PAYLOAD, signature)
    assert not keyring.vouches(bob.fingerprint, b"other", signature)
    assert not keyring.vouches(keyring.fingerprint, PAYLOAD, signature)


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("ed25519:" + "0" * 32, "only identifies a key"),
        ("AAAA", "not a public key"),
        ("", "not a public key"),
        ("\u20ac" * 44, "not a public key"),
        ("-" * 43 + "=", "not a public key"),
        ("ed25519:" + "0" * 32 + " " + base64.b64encode(b"k" * 32).decode(), "has the fingerprint"),
        ("a b " + base64.b64encode(b"k" * 32).decode(), "has the fingerprint"),
    ],
)
def test_what_is_no_key_is_not_trusted(keyring: Keyring, key: str, told: str) -> None:
    """A bare fingerprint, rubbish, or a key beside another's fingerprint is refused and changes nothing."""
    with pytest.raises(InvalidInput, match=told):
        keyring.trust(key, "bob")
    assert [] == keyring.trusted()


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "\x1b[2J", "x" * 129, "\ud800"])
def test_names_are_short_and_printable(keyring: Keyring, bob: Keyring, name: str) -> None:
    """A name that would break a line or a terminal is refused."""
    with pytest.raises(InvalidInput, match="cannot name a key's owner"):
        keyring.trust(bob.public_key, name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"format": 1}',
        '{"format": 1, "keys": [{}]}',
        '{"format": "1", "keys": []}',
        "[" * 100_000,
    ],
)
def test_a_damaged_list_trusts_nobody_but_the_own_key(
    keyring: Keyring, bob: Keyring, tmp_path: Path, text: str
) -> None:
    """A list that cannot be read is an error that names it, and does not stand before one's own models."""
    keyring.trust(bob.public_key, "bob")
    (tmp_path / "reader" / "trusted.json").write_text(text, "utf-8")
    with pytest.raises(Damaged, match=r"trusted\.json, your list of trusted keys, cannot be read"):
        keyring.is_trusted(bob.fingerprint)
    assert keyring.is_trusted(keyring.fingerprint)


def test_a_swapped_key_in_the_list_is_seen(keyring: Keyring, bob: Keyring, tmp_path: Path) -> None:
    """A public key beside another's fingerprint makes the list unreadable instead of trusting it."""
    keyring.trust(bob.public_key, "bob")
    path = tmp_path / "reader" / "trusted.json"
    found = json.loads(path.read_text("utf-8"))
    found["keys"][0]["public_key"] = Keyring(tmp_path / "mallory").public_key
    path.write_text(json.dumps(found), "utf-8")
    with pytest.raises(Damaged, match="does not have the fingerprint beside it"):
        keyring.vouches(bob.fingerprint, PAYLOAD, bob.sign(PAYLOAD))


def test_the_key_file_is_a_standard_one(tmp_path: Path) -> None:
    """The key file is what other tools write and read, byte for byte."""
    serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    keyring = Keyring(tmp_path / "home")
    signature = keyring.sign(PAYLOAD)
    content = (tmp_path / "home" / "key.pem").read_bytes()
    key = serialization.load_pem_private_key(content, None)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    assert content == key.private_bytes(*form)
    assert signature == base64.b64encode(key.sign(PAYLOAD)).decode("ascii")
    (tmp_path / "home" / "key.pem").write_bytes(content.replace(b"\n", b"\r\n"))
    assert keyring.public_key == Keyring(tmp_path / "home").public_key


def test_a_key_of_another_kind_is_named(tmp_path: Path) -> None:
    """An RSA or a password-protected key in our place is refused by what it is."""
    serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

    home = tmp_path / "home"
    home.mkdir()
    open_, locked = serialization.NoEncryption(), serialization.BestAvailableEncryption(b"password")
    kinds = ((ec.generate_private_key(ec.SECP256R1()), open_, "PrivateKey, not an Ed25519 key"),
             (ed25519.Ed25519PrivateKey.generate(), locked, "Password was not given"))  # fmt: skip
    for key, encryption, told in kinds:
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        (home / "key.pem").write_bytes(key.private_bytes(*form))
        (home / "key.pem").chmod(0o600)
        with pytest.raises(Damaged, match=told):
            Keyring(home).sign(PAYLOAD)


def test_a_newer_list_is_refused(keyring: Keyring, bob: Keyring, tmp_path: Path) -> None:
    """A list of a later format is not guessed at."""
    keyring.trust(bob.public_key, "bob")
    (tmp_path / "reader" / "trusted.json").write_text('{"format": 2, "keys": []}', "utf-8")
    with pytest.raises(NewerFormat, match="newer nbregistry"):
        keyring.trusted()


@pytest.mark.parametrize(
    "content",
    [
        b"not a key",
        b"",
        b"-----BEGIN PRIVATE KEY-----\nA\n-----END PRIVATE KEY-----\n",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ],
)
def test_a_damaged_key_is_named_and_kept(tmp_path: Path, content: bytes) -> None:
    """A key file that is none is never overwritten: it may be someone's only copy."""
    home = tmp_path / "home"
    Keyring(home).sign(b"")
    (home / "key.pem").write_bytes(content)
    with pytest.raises(Damaged, match=r"key\.pem is (not a key that can be read|empty)"):
        Keyring(home).sign(b"")
    assert content == (home / "key.pem").read_bytes()


@pytest.mark.parametrize(("safe", "ok", "known"), list(itertools.product([True, False], repeat=3)))
def test_truth_table(keyring: Keyring, bob: Keyring, safe: bool, ok: bool, known: bool) -> None:
    """Loading is allowed for a safe format, or for a valid signature of a trusted signer, and for nothing else."""
    if known:
        keyring.trust(bob.public_key, "bob")
    allowed = safe or (ok and known)
    try:
        decide(format_safe=safe, signer=bob.fingerprint, signature_ok=ok, keyring=keyring, names=())
    except Untrusted:
        assert not allowed
    else:
        assert allowed


@pytest.mark.parametrize("signer", ["", "ed25519:", "bob", "\x00", "ed25519:" + "0" * 32 + "\n"])
def test_a_signer_that_is_none_never_counts(keyring: Keyring, signer: str) -> None:
    """Without a signer that is a fingerprint on the list, even a caller that says the signature fits is refused."""
    keyring.sign(b"")
    with pytest.raises(Untrusted):
        decide(format_safe=False, signer=signer, signature_ok=True, keyring=keyring)


def test_the_refusal_names_the_signer_and_the_line_that_would_trust(keyring: Keyring, bob: Keyring) -> None:
    """The message has the fingerprint, the user, and a line which, given to the keyring, makes the load possible."""
    about = {"signer": bob.fingerprint, "user": "bob", "public_key": bob.public_key, "subject": "churn/3"}
    with pytest.raises(Untrusted) as refused:
        decide(format_safe=False, signature_ok=True, keyring=keyring, format="cloudpickle", **about)
    text = str(refused.value)
    assert (
        f"churn/3 is stored as cloudpickle: loading it runs code of whoever made it. It is signed by {bob.fingerprint}"
        in text
    )
    assert "registered by 'bob' as the store says" in text
    line = f"%nbregistry trust {bob.public_key} --name bob"
    assert line in text
    _, _, key, _, name = line.split()
    keyring.trust(key, name)
    decide(format_safe=False, signature_ok=True, keyring=keyring, **about)


def test_first_use_by_many_processes_makes_one_key(tmp_path: Path) -> None:
    """Processes that ask for the key at the same moment all get the same one, and nothing else is left behind."""
    home, go = tmp_path / "home", tmp_path / "go"
    code = (
        "import sys, time; from pathlib import Path; from nbregistry.flavors import trust; trust._new_pem()\n"
        "home, go = map(Path, sys.argv[1:]); print('ready', flush=True)\n"
        "while not go.exists(): pass\n"
        "print(trust.Keyring(home).fingerprint)"
    )
    command = [sys.executable, "-c", code, str(home), str(go)]
    started = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    for process in started:
        assert process.stdout is not None
        assert "ready\n" == process.stdout.readline()
    go.touch()
    found = {process.communicate(timeout=60)[0].strip() for process in started}
    assert {Keyring(home).fingerprint} == found
    assert ["key.pem"] == [p.name for p in home.iterdir()]


def test_many_processes_trusting_at_once_lose_nothing(tmp_path: Path) -> None:
    """Keys trusted by several processes at the same time are all on the list."""
    home = tmp_path / "home"
    code = (
        "import base64, sys; from pathlib import Path; from nbregistry.flavors.trust import Keyring\n"
        "keyring = Keyring(Path(sys.argv[1]))\n"
        "for i in range(20): keyring.trust(base64.b64encode(bytes([int(sys.argv[2]), i]) * 16).decode(), 'someone')"
    )
    started = [subprocess.Popen([sys.executable, "-c", code, str(home), str(n)], cwd=ROOT) for n in range(4)]
    assert [0] * 4 == [process.wait(timeout=60) for process in started]
    assert 80 == len(Keyring(home).trusted())


def test_signing_and_checking_cost_little(keyring: Keyring, tmp_path: Path) -> None:
    """Warm, a signature takes well under a millisecond, and so do checking it and opening the keyring (wide bounds)."""
    payload, signer = b"x" * 2000, keyring.fingerprint
    signature = keyring.sign(payload)

    def best(call) -> float:
        times = []
        for _ in range(30):
            started = time.perf_counter()
            call()
            times.append(time.perf_counter() - started)
        return min(times) * 1e3

    assert best(lambda: keyring.sign(payload)) <= 0.1
    assert best(lambda: keyring.vouches(signer, payload, signature)) <= 0.3
    assert best(lambda: Keyring(tmp_path / "reader").is_trusted(signer)) <= 1.0
