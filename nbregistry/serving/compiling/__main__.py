"""``python -m nbregistry.serving.compiling URI REF``: convert and prove one version, and print one line of JSON."""

from __future__ import annotations

import json
import os
import signal
import sys

from nbregistry.errors import RegistryError
from nbregistry.registry import Registry
from nbregistry.serving.compiling import child


def main(arguments: list[str]) -> int:
    """Return 0 when something was found out and kept, whatever it is; 1 when not; 2 for wrong use."""
    if len(arguments) != 2:
        sys.stderr.write("usage: python -m nbregistry.serving.compiling URI REF\n")
        return 2
    os.nice(10)  # whoever answers requests meanwhile goes first
    signal.alarm(child.MOST_SECONDS)
    try:
        with Registry(arguments[0], read_only=True) as registry:
            found = child.once(registry, registry.version(arguments[1]))
    except RegistryError as error:
        sys.stdout.write(json.dumps({"ref": arguments[1], "failed": str(error)}) + "\n")
        return 1
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
