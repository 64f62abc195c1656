"""What a graph remembers, shared by the processes that serve it and kept when they end.

Choices are noted at once and written by a thread every few hundredths of a second, so no answer waits for the disk.
A reward is written before it is acknowledged, under the lock of all processes: each request is rewarded once, whoever
is told.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from nbregistry.errors import InvalidInput, NotFound, StoreUnavailable
from nbregistry.serving.boundary import attempted
from nbregistry.serving.graph.log import Log
from nbregistry.serving.graph.reports import Reports
from nbregistry.serving.graph.tallies import CHOICE, REWARD, START, Record, Tallies, Tally
from nbregistry.types import Document

EVERY = 0.05
"""Seconds between two looks at the log at most."""

_AGAIN = 5.0
_PATIENCE = 0.3
_REPORTS = 1.0
_MOST_PENDING = 200_000
_LONGEST_ID = 200


class Rewarded(NamedTuple):
    """What became of a reward: where its request had gone, and whether it was counted now or had been before."""

    arms: dict[str, str]
    counted: bool


class State:
    """The memory of one graph.

    Parameters
    ----------
    folder : Path or None
        Shared by all processes that serve the graph; None remembers until the process ends.
    clock : callable
        Seconds since 1970.
    most : int
        Decisions that can still be rewarded.
    longest : int
        Bytes from which the log is shortened.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        clock: Callable[[], float] = time.time,
        most: int = 100_000,
        longest: int = 8 << 20,
    ) -> None:
        self.clock, self._most, self._folder = clock, most, folder
        self._guard = threading.Lock()  # of memory and pending, for moments: the event loop takes it too
        self._turn = threading.Lock()  # of the log, for as long as writing takes
        self._memory = Tallies(most)
        self._fresh: Tallies | None = None
        self._pending: list[Record] = []
        self._sending: list[Record] = []
        self._latest = 0.0
        self._told = 0.0
        self._report: Callable[[], Document] | None = None
        self._leave = threading.Event()
        self._thread: threading.Thread | None = None
        self._log: Log | None = None
        self._reports: Reports | None = None
        if folder is not None:
            self._open(folder, longest)
            self._thread = threading.Thread(target=self._run, name="nbregistry-graph", daemon=True)
            self._thread.start()

    def _open(self, folder: Path, longest: int) -> None:
        try:
            self._log = Log(folder / "decisions.log", self, longest=longest)
            self._reports = Reports(folder, self._log.writer)
            with self._log.lock.held():
                self._log.refresh()
                self._reports.fold()
        except OSError as error:
            raise StoreUnavailable(f"What the graph decides cannot be remembered in {folder}: {error}.") from error

    # -- on the event loop: memory only

    def now(self) -> float:
        """Return the time, which never goes back."""
        self._latest = max(self._latest, self.clock())
        return self._latest

    def chosen(self, id_: str, node: str, arm: str) -> None:
        """Note that a request was sent to an arm."""
        self._note([CHOICE, id_ if len(id_) <= _LONGEST_ID else "", node, arm])

    def decided(self, id_: str, node: str) -> str:
        """Return the arm that a request was sent to before; empty when it was not."""
        with self._guard:
            found = self._memory.decision(id_) if id_ else None
            return found.arms.get(node, "") if found else ""

    def tally(self, node: str, arm: str) -> Tally:
        """Return what came of an arm, as far as it is known here."""
        with self._guard:
            return self._memory.tally(node, arm)

    def started(self, node: str) -> float:
        """Return when a node began to be served; now, when it never was."""
        with self._guard:
            found = self._memory.start(node)
        if found is None:
            found = self.now()
            self._note([START, node, found])
        return found

    def _note(self, record: Record) -> None:
        with self._guard:
            self._memory.apply(record)
            if self._log is not None and len(self._pending) < _MOST_PENDING:  # a full disk costs statistics only
                self._pending.append(record)

    # -- in a thread

    def reward(self, id_: str, reward: float) -> Rewarded:
        """Count the reward of a request, once.

        Parameters
        ----------
        reward : float
            0 to 1.

        Raises
        ------
        nbregistry.errors.NotFound
            No such request, or one so long ago that it is forgotten.
        nbregistry.errors.InvalidInput
            Not a number from 0 to 1.
        """
        if isinstance(reward, bool) or not isinstance(reward, int | float) or not 0 <= reward <= 1:
            raise InvalidInput(f"A reward is a number from 0 to 1, not {str(reward)[:40]!r}.")
        found = self._rewarded(id_, float(reward))
        until = time.monotonic() + _PATIENCE
        while found is None and self._log is not None and time.monotonic() < until:
            time.sleep(EVERY / 2)  # another process may have answered a moment ago, and not have written it yet
            found = self._rewarded(id_, float(reward))
        if found is None:
            raise NotFound(
                f"No request {id_[:_LONGEST_ID]!r} is remembered: give the id that its answer carried. The last"
                f" {self._most:,} are remembered."
            )
        return found

    def _rewarded(self, id_: str, reward: float) -> Rewarded | None:
        with self._turn, contextlib.ExitStack() as stack:
            if self._log is not None:
                stack.enter_context(self._log.lock.held())
                self._send()
            with self._guard:
                found = self._memory.decision(id_)
                if found is None or found.reward is not None:
                    return None if found is None else Rewarded(dict(found.arms), counted=False)
            if self._log is not None:
                try:
                    self._log.append([[REWARD, id_, reward]])
                except OSError as error:
                    raise StoreUnavailable(f"The reward was not counted, it could not be written: {error}.") from error
            with self._guard:
                self._memory.apply([REWARD, id_, reward])
            return Rewarded(dict(found.arms), counted=True)

    def flush(self) -> bool:
        """Write what is noted and read what others wrote; True when that is done."""
        with self._turn:
            self._send()
        if self._folder is not None and time.monotonic() - self._told > _REPORTS:
            self._told = time.monotonic()
            if self._report is not None and self._reports is not None:
                self._reports.leave(self._report())
        return True

    def _send(self) -> None:
        if self._log is None:
            return
        with self._guard:
            self._sending = [*self._sending, *self._pending][:_MOST_PENDING]
            self._pending = []
        if not self._sending:
            self._log.refresh()
            return
        self._log.append(self._sending, fold=lambda: Tallies(self._most))
        with self._guard:
            self._sending = []

    def _run(self) -> None:
        well = True
        while not self._leave.wait(EVERY if well else _AGAIN):
            well = attempted("Writing down what a graph decided", self.flush, default=False)

    def close(self) -> None:
        """Write the rest and let go."""
        self._leave.set()
        if self._thread is not None:
            self._thread.join()
        if self._log is not None:
            self._told = 0.0
            attempted("Writing down what a graph decided", self.flush, default=False)
            self._log.close()

    # -- what the log calls, with the turn held

    def begin(self) -> None:
        """Begin a fresh memory beside the one in use."""
        self._fresh = Tallies(self._most)

    def take(self, records: list[Record]) -> None:
        """Take what another process wrote, or everything when it is read anew."""
        if self._fresh is not None:
            for record in records:
                self._fresh.apply(record)
            return
        with self._guard:
            for record in records:
                self._memory.apply(record)

    def caught_up(self) -> None:
        """Put the fresh memory in place of the one in use, with what is not written yet."""
        if self._fresh is None:
            return
        with self._guard:
            for record in (*self._sending, *self._pending):
                self._fresh.apply(record)
            self._memory, self._fresh = self._fresh, None

    # -- reports of shadows

    def reporting(self, report: Callable[[], Document]) -> None:
        """Have a report of this process left beside those of the others, about once a second."""
        self._report = report

    def reports(self) -> list[Document]:
        """Return what the other processes reported, those that ended included."""
        return self._reports.others() if self._reports is not None else []
