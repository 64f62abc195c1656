"""What a request asks for, whichever protocol it came in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from nbregistry.errors import BadRows, InvalidInput, did_you_mean
from nbregistry.serving.node import Batch, Step
from nbregistry.serving.table import Table

_NOTHING: Mapping[str, Any] = MappingProxyType({})
LONGEST_ID = 128
"""Characters of a request id or of a key."""

Answered = tuple[bytes, str, Mapping[str, str]]
"""Body, content type and the headers that the protocol adds."""


@dataclass(slots=True)
class Asked:
    """A decoded request.

    Attributes
    ----------
    table : Table
        At least one row.
    method : str
        Empty: what the protocol prefers, if the model has it, else the model's default.
    prefers : str
        Method that the protocol answers with when none is named.
    params : mapping
        As the client sent them.
    id : str
        The client's own; empty: the server gives one.
    key : str
        What sticks to its arm in a split.
    explain : bool
        Whether the client wants to see the way of its request.
    form : object
        What the codec needs to answer in the form that was asked.
    """

    table: Table
    method: str = ""
    prefers: str = ""
    params: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    id: str = ""
    key: str = ""
    explain: bool = False
    form: Any = None

    def __post_init__(self) -> None:
        if not self.table.rows:
            raise BadRows("The request has no rows: send at least one.")

    def question(self, methods: Sequence[str], id: str) -> Batch:
        """Return the batch to ask a node with.

        Parameters
        ----------
        methods : sequence of str
            What the endpoint can be asked, the default first.
        id : str
            Used where the client sent none.

        Raises
        ------
        InvalidInput
            The endpoint does not have the method.
        """
        if self.method:
            if self.method not in methods:
                told = ", ".join(methods) or "nothing"
                hint = did_you_mean(self.method[:64], methods)
                raise InvalidInput(f"The model has no method {self.method[:64]!r}: ask for {told}{hint or '.'}")
            method = self.method
        else:
            method = self.prefers if self.prefers in methods else methods[0] if methods else "predict"
        steps: list[Step] | None = [] if self.explain else None
        return Batch(self.table, method, self.id or id, self.key, self.params, steps=steps)


def text_field(found: Mapping[str, Any], name: str) -> str:
    """Return an optional short text of a request; a number becomes its text.

    Raises
    ------
    InvalidInput
        Anything else, or longer than 128 characters, or with characters that no header can carry.
    """
    value = found.get(name)
    if value is None:
        return ""
    if type(value) is int:
        value = str(value)
    if type(value) is not str or len(value) > LONGEST_ID or not value.isprintable():
        raise InvalidInput(f"{name!r} must be a text of at most {LONGEST_ID} printable characters.")
    return value


def params_field(found: Mapping[str, Any], name: str = "params") -> Mapping[str, Any]:
    """Return optional parameters, which are an object.

    Raises
    ------
    InvalidInput
        Anything else.
    """
    value = found.get(name)
    if value is None:
        return _NOTHING
    if type(value) is not dict:
        raise InvalidInput(f"{name!r} must be an object, as in {{{name!r}: {{}}}}.")
    return value
