"""Words into values."""

from __future__ import annotations

from typing import Any

import pytest

from nbregistry.errors import InvalidInput
from nbregistry.verbs.grammar import Place
from nbregistry.verbs.parsing import check, parse, usage, wants_help
from nbregistry.verbs.table import find
from nbregistry.verbs.words import from_shell, split


def values(line: str, place: Place = Place.LINE, cell: str | None = None) -> dict[str, Any]:
    """Parse a line that begins with its verb; only what was told is returned."""
    word, _, rest = line.partition(" ")
    words = from_shell(rest.split("|")) if place is Place.SHELL else split(rest)
    found = parse(find(word, place), words, place, cell=cell)
    told = {k: v for k, v in found.items() if v not in (None, (), False)}
    return {
        k: tuple(w.text for w in v) if k in ("metric", "param", "tag", "tags", "remove") else v for k, v in told.items()
    }


def test_the_line_of_the_manual() -> None:
    """Every argument of %register finds its place, in the order of the manual."""
    line = 'register churn clf --data X_train y_train --metric auc=0.93 f1=0.8 --note "first try" --tag k=v'
    line += " --stage Staging"
    expected = {
        "name": "churn", "model": "clf", "data": ("X_train", "y_train"), "metric": ("auc=0.93", "f1=0.8"),
        "note": "first try", "tag": ("k=v",), "stage": "Staging",
    }  # fmt: skip
    assert expected == values(line)


def test_options_may_stand_anywhere() -> None:
    """An option between NAME and MODEL does not swallow MODEL."""
    expected = {"name": "churn", "model": "clf", "metric": ("auc=0.9",), "key": "k1"}
    assert expected == values("register --metric auc=0.9 churn --key k1 clf")
    assert expected == values("register churn --key=k1 --metric=auc=0.9 clf")


def test_repeated_pairs_add_up() -> None:
    """--metric may be given again, and may be followed by several."""
    assert ("a=1", "b=2", "c=3") == values("register churn --metric a=1 b=2 --metric c=3")["metric"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("register churn --note it's fine --stage Staging", "it's fine"),
        ('register churn --note it is "fine"', 'it is "fine"'),
        ('register churn --note "won\'t do" clf', "won't do"),
        ("register churn --note up 5% -- see chart", "up 5% -- see chart"),
        ("register churn --note -5% of rows", "-5% of rows"),
        ('register churn --note "--stage"', "--stage"),
        ("register churn --note=a b", "a b"),
    ],
)
def test_texts_in_a_notebook(line: str, expected: str) -> None:
    """A text needs no quotation marks, and goes on until the next option."""
    assert expected == values(line)["note"]


def test_quoted_text_ends_where_it_ends() -> None:
    """What follows a quoted note is the next argument."""
    assert {"name": "churn", "model": "clf", "note": "first try"} == values('register --note "first try" churn clf')


def test_prose_by_position() -> None:
    """The text of a note is what stands behind the reference, whether quoted or not."""
    expected = {"ref": "churn/3", "text": "drift seen - it's bad", "kind": "warning"}
    assert expected == values("annotate churn/3 drift seen - it's bad --kind warning")
    assert expected == values('annotate churn/3 --kind warning "drift seen - it\'s bad"')
    assert "- first point" == values('annotate churn/3 "- first point"')["text"]


def test_filter_keeps_its_quotation_marks() -> None:
    """A filter is taken as typed; only quotation marks around all of it are dropped."""
    text = "name = 'churn' AND tags.`my key` = \"x y\""
    assert text == values(f"search {text} --limit 5")["filter"]
    assert "metrics.auc > 0.9" == values('search "metrics.auc > 0.9"')["filter"]


def test_shell_does_not_guess() -> None:
    """A shell's user has quoted: a second word behind --because is an error that says so."""
    line = "promote churn/3|production|--because|it is better"
    assert "it is better" == values(line, Place.SHELL)["because"]
    with pytest.raises(InvalidInput, match="goes in quotation marks"):
        values("promote churn/3|production|--because|it|is", Place.SHELL)


def test_cell_is_the_text() -> None:
    """Behind %%annotate and %%describe the cell is the text; a text on the line comes first."""
    assert "# Churn" == values("describe churn", Place.CELL, cell="\n# Churn\n")["text"]
    assert "short" == values("describe churn short", Place.CELL, cell="# Churn")["text"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("register", "%register needs NAME"),
        ("promote churn/3", "%promote needs STAGE"),
        ("compare churn/3", "%compare needs REF REF"),
        ("promote churn/3 production --becuase x", "did you mean '--because'"),
        ("promote churn/3 production --dry-run=yes", "takes no value"),
        ("promote churn/3 production --because", "--because needs a value"),
        ("promote churn/3 production --expect --dry-run", "--expect needs a value"),
        ("promote churn/3 production --dry-run --dry-run", "given twice"),
        ("promote churn/3 production now", "does not know what to do with 'now'"),
        ("register churn clf --metric auc 0.93", "name=value, without spaces"),
        ("versions churn --limit few", "is not a count"),
        ("versions churn --limit 0", "is not a count"),
        ("annotate churn/3 x --kind warnin", "did you mean 'warning'"),
        ("models --nope", "has no option --nope"),
    ],
)
def test_wrong_use(line: str, message: str) -> None:
    """What is wrong is said in one line, with what would be right."""
    with pytest.raises(InvalidInput) as caught:
        values(line)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_option_that_is_needed_is_named() -> None:
    """What is missing is called as it has to be typed."""
    with pytest.raises(InvalidInput, match="nbregistry purge needs --because TEXT: why"):
        values("purge churn/3", Place.SHELL)


def test_unknown_verb_suggests() -> None:
    """A mistyped verb is answered with the nearest one, as it is written there."""
    with pytest.raises(InvalidInput, match=r"no `nbregistry promte`, did you mean 'promote'\?"):
        find("promte", Place.SHELL)
    with pytest.raises(InvalidInput, match=r"no `%nbregistry statsu`, did you mean 'status'\?"):
        find("statsu", Place.WORD)


def test_place_decides_on_arguments() -> None:
    """--data is for a notebook, --out for a shell."""
    assert {"refs": ("a/1", "a/2"), "data": ("X", "y")} == values("compare a/1 a/2 --data X y")
    with pytest.raises(InvalidInput, match="no option --data"):
        values("compare a/1|a/2|--data|X", Place.SHELL)
    assert "model.bin" == values("load a/1|--out|model.bin", Place.SHELL)["out"]
    with pytest.raises(InvalidInput, match="no option --out"):
        values("load_model a/1 --out model.bin")


def test_check_needs_no_values() -> None:
    """A line can be checked before what it names exists."""
    verb = find("register", Place.CELL)
    check(verb, split("churn clf --metric auc=x"), Place.CELL)
    with pytest.raises(InvalidInput, match="no option --metrics, did you mean '--metric'"):
        check(verb, split("churn clf --metrics auc=x"), Place.CELL)


def test_help_is_recognised() -> None:
    """-h asks for help wherever it stands, unless it is quoted."""
    assert wants_help(split("churn -h"))
    assert not wants_help(split('churn "-h"'))


def test_usage_shows_what_can_be_left_out() -> None:
    """Brackets around what can be left out."""
    expected = "%promote REF STAGE [--because TEXT] [--expect EXPECT] [--dry-run] [--panel]"
    assert expected == usage(find("promote", Place.LINE), Place.LINE)
