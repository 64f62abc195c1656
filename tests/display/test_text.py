"""Plain text: aligned, within the width, and never a byte that a terminal would act on."""

from __future__ import annotations

import unicodedata

import pytest

from nbregistry import display
from nbregistry.display import as_text, visible
from nbregistry.domain.results import Versions
from tests.display import corpus, samples

KINDS = sorted(samples.everything())
JOINERS_AND_MARKS = "\u200c\u200d\u200e\u200f\u061c\u00ad"  # which prose may have


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_text_does_nothing_to_a_terminal(kind: str) -> None:
    """No control character, no override, nothing invisible, whatever stands in whichever field."""
    obj = samples.everything()[kind]
    for text in corpus.EVERYTHING:
        drawn = display.text(samples.poisoned(obj, text), width=100)
        rest = drawn.replace("\n", "").translate(dict.fromkeys(map(ord, JOINERS_AND_MARKS)))
        assert set() == {unicodedata.category(c) for c in rest} & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}, text[:80]
        if kind != "no versions" and len(text) < 100:
            roomy = display.text(samples.poisoned(obj, text), width=2_000)
            assert corpus.CANARY in roomy.replace("\n", ""), text[:80]


@pytest.mark.parametrize("space", [40, 60, 80, 120])
@pytest.mark.parametrize("kind", KINDS)
def test_no_line_is_wider_than_the_terminal(kind: str, space: int) -> None:
    """Nothing wraps, at any width, with honest, wide or hostile content."""
    obj = samples.everything()[kind]
    for content in (obj, samples.poisoned(obj, "東京タワー" * 30), samples.poisoned(obj, corpus.CONTROLS[0] * 20)):
        drawn = display.text(content, width=space)
        assert [] == [line for line in drawn.split("\n") if visible.width(line) > space]


def test_columns_align_by_what_is_drawn() -> None:
    """Wide and combining characters do not push the columns behind them out of place."""
    found = Versions([samples.version(1, name=name) for name in ("churn", "解約予測", "re\u0301sumé", "נטישה")])
    lines = display.text(found, width=120).split("\n")[4:]
    assert 1 == len({visible.width(line[: line.index("[None]")]) for line in lines})
    assert 1 == len({visible.width(line[: line.index("0.9312")]) for line in lines})


def test_a_table_in_full() -> None:
    """A list of versions, as a terminal of 130 columns shows it."""
    lines = display.text(samples.versions(), width=130).split("\n")
    assert ["churn 4 versions", ""] == lines[:2]
    heads = "Version Stage Aliases auc brier n Created (UTC) By Note Tags"
    assert heads.split() == lines[2].split()
    assert {"─", " "} == set(lines[3])
    assert ["churn/4", "[FAILED]", "—", "—", "—", "2026-11-21", "10:00", "ana", "oops", "team=risk"] == lines[4].split()
    assert lines[6].startswith("  churn/2  [Production]  @champion @blue  0.9100  0.1020  7,043  2026-11-18 12:00  ana")
    assert 8 == len(lines)


def test_too_wide_a_table_cuts_free_text_first_then_leaves_columns_out() -> None:
    """Numbers, stages and times are never cut; what is left out is named."""
    found = samples.versions()
    wide, narrow = display.text(found, width=104), display.text(found, width=64)
    assert "less regularis…" in wide
    assert "Columns left out for width: Tags." in wide
    assert "Columns left out for width:" in narrow
    assert "[Production]" in narrow
    assert "0.9100" in narrow


def test_the_terminals_width_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a width asked for, that of the terminal holds, within reason."""
    monkeypatch.setenv("COLUMNS", "72")
    assert 72 == as_text.room()
    monkeypatch.setenv("COLUMNS", "3")
    assert 40 == as_text.room()
    monkeypatch.setenv("COLUMNS", "100000")
    assert 160 == as_text.room()


def test_a_card_in_text() -> None:
    """A card says what changed, what was captured and what was not and why, in that order."""
    drawn = display.text(samples.card(), width=100)
    assert drawn.startswith(
        "churn/3 [Staging] @challenger\nPipeline · sklearn · cloudpickle · 18.4 kB · by ana 2026-11-21 10:00 UTC\n"
    )
    order = [
        "Two cells above",
        "Metrics",
        "▲ +0.021",
        "Captured",
        "4 inputs, 1 output",
        "Not captured",
        "X was given as a generator",
    ]
    assert sorted(order, key=drawn.index) == order
    assert drawn.endswith("receipt #57 9f9f9f9f9f9f · signed by ed25519:ab12cd34ef56")


def test_long_words_break_and_lines_hang() -> None:
    """A value longer than its line goes on under itself."""
    lines = display.text(samples.event(reason="because " * 20 + "x" * 200), width=60).split("\n")
    start = next(n for n, line in enumerate(lines) if line.strip().startswith("Why"))
    assert [" " * lines[start].index("because")] * 5 == [
        line[: lines[start].index("because")] for line in lines[start + 1 : start + 6]
    ]


def test_long_prose_is_cut_with_its_length() -> None:
    """A description of a megabyte takes a screen, not a day."""
    drawn = display.text(samples.model(description="word " * 200_000), width=80)
    assert drawn.count("\n") < 70
    assert "(1,000,000 characters in all)" in drawn
