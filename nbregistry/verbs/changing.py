"""Verbs that change something; each returns the registry's own answer, with its receipt."""

from __future__ import annotations

from nbregistry.domain.entities import ModelVersion, RegisteredModel
from nbregistry.domain.refs import Ref
from nbregistry.errors import InvalidInput
from nbregistry.verbs.asking import Ask
from nbregistry.verbs.grammar import Values
from nbregistry.verbs.pairs import scalars


def annotate(ask: Ask, values: Values) -> object:
    """Write a note, or show the notes there are."""
    if values["text"] is None:
        return ask.registry.annotations(values["ref"])
    if values["edit"] is not None:
        return ask.registry.amend(values["edit"], values["text"])
    return ask.registry.annotate(values["ref"], values["text"], kind=values["kind"], reply_to=values["reply_to"])


def promote(ask: Ask, values: Values) -> object:
    """Move a version to a stage."""
    return ask.registry.promote(
        values["ref"], values["stage"], because=values["because"], expect=values["expect"],
        dry_run=values["dry_run"],
    )  # fmt: skip


def rollback(ask: Ask, values: Values) -> object:
    """Put the previous holder back."""
    return ask.registry.rollback(
        values["name"], values["stage"], because=values["because"], expect=values["expect"], dry_run=values["dry_run"]
    )


def tag(ask: Ask, values: Values) -> object:
    """Set and remove tags, or show them."""
    ref, names = values["ref"], [word.text for word in values["remove"]]
    if values["tags"]:
        answer = ask.registry.tag(ref, scalars(values["tags"], ask.namespace, what="tag"))
        return ask.registry.untag(ref, *names) if names else answer
    return ask.registry.untag(ref, *names) if names else _subject(ask, ref)


def describe(ask: Ask, values: Values) -> object:
    """Set the description, or show it."""
    if values["text"] is None:
        return _subject(ask, values["ref"])
    return ask.registry.describe(values["ref"], values["text"])


def alias(ask: Ask, values: Values) -> object:
    """Point an alias to a version."""
    return ask.registry.alias(values["ref"], values["alias"], because=values["because"], expect=values["expect"])


def unalias(ask: Ask, values: Values) -> object:
    """Take an alias away."""
    return ask.registry.unalias(values["name"], values["alias"], because=values["because"])


def rename(ask: Ask, values: Values) -> object:
    """Rename a model."""
    return ask.registry.rename(values["name"], values["new"], because=values["because"])


def delete(ask: Ask, values: Values) -> object:
    """Put in the trash."""
    return ask.registry.delete(values["ref"], because=values["because"])


def restore(ask: Ask, values: Values) -> object:
    """Take out of the trash."""
    return ask.registry.restore(values["ref"])


def purge(ask: Ask, values: Values) -> object:
    """Destroy what is in the trash, once it is certain that this is meant."""
    ref = values["ref"]
    if not values["yes"] and not (ask.confirm and ask.confirm(f"Destroy the files of {ref} for good?")):
        raise InvalidInput(f"Purging {ref} cannot be undone: add --yes if you mean it. Nothing was changed.")
    return ask.registry.purge(ref, because=values["because"])


def _subject(ask: Ask, text: str) -> ModelVersion | RegisteredModel:
    """Return what a reference means where both a model and a version can be meant: a bare name is the model."""
    ref = Ref.parse(text)
    return ask.registry.model(text) if ref == Ref(ref.name) else ask.registry.version(text)
