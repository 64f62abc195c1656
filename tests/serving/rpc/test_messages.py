"""The protocol's messages: numbers and types as its clients have them, in a pool that gets in nobody's way."""

from __future__ import annotations

from typing import Any

import pytest
from tritonclient.grpc import service_pb2 as theirs

from nbregistry.serving.rpc.messages import METHODS, messages

OURS = messages()
NAMES = sorted(name for name in vars(OURS) if vars(OURS)[name].DESCRIPTOR.full_name.startswith("inference."))


def found(full_name: str) -> Any:
    return theirs.DESCRIPTOR.pool.FindMessageTypeByName(full_name)


def told(message: Any) -> dict[str, tuple[Any, ...]]:
    return {
        f.name: (
            f.number,
            f.type,
            f.is_repeated,
            f.message_type.full_name if f.message_type else "",
            f.containing_oneof.name if f.containing_oneof else "",
            f.message_type.GetOptions().map_entry if f.message_type else False,
        )
        for f in message.fields
    }


@pytest.mark.parametrize("name", NAMES)
def test_fields_are_those_of_the_protocol(name: str) -> None:
    """Every message has exactly the fields, numbers and types of the same message in a public client."""
    ours = getattr(OURS, name).DESCRIPTOR
    assert told(found(ours.full_name)) == told(ours)


@pytest.mark.parametrize("name", NAMES)
def test_entries_of_maps_are_alike(name: str) -> None:
    """Keys and values of maps have the protocol's types, too."""
    for field in getattr(OURS, name).DESCRIPTOR.fields:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            assert told(found(field.message_type.full_name)) == told(field.message_type)


def test_methods_take_and_give_what_the_protocol_says() -> None:
    """Each method that is answered has the protocol's messages."""
    service = theirs.DESCRIPTOR.services_by_name["GRPCInferenceService"]
    expected = {m.name: (m.input_type.name, m.output_type.name) for m in service.methods if m.name in METHODS}
    assert expected == METHODS


def test_classes_are_apart_from_the_clients() -> None:
    """A client's generated classes of the same names are in the same process, and each reads the other's bytes."""
    ours, client = OURS.ModelInferRequest, theirs.ModelInferRequest
    assert ours.DESCRIPTOR is not client.DESCRIPTOR
    sent = client(model_name="m", raw_input_contents=[b"x"])
    sent.parameters["a"].double_param = 1.5
    read = ours.FromString(sent.SerializeToString())
    assert ("m", [b"x"], 1.5) == (read.model_name, list(read.raw_input_contents), read.parameters["a"].double_param)
