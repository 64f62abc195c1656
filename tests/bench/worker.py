"""One side of the comparison in a process of its own: told on its input what to do, it answers with seconds.

The process stays, so that the driver can let the sides take turns and no side has the machine's quiet minute to itself.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Verb: TypeAlias = "Callable[[int], Callable[[], Any]]"
"""Given the number of the repeat, returns what is to be timed; an integer that this returns is handed back as found."""


def serve(verbs: Mapping[str, Verb]) -> None:
    """Answer lines of ``{"verb": ..., "repeats": n}`` until the input ends."""
    warnings.simplefilter("ignore")  # deprecations of a peer's stages are not what is measured
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print goes to the errors; the answers stay clean
    next_number = dict.fromkeys(verbs, 0)
    for line in sys.stdin:
        asked = json.loads(line)
        verb, found, seconds = asked["verb"], None, []
        for _ in range(asked["repeats"]):
            act = verbs[verb](next_number[verb])
            next_number[verb] += 1
            started = time.perf_counter()
            found = act()
            seconds.append(time.perf_counter() - started)
        answers.write(json.dumps({"seconds": seconds, "found": found if isinstance(found, int) else None}) + "\n")
        answers.flush()
