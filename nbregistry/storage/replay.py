"""The whole history folded once more, each commit held against the rules that no commit may break."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import zip_longest

from nbregistry.domain.commits import Commit
from nbregistry.domain.entities import Finding
from nbregistry.domain.lifecycle import Stage
from nbregistry.errors import Damaged
from nbregistry.storage.index import PURGED, TRASHED, Entry
from nbregistry.storage.tiny import View

Claim = tuple[str, str]

_HELD = frozenset(s.value for s in Stage if s.single_holder)
_SHOWN = 5
MENDED = "repair"
"""The action of the commit by which a repair takes over what stood behind the damage."""


class Replay:
    """Folds commits in order.

    Attributes
    ----------
    view : View
        What they give.
    findings : list of Finding
        The rules that they broke.
    hashes : list of str
        Of every commit, by its seq.
    """

    def __init__(self) -> None:
        self.view = View()
        self.findings: list[Finding] = []
        self.hashes: list[str] = []
        self._last: dict[str, int] = {}
        self._claims: dict[Claim, set[int]] = defaultdict(set)

    def add(self, commit: Commit) -> None:
        """Fold one commit.

        Raises
        ------
        Damaged
            It cannot be folded.
        """
        entries = self.view.index.entries["versions"]
        before = {id_: entries.get(id_) for id_ in commit.put.get("versions", {})}
        faults = [*self._against_time(commit), *self._against_content(commit), *self._against_keys(commit)]
        try:
            self.view.apply(commit)
        except Damaged as error:
            self.findings.append(Finding(_where(commit), f"it does not fit what is before it: {error}"))
            raise
        self.hashes.append(commit.hash)
        for id_, old in before.items():
            faults += self._against_numbers(
                id_, old, self.view.index.entries["versions"][id_], mended=commit.action == MENDED
            )
        faults += self._against_claims(before)
        self.findings += [Finding(_where(commit), what) for what in faults]

    def _against_time(self, commit: Commit) -> Iterator[str]:
        if commit.time < self.view.time:
            yield f"its time {commit.time} is before that of the commit before it"

    def _against_content(self, commit: Commit) -> Iterator[str]:
        """What a version is made of never changes."""
        for id_, doc in commit.put.get("versions", {}).items():
            old = self.view.versions.get(id_, {})
            for name in ("digest", "number", "uid"):
                if name in old and old[name] != doc.get(name):
                    yield f"{old['ref']} changed its {name} from {old[name]} to {doc.get(name)}"

    def _against_keys(self, commit: Commit) -> Iterator[str]:
        """An idempotency key stands for one change."""
        for id_, doc in commit.put.get("keys", {}).items():
            if self.view.index.key.get(doc.get("key", ""), id_) != id_:
                yield f"the key {doc['key']!r} was used before"

    def _against_numbers(self, id_: int, old: Entry | None, new: Entry, *, mended: bool) -> Iterator[str]:
        """Versions of a name are numbered 1, 2, 3 ..., never again and none left out, save for what damage took."""
        name, number, *_ = new
        last = self._last.get(name, 0)
        if old is None and (number <= last if mended else number != last + 1):
            yield f"{name}/{number} does not follow {f'{name}/{last}' if last else 'nothing'}"
        if self.view.index.numbers[name].get(number) != id_:
            yield f"{name}/{number} is there twice"
        self._last[name] = max(last, number)

    def _against_claims(self, before: dict[int, Entry | None]) -> Iterator[str]:
        """A single-holder stage and an alias belong to one version of a model at a time."""
        touched: set[Claim] = set()
        for id_, old in before.items():
            for claim in claims(old):
                self._claims[claim].discard(id_)
            for claim in claims(self.view.index.entries["versions"][id_]):
                self._claims[claim].add(id_)
                touched.add(claim)
        for claim in sorted(touched):
            if len(self._claims[claim]) > 1:
                holders = " and ".join(self.view.versions[id_]["ref"] for id_ in sorted(self._claims[claim]))
                yield f"{holders} hold {claim[1]} at once"


def claims(entry: Entry | None) -> list[Claim]:
    """Return what a version's entry holds that no other version of its name may: a stage, and ``@`` each alias."""
    if entry is None or entry[4] in (TRASHED, PURGED):
        return []
    name, _, stage, aliases, _ = entry
    return [(name, f"@{alias}") for alias in aliases] + ([(name, stage)] if stage in _HELD else [])


def _where(commit: Commit) -> str:
    return f"journal commit {commit.seq}"


def differences(one: View, other: View) -> list[str]:
    """Return the first few places where two views are not the same; nothing when they are."""
    found = []
    for table in one.tables:
        for left, right in zip_longest(one.tables[table].shelf.items(), other.tables[table].shelf.items()):
            if left != right:
                id_, doc = left or right
                found.append(f"{table} {id_} ({doc.get('ref') or doc.get('name') or doc.get('key') or 'no name'})")
                if len(found) == _SHOWN:
                    return found
    ours, theirs = one.index.state(), other.index.state()
    return found or [f"the index of {name}" for name in ours if ours[name] != theirs[name]]
