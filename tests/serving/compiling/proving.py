"""Converting a fitted model and proving it, without a registry around it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

from nbregistry.capture.dataset import profile
from nbregistry.capture.signature import infer
from nbregistry.serving.compiling.child import opened
from nbregistry.serving.compiling.compiled import Compiled
from nbregistry.serving.compiling.conversion import Converted, convert
from nbregistry.serving.compiling.evidence import Rows, evidence
from nbregistry.serving.compiling.proof import Proof, prove
from nbregistry.serving.engine import Original
from nbregistry.serving.intake import Intake
from nbregistry.serving.table import Table


@dataclass
class Pair:
    """A model and its compiled twin, with the rows that both are asked about."""

    original: Original
    converted: Converted
    compiled: Compiled
    lots: list[Rows]
    intake: Intake

    @property
    def proof(self) -> Proof:
        """What comes out when both are asked."""
        return prove(self.original, self.compiled, self.lots)

    def altered(self, **changes: Any) -> Proof:
        """Return what comes out when the twin is another one."""
        from dataclasses import replace

        return prove(self.original, opened(replace(self.converted, **changes), self.original, self.lots), self.lots)


def rows_of(intake: Intake, X: Any) -> Table:
    """Return a frame or an array as a table."""
    return intake.from_frame(X) if hasattr(X, "iloc") else intake.from_array(X)


def paired(model: Any, X: Any, flavor: str = "sklearn") -> Pair:
    """Convert a fitted model that was trained on ``X``."""
    signature = infer(X)
    intake = Intake(signature)
    example = rows_of(intake, X[:5])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        original = Original(model, flavor, intake, example)
        converted = convert(model, signature, original.methods)
        lots = evidence(signature, converted.layout, converted.ties, example=example, profile=profile(X))
        return Pair(original, converted, opened(converted, original, lots), lots, intake)
