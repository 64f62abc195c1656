"""Loading and unloading, and what every magic has in common."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from nbregistry.domain.entities import Annotation, ModelVersion, Promotion, RegisteredModel, Report
from nbregistry.domain.results import Annotations, Events, Models, Overview, Versions
from nbregistry.registry import Registry
from nbregistry.verbs import table
from nbregistry.verbs.grammar import Place

PROMISED_LINES = {
    "register", "models", "versions", "search", "compare", "annotate", "promote", "rollback", "audit", "load_model",
    "nbregistry",
}  # fmt: skip
PROMISED_WORDS = {"status", "use", "verify", "trust"}

Run = Callable[[str], Any]
Refusal = Callable[[str], str]


def magics(shell: InteractiveShell) -> dict[tuple[str, str], object]:
    found = shell.magics_manager.magics
    return {(kind, name): found[kind][name] for kind in found for name in found[kind]}


def test_magics_are_the_table(bare: InteractiveShell) -> None:
    """The shell has the magics of the table and no other, and none of IPython's own was replaced."""
    before = magics(bare)
    bare.run_line_magic("load_ext", "nbregistry")
    after = magics(bare)
    added = set(after) - set(before)
    lines = {("line", word) for word in (*table.at(Place.LINE), "nbregistry")}
    assert lines | {("cell", word) for word in table.at(Place.CELL)} == added
    assert {key for key in before if after[key] is not before[key]} == set()


def test_magics_that_were_promised() -> None:
    """What users and the surface rely on is in the table."""
    assert set() == PROMISED_LINES - {*table.at(Place.LINE), "nbregistry"}
    assert "register" in table.at(Place.CELL)
    assert set() == PROMISED_WORDS - set(table.at(Place.WORD))


def test_unloading_leaves_nothing(bare: InteractiveShell) -> None:
    """Magics, TAB and event listeners are gone, and loading again works."""
    before = magics(bare)
    listeners = {event: list(found) for event, found in bare.events.callbacks.items()}
    matchers = list(bare.Completer.custom_matchers)
    configurables = len(bare.configurables)
    bare.run_line_magic("load_ext", "nbregistry")
    assert len(bare.Completer.custom_matchers) == len(matchers) + 1
    bare.run_line_magic("unload_ext", "nbregistry")
    assert before == magics(bare)
    assert listeners == {event: list(found) for event, found in bare.events.callbacks.items()}
    assert matchers == bare.Completer.custom_matchers
    assert configurables == len(bare.configurables)
    bare.run_line_magic("load_ext", "nbregistry")
    bare.run_line_magic("reload_ext", "nbregistry")
    assert len(bare.Completer.custom_matchers) == len(matchers) + 1


def test_a_taken_name_is_left_alone(bare: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    """A magic that another extension defined keeps its name; the user is told what to say instead."""

    def theirs(line: str) -> str:
        return "theirs"

    bare.magics_manager.register_function(theirs, "line", "show")
    bare.run_line_magic("load_ext", "nbregistry")
    assert "%nbregistry show" in capsys.readouterr().out
    assert "theirs" == bare.run_cell("%show").result
    bare.run_line_magic("unload_ext", "nbregistry")
    assert "theirs" == bare.run_cell("%show").result


def test_a_story(run: Run) -> None:
    """Each magic returns the object that its verb has in Python."""
    run("clf = Ridge().fit([1.0])")
    version = run("%register churn clf --metric auc=0.9 --tag team=risk --alias champion")
    assert isinstance(version, ModelVersion)
    assert ("churn/1", 0.9, "risk") == (version.ref, version.metrics["auc"], version.tags["team"])
    assert ("champion",) == version.aliases
    assert version.receipt is not None
    run("%register churn clf --metric auc=0.95")
    assert ["churn"] == [m.name for m in run("%models")]
    assert ["churn/2", "churn/1"] == [v.ref for v in run("%versions churn")]
    kinds = {
        "%models": Models,
        "%versions churn": Versions,
        "%search metrics.auc > 0.92": Versions,
        "%show churn/1": ModelVersion,
        "%audit churn": Events,
        "%annotate churn/2 looks good": Annotation,
        "%annotate churn/2": Annotations,
        "%promote churn/1 production --because first": Promotion,
        "%promote churn/2 production --expect churn/1": Promotion,
        "%rollback churn --because slow": Promotion,
        "%tag churn n=3": RegisteredModel,
        "%describe churn **who** leaves": RegisteredModel,
        "%nbregistry": Overview,
        "%nbregistry verify": Report,
        "%nbregistry trust": Overview,
        "%nbregistry alias churn/2 challenger": ModelVersion,
        "%nbregistry rename churn attrition": RegisteredModel,
    }
    for line, kind in kinds.items():
        assert isinstance(run(line), kind), line
    assert 2.0 == run("%load_model attrition/production").coef_
    assert ("attrition/2",) == tuple(v.ref for v in run("%search metrics.auc > 0.92"))
    assert "attrition/1" == Registry().version("attrition/production").ref


def test_comparing_returns_the_comparison(run: Run) -> None:
    """Two versions side by side, with their predictions where there is data."""
    run("clf = Ridge().fit([1.0])\n%register churn clf --metric auc=0.9")
    run("%register churn clf --metric auc=0.95\nX = [1.0, 2.0]")
    assert "auc" in str(run("%compare churn/1 churn/2"))
    assert "Predictions" not in str(run("%compare churn/1 churn/2"))
    assert "Predictions" in str(run("%compare churn/1 churn/2 --data X"))


@pytest.mark.parametrize("word", [*table.at(Place.LINE), "nbregistry"])
def test_help_does_nothing_else(word: str, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """-h prints the usage, returns nothing and touches no registry."""
    assert run(f"%{word} -h") is None
    assert capsys.readouterr().out.startswith(f"%{word} ")
    assert not Path(".nbregistry").exists()


def test_docstring_is_the_help(shell: InteractiveShell) -> None:
    """`%register?` shows what `%register -h` prints."""
    assert (shell.find_line_magic("register").__doc__ or "").startswith("%register NAME [MODEL]")


def test_errors_are_one_line(shell: InteractiveShell, refusal: Refusal, capsys: pytest.CaptureFixture[str]) -> None:
    """A refusal is one line on standard error, without a traceback."""
    lines = [
        "%versions nope",
        "%promote churn/1 prodction",
        "%register churn",
        "%nbregistry frobnicate",
        "%load_model x@y",
    ]
    for line in lines:
        refusal(line)
        out, err = capsys.readouterr()
        assert "" == out
        assert 1 == len(err.strip().splitlines()), err
        assert err.startswith("UsageError: ")


def test_a_filter_points_at_its_fault(refusal: Refusal) -> None:
    """Only a search text takes more lines: its fault is pointed at."""
    *_, shown, mark = refusal("%search metrics.auc >> 0.9").splitlines()
    assert ">" == shown[mark.index("^")]


def test_hostile_text_is_made_visible(refusal: Refusal) -> None:
    """What a terminal would obey is shown instead."""
    told = refusal("%versions \x1b[31mred\u202eevil\x00")
    assert {"\x1b", "\u202e", "\x00"}.isdisjoint(told)


def test_semicolon_silences(run: Run, shell: InteractiveShell) -> None:
    """A trailing semicolon keeps the answer away; prose with apostrophes does not confuse it."""
    run("clf = Ridge().fit([1.0])")
    assert run("%register churn clf --note it's (fine;") is None
    assert "it's (fine" == Registry().version("churn/1").note
    assert run("%models") is not None
    assert run("%nbregistry status;") is None


def test_variables_are_filled_in(run: Run) -> None:
    """$var and {expr} work with apostrophes behind them, spaces inside them, and inside a function."""
    run("clf = Ridge().fit([1.0]); auc = 0.93; words = 'two words'; scores = {'f 1': 0.5}")
    line = "%register churn clf --metric auc=$auc f1={scores['f 1'] * 2} --tag kind=$words --note $words, it's {auc}"
    version = run(line)
    assert ({"auc": 0.93, "f1": 1.0}, "two words, it's 0.93") == (version.metrics, version.note)
    assert "two words" == version.tags["kind"]
    call = "get_ipython().run_line_magic('register', 'churn local --metric a=$inner')"
    run(f"def train(local):\n    inner = 0.5\n    return {call}")
    assert 0.5 == run("train(Ridge().fit([1.0]))").metrics["a"]
    assert ["churn/1"] == [v.ref for v in run("%search metrics.auc > {auc - 0.5}")]


def test_what_a_variable_holds_stays_one_word(run: Run) -> None:
    """Text from elsewhere that comes through a variable cannot bring options of its own."""
    run("clf = Ridge().fit([1.0]); text = '--stage Production'; quoted = 'a\" --stage Production'")
    assert "--stage Production" == run("%register churn clf --note $text").note
    assert "--stage Production" == run("%register churn clf --note {text}").note
    assert 'a" --stage Production' == run('%register churn clf --note "$quoted"').note
    run("option = '--stage=Production'")
    assert "--stage=Production" == run("%register churn clf --note $option").note
    assert "--stage=Production" == run("%annotate churn/1 {option}").text
    assert {} == dict(Registry().model("churn").stages)


def test_apostrophes_keep_a_dollar(run: Run) -> None:
    """As in a shell, what stands between apostrophes keeps its $; what cannot be filled in stays as typed."""
    run("clf = Ridge().fit([1.0]); x = 7")
    assert "costs $x" == run("%register churn clf --note 'costs $x'").note
    assert "costs 7" == run('%register churn clf --note "costs $x"').note
    assert "costs 7 {y}" == run("%register churn clf --note costs {x} {y}").note


def test_a_shown_version_is_a_version(run: Run) -> None:
    """What %show returns equals what the registry returns, shows itself as a card, and loads."""
    run("clf = Ridge().fit([1.0])\n%register churn clf --metric auc=0.5;\n%register churn clf --metric auc=0.75;")
    shown, plain = run("%show churn/2"), Registry().version("churn/2")
    assert shown == plain
    assert plain == shown
    assert shown != Registry().version("churn/1")
    assert "0.25" in shown._repr_mimebundle_()["text/plain"]
    assert 2.0 == Registry().load(shown).coef_


def test_use_switches_and_stays(run: Run, refusal: Refusal, tmp_path: Path) -> None:
    """`%nbregistry use` holds for the following cells; a place that cannot be one changes nothing."""
    run("clf = Ridge().fit([1.0])")
    run(f"%nbregistry use {tmp_path / 'my other registry'}")
    run("%register churn clf")
    assert ["churn"] == [m.name for m in Registry(tmp_path / "my other registry").models()]
    assert not Path(".nbregistry").exists()
    refusal("%nbregistry use s3://bucket/registry")
    assert ["churn"] == [m.name for m in run("%models")]


def test_new_registry_is_said(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """The first registration says where the registry was made, later ones do not."""
    run("clf = Ridge().fit([1.0])")
    capsys.readouterr()
    run("%register churn clf;")
    assert f"A registry was made at {Path.cwd() / '.nbregistry'}" in capsys.readouterr().out
    run("%register churn clf;")
    assert "" == capsys.readouterr().out


def test_purging_needs_a_yes(run: Run, refusal: Refusal) -> None:
    """What cannot be undone is not done without --yes."""
    run("clf = Ridge().fit([1.0])\n%register churn clf")
    run("%nbregistry delete churn/1 --because leaked")
    assert "add --yes" in refusal("%nbregistry purge churn/1 --because leaked")
    run("%nbregistry purge churn/1 --because leaked --yes")
    assert "purge" == run("%audit")[-1].action


WORDS = [
    "churn", "churn/1", "churn@x", "models:/churn", "clf", "production", "--note", "--metric", "--data", "--because",
    "--as-of", "--limit", "auc=1", "7d", "$clf", "{1/0}", "{clf}", '"', "'", "'a b'", "--", "-x", "--nope", ";", "\\",
]  # fmt: skip
LINES = sorted({*table.at(Place.LINE), *(f"nbregistry {word}" for word in table.at(Place.WORD) if word != "use")})


@given(
    st.sampled_from(LINES),
    st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=12)), max_size=7),
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_line_is_answered_or_refused(shell: InteractiveShell, word: str, rest: list[str]) -> None:
    """No text whatever behind a magic ends in anything but an answer or a UsageError."""
    logging.disable(logging.CRITICAL)
    if "clf" not in shell.user_ns:
        shell.run_cell("clf = Ridge().fit([1.0])\n%register churn clf", store_history=True).raise_error()
    name, _, verb = word.partition(" ")
    try:
        shell.run_line_magic(name, " ".join([verb, *rest]))
    except UsageError as error:
        assert str(error)
    finally:
        logging.disable(logging.NOTSET)
