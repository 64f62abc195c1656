"""``Registry``: the one object a user holds. Each verb checks its rules in a module of its own and is one line here."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from importlib import import_module
from types import TracebackType
from typing import Any, Self

from nbregistry.config import Settings
from nbregistry.domain.commits import Receipt
from nbregistry.domain.comparison import Comparison
from nbregistry.domain.entities import Annotation, ModelVersion, Promotion, RegisteredModel, Report
from nbregistry.domain.gates import Gate
from nbregistry.domain.lifecycle import Kind, Stage
from nbregistry.domain.refs import Ref
from nbregistry.domain.results import Annotations, Card, Events, Models, Versions
from nbregistry.domain.tenure import Tenures
from nbregistry.registry import changing, checking, comparing, keeping, labelling, loading, reading, registering
from nbregistry.registry.core import Core, Done, Target
from nbregistry.registry.expecting import Expect
from nbregistry.registry.registering import Request
from nbregistry.registry.tenures import tenures as who_held


class Registry:
    """A model registry.

    Cheap to make, safe to share between threads and to use after a fork; nothing is written before the first change.

    Parameters
    ----------
    uri : str or path, optional
        A folder. Without it: ``NBREGISTRY_URI``, ``[tool.nbregistry] uri`` in the nearest ``pyproject.toml``, the
        nearest ``.nbregistry/`` upward, or ``./.nbregistry/``, which the first change makes.
    user : str, optional
        Who acts; the one the environment tells by default.
    read_only : bool
        Refuse every change.
    gates : iterable of Gate
        What a promotion to Staging or Production must pass, beside being ready.

    Examples
    --------
    >>> r = Registry("models")                                          # doctest: +SKIP
    >>> v = r.register(model, "churn", X=X_train, metrics={"auc": 0.93})  # doctest: +SKIP
    >>> r.promote(v, "Production", because="first model")               # doctest: +SKIP
    """

    def __init__(
        self,
        uri: str | os.PathLike[str] | None = None,
        *,
        user: str | None = None,
        read_only: bool = False,
        gates: Iterable[Gate] = (),
        _core: Core | None = None,
    ) -> None:
        settings = _core.settings if _core else Settings.resolve(uri)
        self._core = _core or Core(replace(settings, user=user) if user else settings, read_only=read_only)
        self._core.gates = list(gates)

    @property
    def settings(self) -> Settings:
        """Where the registry is, what decided it, and who acts."""
        return self._core.settings

    @property
    def core(self) -> Core:
        """What the verbs stand on; for the rooms built on top, not for users."""
        return self._core

    @property
    def tables(self) -> Mapping[str, Any]:
        """TinyDB's tables (``models versions annotations keys``), to be read with TinyDB's own queries."""
        return self._core.view().tables

    # -- registering and loading

    def register(
        self,
        model: object,
        name: str,
        *,
        X: Any = None,
        y: Any = None,
        metrics: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, Any] | None = None,
        note: str | None = None,
        stage: str | Stage | None = None,
        alias: str | None = None,
        format: str | None = None,
        key: str | None = None,
    ) -> ModelVersion:
        """Store a fitted model as the next version of a name, with everything that can be captured around it.

        Parameters
        ----------
        X, y : array-like or data frame, optional
            Training data, (rows, columns) and (rows,): gives signature, data profile and an input example. Not stored.
        metrics : mapping of str to number
            Any finite or non-finite floats.
        params, tags : mapping
            Beside the estimator's own parameters; text, numbers, true/false or None.
        note : str
            Why this version exists.
        stage, alias : str
            Given to the version at once, as ``promote`` and ``alias`` do.
        format : str
            How the model is written; the flavor's default (cloudpickle for most) unless told.
        key : str
            Idempotency key: a repeat with the same key gives the version that the first call made.

        Raises
        ------
        nbregistry.errors.InvalidInput
            The model, or anything told of it, cannot be meant; nothing was changed.
        nbregistry.errors.StoreUnavailable
            The store cannot be written.

        Notes
        -----
        A version whose bytes do not load, or predict differently on the example, is kept with status ``FAILED``.
        """
        request = Request(model, name, X, y, metrics, params, tags, note, stage, alias, format, key)
        return registering.register(self._core, request)[0]

    def register_card(self, model: object, name: str, **options: Any) -> Card:
        """Register as ``register`` does, and return the version beside its predecessor with what there is to know."""
        version, notices = registering.register(self._core, Request(model, name, **options))
        return self.card(version, notices=notices)

    def card(self, target: Target, *, notices: Sequence[str] = ()) -> Card:
        """Return a version beside the one before it."""
        version = target if isinstance(target, ModelVersion) else self.version(target)
        view = self._core.view()
        earlier = [n for n in view.index.ready[version.name] if n < version.number]
        before = self.version(f"{version.name}/{earlier[-1]}") if earlier else None
        return Card(version, before, tuple(dict.fromkeys((*notices, *self.notices()))))

    def load(self, target: Target, *, trusted: Collection[str] = ()) -> Any:
        """Return the model, after its bytes matched their SHA-256 and its signer was found trusted.

        Parameters
        ----------
        trusted : collection of str
            Types that a safe format may hold beyond those its library knows to be harmless.

        Raises
        ------
        nbregistry.errors.Damaged
            The stored bytes are not those that were registered; nothing was loaded.
        nbregistry.errors.Untrusted
            It is a pickle, or holds unknown types, and its signer is not on your list.
        """
        return loading.remembered(self._core, target, trusted=trusted)

    # -- asking

    def version(self, target: Target) -> ModelVersion:
        """Return one version: ``churn/3``, ``churn/production``, ``churn@champion``, or ``churn`` (newest ready)."""
        view = self._core.view()
        return self._core.version(view, self._core.locate(view, target))

    def versions(self, name: str, *, deleted: bool = False) -> Versions:
        """Return the versions of a model, newest first; ``deleted`` adds those in the trash."""
        with self._core.steady() as view:
            return reading.versions(self._core, view, name, deleted=deleted)

    def model(self, name: str) -> RegisteredModel:
        """Return one model."""
        with self._core.steady() as view:
            return reading.model(self._core, view, name)

    def models(self) -> Models:
        """Return every model, by name."""
        with self._core.steady() as view:
            return reading.models(view)

    def search(
        self, filter: str = "", *, order_by: str | Sequence[str] | None = None, limit: int | None = 50,
        cursor: str | None = None,
    ) -> Versions:  # fmt: skip
        """Return the versions that a filter matches, newest first unless told.

        Parameters
        ----------
        filter : str
            Such as ``"metrics.auc > 0.9 AND stage = 'Production'"``; MLflow's filters are understood; blank is all.
        order_by : str or sequence of str
            Such as ``"metrics.auc DESC, name"``.
        limit : int or None
            Versions on a page; None for all.
        cursor : str
            ``.cursor`` of the page before; what is registered meanwhile shifts nothing.
        """
        with self._core.steady() as view:
            return reading.find(self._core, view, filter, order_by=order_by, limit=limit, cursor=cursor)

    def compare(self, *targets: Target, X: Any = None, y: Any = None, only_differences: bool = True) -> Comparison:
        """Return two to five versions side by side; with ``X`` (and ``y``) also what they predict on it."""
        return comparing.compare(self._core, targets, X=X, y=y, only_differences=only_differences)

    def audit(self, target: Target | None = None, *, limit: int | None = None) -> Events:
        """Return what happened to a model, to one version, or to all, oldest first; ``limit`` keeps the newest."""
        return reading.audit(self._core, self._core.view(), target, limit=limit)

    def tenures(self, name: str | None = None, stage: str | Stage = Stage.PRODUCTION) -> Tenures:
        """Return who held a stage from when until when, who decided and why, of one model or of all; newest first.

        ``[t for t in r.tenures("churn") if t.at(moment)]`` is who was in production then; ``.current`` is who is now.
        """
        with self._core.steady() as view:
            return who_held(self._core, view, name, stage)

    def annotations(self, target: Target) -> Annotations:
        """Return the notes on a version, or on a model for a bare name, oldest first."""
        with self._core.steady() as view:
            return reading.thread(self._core, view, target)

    def as_of(self, when: str | datetime) -> Registry:
        """Return the registry as it was: read-only, every question answered as it would have been then.

        Parameters
        ----------
        when : str or datetime
            ``2026-03-03`` (the end of that day), ``2026-11-01T12:00Z``, ``yesterday``, ``7d``; else local time.
        """
        moment = reading.instant(when)
        self._core.view()
        view = self._core.store.at_time(moment)
        core = Core(self.settings, read_only=True, frozen=view)
        core.remembered, core.asked, core.chronicle = self._core.remembered, moment, self._core.chronicle
        return Registry(_core=core)

    def verify(self, receipt: Receipt | str | None = None, *, blobs: bool = True) -> Report:
        """Check chain, seals, checkpoint, signatures and every artifact; changes nothing.

        Parameters
        ----------
        receipt : Receipt or str
            One that a change returned: the history must still hold that very commit.
        """
        return checking.verify(self._core, receipt, blobs=blobs)

    def notices(self) -> tuple[str, ...]:
        """Return what the store has to say, such as an unfinished write that was put aside, and forget it."""
        said, self._core.store.notices[:] = tuple(self._core.store.notices), []
        return said

    # -- changing

    def promote(
        self, target: Target, stage: str | Stage, *, because: str | None = None,
        expect: Expect | None = None, dry_run: bool = False, key: str | None = None,
    ) -> Promotion:  # fmt: skip
        """Move a version into a stage; who holds Staging or Production is archived in the same commit.

        Parameters
        ----------
        because : str
            Why; kept in the audit.
        expect : str, ModelVersion or Shown
            Who is expected to hold the stage now (``"none"`` for nobody), or ``.shown`` of a dry run, which stands for
            all that it told: the promotion is refused if it is otherwise.
        dry_run : bool
            Ask the gates and say what would happen, and change nothing.

        Raises
        ------
        nbregistry.errors.Conflict
            Another holds the stage than expected; ``Refused`` when a gate said no. The audit keeps the refusal.
        """
        return changing.promote(
            self._core, target, stage, because=because, expect=expect, dry_run=dry_run, gates=self._core.gates, key=key
        )

    def rollback(
        self, name: str, stage: str | Stage = Stage.PRODUCTION, *, because: str | None = None,
        expect: Expect | None = None, dry_run: bool = False, key: str | None = None,
    ) -> Promotion:  # fmt: skip
        """Put the previous holder of a stage back, in one commit; again, and it is the one before.

        ``expect`` and ``dry_run`` are those of ``promote``. Only gates marked ``always`` are asked.
        """
        return changing.rollback(
            self._core, name, stage, because=because, expect=expect, dry_run=dry_run, gates=self._core.gates, key=key
        )

    def alias(
        self, target: Target, alias: str, *, because: str | None = None, expect: str | None = None,
        key: str | None = None,
    ) -> ModelVersion:  # fmt: skip
        """Point an alias at a version; ``expect`` is the reference it must point at now."""
        return self._changed(labelling.alias(self._core, target, alias, because=because, expect=expect, key=key))

    def unalias(self, name: str, alias: str, *, because: str | None = None) -> ModelVersion:
        """Remove an alias; returns the version that had it."""
        return self._changed(labelling.unalias(self._core, name, alias, because=because))

    def tag(
        self, target: Target, tags: Mapping[str, Any] | None = None, /, **more: Any
    ) -> ModelVersion | RegisteredModel:
        """Set tags of a version, or of the model for a bare name; values keep their type."""
        return self._told(labelling.tag(self._core, target, {**(tags or {}), **more}))

    def untag(self, target: Target, *names: str) -> ModelVersion | RegisteredModel:
        """Remove tags."""
        return self._told(labelling.untag(self._core, target, names))

    def describe(self, target: Target, markdown: str) -> ModelVersion | RegisteredModel:
        """Replace the description of a model, or of one version."""
        return self._told(labelling.describe(self._core, target, markdown))

    def annotate(
        self, target: Target, text: str, *, kind: str | Kind = Kind.NOTE, reply_to: int | None = None,
        key: str | None = None,
    ) -> Annotation:  # fmt: skip
        """Add a note (note, warning, decision, incident) to a version, or to the model for a bare name."""
        done, id_ = labelling.annotate(self._core, target, text, kind=kind, reply_to=reply_to, key=key)
        return replace(reading.annotation(self._core.view(), id_), receipt=done.receipt)

    def amend(self, annotation: int | Annotation, text: str) -> Annotation:
        """Replace the text of your own annotation; the earlier one is kept with it."""
        id_ = annotation if isinstance(annotation, int) else annotation.id
        done = labelling.amend(self._core, id_, text)
        return replace(reading.annotation(self._core.view(), id_), receipt=done.receipt)

    def rename(self, name: str, new: str, *, because: str | None = None) -> RegisteredModel:
        """Give a model another name; the old one goes on leading to it."""
        keeping.rename(self._core, name, new, because=because)
        return self.model(new)

    def delete(self, target: Target, *, because: str | None = None) -> Receipt:
        """Put a version, or a model for a bare name, into the trash; what is in Production is refused."""
        return keeping.delete(self._core, target, because=because).receipt

    def restore(self, target: Target) -> ModelVersion | RegisteredModel:
        """Take a version or a model out of the trash."""
        return self._told(keeping.restore(self._core, target))

    def purge(self, target: Target, *, because: str) -> Receipt:
        """Destroy the content of a trashed version for good; a tombstone keeps its number and digest."""
        return keeping.purge(self._core, target, because=because).receipt

    def serve(
        self, *targets: Any, port: int = 0, workers: int = 1, token: str | None = None, detach: bool = False,
        **options: Any,
    ) -> Any:  # fmt: skip
        """Serve versions, or a graph of them, over HTTP from a process of its own; returns its handle, a ``Server``.

        Parameters
        ----------
        port : int
            0 is any that is free; that of a server of yours adds to what it serves.
        token : str
            Who asks must send it; ``auto`` makes one.
        detach : bool
            Go on when this process ends.
        **options
            The other fields of ``nbregistry.serving.starting.Wish``: ``host compile batch timeout memory wait`` ...
        """
        room = import_module("nbregistry.serving.starting")  # above this room: found when asked for, never imported
        wish = room.Wish(port=port, workers=workers, token=token, detach=detach, **options)
        return room.serve(self, targets, wish)

    def add_gate(self, gate: Gate) -> None:
        """Have promotions through this handle pass one more gate."""
        self._core.gates.append(gate)

    def _changed(self, done: Done) -> ModelVersion:
        view = self._core.view()
        return self._core.version(view, self._core.locate(view, done.target, trashed=True), done.receipt)

    def _told(self, done: Done) -> ModelVersion | RegisteredModel:
        return self.model(done.target) if Ref.parse(done.target).number is None else self._changed(done)

    # -- the handle itself

    def close(self) -> None:
        """Write what is due and let go of the files."""
        self._core.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        frozen = self._core.frozen
        past = f", as of {frozen.time}" if frozen is not None else ""
        return f"Registry({str(self._core.store.folder)!r}{past})"
