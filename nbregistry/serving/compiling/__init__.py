"""Compiled models: converted to one graph in double precision, proven equal on evidence, and only then served.

A process of its own converts and proves (``start``); what came out is kept, signed, beside the store (``cache``); a
server looks it up (``find``) and runs it with ONNX Runtime alone (``Compiled``). Rows beyond what was proven are not
answered (``Unanswered``) but left to the original.
"""

from __future__ import annotations

from nbregistry.serving.compiling.cache import Found, available, find
from nbregistry.serving.compiling.compiled import Compiled
from nbregistry.serving.compiling.layout import Unanswered
from nbregistry.serving.compiling.proof import Proof
from nbregistry.serving.compiling.work import Work, start

__all__ = ["Compiled", "Found", "Proof", "Unanswered", "Work", "available", "find", "start"]
