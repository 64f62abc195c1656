"""How one column says that it does not fit; whoever knows all columns makes the refusal out of it."""

from __future__ import annotations


class Mismatch(ValueError):
    """Values that do not fit.

    Parameters
    ----------
    came : str
        What was found, with the first row where that helps.
    advice : str
        What to do, as an imperative.
    """

    def __init__(self, came: str, advice: str) -> None:
        self.came, self.advice = came, advice
        super().__init__(f"got {came}: {advice}")
