"""What the child processes of the fault tests do; each is killed, raced or watched by its parent."""

from __future__ import annotations

import ctypes
import os
import random
import time
from collections.abc import Callable
from functools import cache
from multiprocessing.connection import Connection
from typing import Any

from sklearn.dummy import DummyClassifier

from nbregistry import Registry
from nbregistry.errors import RegistryError

READY = "ready"
_SET_PTRACER = 0x59616D61


@cache
def toy() -> DummyClassifier:
    """Return the smallest fitted model."""
    return DummyClassifier(strategy="most_frequent").fit([[0], [1]], [0, 1])


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
    """Count up in a tag, telling when each was acknowledged; look at once whether it reads its own change."""
    registry, stale = at(store, home), 0
    pipe.send(READY)
    pipe.recv()
    for turn in range(1, count + 1):
        registry.tag("m/1", turn=turn)
        pipe.send((turn, time.monotonic()))
        stale += registry.version("m/1").tags["turn"] != turn
        time.sleep(0.005)
    pipe.send((None, stale))
