"""The style sheet: scoped, self-contained, at home in light and dark."""

from __future__ import annotations

import re

from nbregistry.display import as_html
from nbregistry.display.blocks import Look
from nbregistry.display.style import SHEET


def test_nothing_comes_from_elsewhere() -> None:
    """No address, no import, no font: a notebook opened offline looks the same."""
    assert not re.search(r"url\(|@import|@font-face|https?:|//|expression|<", SHEET)


def test_every_rule_is_scoped() -> None:
    """Each selector begins with our class, so no other output changes its look."""
    flat = re.sub(r"@(supports|media)[^{]*\{", "", SHEET)
    selectors = [s for rule in re.findall(r"([^{}]+)\{", flat) for s in re.split(r",(?![^(]*\))", rule)]
    assert len(selectors) > 50
    assert [] == [s for s in selectors if not s.startswith(".nbr")]


def test_braces_come_out_even() -> None:
    """Minifying lost nothing that would make a browser drop rules."""
    assert SHEET.count("{") == SHEET.count("}")
    depth = 0
    for char in SHEET:
        depth += {"{": 1, "}": -1}.get(char, 0)
        assert 0 <= depth <= 2


def test_colours_follow_the_page() -> None:
    """Text has JupyterLab's colour or the page's own, nothing covers the page, and every hue mixes with the text."""
    assert "color: var(--jp-content-font-color1,currentColor)" in SHEET
    assert "background: transparent" in SHEET
    for tone in ("good", "bad", "warn", "info"):
        assert re.search(rf"\.nbr-badge-{tone}\{{color: color-mix\(in srgb,#[0-9a-f]{{6}} \d+%,currentColor\)", SHEET)
    opaque = re.findall(r"(?<!-)background: ?(#[0-9a-f]+|white|black)", SHEET)
    assert [] == opaque


def test_old_browsers_get_plain_colours() -> None:
    """Every mixed colour stands behind a test for mixing, with a plain declaration outside of it."""
    outside = re.sub(r"@supports[^{]*\{(?:[^{}]*\{[^{}]*\})*\s*\}", "", SHEET)
    assert "color-mix" not in outside
    for tone in ("good", "bad", "warn", "info"):
        assert re.search(rf"\.nbr-badge-{tone}\{{color: #[0-9a-f]{{6}}", outside)


def test_every_look_has_a_rule() -> None:
    """No class is emitted that the sheet does not know."""
    styled = set(re.findall(r"\.(nbr-[a-z-]+)", SHEET))
    assert {f"nbr-{look.value}" for look in Look} - {"nbr-plain"} <= styled
    source = as_html.__loader__.get_source(as_html.__name__)  # type: ignore[union-attr]  # a module has one
    emitted = set(re.findall(r"nbr-[a-z-]*[a-z](?![a-z{-])", source or ""))
    assert emitted - styled - {"nbr-banner", "nbr-badge"} <= {"nbr-plain"}


def test_numbers_have_tabular_figures() -> None:
    """Digits of one width, so that columns of numbers align."""
    assert ".nbr .nbr-number{font-variant-numeric: tabular-nums" in SHEET
