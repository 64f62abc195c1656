"""What somebody saw when they decided: a promotion or a rollback that expects it happens on these facts or not at all.

Between a look and a click anything may happen: another promotes, the version goes into the trash, the model is renamed
and its name taken by a new one. ``Registry.promote(..., dry_run=True)`` and ``Registry.rollback(..., dry_run=True)``
tell the facts as ``.shown``; given back as ``expect=`` they are compared again under the writer lock.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from nbregistry.domain.lifecycle import Stage
from nbregistry.types import Digest


@dataclass(frozen=True, slots=True)
class Shown:
    """A move of a version into a stage, as it would be at one moment.

    Attributes
    ----------
    ref : str
        The version that would move.
    uid : str
        Identity of its model, which a new model under the same name does not have.
    digest : str
        SHA-256 of its stored bytes.
    was, stage : Stage
        Where it is, and where it would go.
    holder : str or None
        Reference of the version that holds the stage; None for a vacant stage, and for one with many holders.
    seq : int
        The commit up to which this was known; two looks that saw the same are equal whenever they were.
    """

    ref: str
    uid: str
    digest: Digest
    was: Stage
    stage: Stage
    holder: str | None
    seq: int = field(default=-1, compare=False)

    @property
    def name(self) -> str:
        """The name of the model."""
        return self.ref.rpartition("/")[0]

    def changes(self, now: Shown | None) -> Iterator[str]:
        """Yield a sentence for each fact that is another now; ``now`` is None when the version is gone."""
        if now is None:
            yield f"{self.ref} can no longer be used"
            return
        if self.uid != now.uid:
            yield f"the model called {now.name!r} now is another one than the {self.name!r} that was shown"
            return
        if self.ref != now.ref:
            yield f"{self.ref} was shown, and it would be {now.ref} now"
            if self.name != now.name:  # so the holder has another name as well
                return
        elif self.digest != now.digest:
            yield f"the bytes of {self.ref} were {self.digest[:12] or 'none'}, and are {now.digest[:12] or 'none'} now"
        elif self.was is not now.was:
            yield f"{self.ref} was in {self.was.value}, and is in {now.was.value} now"
        if self.holder != now.holder:
            yield f"{self.holder or 'nobody'} was in {self.stage.value}, and {now.holder or 'nobody'} is there now"
