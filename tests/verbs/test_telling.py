"""Errors in words."""

from __future__ import annotations

import pytest

from nbregistry.errors import InvalidFilter, MissingDependency, NotFound, RegistryError, Untrusted
from nbregistry.verbs.telling import fault_text


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RegistryError("two\nlines  and \t spaces"), "two lines and spaces"),
        (RegistryError("\x1b[31mred\u202e\x00"), "␛[31mred⟨U+202E⟩␀"),
        (NotFound("No model 'x'."), "No model 'x'."),
        (RegistryError(), "RegistryError"),
        (PermissionError(13, "Permission denied", "model.pkl"), "Permission denied: model.pkl"),
        (OSError("odd"), "odd"),
        (ZeroDivisionError("a fault of ours"), None),
    ],
)
def test_one_line_that_is_safe(error: Exception, expected: str | None) -> None:
    """One line in which nothing is obeyed by a terminal; what nobody raised on purpose is not told at all."""
    assert expected == fault_text(error)


def test_install_line_is_whole() -> None:
    """What to type comes through as it is."""
    assert 'pip install "nbregistry[onnx]"' in (fault_text(MissingDependency("onnx", "onnx", "This format")) or "")


def test_filter_keeps_its_pointer() -> None:
    """The lines of a search text's fault stay lines, and are cleaned as well."""
    told = fault_text(InvalidFilter("Odd.", "a \x1b b", 2)) or ""
    assert ["Odd.", "  a ␛ b", "    ^"] == told.split("\n")


def test_lines_to_be_pasted_stay_lines() -> None:
    """What would make a refused model trusted can be copied whole, and is cleaned as well."""
    assert ["No.", "%nbregistry trust K␛"] == (fault_text(Untrusted("No.\n%nbregistry trust K\x1b")) or "").split("\n")


def test_endless_messages_end() -> None:
    """A message is never longer than somebody reads."""
    assert len(fault_text(RegistryError("x" * 1_000_000)) or "") < 2_100
