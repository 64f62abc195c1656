"""Imported once, by the process that the workers are forks of: what registering loads lazily is loaded there."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from nbregistry import Registry
from tests.faults import worker

# Threads do not survive a fork, so the process that is forked must have none.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

with tempfile.TemporaryDirectory() as place:
    os.environ["NBREGISTRY_HOME"] = str(Path(place, "home"))
    with Registry(Path(place, "store")) as registry:
        registry.register(worker.toy(), "warm")
        registry.promote("warm/1", "Production")
        registry.verify()
