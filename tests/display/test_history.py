"""The audit, promotions and signatures leave out what says nothing."""

from __future__ import annotations

from dataclasses import replace

from nbregistry import display
from nbregistry.domain.entities import GateResult
from nbregistry.domain.results import Events
from nbregistry.domain.signature import Column, Signature
from tests.display import samples


def test_the_audit_does_not_repeat_the_row() -> None:
    """A registration's row leaves out its own reference and the status that every good one has; a failure stays."""
    after = {"ref": "churn/3", "status": "READY", "digest": "ab" * 32}
    good = samples.event(action="register", target="churn/3", before={}, after=after)
    drawn = display.text(Events([good]), width=300)
    assert "digest:" in drawn
    assert "ref:" not in drawn
    assert "READY" not in drawn
    failed = replace(good, after={**after, "status": "FAILED", "ref": "churn/4"})
    drawn = display.text(Events([failed]), width=300)
    assert "FAILED" in drawn
    assert "ref: churn/4" in drawn
    assert "ref: churn/3" in display.text(good, width=300)


def test_the_audit_tells_the_notebook_and_keeps_the_cell_for_a_hover() -> None:
    """A cell's name is a number for machines: it is not a word of the row, and not lost either."""
    made = samples.event(notebook="/home/ana/churn/01_quickstart.ipynb", cell="q14")
    drawn = display.html(Events([made]))
    assert 'title="cell q14"' in drawn
    assert ">01_quickstart.ipynb<" in drawn
    assert "cell q14" not in display.text(Events([made]), width=300)


def test_evidence_without_figures_has_no_column_for_them() -> None:
    """The column stands only where a gate measured something."""
    bare = samples.promotion(evidence=(GateResult("ready", True, "loaded back", {}),))
    measured = samples.promotion(evidence=(GateResult("ready", True, "loaded back", {"gain": 0.1}),))
    assert "Figures" not in display.text(bare, width=300)
    assert "Figures" in display.text(measured, width=300)


def test_a_plain_signature_has_no_empty_columns() -> None:
    """Whether a value may be missing, and details, are columns only where some input has them."""
    plain = Signature((Column("age", "int64"), Column("income", "float64")))
    rich = replace(plain, inputs=(Column("age", "int64"), Column("income", "float64", nullable=True)))
    assert "May be missing" not in display.text(plain, width=300)
    assert "May be missing" in display.text(rich, width=300)
    assert "Detail" not in display.text(rich, width=300)
