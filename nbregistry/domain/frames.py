"""Columns as a pandas data frame, when somebody asks for one: the only file of the domain that knows pandas.

A frame is a convenience of the answer, not part of its meaning: pandas is imported when somebody asks, and its
absence is an error that names the extra.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from nbregistry.errors import MissingDependency

if TYPE_CHECKING:
    import pandas as pd

Frame: TypeAlias = "pd.DataFrame"


def frame(columns: Mapping[str, Sequence[Any]], *, moments: Sequence[str] = ()) -> Frame:
    """Return a frame of columns of one length.

    Parameters
    ----------
    moments : sequence of str
        Columns of times; said outright, so that an empty answer has the same column types as a full one.
    """
    try:
        import pandas as pd
    except ImportError:
        raise MissingDependency("pandas", "lab", "A data frame") from None
    made = pd.DataFrame(dict(columns))
    for name in moments:
        made[name] = pd.to_datetime(made[name], utc=True)
    return made
