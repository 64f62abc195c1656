"""What the child processes of the fault tests do; each is killed, raced or watched by its parent."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import random
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from functools import cache
from multiprocessing.connection import Connection
from typing import Any

from sklearn.dummy import DummyClassifier

import nbregistry
from nbregistry import Registry
from nbregistry.errors import RegistryError
from tests.faults.invariants import check_all

READY = "ready"
_SET_PTRACER = 0x59616D61


@cache
def toy() -> DummyClassifier:
    """Return the smallest fitted model."""
    return DummyClassifier(strategy="most_frequent").fit([[0], [1]], [0, 1])


def introduce(pipe: Connection) -> None:
    """Tell which code this is, and whether it was there before the fork."""
    pipe.send((nbregistry.__file__, "tests.faults.warm" in sys.modules))


def at(store: str, home: str) -> Registry:
    """Open a registry as a user whose home is given; the child's own environment is that of a warm process."""
    os.environ["NBREGISTRY_HOME"], os.environ["NBREGISTRY_USER"] = home, "ben"
    os.chdir(home)
    return Registry(store)


# -- F1: a life among kills


def restless(pipe: Connection, store: str, home: str, seed: int) -> None:
    """Change the registry until killed, telling each change once it was acknowledged."""
    registry, chance = at(store, home), random.Random(seed)
    pipe.send(READY)
    while True:
        verb, change = chance.choices(VERBS, weights=(3, 3, 1, 2, 2, 1))[0]
        try:
            receipt = change(registry, chance)
        except RegistryError as error:
            pipe.send(("refused", verb, str(error)))
            continue
        if receipt is not None:  # a promotion to where it is already changes nothing
            pipe.send(("acked", verb, str(receipt)))


def marked(registry: Registry, ref: str, **tags: float) -> Any:
    """Tag a version; returns its receipt."""
    return getattr(registry.tag(ref, tags), "receipt", None)


def _some(registry: Registry, chance: random.Random) -> str:
    return f"m/{chance.randint(1, max(registry.model('m').last_number, 1))}"


def _register(registry: Registry, chance: random.Random) -> Any:
    # A number of its own in the model makes bytes of its own, so that each version brings a new artifact.
    model = DummyClassifier(strategy="most_frequent", random_state=chance.randrange(1 << 31)).fit([[0], [1]], [0, 1])
    return registry.register(model, "m", metrics={"auc": chance.random()}).receipt


def _promote(registry: Registry, chance: random.Random) -> Any:
    return registry.promote(_some(registry, chance), "Production", because="it is time").receipt


def _rollback(registry: Registry, chance: random.Random) -> Any:
    return registry.rollback("m", because="it was not").receipt


def _annotate(registry: Registry, chance: random.Random) -> Any:
    return registry.annotate(_some(registry, chance), "x" * chance.randrange(5_000)).receipt


def _tag(registry: Registry, chance: random.Random) -> Any:
    return marked(registry, _some(registry, chance), seen=chance.random())


def _delete(registry: Registry, chance: random.Random) -> Any:
    return registry.delete(_some(registry, chance))


VERBS: tuple[tuple[str, Callable[[Registry, random.Random], Any]], ...] = (
    ("register", _register), ("promote", _promote), ("rollback", _rollback), ("annotate", _annotate), ("tag", _tag),
    ("delete", _delete),
)  # fmt: skip


# -- F2: one verb under strace

ONCE: dict[str, Callable[[Registry], Any]] = {
    "register": lambda r: _register(r, random.Random(7)),
    "promote": lambda r: r.promote("m/3", "Production").receipt,
    "rollback": lambda r: r.rollback("m").receipt,
    "delete": lambda r: r.delete("m/3"),
    "restore": lambda r: getattr(r.restore("m/4"), "receipt", None),
    "purge": lambda r: r.purge("m/4", because="asked to"),
    "rename": lambda r: r.rename("m", "n"),
    "save": lambda r: r.core.store.save(),
}
"""Each is told of a registry with m/1 (archived), m/2 (Production), m/3 and m/4 (in the trash)."""


def once(pipe: Connection, store: str, home: str, verb: str) -> None:
    """Do one verb when told to; the tracer is attached meanwhile."""
    registry = at(store, home)
    registry.versions("m")
    _ = registry.core.keyring.public_key
    ctypes.CDLL(None).prctl(_SET_PTRACER, ctypes.c_ulong(-1), 0, 0, 0)  # where only a parent may trace: anyone may
    pipe.send(READY)
    pipe.recv()
    receipt = ONCE[verb](registry)
    pipe.send(str(receipt) if hasattr(receipt, "seq") else "done")


# -- C1, C2, C6: several at once


def registering(pipe: Connection, store: str, home: str, count: int) -> None:
    """Register and annotate ``count`` times once told to; tell the numbers got and what each call took (s)."""
    registry = at(store, home)
    got: list[tuple[str, float]] = []
    pipe.send(READY)
    pipe.recv()
    for turn in range(count):
        start = time.perf_counter()
        version = registry.register(toy(), "m", metrics={"turn": turn})
        got.append((version.ref, time.perf_counter() - start))
        start = time.perf_counter()
        registry.annotate(version, f"turn {turn} of {os.getpid()}")
        got.append(("", time.perf_counter() - start))
    pipe.send(got)


def promoting(pipe: Connection, store: str, home: str) -> None:
    """Promote what is told, expecting who is told to be there, until told None; tell the outcome."""
    registry = at(store, home)
    pipe.send(READY)
    while (told := pipe.recv()) is not None:
        ref, expect = told
        try:
            pipe.send(("won", registry.promote(ref, "Production", expect=expect).ref))
        except RegistryError as error:
            pipe.send((type(error).__name__, ref))


def watching(pipe: Connection, store: str, home: str) -> None:
    """Count who is in Production, again and again, until told to stop; tell the looks and those that saw not one."""
    registry, looks, wrong = at(store, home), 0, []
    pipe.send(READY)
    while not pipe.poll():
        found = [v.ref for v in registry.search("name = 'm' AND stage = 'Production'")]
        listed = [v.ref for v in registry.versions("m") if v.stage == "Production"]
        looks += 1
        wrong += [seen for seen in (found, listed) if len(seen) != 1]
    pipe.send((looks, wrong))


def tagging(pipe: Connection, store: str, home: str, count: int) -> None:
    """Count up in a tag, telling when each was acknowledged, and how often it did not read its own change at once."""
    registry, stale = at(store, home), 0
    pipe.send(READY)
    pipe.recv()
    for turn in range(1, count + 1):
        registry.tag("m/1", turn=turn)
        pipe.send((turn, time.monotonic()))
        stale += registry.version("m/1").tags["turn"] != turn
        time.sleep(0.002)
    pipe.send((None, stale))


# -- C5: threads of one process, and its forks


def threaded(pipe: Connection, store: str, home: str, count: int) -> None:
    """Register, annotate and read in ``count`` threads on one registry; tell what went wrong, and the versions made."""
    faulthandler.dump_traceback_later(90, exit=True)  # a deadlock shows where, and ends
    sys.setswitchinterval(1e-5)  # threads that change places all the time find what is not guarded
    registry, wrong = at(store, home), list[str]()

    def busy(turn: int) -> None:
        for step in range(4):
            version = registry.register(toy(), "m", metrics={"turn": turn})
            registry.annotate(version, f"{turn}.{step}")
            if registry.version(version.ref).ref != version.ref or len(registry.annotations(version)) != 1:
                wrong.append(version.ref)
            numbers = [v.number for v in registry.search("name = 'm'", limit=None)]
            if len(set(numbers)) != len(numbers) or version.number not in numbers:
                wrong.append(f"{version.ref} among {numbers}")

    threads = [threading.Thread(target=busy, args=(turn,)) for turn in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check_all(registry)  # what this very handle holds after it all, not only what another one reads
    pipe.send((wrong, len(registry.versions("m"))))


def forking(pipe: Connection, store: str, home: str, count: int) -> None:
    """Fork ``count`` times while a thread commits; each child reads and commits; tell their statuses and who wrote."""
    faulthandler.dump_traceback_later(90, exit=True)
    registry, stop = at(store, home), threading.Event()
    registry.annotate("m/1", "parent before")

    def busy() -> None:
        while not stop.is_set():
            registry.annotate("m/1", "parent meanwhile")

    thread = threading.Thread(target=busy)
    thread.start()
    statuses = [_forked(registry, turn) for turn in range(count)]
    stop.set()
    thread.join()
    registry.annotate("m/1", "parent after")
    pipe.send((statuses, [note.text for note in registry.annotations("m/1")]))


def _forked(registry: Registry, turn: int) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a fork beside threads is what this is about
        child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    signal.alarm(30)
    status = 1
    try:
        before = registry.core.view().seq
        registry.annotate("m/1", f"child {turn}")
        status = 0 if registry.core.view().seq > before and registry.version("m/1").number == 1 else 2
    finally:
        os._exit(status)
