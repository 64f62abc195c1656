"""The card after registering: what changed, what was captured, what was not and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from nbregistry import display
from nbregistry.display.blocks import Span
from nbregistry.display.of_version import _profile
from nbregistry.domain.lifecycle import Stage
from nbregistry.domain.results import Card
from nbregistry.errors import Damaged
from tests.display import samples
from tests.display.seen import Seen


def lines(obj: object) -> list[str]:
    """Return the lines of a representation as text, whatever the space between their words."""
    return [" ".join(line.split()) for line in display.text(obj, width=160).split("\n")]


def test_metrics_stand_beside_those_before_with_the_change() -> None:
    """Each metric of either version has a row; what is new and what is gone says so."""
    found = lines(samples.card())
    assert "auc 0.9312 0.9100 ▲ +0.021" in found
    assert "brier 0.0871 0.0871 ±0" in found
    assert "recall 0.71 — new" in found
    assert "f1 — 0.6 gone" in found


@pytest.mark.parametrize(
    ("metric", "now", "look"),
    [("auc", 0.9, "good"), ("auc", 0.1, "bad"), ("rmse", 0.9, "bad"), ("rmse", 0.1, "good"), ("n_rows", 0.9, "number")],
)
def test_colour_tells_better_from_worse_only_where_the_name_does(metric: str, now: float, look: str) -> None:
    """A higher error is no progress, and of an unknown metric nobody says what is better."""
    card = Card(samples.version(2, metrics={metric: now}), samples.version(1, metrics={metric: 0.5}))
    arrow, sign = ("▲", "+") if now > 0.5 else ("▼", "-")
    assert f'<span class="nbr-{look}">{sign}0.40</span>' in display.html(card)
    assert arrow in display.html(card)


def test_what_else_changed_is_told_in_a_line_each() -> None:
    """Parameters, environment, schema, data and code, old value and new."""
    found = lines(samples.card())
    assert "parameters clf__C: 1 → 0.5" in found
    assert "data rows: 6,000 → 7,043 · fingerprint: y → x" in found
    assert "code 1 cell changed" in found
    assert any(line.startswith("environment numpy: 2.4.5 → 2.4.6 · ") for line in found)


def test_the_first_version_changed_nothing() -> None:
    """Without a version before there is nothing to compare with, and no empty columns."""
    text = display.text(Card(samples.card().version))
    assert "Changed since" not in text
    assert "Change" not in text


def test_what_was_captured_is_summed_up() -> None:
    """Each captured file is told in a line of facts."""
    found = lines(samples.card())
    assert "signature 4 inputs, 1 output: tenure, monthly_charges, contract, since" in found
    assert "environment Python 3.11.9 · 4 packages pinned · 1 editable, not pinned · Linux x86_64" in found
    assert "source churn.ipynb · 12 cells · git main 9f86d081884c · uncommitted changes" in found
    assert "profile 7,043 rows of 4 columns" in found


def test_what_was_not_captured_says_why() -> None:
    """The reason is the warning that capture left, or else what is generally missing."""
    found = lines(samples.version(files={}, warnings=("environment: not captured, OSError: no metadata",)))
    assert "environment OSError: no metadata" in found
    assert "example no data was given; register with X=" in found
    assert "Warnings" not in display.text(samples.version(warnings=("example: no rows",)))


def test_a_notice_is_told_once() -> None:
    """What the registering says and the version keeps appears once, as a banner."""
    version = samples.version(warnings=("A secret was redacted.",))
    text = display.text(Card(version, None, ("A secret was redacted.",)))
    assert 1 == text.count("A secret was redacted.")
    assert "! A secret was redacted." in text


def test_many_notices_do_not_bury_the_card() -> None:
    """Beyond three, notices join the list of warnings."""
    html = display.html(Card(samples.version(), None, tuple(f"notice {n}" for n in range(9))))
    assert 3 == html.count('class="nbr-banner nbr-banner-warn"')
    assert all(f"notice {n}" in html for n in range(9))


def missing(_: str) -> dict[str, Any]:
    raise Damaged("the blob is not there")


@pytest.mark.parametrize(
    "reader",
    [
        missing,
        lambda _: {"inputs": 3, "packages": [], "git": "x", "cells": 7, "rows": "many", "columns": None},
        lambda _: [1],
        lambda _: {"inputs": [{"nothing": 1}], "python": None, "packages": "x", "rows": None},
    ],
    ids=["damaged", "wrong types", "no mapping", "holes"],
)
def test_a_damaged_capture_costs_its_line_only(reader: Callable[[str], Any]) -> None:
    """Files that are gone, or are not what they should be, leave the rest of the card as it is."""
    card = samples.card()
    broken = replace(card, version=replace(card.version, reader=reader))
    for draw in (display.html, display.markdown, display.text):
        assert "0.9312" in draw(broken)
    if reader is missing:
        assert 4 == display.text(broken).count("cannot be read; verify() tells more")
        assert "cannot be told" in display.text(broken)


def test_parameters_at_their_defaults_are_counted() -> None:
    """What somebody chose is shown, the rest is a number."""
    text = display.text(samples.version())
    assert "Parameters 2 at their defaults" in text
    assert "clf__penalty" not in text


def test_an_unsigned_version_says_so() -> None:
    """Who vouches for a version, or that nobody does."""
    assert "not signed" in display.text(samples.version(signer=""))
    assert "signed by ed25519:ab12cd34ef56" in display.text(samples.version())


def test_a_version_in_the_trash_says_how_to_get_it_back() -> None:
    """Trash and purge are told at the top, each with what can be done."""
    assert "restore() brings it back" in display.text(samples.version(deleted=True))
    assert "gone for good" in display.text(samples.version(deleted=True, purged=True))


def test_a_comparison_shows_differences_and_names_the_rest() -> None:
    """Sections that differ have their rows, code its lines; sections that do not are named."""
    found = lines(samples.comparison())
    assert "auc 0.9100 0.9312 ▲ +0.021 +2.3%" in found
    assert "numpy 2.4.5 2.4.6 newer" in found
    assert "patsy 1.0 — removed" in found
    assert "- clf.C = 1" in found
    assert "No difference: parameters; files" in found


def test_code_lines_have_their_colour_and_headers_have_none() -> None:
    """Added is green, removed red; the names of the versions, which also begin with a sign, are neither."""
    html = display.html(samples.comparison())
    assert '<span class="nbr-good">+ clf.fit(X, y)</span>' in html
    assert '<span class="nbr-bad">- clf.C = 1</span>' in html
    assert '<span class="nbr-muted">--- churn/2</span>' in html


def test_of_three_versions_the_best_is_marked() -> None:
    """Where a metric's name tells what is better, the best of each row stands out."""
    html = display.html(samples.comparison(3))
    assert '<span class="nbr-good" title="0.99">0.9900</span>' in html
    assert '<span class="nbr-good" title="0.2">0.20</span>' in html


def test_a_promotion_tells_from_to_whom_and_why() -> None:
    """Where it came from, whom it replaced, on what evidence, and the receipt."""
    found = lines(samples.promotion())
    assert "Stage [Staging] → [Production]" in found
    assert "Replaced churn/2 moved to [Archived]" in found
    assert "Because AUC +2 pt on Q3" in found
    assert "[passed] better AUC is higher than that of churn/2 auc: 0.9312 was: 0.91" in found
    assert "receipt #57 9f9f9f9f9f9f" in found


def test_a_promotion_that_changes_nothing_says_so() -> None:
    """Who is promoted to where it stands is not told that nobody stood there."""
    found = lines(samples.promotion(was=Stage.PRODUCTION, stage=Stage.PRODUCTION, replaced=None))
    assert "Replaced nobody: it was there already, and nothing was changed" in found


def test_a_profile_tells_what_it_looked_at() -> None:
    """The data's own size, and how much of it the figures are of."""
    part = {"rows": 1_000_000, "columns": [{}] * 200, "columns_total": 5000, "sampled": True, "sample_rows": 500}
    told = " ".join(span.text for span in _profile(part) if isinstance(span, Span))
    assert "1,000,000 rows of 5,000 columns · figures of 500 rows and of the first 200 columns" == told


def test_a_dry_run_cannot_be_taken_for_a_promotion() -> None:
    """A banner, and words in the conditional."""
    text = Seen(display.html(samples.refused())).text
    assert "Dry run: nothing was changed." in text
    assert "would be" in text
    assert "1 of 3 gates says no." in text
    assert "is now" not in text


def test_a_verification_names_every_fault() -> None:
    """No fault is one green line; faults are counted and listed with their places."""
    assert "✓ Verified: no fault was found." in display.text(samples.report())
    found = lines(samples.report(ok=False))
    assert "✗ 2 faults found." in found
    assert "• journal seq 7 — its hash does not match" in found
