"""What a registry should do, in plain dictionaries: the reference that random histories are held against."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from nbregistry.errors import AlreadyExists, Conflict, NotFound, Refused

NAMES = ("a", "b", "c")
HELD = ("Staging", "Production")


@dataclass
class Version:
    """What one version should be."""

    number: int
    stage: str = "None"
    aliases: set[str] = field(default_factory=set)
    tags: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    deleted: bool = False
    with_model: bool = False
    purged: bool = False

    @property
    def live(self) -> bool:
        return not (self.deleted or self.purged)


@dataclass
class Model:
    """What one model should be."""

    name: str
    versions: dict[int, Version] = field(default_factory=dict)
    held: dict[str, list[int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    deleted: bool = False

    def live(self) -> list[Version]:
        return [v for n, v in sorted(self.versions.items(), reverse=True) if v.live]

    def holder(self, stage: str) -> Version | None:
        return next((v for v in self.live() if v.stage == stage), None) if stage in HELD else None

    def left(self, stage: str, number: int) -> None:
        self.held[stage] = [number, *(n for n in self.held.get(stage, []) if n != number)]

    def move(self, version: Version, stage: str) -> None:
        holder = self.holder(stage)
        if holder is not None and holder is not version:
            holder.stage = "Archived"
            self.left(stage, holder.number)
        if version.stage in HELD and version.stage != stage:
            self.left(version.stage, version.number)
        version.stage = stage

    def revive(self, version: Version) -> None:
        version.deleted = version.with_model = False
        others = [v for v in self.live() if v is not version]
        if version.stage in HELD and any(v.stage == version.stage for v in others):
            version.stage = "Archived"
        version.aliases -= {alias for v in others for alias in v.aliases}


class Reference:
    """A registry in dictionaries: what each verb should do, or the error it should refuse with."""

    def __init__(self) -> None:
        self.names: dict[str, Model | str] = {}

    def model(self, name: str) -> Model:
        found = self.names.get(name)
        while isinstance(found, str):
            found = self.names[found]
        if found is None or found.deleted:
            raise NotFound
        return found

    def find(self, name: str, number: int, *, trashed: bool = False) -> tuple[Model, Version]:
        direct = self.names.get(name)
        model = direct if trashed and isinstance(direct, Model) else self.model(name)
        version = model.versions.get(number)
        if version is None or not (version.live or trashed):
            raise NotFound
        return model, version

    def targets(self) -> list[tuple[str, int]]:
        """Every version ever made, under its model's name and under those it had before."""
        found = []
        for name in sorted(self.names):
            model = self.names[name]
            while isinstance(model, str):
                model = self.names[model]
            found += [(name, number) for number in sorted(model.versions)]
        return found or [("a", 1)]

    def register(self, name: str) -> int:
        found = self.names.get(name)
        if isinstance(found, str):
            found = self.model(name)
        if found is None:
            found = self.names[name] = Model(name)
        if found.deleted:  # a new model, which only goes on counting
            found.deleted, found.held, found.notes = False, {}, []
        number = len(found.versions) + 1
        found.versions[number] = Version(number)
        return number

    def promote(self, name: str, number: int, stage: str, expect: str | None) -> None:
        model, version = self.find(name, number)
        holder = model.holder(stage)
        if expect is not None and expect != (f"{model.name}/{holder.number}" if holder else "none"):
            raise Conflict
        model.move(version, stage)

    def rollback(self, name: str, stage: str) -> None:
        model = self.model(name)
        now = model.holder(stage)
        for number in model.held.get(stage, []):
            version = model.versions[number]
            if version.live and version is not now:
                kept = [n for n in model.held[stage] if n != number]
                model.move(version, stage)
                model.held[stage] = kept
                return
        raise Refused

    def alias(self, name: str, number: int, alias: str) -> None:
        model, version = self.find(name, number)
        for other in model.live():
            other.aliases.discard(alias)
        version.aliases.add(alias)

    def delete(self, name: str, number: int | None) -> None:
        model, one = (self.model(name), None) if number is None else self.find(name, number)
        doomed = [one] if one else model.live()
        if any(v.stage == "Production" for v in doomed):
            raise Refused
        for version in doomed:
            version.deleted, version.with_model = True, one is None
        model.deleted = model.deleted or one is None

    def restore(self, name: str, number: int | None) -> None:
        if number is not None:
            model, version = self.find(name, number, trashed=True)
            if not version.deleted:
                raise NotFound
            if version.purged:
                raise Refused
            model.revive(version)
            model.deleted = False
            return
        found = self.names.get(name)
        while isinstance(found, str):
            found = self.names[found]
        if found is None or not found.deleted:
            raise NotFound
        found.deleted = False
        for version in sorted(found.versions.values(), key=lambda v: -v.number):
            if version.with_model and not version.purged:
                found.revive(version)

    def purge(self, name: str, number: int) -> None:
        _, version = self.find(name, number, trashed=True)
        if not version.deleted or version.purged:
            raise Refused
        version.purged = True

    def rename(self, name: str, new: str) -> None:
        model = self.model(name)
        taken = self.names.get(new)
        if taken is model or isinstance(taken, Model) or (isinstance(taken, str) and self._end(taken) is not model):
            raise AlreadyExists
        self.names[model.name], self.names[new] = new, model
        model.name = new

    def _end(self, name: str) -> Model:
        found = self.names[name]
        return found if isinstance(found, Model) else self._end(found)

    def observed(self) -> dict[str, Any]:
        """Tell everything that ``observed`` asks of a registry."""
        found: dict[str, Any] = {}
        for name in NAMES:
            direct = self.names.get(name)
            try:
                model = self.model(name)
            except NotFound:
                hidden = direct.versions.values() if isinstance(direct, Model) else ()
                found[name] = sorted(((v.number, v.deleted) for v in hidden if not v.purged), reverse=True)
                continue
            live = model.live()
            found[name] = (
                model.name, live[0].number if live else None, len(model.versions), model.notes,
                {s: v.number for s in HELD if (v := model.holder(s))},
                {alias: v.number for v in live for alias in v.aliases},
                [(v.number, v.stage, sorted(v.aliases), v.tags, v.notes) for v in live],
                sorted(((v.number, v.deleted) for v in model.versions.values() if not v.purged), reverse=True),
            )  # fmt: skip
        return found
