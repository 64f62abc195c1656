"""strace on a child that stands ready: count its system calls, kill it at the n-th, or have the n-th fail."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Self

from tests.faults.children import Child

CHANGING = (
    "openat", "write", "pwrite64", "fsync", "fdatasync", "rename", "renameat", "renameat2", "link", "linkat", "unlink",
    "unlinkat", "mkdir", "mkdirat", "ftruncate", "fchmod", "fchmodat", "chmod", "flock", "close",
)  # fmt: skip
"""System calls between which a process can die and leave something half done."""


def can_trace(strace: str) -> str:
    """Why strace cannot be used here; empty when it can."""
    with Child(lambda tell, wait: wait()) as child:
        try:
            with Traced(strace, child, "trace=write"):
                child.go()
                child.wait(timeout=10)
        except (OSError, RuntimeError, TimeoutError) as error:
            return f"strace cannot trace here ({error})"
    return ""


class Traced:
    """strace attached to a waiting child, for a block.

    Parameters
    ----------
    expressions : str
        What follows ``-e``: ``trace=write``, ``inject=fsync:error=EIO:when=1``.
    """

    def __init__(self, strace: str, child: Child, *expressions: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.log = Path(self._folder.name) / "log"
        chosen = [part for expression in expressions for part in ("-e", expression)]
        command = [strace, "-o", str(self.log), *chosen, "-p", str(child.pid)]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self._wait_attached(child.pid)

    def _wait_attached(self, pid: int) -> None:
        deadline = time.monotonic() + 10
        while _tracer(pid) == 0:
            if self._process.poll() is not None or time.monotonic() > deadline:
                error = self._process.stderr.read().decode() if self._process.stderr else ""
                self.__exit__()
                raise RuntimeError(f"strace did not attach: {error.strip()[-300:]}")
            time.sleep(0.0005)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            try:
                self._process.wait(timeout=2)
            except subprocess.TimeoutExpired:
                self._process.terminate()
                self._process.wait()
        if self._process.stderr:
            self._process.stderr.close()
        self.lines = self.log.read_text("utf-8", "replace").splitlines() if self.log.exists() else []
        self._folder.cleanup()

    def counts(self) -> Counter[str]:
        """How often each system call was made; after the block."""
        found = (re.match(r"(?:\d+ +)?(\w+)\(", line) for line in self.lines)
        return Counter(match[1] for match in found if match)

    def fired(self) -> bool:
        """Whether something was injected; after the block."""
        return any("(INJECTED)" in line for line in self.lines)


def _tracer(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii", "replace")
    except OSError:
        return os.getpid()
    found = re.search(r"^TracerPid:\s*(\d+)", status, re.MULTILINE)
    return int(found[1]) if found else 0
