"""A move before anybody decides: what is told of it, and what is asked right before it happens."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nbregistry.display import as_html, as_text, of_move
from nbregistry.display.blocks import Block, View
from nbregistry.domain.entities import GateResult, Promotion
from nbregistry.domain.lifecycle import Kind, Stage
from nbregistry.domain.shown import Shown
from nbregistry.errors import Damaged
from tests.display import samples
from tests.display.corpus import CANARY, EVERYTHING
from tests.display.hostile import faults
from tests.display.seen import Seen

SHOWN = Shown("churn/3", "0f" * 16, samples.DIGEST, Stage.STAGING, Stage.PRODUCTION, "churn/2")


def move(**changes: Any) -> Promotion:
    """Return what a dry run told: churn/3 from Staging to Production, instead of churn/2."""
    plain = {"ref": "churn/3", "was": Stage.STAGING, "stage": Stage.PRODUCTION, "replaced": "churn/2", "dry_run": True}
    return samples.promotion(**{**plain, "receipt": None, "shown": SHOWN, **changes})


def told(blocks: tuple[Block, ...]) -> str:
    """Return blocks as text, in one line."""
    return " ".join(as_text.render(View(blocks), 400).split())


def test_the_question_names_everything() -> None:
    """Model, version, every character of the digest, from where to where, instead of whom, and why."""
    seen = told(of_move.question(SHOWN, "AUC\n+2 pt", verb="Promote churn/3 to Production"))
    for part in ("Promote churn/3 to Production?", "Model churn", "Version 3", f"SHA-256 {samples.DIGEST}",
                 "[Staging] → [Production]", "churn/2 which moves to [Archived]", "Because AUC +2 pt"):  # fmt: skip
        assert part in seen


@pytest.mark.parametrize(
    ("changes", "expected"),
    [({"holder": None}, "nobody: the stage is vacant"), ({"stage": Stage.ARCHIVED, "holder": None}, "Replaces nobody"),
     ({"was": Stage.NONE}, "no stage → [Production]"), ({"digest": ""}, "SHA-256 —")],
)  # fmt: skip
def test_what_is_not_there_is_said(changes: dict[str, Any], expected: str) -> None:
    """A vacant stage, one with many holders, no stage and no bytes each have their words."""
    assert expected in told(of_move.question(replace(SHOWN, **changes), "why", verb="Do it"))


def test_gates_that_say_no_come_first() -> None:
    """Above everything else stands that it cannot be done."""
    no = GateResult("drift", False, "PSI 0.31")
    blocks = of_move.outlook(move(evidence=(no, replace(no, gate="bias"))), samples.version())
    assert "2 of 2 gates say no: it cannot be done." in told(blocks[1:2])
    assert "PSI 0.31" in told(blocks)


def test_against_the_incumbent() -> None:
    """Metrics stand side by side, by reference; without anybody to compare with they stand alone."""
    old = samples.version(2, metrics={"auc": 0.9})
    new = samples.version(3, metrics={"auc": 0.93})
    seen = told(of_move.outlook(move(), new, incumbent=old))
    assert "churn/2 churn/3 Change" in seen
    assert "▲ +0.03" in seen
    alone = told(of_move.outlook(move(replaced=None), new))
    assert "auc 0.93" in alone
    assert "nobody: the stage is vacant" in alone


def test_damaged_captures_cost_their_lines_only() -> None:
    """What cannot be read is said to be so; what the move is stands all the same."""

    def damaged(_: str) -> Any:
        raise Damaged("bytes do not match")

    broken = replace(samples.version(), reader=damaged, files={"environment": samples.DIGEST, "source": samples.DIGEST})
    seen = told(of_move.outlook(move(), broken, incumbent=samples.version(2)))
    assert "captured files cannot be read" in seen
    assert "churn/3 [Staging] → [Production]" in seen


def test_notes_that_weigh() -> None:
    """Decisions, warnings and incidents are evidence; plain notes are not."""
    notes = samples.thread()
    seen = told(of_move.outlook(move(), samples.version(), notes=notes))
    for note in notes:
        assert (note.kind is not Kind.NOTE) == (f"#{note.id}" in seen)


def test_hostile_text() -> None:
    """Whatever a reason, a note, a gate or a user's name holds is text."""
    for text in EVERYTHING:
        gate = GateResult(text, True, text, {text: text})
        version = samples.version(note=text, created_by=text, estimator=text, metrics={text: 0.5})
        notes = [replace(samples.thread()[0], text=text, author=text, kind=Kind.DECISION)]
        blocks = (
            *of_move.outlook(move(evidence=(gate,)), version, incumbent=samples.version(2), notes=notes),
            *of_move.question(SHOWN, text, verb="Promote"),
        )
        drawn = as_html.fragment(View(blocks), samples.NOW)
        assert [] == faults(drawn)
        assert CANARY in Seen(drawn).text.replace("\u200b", "") or CANARY not in text
