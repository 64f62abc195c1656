"""One version, loaded and answering: what a reference points at until the ledger says otherwise."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Protocol

from nbregistry.domain.entities import ModelVersion
from nbregistry.domain.signature import Signature
from nbregistry.errors import InvalidInput, RegistryError
from nbregistry.registry import Registry, loading
from nbregistry.serving import compiling, independence, schemas
from nbregistry.serving.batching import Batcher, Limits
from nbregistry.serving.engine import Engine, Original
from nbregistry.serving.examples import example_of
from nbregistry.serving.independence import Independence
from nbregistry.serving.intake import Intake
from nbregistry.serving.measures import Measures
from nbregistry.serving.node import Batch, By
from nbregistry.serving.table import Table
from nbregistry.types import Digest, Document

_QUICK = 0.0005
"""Seconds of a full run up to which the event loop runs the twin itself.

It is what parsing the same rows takes; handing them to a thread and back costs a lone request more than the run does.
"""

_NOT_YET = Independence(False, 1, "whether its rows are independent of each other is being checked", 0)


class Marker(Protocol):
    """Where it is written down which version runs, for whoever finds the process dead."""

    def running(self, digest: Digest) -> None:
        """Note that a run of this version, or its loading, begins."""
        ...

    def idle(self) -> None:
        """Note that it ended."""
        ...


class Unmarked:
    """Nobody will ask."""

    def running(self, digest: Digest) -> None:
        """Note nothing."""

    def idle(self) -> None:
        """Note nothing."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for every version that one server runs.

    Attributes
    ----------
    compile : bool
        Whether to answer with the compiled model where it was proven equal.
    limits : Limits
        Of batching.
    marker : Marker
        Told what runs.
    stuck : callable
        Told the digest of a version that was given up.
    """

    compile: bool = True
    limits: Limits = field(default_factory=Limits)
    measures: Measures = field(default_factory=Measures)
    marker: Marker = field(default_factory=Unmarked)
    stuck: Callable[[Digest], None] = lambda digest: None


@dataclass(slots=True)
class Loaded:
    """A version ready to answer; made in a thread, while its predecessor answers.

    Attributes
    ----------
    found : Found or None
        What is known of its compiled twin.
    why : str
        Why the original answers, when it does.
    quick : bool
        Whether the event loop may run the twin itself.
    """

    version: ModelVersion
    signature: Signature | None
    intake: Intake
    engine: Engine
    example: Table | None
    independent: Independence = _NOT_YET
    found: compiling.Found | None = None
    why: str = ""
    quick: bool = False

    @property
    def by(self) -> By:
        """What its answers are signed with."""
        return By.of(self.version)


def load(registry: Registry, version: ModelVersion, terms: Terms) -> Loaded:
    """Load and warm a version: the compiled twin where it was proven equal, else the original.

    Raises
    ------
    nbregistry.errors.RegistryError
        It is not ready, its bytes do not match, its signer is not trusted, or its own code failed.
    """
    terms.marker.running(version.digest)
    try:
        signature = version.signature
        intake = Intake(signature)
        found = compiling.find(registry, version) if terms.compile else None
        twin = found.engine() if found is not None and found.proven else None
        example = example_of(version, intake)
        if twin is not None:
            loading.admit(registry.core, version)
            backed = Backed(twin, lambda: Original(registry.load(version), version.flavor, intake, example))
            loaded = Loaded(version, signature, intake, backed, example, found=found)
        else:
            model = registry.load(version)
            loaded = Loaded(
                version, signature, intake, Original(model, version.flavor, intake, example), example, found=found,
                why=_why(terms, found),
            )  # fmt: skip
        if example is not None:
            for method in loaded.engine.methods:
                _warm(loaded.engine, example, method)
        return loaded
    finally:
        terms.marker.idle()


def check(loaded: Loaded, terms: Terms) -> Independence:
    """Measure whether rows can be put together, and note how long a full run of the twin takes; in this thread."""
    example, rows = loaded.example, terms.limits.rows
    if example is None:
        return Independence(False, 1, "no rows to check it with were captured: register with X= to have it batched", 0)
    terms.marker.running(loaded.version.digest)
    try:
        found = independence.check(loaded.engine, example)
        if isinstance(loaded.engine, Backed) and found.batched:
            full, twin = example.pick([i % example.rows for i in range(rows)]), loaded.engine.twin
            loaded.quick = all(_full(twin, full, method) for method in twin.methods)
    finally:
        terms.marker.idle()
    return found


def _full(twin: compiling.Compiled, table: Table, method: str) -> bool:
    """Whether the twin answers a full run faster than a thread would take it over; the best of three."""
    times = []
    for _ in range(3):
        since = perf_counter()
        try:
            twin.run(table, method, {})
        except (compiling.Unanswered, RegistryError):
            return False
        times.append(perf_counter() - since)
    return min(times) < _QUICK


def _why(terms: Terms, found: compiling.Found | None) -> str:
    if not terms.compile:
        return "compiling is switched off"
    return found.why if found is not None else "not compiled yet"


def _warm(engine: Engine, example: Table, method: str) -> None:
    """The first run of a method pays for what the others find ready; what it raises, a caller will be told."""
    try:
        independence.probe(engine, example, method)
    except RegistryError:
        return


class Backed:
    """The compiled model, with the original behind it for what the twin does not answer.

    Which of the two answers a row depends on that row alone, so it stays the same in any company. The original is
    loaded when it is first needed; most servers never do.
    """

    kind = "compiled"

    def __init__(self, twin: compiling.Compiled, original: Callable[[], Original]) -> None:
        self.twin = twin
        self.methods = (*twin.methods, *twin.others)
        self._load = original
        self._loaded: Original | None = None
        self._guard = threading.Lock()

    @property
    def classes(self) -> Any:
        """The labels that the columns of ``predict_proba`` stand for."""
        return self.twin.classes

    def run(self, table: Table, method: str, params: Mapping[str, Any]) -> Any:
        """Ask the twin; what it does not take, the original answers or refuses."""
        if method not in self.twin.methods:
            return self._original().run(table, method, params)
        try:
            return self.twin.run(table, method, params)
        except compiling.Unanswered as error:
            beyond = set(error.rows)
        if not beyond or len(beyond) == table.rows:
            return self._original().run(table, method, params)
        within = [i for i in range(table.rows) if i not in beyond]
        theirs = self._original().run(table.pick(sorted(beyond)), method, params)
        return _mixed(self.twin.run(table.pick(within), method, params), within, theirs, sorted(beyond))

    def _original(self) -> Original:
        with self._guard:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded


def _mixed(ours: Any, within: list[int], theirs: Any, beyond: list[int]) -> Any:
    import numpy as np

    theirs = np.asarray(theirs)
    found = np.empty((len(within) + len(beyond), *ours.shape[1:]), dtype=np.result_type(ours, theirs))
    found[within], found[beyond] = ours, theirs
    return found


class Live:
    """A loaded version with its queue; belongs to the event loop.

    Parameters
    ----------
    loaded : Loaded
        As ``load`` gave it.
    name : str
        The endpoint it answers for.
    """

    def __init__(self, loaded: Loaded, terms: Terms, name: str) -> None:
        self.loaded, self.terms, self.name = loaded, terms, name
        self.by = loaded.by
        self._by = (loaded.by,)
        labels = (name, str(loaded.by.number))
        self._rows = terms.measures.batch_rows.labels(*labels)
        self._waits = terms.measures.batch_wait.labels(*labels)
        self._seconds = terms.measures.run_seconds.labels(*labels)
        self._queue = terms.measures.queue_rows.labels(name)
        self._compiled = terms.measures.compiled.labels(*labels)
        self._served = terms.measures.served.labels(*labels)
        self._served.set(1)
        self._compiled.set(float(loaded.engine.kind == "compiled"))
        self.batcher = Batcher(
            self._run_of(loaded.engine), terms.limits, padding=self._padding(), watch=self,
            name=f"{name}-{self.by.number}", stuck=lambda: terms.stuck(loaded.by.digest),
        )  # fmt: skip
        self._use()

    async def __call__(self, batch: Batch) -> Batch:
        """Answer."""
        if batch.method not in self.loaded.engine.methods:
            known = ", ".join(self.loaded.engine.methods)
            raise InvalidInput(f"{self.by.ref} has no {batch.method[:40]!r}: it has {known}.")
        return batch.answered(await self.batcher.ask(batch), self._by)

    def settle(self, loaded: Loaded) -> None:
        """From the next run on, answer with this engine, batched as was measured of it."""
        self.loaded = loaded
        self._compiled.set(float(loaded.engine.kind == "compiled"))
        self._use()

    async def close(self, seconds: float | None = None) -> bool:
        """Answer what was asked, then let go; False when that took too long."""
        done = await self.batcher.close(seconds)
        self._served.set(0)
        return done

    def ran(self, rows: int, waited: float) -> None:
        """Count a run."""
        self._rows.observe(rows)
        self._waits.observe(waited)

    def waiting(self, rows: int) -> None:
        """Count who waits."""
        self._queue.set(rows)

    def metadata(self) -> Document:
        """Return what can be told of the version and of how it is run."""
        version, loaded = self.loaded.version, self.loaded
        compiled: Document = {"used": loaded.engine.kind == "compiled"}
        if loaded.why and not compiled["used"]:
            compiled["why"] = loaded.why
        if loaded.found is not None:
            compiled["proof"] = loaded.found.as_document()
        return {
            "name": version.name, "version": version.number, "ref": version.ref, "digest": version.digest,
            "stage": version.stage.value, "aliases": list(version.aliases), "estimator": version.estimator,
            "flavor": version.flavor, "methods": list(loaded.engine.methods),
            "signature": loaded.signature.as_document() if loaded.signature else None,
            "batching": {**loaded.independent.as_document(), "max_rows": self.terms.limits.rows},
            "compiled": compiled, "example": schemas.shown(loaded.example, loaded.signature),
        }  # fmt: skip

    def _padding(self) -> int:
        found = self.loaded.independent
        return found.padding if found.batched and self.terms.limits.rows > 1 else 0

    def _use(self) -> None:
        engine = self.loaded.engine
        quick = self._run_of(engine.twin) if self.loaded.quick and isinstance(engine, Backed) else None
        self.batcher.use(self._run_of(engine), self._padding(), quick)

    def _run_of(self, engine: Engine) -> Callable[[Table, str, Mapping[str, Any]], Any]:
        marker, digest, seconds, run = self.terms.marker, self.by.digest, self._seconds, engine.run

        def marked(table: Table, method: str, params: Mapping[str, Any]) -> Any:
            since = perf_counter()
            marker.running(digest)
            try:
                return run(table, method, params)
            finally:
                marker.idle()
                seconds.observe(perf_counter() - since)

        return marked
