"""What changed, in sentences for people who read no code."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nbregistry.display import of_change
from nbregistry.display.as_text import one_line
from nbregistry.display.glossary import meaning
from nbregistry.errors import Damaged
from tests.display import samples


def told(**changes: Any) -> list[str]:
    """Return the sentences from churn/2 to a churn/3 that differs in just that."""
    old = samples.captured(samples.version(2), samples.FILES)
    return said(old, replace(old, number=3, digest="cd" * 32, **changes))


def said(old: Any, new: Any) -> list[str]:
    """Return sentences as a reader sees them."""
    return [one_line(line) for line in of_change.changes(old, new)]


def with_file(name: str, **changes: Any) -> dict[str, Any]:
    """Return files in which one captured document differs."""
    made = samples.captured(samples.version(3), {**samples.FILES, name: {**samples.FILES[name], **changes}})
    return {"files": made.files, "reader": made.reader}


def test_nothing_that_differs_is_said_to_be_nothing() -> None:
    """Neither silence nor an empty list."""
    assert ["Nothing that was recorded of the two differs."] == told()
    same = samples.captured(samples.version(2), samples.FILES)
    assert ["It is the same version that was there before."] == said(same, same)
    assert "The stored model is the same, byte for byte." in said(same, replace(same, number=3))


def test_measures_go_from_to_with_a_verdict_and_what_they_mean() -> None:
    """Numbers with as many digits as tell them apart, better or worse where the name says which, and the meaning."""
    found = told(metrics={"auc": 0.91, "brier": 0.0871, "n": 6000.0, "recall": 0.7})
    assert "auc went from 0.9312 to 0.9100: worse (how well it tells cases apart; 1 is perfect, 0.5 is chance)" in found
    assert "n went from 7,043 to 6,000" in found
    assert "recall was not measured before; it is 0.7 (the share of real cases that it finds)" in found
    assert "1 measure is the same as before." in found
    assert "brier is not measured any more; it was 0.0871 (how far its probabilities are off; 0 is perfect)" in told(
        metrics={"auc": 0.9312, "n": 7043.0}
    )


def test_settings_kind_and_author() -> None:
    """What somebody chose, what kind of model it is, who made it."""
    params = {**samples.version().params, "clf__C": 1.0, "clf__penalty": "l1"}
    found = told(params=params, created_by="josé")
    settings = ["The setting clf__C went from 0.5 to 1", "The setting clf__penalty went from l2 to l1"]
    assert ["Its measures are the same as before.", *settings] == found[:3]
    assert "josé made it, ana the one before it." in found
    other = told(estimator="xgboost.sklearn.XGBClassifier", params={"eta": 0.3}, changed_params=())
    assert "It is another kind of model: XGBClassifier instead of Pipeline" in other
    assert not [line for line in other if "scale__with_mean" in line]


def test_what_it_takes_and_what_it_learned_from() -> None:
    """Columns more and fewer, who has to change something for it, rows of data."""
    inputs = [*samples.FILES["signature"]["inputs"][1:], {"name": "age", "dtype": "int64"}]
    found = told(**with_file("signature", inputs=inputs))
    assert "It looks at 1 column more: age" in found
    assert "It no longer looks at 1 column: tenure" in found
    why = "Whoever asks it has to change something: it needs the column 'age', which its predecessor did not take"
    assert why in found
    assert "It learned from 14,086 rows of data, 100% more than before (7,043)." in told(
        **with_file("profile", rows=14_086)
    )
    assert "It learned from other data of the same size." in told(**with_file("profile", fingerprint="z"))


def test_data_that_moved_is_told_by_its_spread() -> None:
    """A column whose mean moved by a quarter of its spread or more is named."""
    columns = [{"name": "age", "mean": mean, "std": 10.0} for mean in (40.0, 46.0, 41.0)]
    old = samples.captured(samples.version(2), {**samples.FILES, "profile": {"rows": 9, "columns": columns[:1]}})
    new = {"rows": 9, "columns": columns[1:2]}
    moved = said(old, samples.captured(replace(old, number=3), {**samples.FILES, "profile": new}))
    assert "age is higher on average in that data, by 0.6 of its usual spread." in moved
    new = {"rows": 9, "columns": columns[2:]}
    assert not [x for x in said(old, samples.captured(old, {**samples.FILES, "profile": new})) if x.startswith("age")]


def test_code_and_libraries() -> None:
    """Cells are counted, libraries by which way they went, Python by its release."""
    packages = {"numpy": "2.4.7", "pandas": "3.0.0", "scikit-learn": "1.9.1", "scipy": "1.17.1", "new": "1"}
    found = told(**with_file("environment", packages=packages, python="3.12.0"))
    assert "It was made with Python 3.12.0 instead of 3.11.9." in found
    assert "The libraries it was made with changed, 1 more, 1 newer, 1 older: new, numpy, pandas" in found
    cells = [{"id": "a1", "count": 3, "code": "clf.fit(X, y)\nclf.C = 2", "ok": True}]
    assert "The code that made it is not the same: 1 cell changed." in told(**with_file("source", cells=cells))


def test_what_cannot_be_told_is_said() -> None:
    """A purged version and damaged files are no reason to keep silent on the rest."""

    def damaged(digest: str) -> Any:
        raise Damaged(digest)

    found = told(metrics={"auc": 0.95, "brier": 0.0871, "n": 7043.0}, reader=damaged)
    assert found[0].startswith("auc went from 0.9312 to 0.9500: better")
    assert "What else changed cannot be told: its captured files cannot be read." == found[-1]
    purged = said(samples.version(2, purged=True), samples.version(3))
    assert ["What changed cannot be told any more: the content of churn/2 was destroyed on purpose."] == purged


def test_the_first_of_all_has_its_measures() -> None:
    """Who replaced nobody is told of by its own figures; many are counted."""
    many = samples.version(metrics={f"m{n}": float(n) for n in range(8)})
    lines = [one_line(line) for line in of_change.measures(many)]
    assert (["m0 is 0", "2 more measures were recorded."], 7) == ([lines[0], lines[-1]], len(lines))


@pytest.mark.parametrize(
    ("metric", "word"),
    [("auc", "apart"), ("val_roc_auc", "apart"), ("testRMSE", "errors"), ("log_loss", "probabilities"),
     ("R2", "explains"), ("recall_macro", "finds"), ("auc_std", ""), ("neg_log_loss", ""), ("banana", ""),
     ("<b>auc</b>", "apart")],
)  # fmt: skip
def test_meanings_go_by_the_words_of_a_name(metric: str, word: str) -> None:
    """Known words in any spelling; what is only the spread of a measure, or unknown, has none."""
    assert (bool(word), True) == (bool(meaning(metric)), word in meaning(metric))
