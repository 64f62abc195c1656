"""Starting the process that converts and proves a version, and letting go of it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from dataclasses import dataclass

from nbregistry.domain.entities import ModelVersion
from nbregistry.errors import RegistryError
from nbregistry.registry import Registry


@dataclass(slots=True)
class Work:
    """A conversion under way in a process of its own."""

    process: subprocess.Popen[bytes]

    def done(self, seconds: float = 0.0) -> bool:
        """Whether it ended; waits for it as long as this."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def end(self) -> None:
        """End it; what it found out so far is lost."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()


def start(registry: Registry, version: ModelVersion) -> Work:
    """Begin converting and proving a version beside whatever else runs, and return at once.

    Raises
    ------
    nbregistry.errors.RegistryError
        No process could be started.
    """
    command = [sys.executable, "-m", "nbregistry.serving.compiling", str(registry.core.settings.uri), version.ref]
    try:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise RegistryError(f"{version.ref} cannot be compiled: no process could be started ({error}).") from error
    return Work(process)
