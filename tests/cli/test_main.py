"""Commands, their output and their exit status."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import nbregistry
from nbregistry.cli import output
from nbregistry.cli.commands import COMMANDS
from nbregistry.registry import Registry
from nbregistry.verbs import table
from nbregistry.verbs.grammar import Place
from tests.cli.conftest import Said

PROMISED = {
    "demo", "models", "versions", "show", "search", "compare", "annotate", "promote", "rollback", "audit", "verify",
    "load",
}  # fmt: skip
COMMAND = [sys.executable, "-m", "nbregistry"]

Nb = Callable[..., Said]


def test_commands_are_the_table() -> None:
    """The commands are the verbs of the table for a shell, and the three that only a shell has."""
    assert {*table.at(Place.SHELL), "demo", "browse", "completion"} == set(COMMANDS)
    assert set() == PROMISED - set(COMMANDS)


def test_magics_and_commands_take_the_same(nb: Nb) -> None:
    """A verb that is both takes the same arguments, save for those that need a kernel or a shell."""
    kernel_or_shell = {"--data", "--out", "--panel", "--here", "--big"}
    for word, verb in table.at(Place.SHELL).items():
        if Place.WORD in verb.places:
            names = [{a.name for a in verb.at(place)} for place in (Place.WORD, Place.SHELL)]
            assert (names[0] ^ names[1]) <= kernel_or_shell, word


def test_asking(nb: Nb, stocked: Registry) -> None:
    """Questions are answered on standard output, as text."""
    questions = (
        ["models"], ["versions", "churn"], ["show", "churn/1"], ["search", "metrics.auc > 0.92"], ["audit"],
        ["audit", "churn/2"], ["compare", "churn/1", "churn/2"], ["status"], ["verify"], ["trust"],
    )  # fmt: skip
    for words in questions:
        said = nb(*words)
        assert (0, "") == (said.status, said.err), words
        assert said.out.strip()
    assert "churn/1" not in nb("search", "metrics.auc > 0.92").out


def test_changing(nb: Nb, stocked: Registry) -> None:
    """Changes are made, and each is there afterwards."""
    assert 0 == nb("promote", "churn/1", "production", "--because", "first").status
    assert 0 == nb("promote", "churn/2", "production", "--expect", "churn/1").status
    assert "churn/2" == stocked.version("churn/production").ref
    assert 0 == nb("rollback", "churn", "production", "--because", "slow").status
    assert "churn/1" == stocked.version("churn/production").ref
    for words in (
        ["annotate", "churn/1", "it's", "slow", "--kind", "warning"], ["tag", "churn/1", "n=3"],
        ["describe", "churn", "Who leaves."], ["alias", "churn/2", "challenger"], ["unalias", "churn", "champion"],
        ["rename", "churn", "attrition"], ["delete", "attrition/2", "--because", "leaked"], ["restore", "attrition/2"],
    ):  # fmt: skip
        assert 0 == nb(*words).status, words
    assert "it's slow" == stocked.annotations("attrition/1")[0].text
    assert 3 == stocked.version("attrition/1").tags["n"]
    assert ({"challenger": 2}, "Who leaves.") == (
        dict(stocked.model("attrition").aliases), stocked.model("attrition").description,
    )  # fmt: skip


def test_asking_as_of_a_time(nb: Nb, stocked: Registry) -> None:
    """--as-of answers as it would have been then, on every question."""
    stocked.promote("churn/1", "Production")
    then = stocked.audit("churn/1")[-1].time.isoformat()
    stocked.promote("churn/2", "Production")
    stocked.tag("churn/1", late=True)
    stocked.register(max, "fraud")
    assert "churn/1" == json.loads(nb("show", "churn/production", "--as-of", then, "--json").out)["ref"]
    assert ["churn"] == [m["name"] for m in json.loads(nb("models", "--as-of", then, "--json").out)]
    assert {} == json.loads(nb("versions", "churn", f"--as-of={then}", "--json").out)[1]["tags"]
    assert [] == json.loads(nb("search", "tags.late = 'true'", "--as-of", then, "--json").out)
    assert 1 == nb("audit", "fraud", "--as-of", then).status
    assert 1 == nb("versions", "churn", "--as-of", "2020-01-01").status


def test_notes_and_tags_in_full(nb: Nb, stocked: Registry) -> None:
    """Notes are answered and edited, tags set and removed at once; without a value each verb shows what there is."""
    first = json.loads(nb("annotate", "churn/1", "slwo", "--json").out)["id"]
    assert 0 == nb("annotate", "churn/1", "why?", "--reply-to", str(first)).status
    edited = json.loads(nb("annotate", "churn/1", "slow", "--edit", str(first), "--json").out)
    assert ("slow", "slwo") == (edited["text"], edited["edits"][0][2])
    assert 2 == len(stocked.annotations("churn/1"))
    tagged = json.loads(nb("tag", "churn/2", "n=3", "--remove", "team", "--json").out)
    assert {"n": 3} == tagged["tags"]
    assert {} == json.loads(nb("tag", "churn/2", "--remove", "n", "--json").out)["tags"]
    assert "churn/2" == json.loads(nb("tag", "churn/2", "--json").out)["ref"]
    assert "churn" == json.loads(nb("describe", "churn", "--json").out)["name"]


def test_json_of_every_answer(nb: Nb, stocked: Registry) -> None:
    """--json gives strict JSON on everything that answers, wherever the option stands."""
    commands = [
        ["models"], ["versions", "churn"], ["show", "churn/1"], ["search", ""], ["audit"], ["status"], ["verify"],
        ["trust"], ["compare", "churn/1", "churn/2"], ["load", "churn/1"], ["promote", "churn/1", "staging"],
        ["annotate", "churn/1", "x"], ["annotate", "churn/1"], ["tag", "churn/1", "a=b"], ["delete", "churn/2"],
        ["restore", "churn/2"], ["repair"],
    ]  # fmt: skip
    for words in commands:
        for line in (["--json", *words], [*words, "--json"])[: 1 if words[0] in ("delete", "restore") else 2]:
            said = nb(*line)
            assert 0 == said.status, (line, said.err)
            json.loads(said.out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    found = json.loads(nb("show", "churn/1", "--json").out)
    assert ("churn/1", {"auc": 0.9}, "Staging") == (found["ref"], found["metrics"], found["stage"])


def test_registry_is_chosen(nb: Nb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--registry wins over the environment, before or behind the command."""
    Registry(tmp_path / "one").register(max, "one")
    Registry(tmp_path / "two").register(max, "two")
    monkeypatch.setenv("NBREGISTRY_URI", str(tmp_path / "one"))
    assert "one" in nb("models").out
    for line in (["--registry", str(tmp_path / "two"), "models"], ["models", f"--registry={tmp_path / 'two'}"]):
        assert ("two" in nb(*line).out, "one" in nb(*line).out) == (True, False)
    assert 2 == nb("models", "--registry").status


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["versions", "nope"], 1),
        (["show", "churn/9"], 1),
        (["promote", "churn/1", "production", "--expect", "churn/2"], 1),
        (["load", "churn@nobody"], 1),
        (["restore", "churn/1"], 1),
        (["verify", "--receipt", f"nbr1:other:3:{'0' * 64}"], 1),
        (["frobnicate"], 2),
        (["versions"], 2),
        (["versions", "churn", "--limt", "3"], 2),
        (["promote", "churn/1", "prodction"], 2),
        (["search", "metrics.auc >> 1"], 2),
        (["show", "../etc/passwd"], 2),
        (["verify", "--receipt", "nonsense"], 2),
        (["purge", "churn/1", "--because", "x"], 2),
        (["completion", "tcsh"], 2),
        (["demo", "--json"], 2),
        (["--nope"], 2),
    ],
)
def test_exit_status(nb: Nb, stocked: Registry, words: list[str], status: int) -> None:
    """1 is refused or failed, 2 wrong use; the reason is one line on standard error."""
    said = nb(*words)
    assert status == said.status, said
    if "--receipt" in words and status == 1:
        assert "faults" in said.out or "fault" in said.out
        return
    assert "" == said.out
    assert said.err.startswith("nbregistry: ")
    assert len(said.err.splitlines()) == (3 if words[0] == "search" else 1)


def test_verify_names_what_it_found(nb: Nb, stocked: Registry) -> None:
    """A damaged file is named, with its digest, and the status is 1."""
    digest = stocked.version("churn/1").digest
    blob = stocked.core.store.blobs.path(digest)
    blob.chmod(0o600)
    blob.write_bytes(b"something else")
    said = nb("verify")
    assert 1 == said.status
    assert digest[:12] in said.out
    assert any(digest[:12] in finding["where"] for finding in json.loads(nb("verify", "--json").out)["findings"])


def test_verify_needs_a_registry(nb: Nb) -> None:
    """Checking a place where there is nothing is no success."""
    said = nb("verify")
    assert (1, "") == (said.status, said.out)
    assert "There is no registry at" in said.err
    assert not Path(".nbregistry").exists()


@pytest.mark.parametrize("words", [("models",), ("search", "metrics.auc > 0.9"), ("audit",)])
def test_asking_makes_no_registry(nb: Nb, words: tuple[str, ...]) -> None:
    """A question in an empty folder says that there is none, and makes none."""
    said = nb(*words)
    assert 0 == said.status
    assert "There is no registry" in said.err
    assert not Path(".nbregistry").exists()


def test_repair_keeps_the_original(nb: Nb, stocked: Registry) -> None:
    """A journal with damage in the middle is cut there, and the whole of it is kept."""
    stocked.close()
    journal = Path(".nbregistry/journal")
    whole = bytearray(journal.read_bytes())
    whole[len(whole) * 2 // 3] ^= 1
    journal.write_bytes(whole)
    assert 1 == nb("verify").status
    said = nb("repair", "--json")
    assert 0 == said.status, said.err
    kept = dict(json.loads(said.out)["facts"])["Original"]
    assert bytes(whole) == Path(kept).read_bytes()
    assert 0 == nb("versions", "churn").status


def test_load_checks_and_writes(nb: Nb, stocked: Registry, tmp_path: Path) -> None:
    """`load` tells what a version is without deserialising it; --out writes the very bytes."""
    out = tmp_path / "model.pkl"
    said = nb("load", "churn@champion", "--out", str(out))
    assert 0 == said.status, said.err
    version = stocked.version("churn/1")
    assert version.digest in said.out.replace("\n", "").replace(" ", "")
    with stocked.core.store.blobs.verified(version.digest) as file:
        assert file.read() == out.read_bytes()
    assert 1 == nb("load", "churn/1", "--out", str(tmp_path / "no" / "folder")).status


def test_load_refuses_strangers(nb: Nb, stocked: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another user's pickle is refused with its signer, neither told nor written, until its key is trusted."""
    key = stocked.core.keyring.public_key
    monkeypatch.setenv("NBREGISTRY_HOME", str(tmp_path / "bob"))
    said = nb("load", "churn/1", "--out", str(tmp_path / "model.pkl"))
    assert 1 == said.status
    assert f"nbregistry trust {key} --name ana" in said.err
    assert not (tmp_path / "model.pkl").exists()
    assert 0 == nb("trust", key, "--name", "ana").status
    assert 0 == nb("load", "churn/1").status
    assert "ana" in nb("trust").out
    assert 0 == nb("trust", key, "--remove").status
    assert 1 == nb("load", "churn/1").status


def test_load_audits_safe_formats(nb: Nb, stocked: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stranger's file in a safe format is fine, unless it names what is not known to be harmless."""
    from sklearn.linear_model import LinearRegression
    from sklearn.preprocessing import FunctionTransformer

    stocked.register(LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]), "safe", format="skops")
    stocked.register(FunctionTransformer(os.path.join).fit([[0.0]]), "odd", format="skops")
    monkeypatch.setenv("NBREGISTRY_HOME", str(tmp_path / "bob"))
    assert "carries no code" in " ".join(nb("load", "safe").out.split())
    said = nb("load", "odd")
    assert (1, "") == (said.status, said.out)
    assert "posixpath.join" in said.err or "os.path.join" in said.err


def test_help(nb: Nb) -> None:
    """Help goes to standard output with status 0, for all and for each command."""
    for words in ([], ["--help"], ["-h"], ["help"]):
        said = nb(*words)
        assert 0 == said.status
        assert all(f"  {word}" in said.out for word in COMMANDS)
    for word in COMMANDS:
        assert nb(word, "-h").out.startswith(f"nbregistry {word}")
        assert nb("help", word) == nb(word, "--help")
    assert f"nbregistry {nbregistry.__version__}\n" == nb("--version").out


def test_did_you_mean(nb: Nb, stocked: Registry) -> None:
    """Commands, options, names and stages are answered with the nearest one."""
    assert "'promote'" in nb("promte", "churn/1", "production").err
    assert "'--because'" in nb("promote", "churn/1", "production", "--becuase", "x").err
    assert "'churn'" in nb("versions", "chrun").err
    assert "'Production'" in nb("promote", "churn/1", "prodction").err


def test_purge_asks_where_somebody_can_answer(nb: Nb, stocked: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the question is asked; anything but yes leaves all as it is."""
    stocked.delete("churn/1")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(output, "confirm", lambda question: False)
    assert 2 == nb("purge", "churn/1", "--because", "x").status
    monkeypatch.setattr(output, "confirm", lambda question: True)
    assert 0 == nb("purge", "churn/1", "--because", "x").status


@pytest.mark.parametrize(
    ("typed", "meant"), [("y\n", True), ("YES \n", True), ("\n", False), ("", False), ("no\n", False)]
)
def test_only_a_yes_is_a_yes(
    typed: str, meant: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The question goes to standard error; nothing typed, or the end of input, means no."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    assert meant is output.confirm("Destroy?")
    assert ("", "Destroy? [y/N] ") == capsys.readouterr()


def test_text_that_the_terminal_lacks(stocked: Registry) -> None:
    """Under an encoding that knows only ASCII nothing fails half-way."""
    stocked.annotate("churn/1", "não está bem \u4e2d")
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([*COMMAND, "annotate", "churn/1"], check=False, capture_output=True, env=env)
    assert (0, b"") == (done.returncode, done.stderr)


def piped(*words: str) -> subprocess.Popen[bytes]:
    """Start a command whose output is buffered, as a user's is."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    env.pop("PYTHONUNBUFFERED", None)
    return subprocess.Popen([*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)


def test_broken_pipe_is_clean(stocked: Registry) -> None:
    """When whoever reads has seen enough, nothing is complained about."""
    for number in range(30):
        stocked.annotate("churn/1", f"{number} " + "x" * 4_000)
    with piped("annotate", "churn/1", "--json") as done:
        assert done.stdout is not None
        assert done.stderr is not None
        done.stdout.read(10)
        done.stdout.close()
        assert (b"", 0) == (done.stderr.read(), done.wait())


def test_pipe_closed_before_the_answer(stocked: Registry) -> None:
    """What is still in the buffer when the reader is gone is not complained about at exit either."""
    with piped("models") as done:
        assert done.stdout is not None
        assert done.stderr is not None
        done.stdout.close()
        assert (b"", 0) == (done.stderr.read(), done.wait())


def test_the_store_is_heard(nb: Nb, stocked: Registry) -> None:
    """What the store has to say, such as an unfinished write it put aside, comes beside the answer."""
    stocked.close()
    with Path(".nbregistry/journal").open("ab") as journal:
        journal.write(b"000001f4 half a rec")
    said = nb("annotate", "churn/1", "fine", "--json")
    assert 0 == said.status
    assert "unfinished write" in said.err
    assert "fine" == json.loads(said.out)["text"]


def test_bytes_that_are_no_text(stocked: Registry) -> None:
    """An argument that is no UTF-8 is refused in words."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([*COMMAND, "annotate", "churn/1", b"\xff\xfe"], check=False, capture_output=True, env=env)
    assert done.returncode in (0, 1, 2)
    assert b"Traceback" not in done.stderr


def test_start_is_lean() -> None:
    """Help needs neither the registry's libraries nor a notebook's, and is there in a blink."""
    code = "import sys; from nbregistry.cli import main; main(['--help']); print(sorted(sys.modules), file=sys.stderr)"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=env, text=True)
        seconds.append(time.perf_counter() - start)
        heavy = {"IPython", "pandas", "numpy", "sklearn", "tinydb", "cryptography", "fsspec", "orjson", "markdown_it"}
        assert {f"'{name}'" for name in heavy} & set(done.stderr.strip("[]\n").split(", ")) == set()
    assert min(seconds) < 0.4, seconds  # a wide bound for a busy machine; 0.08 s on a quiet one
