"""Predictions over gRPC: public clients get what they would get over REST, and no bytes make the server fail."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import orjson
import pytest
from google.rpc import status_pb2
from google.rpc.error_details_pb2 import BadRequest, RetryInfo
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tritonclient.grpc import InferenceServerClient, InferInput, InferRequestedOutput, aio, service_pb2
from tritonclient.utils import InferenceServerException

from nbregistry.domain.signature import Column, Signature
from nbregistry.errors import Damaged, ModelFailed, RegistryError
from nbregistry.serving.codec import inference as rest
from nbregistry.serving.intake import Intake
from nbregistry.serving.node import Batch
from nbregistry.serving.options import Options, hash_of
from nbregistry.serving.rpc.inference import LISTS
from nbregistry.serving.rpc.messages import METHODS, messages
from nbregistry.serving.table import Shape
from tests.serving.rpc.answering import MIXED, NUMBERS, Answers, Listening, listening

KINDS = messages()


def described(batch: Batch) -> Any:
    """Answer with the rows as they reached the model."""
    columns = batch.table.values if batch.table.shape is Shape.COLUMNS else batch.table.values.T.tolist()
    return np.array([repr(row) for row in zip(*columns, strict=True)], dtype=object)


def halves(batch: Batch) -> Any:
    if batch.method == "predict_proba":
        return np.full((batch.table.rows, 2), 0.5, np.float32)
    return np.asarray(batch.table.values, dtype=float).sum(axis=1)


def broken(batch: Batch) -> Any:
    raise ModelFailed("The model failed on these rows: it is broken.")


def unforeseen(batch: Batch) -> Any:
    raise ZeroDivisionError("sec" + "ret")  # where it happened is logged with its line


def damaged(batch: Batch) -> Any:
    raise Damaged("/home/somebody/blobs/secret does not match")


@pytest.fixture(scope="module")
def served() -> Iterator[Listening]:
    endpoints = [
        Answers("numbers", NUMBERS, halves),
        Answers("mixed", MIXED, described),
        Answers("broken", NUMBERS, broken),
        Answers("unforeseen", NUMBERS, unforeseen),
        Answers("damaged", NUMBERS, damaged),
    ]
    with listening(*endpoints, options=Options(rows_limit=1000)) as found:
        yield found


@pytest.fixture(scope="module")
def client(served: Listening) -> Iterator[InferenceServerClient]:
    with InferenceServerClient(served.address) as found:
        yield found


def tensor(name: str, values: Any, datatype: str) -> InferInput:
    found = InferInput(name, list(values.shape), datatype)
    found.set_data_from_numpy(values)
    return found


ROWS = np.arange(12, dtype=np.float64).reshape(4, 3)
FRAME = {
    "plan": (np.array([b"free", b"paid"], object), "BYTES"),
    "age": (np.array([3, 40]), "INT64"),
    "rate": (np.array([0.5, np.nan]), "FP64"),
    "city": (np.array(["Zürich".encode(), b"Bern"], object), "BYTES"),
}


def frame(**changes: Any) -> list[InferInput]:
    return [tensor(name, *given) for name, given in {**FRAME, **changes}.items()]


def test_client_predicts_with_numbers(client: InferenceServerClient) -> None:
    """A public client sends rows and reads predictions, the version and its own id."""
    found = client.infer("numbers", [tensor("x", ROWS, "FP64")], request_id="mine")
    assert ROWS.sum(axis=1).tolist() == found.as_numpy("predict").tolist()
    response = found.get_response()
    assert ("numbers", "3", "mine") == (response.model_name, response.model_version, response.id)
    assert "numbers/3" == response.parameters["version"].string_param


def test_client_asks_for_a_method(client: InferenceServerClient) -> None:
    """An output that is named after a method asks for it, in the type that the model gives."""
    found = client.infer("numbers", [tensor("x", ROWS, "FP64")], outputs=[InferRequestedOutput("predict_proba")])
    assert np.full((4, 2), 0.5, np.float32).tolist() == found.as_numpy("predict_proba").tolist()
    assert np.float32 == found.as_numpy("predict_proba").dtype


def test_client_predicts_with_a_frame(client: InferenceServerClient) -> None:
    """One tensor a column, in any order, texts among them, reaches the model as the rows of its signature."""
    found = client.infer("mixed", frame())
    assert [b"(3, 'Z\xc3\xbcrich', 0.5, 'free')", b"(40, 'Bern', None, 'paid')"] == [
        text.replace(b"nan", b"None") for text in found.as_numpy("predict").tolist()
    ]


def test_client_of_asyncio(served: Listening) -> None:
    """The asyncio client works as the other does, many at once."""

    async def ask() -> list[float]:
        async with aio.InferenceServerClient(served.address) as client:
            assert await client.is_model_ready("numbers")
            one = [client.infer("numbers", [tensor("x", np.full((1, 3), float(i)), "FP64")]) for i in range(50)]
            return [float(found.as_numpy("predict")[0]) for found in await asyncio.gather(*one)]

    assert [3.0 * i for i in range(50)] == asyncio.run(ask())


def test_rows_are_read_by_who_answers() -> None:
    """Rows that were read by one version's signature and meet another's are read again, not taken for its own."""
    first, second = (Signature(tuple(Column(name, "float64") for name in names), (), "frame") for names in ("ab", "ba"))
    one = Answers("m", first, lambda batch: np.asarray(batch.table.values)[:, 0])
    before, after = one.intake, Intake(second)
    looks = iter([before])

    class Swapped(Answers):
        intake = property(lambda self: next(looks, after), lambda self, value: None)  # exchanged after the first look

    with listening(Swapped("m", first, one.run)) as found, InferenceServerClient(found.address) as client:
        inputs = [tensor("a", np.array([1.0]), "FP64"), tensor("b", np.array([2.0]), "FP64")]
        assert [2.0] == client.infer("m", inputs).as_numpy("predict").tolist()


def test_client_looks_around(client: InferenceServerClient, served: Listening) -> None:
    """Health, metadata and the index, as a public client asks for them."""
    assert (True, True) == (client.is_server_live(), client.is_server_ready())
    assert (True, True, False) == tuple(client.is_model_ready(*m) for m in (("mixed",), ("mixed", "3"), ("nothing",)))
    assert "nbregistry" == client.get_server_metadata().name
    told = client.get_model_metadata("mixed")
    expected = [("age", "INT64"), ("city", "BYTES"), ("rate", "FP64"), ("plan", "BYTES")]
    assert expected == [(t.name, t.datatype) for t in told.inputs]
    index = client.get_model_repository_index().models
    assert ("numbers", "3", "READY") == (index[0].name, index[0].version, index[0].state)
    served.offered.endpoints[0].ready = False
    try:
        assert not client.is_server_ready()
    finally:
        served.offered.endpoints[0].ready = True


def test_client_loads_and_unloads() -> None:
    """With a token for it, a public client changes what is served."""
    tokens = {hash_of("a" * 32): frozenset({"admin"})}
    with listening(options=Options(tokens=tokens)) as found, InferenceServerClient(found.address) as client:
        bearer = {"authorization": f"Bearer {'a' * 32}"}
        client.load_model("more", headers=bearer)
        assert client.is_model_ready("more", headers=bearer)
        client.unload_model("more", headers=bearer)
        assert not client.is_model_ready("more", headers=bearer)
        with pytest.raises(InferenceServerException) as caught:
            client.load_model("more")
        assert "StatusCode.UNAUTHENTICATED" == caught.value.status()


TYPED: dict[str, list[Any]] = {
    "BOOL": [True, False, True],
    "FP32": [1.5, 2.0, 3.0],
    "FP64": [1.5, 2.0, 3.0],
    **{f"INT{bits}": [1, 2, 3] for bits in (8, 16, 32, 64)},
    **{f"UINT{bits}": [1, 2, 3] for bits in (8, 16, 32, 64)},
    "BYTES": [b"a", b"b", b"c"],
}


@pytest.mark.parametrize("datatype", TYPED)
def test_verdict_is_that_of_rest(served: Listening, datatype: str) -> None:
    """Lists of every type are read, or refused in the same words, as over REST; and raw ones as lists."""
    values, told = TYPED[datatype], []
    texts = [v.decode() if isinstance(v, bytes) else v for v in values]
    document = {"inputs": [{"name": "x", "datatype": datatype, "shape": [1, 3], "data": texts}]}
    try:
        rest.decode(orjson.dumps(document), "application/json", served.offered.find("numbers").intake)
        expected = ""
    except RegistryError as error:
        expected = str(error)
    contents = KINDS.InferTensorContents(**{LISTS[datatype]: values})
    plain = KINDS.InferInputTensor(name="x", datatype=datatype, shape=[1, 3])
    typed = KINDS.InferInputTensor(name="x", datatype=datatype, shape=[1, 3], contents=contents)
    packed = _packed(values, datatype)
    for more in ({"inputs": [typed]}, {"inputs": [plain], "raw_input_contents": [packed]}):
        sent = KINDS.ModelInferRequest(model_name="numbers", **more).SerializeToString()
        try:
            told.append("" if served.raw("ModelInfer", sent) else "empty")
        except grpc.RpcError as error:
            assert grpc.StatusCode.INVALID_ARGUMENT is error.code()
            told.append(error.details())
    assert [expected, expected] == told


def _packed(values: list[Any], datatype: str) -> bytes:
    if datatype == "BYTES":
        return b"".join(len(v).to_bytes(4, "little") + v for v in values)
    names = {"BOOL": "bool", "FP32": "<f4", "FP64": "<f8"}
    return np.array(values, names.get(datatype, f"<{datatype.lower()}".replace("<", ""))).tobytes()


def test_answers_come_the_way_they_were_asked(served: Listening) -> None:
    """Values in lists are answered in lists, raw ones raw."""
    contents = KINDS.InferTensorContents(fp64_contents=[1, 2, 3])
    typed = KINDS.InferInputTensor(name="x", datatype="FP64", shape=[1, 3], contents=contents)
    found = served.ask("ModelInfer", model_name="numbers", inputs=[typed])
    assert ([6.0], []) == (list(found.outputs[0].contents.fp64_contents), list(found.raw_output_contents))
    plain = KINDS.InferInputTensor(name="x", datatype="FP64", shape=[1, 3])
    raw = [np.arange(3.0).tobytes()]
    found = served.ask("ModelInfer", model_name="numbers", inputs=[plain], raw_input_contents=raw)
    assert [np.array([3.0]).tobytes()] == list(found.raw_output_contents)
    assert not found.outputs[0].HasField("contents")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"plan": (np.array([b"free", b"gold"], object), "BYTES")}, "gold"),
        ({"age": (np.array([1.5, 2.0]), "FP64")}, "not whole"),
        ({"age": (np.array([1, 2, 3]), "INT64")}, "differ in their number of rows"),
        ({"more": (np.array([b"\xff\xfe", b""], object), "BYTES")}, ""),
        ({"city": (np.array([b"\xff\xfe", b""], object), "BYTES")}, "city"),
    ],
)
def test_rows_that_do_not_fit_name_their_values(
    client: InferenceServerClient, changes: dict[str, Any], expected: str
) -> None:
    """A row that does not fit is the caller's mistake and says which; a column too many is as it is over REST."""
    if not expected:
        client.infer("mixed", frame(**changes))
        return
    with pytest.raises(InferenceServerException, match=expected) as caught:
        client.infer("mixed", frame(**changes))
    assert "StatusCode.INVALID_ARGUMENT" == caught.value.status()


def test_errors_carry_what_programs_read(served: Listening) -> None:
    """Faults travel as the standard's field violations beside the sentence, all of it below what a client takes."""
    names = [f"c{i}" for i in range(3)]
    inputs = [
        KINDS.InferInputTensor(
            name=name, datatype="BYTES", shape=[100],
            contents=KINDS.InferTensorContents(bytes_contents=["ü".encode() * 500] * 100),
        )
        for name in ("age", "city", "rate", "plan", *names)
    ]  # fmt: skip
    sent = KINDS.ModelInferRequest(model_name="mixed", inputs=inputs).SerializeToString()
    error = served.refused("ModelInfer", sent)
    assert grpc.StatusCode.INVALID_ARGUMENT is error.code()
    status = KINDS.Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
    assert 3 == status.code
    packed = {one.type_url: one.value for one in status.details}
    violations = KINDS.BadRequest.FromString(packed["type.googleapis.com/google.rpc.BadRequest"]).field_violations
    assert "age[0]" == violations[0].field
    assert "expected int64" in violations[0].description
    assert sum(len(k) + len(v) + 32 for k, v in error.trailing_metadata()) + len(error.details().encode()) * 3 < 8192


def test_details_are_the_standards_own() -> None:
    """The messages of details have the numbers that everybody else's have."""
    for theirs in (status_pb2.Status, RetryInfo, BadRequest, BadRequest.FieldViolation):
        ours = getattr(KINDS, theirs.DESCRIPTOR.name).DESCRIPTOR
        expected = {f.name: (f.number, f.type) for f in theirs.DESCRIPTOR.fields}
        assert {f.name: (f.number, f.type) for f in ours.fields}.items() <= expected.items()


@pytest.mark.parametrize("name", ["broken", "unforeseen", "damaged"])
def test_faults_of_ours_tell_nothing(served: Listening, name: str, caplog: pytest.LogCaptureFixture) -> None:
    """What a model or we did wrong is internal, without a trace, a path or what nobody foresaw."""
    plain = KINDS.InferInputTensor(name="x", datatype="FP64", shape=[1, 3])
    raw = [np.arange(3.0).tobytes()]
    sent = KINDS.ModelInferRequest(model_name=name, inputs=[plain], raw_input_contents=raw).SerializeToString()
    error = served.refused("ModelInfer", sent)
    assert grpc.StatusCode.INTERNAL is error.code()
    assert "secret" not in error.details() + caplog.text
    assert "Traceback" not in error.details() and "File" not in error.details()
    assert ("it is broken" in error.details()) == (name == "broken")
    assert "x-request-id" in dict(error.trailing_metadata())


def test_calls_are_counted(served: Listening) -> None:
    """Answers count by model, version and protocol, rows by their number, refusals by their kind."""
    key = ("numbers", "3", "grpc")
    before = served.count("nbregistry_rows_total").get(key, 0)
    plain = KINDS.InferInputTensor(name="x", datatype="FP64", shape=[7, 3])
    raw = [np.zeros((7, 3)).tobytes()]
    served.ask("ModelInfer", model_name="numbers", inputs=[plain], raw_input_contents=raw)
    assert before + 7 == served.count("nbregistry_rows_total")[key]
    assert served.count("nbregistry_requests_total")[(*key, "2xx")] > 0
    served.refused("ModelInfer", KINDS.ModelInferRequest(model_name="numbers").SerializeToString())
    assert served.count("nbregistry_errors_total")[("numbers", "3", "invalid_input")] > 0


def test_answers_are_signed(served: Listening) -> None:
    """The version, its digest and the request id follow each answer."""
    plain = KINDS.InferInputTensor(name="x", datatype="FP64", shape=[1, 3])
    sent = KINDS.ModelInferRequest(
        model_name="numbers", inputs=[plain], raw_input_contents=[b"\0" * 24]
    ).SerializeToString()
    call = served.channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
    _, done = call.with_call(sent, timeout=20, metadata=(("x-request-id", "abc"), ("x-route-key", "user-1")))
    told = dict(done.trailing_metadata())
    assert ("abc", "numbers", "3", "d" * 64) == tuple(
        told[f"x-{k}"] for k in ("request-id", "model-name", "model-version", "model-digest")
    )
    assert "user-1" == served.offered.find("numbers").asked[-1].key


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "inputs"),
        ({"shape": [-1, 3]}, "shape"),
        ({"shape": []}, "shape"),
        ({"shape": [2**62, 2**62]}, "shape"),
        ({"shape": [0, 3], "raw": [b""]}, "no rows"),
        ({"shape": [2, 3]}, "24 bytes"),
        ({"datatype": "BF16"}, "BF16"),
        ({"datatype": "STRING"}, "STRING"),
        ({"raw": [b"", b""]}, "raw contents for 2"),
        ({"raw": [b"\0" * 23]}, "23 bytes"),
        ({"datatype": "BYTES", "raw": [b"\xff\xff\xff\xff"]}, "ends within"),
        ({"parameters": {"shared_memory_region": KINDS.InferParameter(string_param="r")}, "raw": []}, "shared memory"),
        ({"raw": []}, "0 values"),
        ({"contents": KINDS.InferTensorContents(fp32_contents=[1, 2, 3]), "raw": []}, "send them in fp64_contents"),
        (
            {"contents": KINDS.InferTensorContents(fp64_contents=[1, 2, 3], int_contents=[1]), "raw": []},
            "int_contents, fp64_contents",
        ),
        ({"contents": KINDS.InferTensorContents(fp64_contents=[1, 2, 3])}, "raw contents for 1"),
        ({"datatype": "FP16", "raw": []}, "send it raw"),
        ({"parameters": {"binary_data_size": KINDS.InferParameter(int64_param=24)}, "raw": []}, "0 values"),
        ({"shape": [2000, 3], "raw": [b"\0" * 48000]}, "rows_limit"),
    ],
)
def test_what_is_not_the_protocol_is_said(served: Listening, fields: dict[str, Any], expected: str) -> None:
    """Shapes, datatypes and sizes that do not fit each other are the caller's mistake and say what is wrong."""
    raw = fields.pop("raw", [b"\0" * 24])
    tensor = {"name": "x", "datatype": "FP64", "shape": [1, 3], **fields}
    message: dict[str, Any] = {"inputs": [KINDS.InferInputTensor(**tensor)], "raw_input_contents": raw}
    sent = KINDS.ModelInferRequest(model_name="numbers", **({} if expected == "inputs" else message))
    error = served.refused("ModelInfer", sent.SerializeToString())
    if expected == "rows_limit":
        assert grpc.StatusCode.RESOURCE_EXHAUSTED is error.code()
        return
    assert grpc.StatusCode.INVALID_ARGUMENT is error.code()
    assert expected in error.details()


def test_nothing_is_found_by_another_name(served: Listening) -> None:
    """A model or version that is not served is not found; none at all is a mistake."""
    for name, version, code in (
        ("nothing", "", grpc.StatusCode.NOT_FOUND),
        ("numbers", "99", grpc.StatusCode.NOT_FOUND),
        ("../../etc", "", grpc.StatusCode.NOT_FOUND),
        ("", "", grpc.StatusCode.INVALID_ARGUMENT),
    ):
        sent = KINDS.ModelInferRequest(model_name=name, model_version=version).SerializeToString()
        assert code is served.refused("ModelInfer", sent).code()


FINE = {
    grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}  # fmt: skip
QUICK = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


def fuzzed(served: Listening, method: str, sent: bytes) -> None:
    try:
        served.raw(method, sent)
    except grpc.RpcError as error:
        assert error.code() in FINE, (error.code(), error.details(), sent)


@QUICK
@given(method=st.sampled_from(sorted(METHODS)), sent=st.binary(max_size=200))
def test_no_bytes_are_our_fault(served: Listening, method: str, sent: bytes) -> None:
    """Whatever bytes a message is made of, the answer is one, or names the caller's mistake."""
    fuzzed(served, method, sent)


def parameters() -> st.SearchStrategy[Any]:
    value = st.one_of(
        st.builds(KINDS.InferParameter, bool_param=st.booleans()),
        st.builds(KINDS.InferParameter, int64_param=st.integers(-(2**63), 2**63 - 1)),
        st.builds(KINDS.InferParameter, string_param=st.text(max_size=8)),
        st.builds(KINDS.InferParameter, double_param=st.floats()),
        st.just(KINDS.InferParameter()),
    )
    known = ["binary_data_size", "binary_data", "content_type", "method", "key", "explain", "headers", "classification"]
    return st.dictionaries(st.sampled_from(known) | st.text(max_size=4), value, max_size=3)


DATATYPES = st.sampled_from([*LISTS, "FP16", "BF16", "", "fp64"])
CONTENTS = st.builds(
    KINDS.InferTensorContents,
    bool_contents=st.lists(st.booleans(), max_size=2),
    int_contents=st.lists(st.integers(-(2**31), 2**31 - 1), max_size=3),
    int64_contents=st.lists(st.integers(-(2**63), 2**63 - 1), max_size=3),
    uint64_contents=st.lists(st.integers(0, 2**64 - 1), max_size=2),
    fp32_contents=st.lists(st.floats(width=32), max_size=3),
    fp64_contents=st.lists(st.floats(), max_size=3),
    bytes_contents=st.lists(st.binary(max_size=4), max_size=3),
)
INPUTS = st.builds(
    KINDS.InferInputTensor,
    name=st.sampled_from(["x", "age", "city", "rate", "plan", ""]),
    datatype=DATATYPES,
    shape=st.lists(st.sampled_from([0, 1, 2, 3, -1, 2**40, 2**63 - 1]), max_size=4),
    parameters=parameters(),
    contents=st.none() | CONTENTS,
)
REQUESTS = st.builds(
    KINDS.ModelInferRequest,
    model_name=st.sampled_from(["numbers", "mixed"]),
    id=st.text(max_size=4),
    parameters=parameters(),
    inputs=st.lists(INPUTS, max_size=4),
    outputs=st.lists(
        st.builds(
            KINDS.InferRequestedOutputTensor,
            name=st.sampled_from(["predict", "predict_proba", "transform", "z", ""]),
            parameters=parameters(),
        ),
        max_size=2,
    ),
    raw_input_contents=st.lists(st.binary(max_size=48), max_size=3),
)


@settings(QUICK, max_examples=300)
@given(asked=REQUESTS, cut=st.integers(0, 40))
def test_no_request_is_our_fault(served: Listening, asked: Any, cut: int) -> None:
    """Requests of every shape, whole or cut, are answered or name the caller's mistake."""
    sent = asked.SerializeToString()
    fuzzed(served, "ModelInfer", sent)
    if cut:
        fuzzed(served, "ModelInfer", sent[:-cut])
    assert served.ask("ServerLive").live


def test_generated_client_reads_our_answer(served: Listening) -> None:
    """An answer's bytes are read by a client's generated classes without a field that they do not know."""
    plain = KINDS.InferInputTensor(name="x", datatype="FP64", shape=[1, 3])
    sent = KINDS.ModelInferRequest(model_name="numbers", inputs=[plain], raw_input_contents=[b"\0" * 24])
    found = service_pb2.ModelInferResponse.FromString(served.raw("ModelInfer", sent.SerializeToString()))
    assert ("numbers", [1]) == (found.model_name, list(found.outputs[0].shape))
    assert found.SerializeToString(deterministic=True) == KINDS.ModelInferResponse.FromString(
        found.SerializeToString()
    ).SerializeToString(deterministic=True)
