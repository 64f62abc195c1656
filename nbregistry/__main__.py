"""``python -m nbregistry`` is ``nbregistry``."""

from __future__ import annotations

import sys

from nbregistry.cli import main

sys.exit(main())
