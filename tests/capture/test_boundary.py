from __future__ import annotations

import pytest

from nbregistry.capture.boundary import attempt, plain


def test_what_works_is_returned() -> None:
    """The answer of the call, and no warning."""
    warnings: list[str] = []
    assert 3 == attempt("profile", lambda: 3, None, warnings)
    assert [] == warnings


def test_what_fails_is_noted_and_replaced() -> None:
    """The default, and one line that names the capture, the error and its first words."""
    warnings: list[str] = []

    def fails() -> int:
        raise RecursionError("too\n deep" + "!" * 1000)

    assert 0 == attempt("profile", fails, 0, warnings)
    assert 0 == attempt("profile", fails, 0)
    assert 1 == len(warnings)
    assert warnings[0].startswith("profile: not captured, RecursionError: too deep!!!")
    assert len(warnings[0]) < 300


def test_an_error_that_cannot_say_what_it_is() -> None:
    """An exception whose own text raises is still only a failed capture."""

    class Mute(Exception):
        def __str__(self) -> str:
            raise ValueError("nothing to say")

    def fails() -> None:
        raise Mute

    warnings: list[str] = []
    attempt("cells", fails, None, warnings)
    assert ["cells: not captured, Mute"] == warnings


def test_the_user_may_still_interrupt() -> None:
    """Ctrl-C is no failed capture."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attempt("cells", interrupted, None)


def test_plain_text_can_be_stored() -> None:
    """Lone surrogates become visible escapes; all other text stays."""
    assert "a\\ud800b" == plain("a\ud800b")
    for text in ("", "abc\x00", "\u00e9\U0001f600"):
        assert text is plain(text) or text == plain(text)
