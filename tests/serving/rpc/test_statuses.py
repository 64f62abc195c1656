"""Errors in the words of gRPC: one code each, and never more than a client takes."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import grpc
import pytest

from nbregistry import errors
from nbregistry.errors import AlreadyExists, BadRows, Fault, Overloaded, RegistryError
from nbregistry.serving.boundary import Unforeseen
from nbregistry.serving.measures import Measures
from nbregistry.serving.options import Options
from nbregistry.serving.rpc.calls import Action, Call, Calls
from nbregistry.serving.rpc.messages import messages
from nbregistry.serving.rpc.statuses import CODES, NotOffered, told

KINDS = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, RegistryError)]


@pytest.mark.parametrize("kind", [*KINDS, Unforeseen, NotOffered], ids=lambda kind: kind.__name__)
def test_every_error_has_a_code(kind: type[RegistryError]) -> None:
    """Each status that an error carries has a code, with the number that the library gives it; 5xx is never a 4xx."""
    name, number = CODES[kind.status]
    assert number == grpc.StatusCode[name].value[0]
    ours = {"INTERNAL", "UNAVAILABLE", "UNIMPLEMENTED"}
    assert (kind.status >= 500) == (name in ours)


def test_a_name_that_is_taken_has_its_own_code() -> None:
    """What exists already is told as that."""
    assert "ALREADY_EXISTS" == told(AlreadyExists("It is there.")).code


@pytest.mark.parametrize("letter", ["a", "ü", "€", "\U0001f600", "\x00"])
def test_metadata_stay_below_what_clients_take(letter: str) -> None:
    """The longest faults in any alphabet, encoded as they travel, stay below 8 KiB; the first ones are told."""
    faults = [Fault(i, letter * 500, letter * 500, letter * 500) for i in range(20)]
    found = told(BadRows(letter * 10_000, faults))
    packed = dict(found.metadata)["grpc-status-details-bin"]
    assert isinstance(packed, bytes)
    # the sentence with three bytes for each one that is not ASCII, the details in base 64
    sentence = sum(1 if 32 <= byte < 127 else 3 for byte in found.text.encode())
    assert sentence + len(packed) * 4 / 3 + 200 < 8192
    status = messages().Status.FromString(packed)
    assert messages().BadRequest.FromString(status.details[0].value).field_violations[0].field.endswith(("...", "[0]"))


def test_when_to_come_again_is_told_in_every_way() -> None:
    """Seconds for people, milliseconds for the client's own retries, and the standard's detail."""
    found = dict(told(Overloaded("Full.", 1.5)).metadata)
    assert ("2", "1500") == (found["retry-after"], found["grpc-retry-pushback-ms"])
    packed = found["grpc-status-details-bin"]
    assert isinstance(packed, bytes)
    status = messages().Status.FromString(packed)
    pause = messages().RetryInfo.FromString(status.details[0].value).retry_delay
    assert (14, 1, 500_000_000) == (status.code, pause.seconds, pause.nanos)


@pytest.mark.parametrize(("late", "expected"), [(True, "timed out"), (False, "no message")])
def test_a_call_that_we_ended_is_no_empty_one(late: bool, expected: str) -> None:
    """A call that ends without a message ended because its client said nothing, or because we waited long enough."""

    async def asked() -> str:
        action = Action("open", lambda call, sent: sent)
        calls = Calls(grpc, {"/a/b": action}, options=Options(), measures=Measures(), concurrency=1)
        context = SimpleNamespace(invocation_metadata=tuple)
        call = Call(context, None, asyncio.get_running_loop())
        call.late = late
        try:
            calls._answer(action, call, iter(()))
        except RegistryError as error:
            return "timed out" if isinstance(error, errors.TimedOut) else str(error)
        finally:
            calls.close()
        return ""

    assert expected in asyncio.run(asked())
