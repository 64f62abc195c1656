"""What is in production, told for whoever answers for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from nbregistry import display
from nbregistry.display import of_tenure
from nbregistry.domain.tenure import How, Tenures
from tests.display import samples
from tests.display.seen import Seen


def lines(obj: object) -> list[str]:
    """Return the words of each line."""
    return [" ".join(line.split()) for line in display.text(obj, width=150).splitlines()]


def test_one_model_answers_every_question() -> None:
    """What, since when, how long, who, why, instead of whom, what changed, on what evidence, what was noted."""
    found = lines(samples.tenures())
    for expected in (
        "as it was on 21 November 2026, 12:00 UTC",
        "✓ churn/3 has been in Production since 18 November 2026, 12:00 UTC: 3 days.",
        "Decided by josé (promoted)", "Reason “AUC +2 pt on Q3”", "Replaced churn/2", "Note on it less regularisation",
        "What changed from churn/2 to churn/3",
        "• auc went from 0.9100 to 0.9312: better (how well it tells cases apart; 1 is perfect, 0.5 is chance)",
        "• recall went from 0.70 to 0.68: worse (the share of real cases that it finds)",
        "Evidence all 2 checks passed",
        "[passed] better AUC is higher than that of churn/2 auc: 0.9312 · was: 0.91",
        "Decisions and incidents in its time", "Before", "From the audit, line 13 · digest ab12cd34ef56",
    ):  # fmt: skip
        assert expected in found, "\n".join(found)


def test_the_history_says_how_each_ended() -> None:
    """Replaced or rolled back, by which or to which, and for how long each was there."""
    found = lines(samples.tenures())
    rows = [line for line in found if line.startswith("churn/") and "2026-" in line]
    assert [
        "churn/2 2026-10-23 2026-11-18 3 weeks ana odd scores replaced by churn/3",
        "churn/3 2026-10-22 2026-10-23 1 day bo — rolled back to churn/2",
        "churn/2 2026-05-05 2026-10-22 5 months ana first model replaced by churn/3",
    ] == rows


def test_who_is_gone_is_told_with_its_end() -> None:
    """Of a stage that is vacant now the last holder is told, with who took it out and why."""
    gone = samples.tenures()[1:]
    found = lines(Tenures(gone, name="churn", past=samples.NOW))
    said = "! Nothing is in Production now. replaced by churn/3 · decided by josé on 18 November 2026, 12:00 UTC"
    assert f"{said} “AUC +2 pt on Q3”" in found
    assert "Who was there" in found
    ended = replace(gone[0], replaced_by=None)
    withdrawn = lines(Tenures([ended], name="churn", past=samples.NOW))
    assert any("churn/2 was withdrawn by josé on 18 November 2026" in line for line in withdrawn)
    assert "! No version of churn has ever been in Production." in lines(Tenures(name="churn", past=samples.NOW))


def test_all_models_have_a_row_and_a_few_sentences() -> None:
    """A table of who is there, sentences on each, and those that have nobody."""
    found = lines(samples.tenures(None))
    assert "In Production 1 of 2 models" in found
    assert "churn churn/3 2026-11-18 12:00 3 days josé AUC +2 pt on Q3 churn/2" in found
    assert "• josé decided it. “AUC +2 pt on Q3”" in found
    assert "• It replaced churn/2" in found
    assert "• 1 rollback so far." in found
    assert "Nothing in Production: fraud" in found
    assert "! No model has a version in Production." in lines(Tenures(vacant=("a",), past=samples.NOW))


def test_no_reason_is_said_to_be_none() -> None:
    """A decision without a reason stands out; one that came with registering is told as such."""
    now = samples.tenures()[0]
    silent, registered = replace(now, because=" "), replace(now, because="at register", how=How.REGISTER)
    assert "Reason none was given" in lines(Tenures([silent], name="churn", past=samples.NOW))
    assert "Reason it was registered for this stage" in lines(Tenures([registered], name="churn", past=samples.NOW))
    assert "• josé decided it. No reason was given." in lines(Tenures([silent], past=samples.NOW))
    assert '<span class="nbr-warn">none was given</span>' in display.html(Tenures([silent], name="churn"))


def test_who_replaced_nobody_says_why() -> None:
    """The first of all, and one that came into an empty stage, are told apart."""
    now, first = samples.tenures()[0], samples.tenures()[-1]
    assert "Replaced nobody: it was the first" in lines(Tenures([first], name="churn", past=samples.NOW)[0])
    vacant = replace(now, replaced=None)
    found = lines(Tenures([vacant], name="churn", past=samples.NOW))
    assert "Replaced nobody: the stage was empty; before that it was churn/2" in found


def test_many_models_stay_within_bounds() -> None:
    """Sentences for the first, a row for each up to the limit, and a count of the rest."""
    now = samples.tenures()[0]
    many = Tenures([replace(now, name=f"m{n:03}") for n in range(300)], past=samples.NOW)
    html = display.html(many)
    assert 201 == html.count("<tr>")
    assert "100 more: .to_frame() has them all." in html
    assert 25 == html.count("decided it.")
    assert "275 more models: ask for one by its name." in Seen(html).text


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "less than a minute"), (-5, "less than a minute"), (61, "1 minute"), (7_300, "2 hours"), (86_400, "1 day"),
     (13 * 86_400, "13 days"), (21 * 86_400, "3 weeks"), (70 * 86_400, "2 months"), (400 * 86_400, "13 months"),
     (3 * 365.3 * 86_400, "3 years")],
)  # fmt: skip
def test_how_long_in_the_unit_that_says_enough(seconds: float, told: str) -> None:
    """Neither 0 years nor 400 days."""
    assert told == of_tenure.span(timedelta(seconds=seconds))


def test_a_tenure_alone_and_in_one_line() -> None:
    """One that ended says until when; its repr is a line."""
    display.attach()
    found = samples.tenures()[1]
    assert (
        "churn/2 was in Production from 23 October 2026, 12:00 UTC to 18 November 2026, 12:00 UTC: 3 weeks."
        in Seen(display.html(found)).text
    )
    assert "<Tenure churn/2 in Production from 2026-10-23 12:00 to 2026-11-18 12:00, by ana>" == repr(found)
    assert "until now" in repr(samples.tenures()[0])


def test_markdown_in_a_line_loses_its_marks() -> None:
    """Bold, code and headings are read as words where there is room for a line."""
    assert "Approved for pricing" == of_tenure.unmarked("# **Approved** for `pricing`")
