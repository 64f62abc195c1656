"""Addresses: what they ask for, and what they never say."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbregistry.browser.addresses import Asked, to, to_ref


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("", Asked(view="production")),
        ("?model=churn", Asked("churn", view="production")),
        ("model=churn&version=3", Asked("churn", 3, "card")),
        ("model=churn&version=3&view=audit&theme=dark", Asked("churn", 3, "audit")),
        ("model=churn&version=3&view=compare&with=2,1,2", Asked("churn", 3, "compare", beside=(2, 1))),
        ("model=churn&version=x&view=decide", Asked("churn", view="production")),
        ("version=3&view=nonsense", Asked(view="production")),
        ("view=audit&q=churn", Asked(view="models", words="churn")),
        ("q=metrics.auc+%3E+0.9&page=2", Asked(view="models", words="metrics.auc > 0.9", page=2)),
        ("token=secret&view=inbox", Asked(view="inbox")),
        ("page=0&with=&q=", Asked(view="production")),
        ("view=models", Asked(view="models")),
    ],
)
def test_what_is_asked(query: str, asked: Asked) -> None:
    """An address says what is to be seen; what it cannot mean is left out."""
    assert asked == Asked.parse(query)


@given(st.text(max_size=60), st.integers(1, 999), st.sampled_from(["", "audit", "notes"]), st.text(max_size=60))
def test_there_and_back(name: str, version: int, view: str, words: str) -> None:
    """The address of what was asked for asks for the same, whatever the words are."""
    asked = Asked.parse(f"model={quote(name)}&version={version}&view={view}&q={quote(words)}")
    assert asked == Asked.parse(asked.link())
    assert asked.link().startswith("?")
    assert set("<>\"' #\n") & set(asked.link()) == set()


def test_links() -> None:
    """What references name has an address."""
    assert ["?", "?model=churn", "?model=churn&version=3"] == [to(), to_ref("churn"), to_ref("churn/3")]
    assert "?model=churn&version=3&view=compare&with=2%2C1" == to("churn", 3, "compare", (2, 1))
