"""``%models --here``: every fitted estimator among the user's variables, and how it stands to the registry.

Whether an object is a version, and whether it changed since it was one, is decided by what it has learned: by the
digest of ``capture.state``, computed in memory and compared with those stored with the versions. So the answer is the
same after the kernel was started anew, for a copy, for a model fitted again on the same data, and for one that was
loaded; nothing is read from disk for it, and no model is asked to predict. That an object which is no version any more
*was* one, only memory can tell (``registry.remembering``); after a restart such an object is simply new. Where there is
no digest, of what is too large, does not let itself be looked at, or was registered without one, the answer is that it
is not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from nbregistry.capture.boundary import attempt
from nbregistry.capture.state import MOST_BYTES, State, state_of
from nbregistry.capture.whereabouts import shell
from nbregistry.domain.estimators import Estimator, Estimators, Standing
from nbregistry.flavors.estimator import type_name
from nbregistry.registry import Registry
from nbregistry.registry.remembering import MOST_AT_REGISTER, Known
from nbregistry.storage.index import PURGED, READY, TRASHED
from nbregistry.types import Document
from nbregistry.verbs.makers import Made, executed, makers, owner
from nbregistry.verbs.namespace import fitted, looks_like_model, parts, visible
from nbregistry.verbs.suiting import pair

_MOST_ITEMS = 100  # of a list or dictionary of models
_KEY = re.compile(r"[\w.-]{1,40}\Z")
_ITEM = re.compile(r"\[\"(?P<key>[\w.-]+)\"\]\Z")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")
_READS = ("states", "uid", "number", "estimator")
_BAD = {TRASHED: "in the trash", "failed": "failed"}


class _Seen(NamedTuple):
    """An estimator that was found, before the registry was asked."""

    variable: str
    model: Any
    kind: str
    fitted: bool | None
    state: State | None
    known: tuple[Known, ...]
    large: str


class _Versions:
    """What the registry has to say of some digests and of some versions, from one pass over its documents."""

    def __init__(self, registry: Registry, seen: Iterable[_Seen]) -> None:
        self._core = registry.core
        asked = list(seen)
        states = {s.state.digest for s in asked if s.state is not None and s.state.digest}
        known = {(k.uid, k.number) for s in asked for k in s.known}
        self._by_state: dict[str, list[int]] = {}
        self._by_number: dict[tuple[str, int], int] = {}
        self.without: set[str] = set()
        """Classes of which a version is kept whose digest is not known."""
        with self._core.steady() as view:
            self._entries = view.index.entries["versions"]
            for id_, doc in view.versions.scan(_READS) if asked else ():
                self._take(id_, doc, states, known)

    def _take(self, id_: int, doc: Document, states: set[str], known: set[tuple[str, int]]) -> None:
        stored = doc.get("states", ())
        if self._entries[id_][4] == PURGED:  # nothing of it can be had any more: who has the object should register it
            return
        for state in states.intersection(stored):
            self._by_state.setdefault(state, []).append(id_)
        if (doc.get("uid"), doc.get("number")) in known:
            self._by_number[doc["uid"], doc["number"]] = id_
        if not stored:
            self.without.add(str(doc.get("estimator", "")))

    def holding(self, state: str) -> list[int]:
        """Return the versions that hold what was learned, those that can be used first, then the newest."""
        return sorted(self._by_state.get(state, ()), key=lambda i: (self._entries[i][4] == READY, i), reverse=True)

    def of(self, known: Known) -> int | None:
        """Return the version that an object once was; None for one that was purged."""
        return self._by_number.get((known.uid, known.number))

    def ref(self, id_: int) -> str:
        """Return how a version is named now."""
        name, number, *_ = self._entries[id_]
        return f"{name}/{number}"

    def trouble(self, id_: int) -> str:
        """Return what keeps a version from being used."""
        return _BAD.get(self._entries[id_][4], "")


def here(
    registry: Registry, namespace: Mapping[str, Any], *, cells: Iterable[Document] | None = None, big: bool = False
) -> Estimators:
    """Return the fitted estimators of a namespace.

    Parameters
    ----------
    cells : iterable of dict, optional
        The cells that were executed; those of the running kernel unless given.
    big : bool
        Compare also what is larger than ``MOST_BYTES``.
    """
    found, also, unfitted = _distinct(namespace)
    handles = _handles(registry, namespace)
    most = MOST_AT_REGISTER if big else MOST_BYTES
    seen = [_seen(variable, model, learned, handles=handles, most=most) for variable, model, learned in found]
    versions = _Versions(registry, seen)
    inside = _inside(seen)
    log = executed(registry.core, shell()) if cells is None else cells
    made = makers(log, {owner(s.variable) for s in seen})
    told = []
    for one in seen:
        place = made.get(owner(one.variable))
        estimator = replace(
            _judged(one, versions), part_of=inside.get(id(one.model), ""), also=tuple(also.get(id(one.model), ())),
            cell=place.cell if place else None, count=place.count if place else None,
        )  # fmt: skip
        told.append(replace(estimator, line=_line(estimator, one.model, namespace, place)))
    return Estimators(told, unfitted=tuple(unfitted))


def estimators(namespace: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield every estimator with the way to say it: variables, and the items of plain lists and dictionaries."""
    for name in visible(namespace):
        value: Any = namespace.get(name)
        if type(value) is dict and len(value) <= _MOST_ITEMS:
            for key, item in list(value.items()):
                if type(key) is str and _KEY.match(key) and _is_model(item):
                    yield f'{name}["{key}"]', item
        elif type(value) in (list, tuple) and len(value) <= _MOST_ITEMS:
            yield from ((f"{name}[{i}]", item) for i, item in enumerate(list(value)) if _is_model(item))
        elif _is_model(value):
            yield name, value


def _is_model(value: object) -> bool:
    # Clients and servers of ours predict, too, and hold nothing that was learned.
    return attempt("", lambda: looks_like_model(value) and not type(value).__module__.startswith("nbregistry."), False)


def _distinct(
    namespace: Mapping[str, Any],
) -> tuple[list[tuple[str, Any, bool | None]], dict[int, list[str]], list[str]]:
    """Return each estimator once that may have learned, the further names of each, and those that have not."""
    found: dict[int, tuple[str, Any, bool | None]] = {}
    also: dict[int, list[str]] = {}
    unfitted = []
    for variable, model in estimators(namespace):
        if id(model) in found:
            also.setdefault(id(model), []).append(variable)
            continue
        learned = attempt("", lambda model=model: fitted(model), None)  # type: ignore[misc]  # binds the model
        if learned is False:
            unfitted.append(variable)
        else:
            found[id(model)] = variable, model, learned
    return list(found.values()), also, unfitted


def _handles(registry: Registry, namespace: Mapping[str, Any]) -> list[Registry]:
    """Return this handle and the user's own ones on the same store: each remembers what went through it."""
    others = [namespace.get(name) for name in visible(namespace)]
    place = registry.core.store.folder
    same = [r for r in others if type(r) is Registry and r is not registry and r.core.store.folder == place]
    return [registry, *same]


def _seen(variable: str, model: Any, learned: bool | None, *, handles: list[Registry], most: int) -> _Seen:
    known = tuple(k for handle in handles if (k := handle.core.remembered.of(model)) is not None)
    kind = attempt("", lambda: type_name(model), "an object")
    large = f"over {most / 1e6:,.0f} MB, so not compared{': --big does' if most == MOST_BYTES else ''}"
    return _Seen(variable, model, kind, learned, state_of(model, most), known, large)


def _inside(seen: list[_Seen]) -> dict[int, str]:
    """Return which estimator contains which, by the part's identity."""
    found: dict[int, str] = {}
    nothing: list[Any] = []
    for whole in seen:
        for part in attempt("", lambda whole=whole: list(parts(whole.model)), nothing):  # type: ignore[misc]  # as above
            found.setdefault(id(part), whole.variable)
    return found


def _judged(one: _Seen, versions: _Versions) -> Estimator:
    known = [(k, id_) for k in one.known if (id_ := versions.of(k)) is not None]
    bare = Estimator(one.variable, one.kind, one.fitted, Standing.NEW, size=one.state.size if one.state else None)
    digest = one.state.digest if one.state is not None else ""
    holding = versions.holding(digest) if digest else []
    same = [id_ for k, id_ in known if digest and digest in k.states]
    if holding or same:
        best = next((i for i in same if i in holding), (holding or same)[0])
        equal = tuple(versions.ref(i) for i in holding if i != best)
        return replace(
            bare, standing=Standing.REGISTERED, ref=versions.ref(best), equal=equal, state=versions.trouble(best)
        )
    ref = versions.ref(known[-1][1]) if known else None
    if not digest:
        why = "it cannot be looked into" if one.state is not None else one.large
        return replace(bare, standing=Standing.UNKNOWN, ref=ref, why=why, size=None)
    if known and known[-1][0].states:
        return replace(bare, standing=Standing.CHANGED, ref=ref)
    if known or one.kind in versions.without:
        return replace(bare, standing=Standing.UNKNOWN, ref=ref, why="registered without what comparing needs")
    return bare


def _line(found: Estimator, model: Any, namespace: Mapping[str, Any], made: Made | None) -> str:
    """Return the line that registers an estimator, with the data that it was fitted on as far as that can be told."""
    if (found.standing is Standing.REGISTERED and not found.state) or (found.part_of and found.ref is None):
        return ""
    key = _ITEM.search(found.variable)
    name = found.ref.rpartition("/")[0] if found.ref else key["key"] if key else owner(found.variable)
    data = made.data if made is not None else None
    if data is None:
        data = attempt("", lambda: pair(model, namespace), ())
    name = name if _NAME.match(name) else "NAME"
    return " ".join(["%register", name, found.variable, *(["--data", *data] if data else [])])
