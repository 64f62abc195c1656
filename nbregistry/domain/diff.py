"""Two to five versions side by side: metrics, parameters, environment, schema, data, code, files and the rest.

``comparison`` says what the answer is made of, ``sections`` how each part of it is worked out.
"""

from __future__ import annotations

from collections.abc import Sequence

from nbregistry.domain.comparison import ABSENT, Change, Comparison, Row, Section, Value, row
from nbregistry.domain.entities import ModelVersion
from nbregistry.domain.sections import all_sections
from nbregistry.errors import InvalidInput

__all__ = ["ABSENT", "MAX_VERSIONS", "Change", "Comparison", "Row", "Section", "Value", "compare", "row"]

MAX_VERSIONS = 5


def compare(versions: Sequence[ModelVersion], *, only_differences: bool = True) -> Comparison:
    """Compare versions, reading what was captured with them.

    Parameters
    ----------
    versions : sequence of ModelVersion
        Two to five, the older first as a rule: changes are told from the first to the last.
    only_differences : bool
        Leave out the rows that are the same in all versions; each section counts them.

    Raises
    ------
    InvalidInput
        Fewer than two versions or more than five.
    """
    if not 2 <= len(versions) <= MAX_VERSIONS:
        raise InvalidInput(f"Two to {MAX_VERSIONS} versions can be compared, not {len(versions)}.")
    found = all_sections(versions)
    kept = tuple(section.only_differences() for section in found) if only_differences else found
    return Comparison(tuple(versions), kept)
