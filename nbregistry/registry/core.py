"""What every verb stands on: finding documents in the view, and committing changes with who, when, where and why."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from nbregistry.capture.cells import CellLog
from nbregistry.capture.whereabouts import where
from nbregistry.config import Settings
from nbregistry.domain import commits, values
from nbregistry.domain.commits import Actor, Commit, Receipt
from nbregistry.domain.entities import ModelVersion, RegisteredModel
from nbregistry.domain.gates import Gate
from nbregistry.domain.lifecycle import Stage
from nbregistry.domain.refs import Ref
from nbregistry.errors import InvalidInput, NotFound, Refused, RegistryError, StoreReadOnly, did_you_mean
from nbregistry.flavors.trust import Keyring
from nbregistry.registry.remembering import Remembered
from nbregistry.storage.index import FAILED, READY, TRASHED
from nbregistry.storage.store import Store
from nbregistry.storage.tiny import View
from nbregistry.types import Digest, Document

Target = str | ModelVersion | RegisteredModel

_PICTURES = 4096


@dataclass(frozen=True, slots=True)
class Change:
    """What a verb wants changed; ``before`` and ``after`` are for the reader of the audit."""

    target: str
    put: dict[str, dict[int, Document]] = field(default_factory=dict)
    before: Document = field(default_factory=dict)
    after: Document = field(default_factory=dict)
    evidence: Document = field(default_factory=dict)
    removed: dict[str, tuple[int, ...]] = field(default_factory=dict)


class Done(NamedTuple):
    """A change that was acknowledged: about what, and its receipt."""

    target: str
    receipt: Receipt
    repeated: bool = False


class _Repeated(Exception):
    def __init__(self, target: str, seq: int) -> None:
        self.target, self.seq = target, seq


class Core:
    """A registry's store with its user.

    Parameters
    ----------
    settings : Settings
        Where, and who.
    read_only : bool
        Refuse every change.
    frozen : View or None
        Read this instead of following the store.

    Attributes
    ----------
    doubt : str
        Why answers may be made of less than was once acknowledged; empty when nothing says so.
    gates : list of Gate
        What a promotion into a single-holder stage must pass.
    cells : callable
        Tells the executed cells of a shell; the extension puts its own log here, which has seen every cell.
    asked : str
        The time that ``frozen`` was asked for, which is later than its last commit; empty without one.
    remembered : Remembered
        Which live objects this handle registered or loaded.
    """

    def __init__(self, settings: Settings, *, read_only: bool = False, frozen: View | None = None) -> None:
        self.settings = settings
        self.read_only = read_only
        self.frozen = frozen
        self.asked = ""
        self.chronicle: Any = None  # how far ``tenures`` has read, so that it goes on from there
        self.store = Store(_folder(settings.uri), settings.home, lambda: self.keyring)
        self.gates: list[Gate] = []
        self.cells: Callable[[Any], list[Document]] = CellLog().capture
        self._details: dict[Digest, Document] = {}
        self._missing: tuple[str, ...] | None = None
        self.doubt = ""
        self.remembered = Remembered()
        self._pictures: dict[int, tuple[Document, ModelVersion]] = {}

    @cached_property
    def keyring(self) -> Keyring:
        """The user's key and trust list."""
        return Keyring(self.settings.home)

    def view(self) -> View:
        """Return the view to read."""
        if self.frozen is not None:
            return self.frozen
        found = self.store.view()
        self._doubt()
        return found

    def _doubt(self) -> None:
        """Have every answer say so when it is made of less than was once acknowledged; reading goes on."""
        store, tail = self.store, self.store.journal.tail
        told = ""
        if tail.state == "damaged":
            told = f"the journal is damaged behind commit {store.journal.at.seq} ({tail.why})"
        else:
            if self._missing is None:
                self._missing = tuple(what for _, what in store.seals.doubts(store.journal.store, store.journal.holds))
            told = "; ".join(self._missing)
        if told:
            self.doubt = f"THIS MAY BE OLD: {told}. See `nbregistry verify`, then `nbregistry repair`."
            if self.doubt not in store.notices:
                store.notices.append(self.doubt)

    @contextlib.contextmanager
    def steady(self) -> Iterator[View]:
        """Yield the view to read, which stays as it is for the block."""
        if self.frozen is not None:
            yield self.frozen
        else:
            with self.store.steady() as view:
                self._doubt()
                yield view

    def actor(self) -> Actor:
        """Who acts, from where."""
        notebook, cell = where()
        return Actor(self.settings.user, _host(), os.getpid(), notebook, cell)

    # -- finding

    def model(self, view: View, name: str) -> tuple[int, Document]:
        """Return a model's document by name, following renames.

        Raises
        ------
        NotFound
            No model, or it is in the trash.
        """
        wanted = name
        for _ in range(100):
            id_ = view.index.model.get(wanted.casefold())
            doc = view.models[id_] if id_ is not None else None
            if id_ is None or doc is None or doc["name"] != wanted:
                break
            if "moved_to" in doc:
                wanted = doc["moved_to"]
                continue
            if doc.get("deleted_at"):
                raise NotFound(f"The model {name!r} is in the trash: restore({name!r}) brings it back.")
            return id_, doc
        known = [view.models[i]["name"] for i in view.index.model.values()] if len(view.index.model) < 5_000 else []
        hint = did_you_mean(name, known)
        rest = "" if hint else (" There is none yet; register one." if not known else f" There are {_some(known)}.")
        raise NotFound(f"No model {name!r}{hint or '.'}{rest}")

    def locate(self, view: View, target: Target | Ref, *, trashed: bool = False) -> int:
        """Return the id of the version's document that a reference names now.

        Raises
        ------
        NotFound
            Nothing there; says what there is.
        """
        if isinstance(target, ModelVersion):
            target = Ref(target.name, target.number)
        if isinstance(target, RegisteredModel):
            target = target.name
        ref = target if isinstance(target, Ref) else Ref.parse(target)
        index = view.index
        if (straight := _straight(view, ref)) is not None:
            return straight
        if trashed and ref.number is not None and (id_ := index.numbers[ref.name].get(ref.number)) is not None:
            return id_
        name = self.model(view, ref.name)[1]["name"]
        number = self._number(view, ref, name)
        id_ = index.numbers[name].get(number) if number is not None else None
        if id_ is None:
            raise NotFound(f"No version {str(ref)!r}. {_what_there_is(view, name)}")
        condition = index.entries["versions"][id_][4]
        if condition in ("purged", TRASHED) and not trashed:
            state = "in the trash: restore it first" if condition == TRASHED else "purged: only its tombstone is left"
            raise NotFound(f"{name}/{number} is {state}.")
        return id_

    def _number(self, view: View, ref: Ref, name: str) -> int | None:
        index = view.index
        if ref.number is not None:
            return ref.number
        if ref.alias is not None:
            number = index.alias[name].get(ref.alias)
            if number is None:
                hint = did_you_mean(ref.alias, index.alias[name])
                raise NotFound(f"{name!r} has no alias {ref.alias!r}{hint or '.'} {_what_there_is(view, name)}")
            return number
        if ref.stage is not None:
            if ref.stage.single_holder:
                return index.holder.get((name, ref.stage.value))
            found = [n for n in index.ready[name] if index.entries["versions"][index.numbers[name][n]][2] == ref.stage]
            return found[-1] if found else None
        return index.ready[name][-1] if index.ready[name] else None

    def version(self, view: View, id_: int, receipt: Receipt | None = None) -> ModelVersion:
        """Return the picture of a version's document; taken once as long as the document stays the same object."""
        doc = view.versions[id_]
        taken = self._pictures.get(id_)
        if receipt is None and taken is not None and taken[0] is doc:
            return taken[1]
        found = ModelVersion.from_document(doc, reader=self.details, receipt=receipt)
        if receipt is None:
            if len(self._pictures) >= _PICTURES:
                self._pictures.clear()
            self._pictures[id_] = doc, found
        return found

    def details(self, digest: Digest) -> Document:
        """Read a captured JSON blob, verified; the last few hundred are kept."""
        found = self._details.get(digest)
        if found is None:
            with self.store.blobs.verified(digest) as file:
                found = orjson.loads(file.read())
            if len(self._details) >= 512:
                self._details.clear()
            self._details[digest] = found
        return found

    def detail_of(self, doc: Mapping[str, Any], file: str) -> Document:
        """Read a captured file of a version's document; ``{}`` where there is none."""
        digest = doc.get("files", {}).get(file)
        return self.details(digest) if digest else {}

    # -- changing

    def change(
        self, action: str, build: Callable[[View, str], Change], *, reason: str | None = None, key: str | None = None
    ) -> Done:
        """Commit what ``build(view, time)`` makes of the newest state; the rules it checks hold under the writer lock.

        Parameters
        ----------
        key : str or None
            Idempotency key: a repeat of the same action with the same key gives the first one's outcome.
        """
        reason = values.text(reason, "The reason")
        key = values.text(key, "key", limit=200, required=True) if key is not None else None
        self.writable(action)
        actor = self.actor()

        def make(view: View) -> Commit:
            if key is not None:
                _repeat(view, action, key)
            now = commits.timestamp()
            time = max(now, view.time)  # a clock that went back must not reorder the history
            found = build(view, time)
            if key is not None:
                doc = {"key": key, "action": action, "target": found.target, "seq": view.seq + 1}
                found.put.setdefault("keys", {})[view.next_id("keys")] = doc
            evidence = found.evidence if now == time else {**found.evidence, "clock": f"stood at {now}"}
            return Commit(
                action, found.target, actor, time, put=found.put, removed=found.removed, before=found.before,
                after=found.after, reason=reason or "", key=key, evidence=evidence,
            )  # fmt: skip

        try:
            commit = self.store.commit(actor, make)
        except _Repeated as earlier:
            return Done(earlier.target, self.receipt_of(earlier.seq), repeated=True)
        return Done(commit.target, Receipt(self.store.id, commit.seq, commit.hash))

    def refused(self, asked: str, target: str, error: RegistryError, evidence: Document, reason: str | None) -> None:
        """Record a refusal in the audit; the store's own trouble does not hide the refusal."""
        after = {"asked": asked, "error": type(error).__name__}
        change = Change(target, after=after, evidence={**evidence, "why": str(error)[: values.MAX_VALUE]})
        try:
            self.change("refuse", lambda view, time: change, reason=reason)
        except RegistryError:
            return

    def writable(self, action: str) -> None:
        """Refuse early where nothing may be changed."""
        if self.frozen is not None:
            raise StoreReadOnly(f"This is the registry as it was at {self.frozen.time}: it cannot {action}.")
        if self.read_only:
            raise StoreReadOnly(f"This registry was opened read-only: it cannot {action}.")

    def receipt_of(self, seq: int) -> Receipt:
        """Return the receipt of a commit that is there."""
        for commit in self.store.history():
            if commit.seq == seq:
                return Receipt(self.store.id, seq, commit.hash)
        raise NotFound(f"No commit {seq}.")


class Subject(NamedTuple):
    """What a verb is about: a model, or one of its versions.

    Attributes
    ----------
    model : int
        Id of the model's document; 0 when the model of a trashed version is gone.
    version : int or None
        Id of the version's document.
    name : str
        As the audit names it: ``churn`` or ``churn/3``.
    thread : tuple
        Where its annotations hang.
    """

    model: int
    version: int | None
    name: str
    thread: tuple[str, int | None]


def subject(core: Core, view: View, target: Target, *, trashed: bool = False) -> Subject:
    """Return what a target means: a bare name is the model itself, anything else one version."""
    if isinstance(target, RegisteredModel):
        target = target.name
    ref = Ref(target.name, target.number) if isinstance(target, ModelVersion) else Ref.parse(target)
    if ref == Ref(ref.name):
        id_, doc = core.model(view, ref.name)
        return Subject(id_, None, doc["name"], (doc["uid"], None))
    version = core.locate(view, ref, trashed=trashed)
    doc = view.versions[version]
    model = view.index.model.get(doc["name"].casefold(), 0)
    return Subject(model, version, doc["ref"], (doc["uid"], doc["number"]))


def _straight(view: View, ref: Ref) -> int | None:
    """Return the id of a version that can be used, from indexes alone; None when documents have to tell more."""
    index, name, number = view.index, ref.name, ref.number
    if ref.alias is not None:
        number = index.alias[name].get(ref.alias)
    elif ref.stage is not None:
        number = index.holder.get((name, ref.stage.value))
    elif number is None and (ready := index.ready[name]):
        number = ready[-1]
    id_ = index.numbers[name].get(number) if number is not None else None
    return id_ if id_ is not None and index.entries["versions"][id_][4] in (READY, FAILED) else None


def _repeat(view: View, action: str, key: str) -> None:
    id_ = view.index.key.get(key)
    if id_ is None:
        return
    doc = view.keys[id_]
    if doc["action"] != action:
        raise Refused(f"The key {key!r} was used for {doc['action']} {doc['target']}; give {action} a key of its own.")
    raise _Repeated(doc["target"], doc["seq"])


def _folder(uri: str) -> Path:
    if uri.startswith("file://"):
        uri = uri.removeprefix("file://")
    elif "://" in uri:
        raise InvalidInput(f"{uri!r} is not a place this registry can be kept at: give a folder.")
    return Path(uri).expanduser().absolute()


def _host() -> str:
    return socket.gethostname()


def _some(names: list[str]) -> str:
    shown = ", ".join(sorted(names)[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"


def _what_there_is(view: View, name: str) -> str:
    numbers = view.index.ready[name]
    if not numbers:
        return f"{name!r} has no version that can be used."
    held = [f"{s.value}: {view.index.holder[name, s.value]}" for s in Stage if (name, s.value) in view.index.holder]
    aliases = [f"@{a}: {n}" for a, n in sorted(view.index.alias[name].items())]
    span = str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"
    return (
        f"{name!r} has version{'s' if len(numbers) > 1 else ''} {span}"
        + "".join(f"; {t}" for t in (*held, *aliases))
        + "."
    )
