"""Compare-and-set: what the caller expects of a stage, checked under the writer lock, and who was quicker if it fails.

Expected is either a holder alone (a reference, or ``"none"``) or everything that was shown (``domain.shown``).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from nbregistry.domain.commits import Commit
from nbregistry.domain.entities import ModelVersion
from nbregistry.domain.lifecycle import Stage
from nbregistry.domain.shown import Shown
from nbregistry.errors import Conflict, InvalidInput, NotFound
from nbregistry.registry.core import Core
from nbregistry.storage.tiny import View
from nbregistry.types import Document

Expect = str | ModelVersion | Shown

NOBODY = "none"
"""What ``expect`` says to expect a vacant stage."""

_MOVED = {
    "promote": "promoted {target} to {stage}", "rollback": "rolled {stage} back to {target}",
    "delete": "put {target} into the trash", "restore": "took {target} out of the trash", "purge": "purged {target}",
    "rename": "renamed {target}", "repair": "repaired the registry",
}  # fmt: skip
"""The verbs that change what is shown, and how it is told."""
_REASON = 200  # characters of another's reason in an error


class Outdated(Exception):
    """What was shown is no longer so; it becomes a ``Conflict`` that says who was quicker."""

    def __init__(self, shown: Shown, now: Shown | None) -> None:
        self.shown, self.now = shown, now


def facts(view: View, id_: int, goal: Stage) -> Shown:
    """Return what there is to see of a move."""
    doc = view.versions[id_]
    held = holder(view, doc["name"], goal)
    return Shown(
        ref=doc["ref"], uid=doc["uid"], digest=doc.get("digest", ""), was=Stage(doc["stage"]), stage=goal,
        holder=None if held is None else view.versions[held]["ref"], seq=view.seq,
    )  # fmt: skip


def holder(view: View, name: str, goal: Stage) -> int | None:
    """Return the id of the version that holds a single-holder stage."""
    if not goal.single_holder:
        return None
    number = view.index.holder.get((name, goal.value))
    return None if number is None else view.index.numbers[name][number]


def expectation(core: Core, view: View, expect: Expect | None, goal: Stage) -> str | Shown | None:
    """Return what is expected: a reference, ``NOBODY``, everything shown, or None when the caller does not mind."""
    if isinstance(expect, Shown):
        if expect.stage is not goal:
            raise InvalidInput(f"expect= was shown for {expect.stage.value}, and {goal.value} is asked for.")
        return expect
    if expect is None:
        return None
    if isinstance(expect, str) and expect.casefold() in (NOBODY, "nobody", ""):
        return NOBODY
    try:
        return str(view.versions[core.locate(view, expect, trashed=True)]["ref"])
    except KeyError as error:
        raise InvalidInput(f"expect={expect!r}: {error}") from error


def check(expected: str | Shown | None, view: View, id_: int, goal: Stage, *, what: str) -> None:
    """Raise unless a move is what was expected; ``what`` is what is not done then."""
    if expected is None:
        return
    now = facts(view, id_, goal)
    if isinstance(expected, Shown):
        if now != expected:
            raise Outdated(expected, now)
        return
    held = holder(view, view.versions[id_]["name"], goal)
    found = None if held is None else str(view.versions[held]["ref"])
    if (found or NOBODY) == expected:
        return
    wanted = "nobody" if expected == NOBODY else expected
    raise Conflict(
        f"{what}: {wanted} was expected in {goal.value}, and {found or 'nobody'} is there now."
        f" Nothing was changed; look at {found or 'the model'} and decide again."
    )


@contextlib.contextmanager
def audited(
    core: Core, asked: str, target: str, *, what: str, expected: str | Shown | None, because: str | None, quiet: bool
) -> Iterator[Document]:
    """Have what is refused in this block recorded in the audit, and told with who was quicker.

    Parameters
    ----------
    quiet : bool
        Record nothing: nobody wanted anything changed.

    Yields
    ------
    dict
        Evidence to record with a refusal.
    """
    evidence: Document = {}
    try:
        try:
            yield evidence
        except Outdated as outdated:
            raise Conflict(_told(core, outdated.shown, outdated.now, what)) from None
        except NotFound as error:
            if not isinstance(expected, Shown) or quiet:
                raise
            raise Conflict(_told(core, expected, None, what)) from error
    except Conflict as error:
        if not quiet:
            core.refused(asked, target, error, evidence, because)
        raise


def _told(core: Core, expected: Shown, now: Shown | None, what: str) -> str:
    names = {expected.name, now.name if now else expected.name}
    who = meanwhile(core, names, expected.seq)
    said = "; ".join(expected.changes(now))
    return f"{what}: {said}.{f' {who}' if who else ''} Nothing was changed; look at it and decide again."


def meanwhile(core: Core, names: set[str], seq: int) -> str:
    """Return who moved a version of these models since a commit, what, when and why; empty when nobody did."""
    moves = [
        commit for commit in core.store.history()
        if commit.seq > seq and commit.action in _MOVED and commit.target.partition("/")[0] in names
    ]  # fmt: skip
    if not moves:
        return ""
    more = f" ({len(moves) - 1} more before that)" if len(moves) > 1 else ""
    return _sentence(moves[-1]) + more + "."


def _sentence(commit: Commit) -> str:
    done = _MOVED[commit.action].format(target=commit.target, stage=commit.after.get(commit.target, "a stage"))
    reason = " ".join(commit.reason.split())
    why = f': "{reason[:_REASON]}{"…" if len(reason) > _REASON else ""}"' if reason else ", without a reason"
    return f"{commit.actor.user} {done} at {commit.time[:19].replace('T', ' ')} UTC{why}"
