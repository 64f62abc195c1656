"""The description of the server: valid, true to the routes, and fuzzed by what it promises."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import jsonschema
import orjson
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from nbregistry.domain.signature import Column, Signature
from nbregistry.serving.app import Application, application
from nbregistry.serving.options import Options, hash_of
from nbregistry.serving.routes import ROUTES
from nbregistry.serving.schemas import of_column, shown
from nbregistry.serving.table import Shape, Table
from tests.serving.on_a_socket import running
from tests.serving.stand_ins import FRAME, JSON, NUMBERS, Offered, Rewarded, StandIn, asked, post

TOKEN = "t" * 32
RELATED = re.compile(".*/(infer|feedback)$")
"""Where data has to be as long as its shape says, or an id to be printable, which no schema says well."""


def made(port: int = 0, **options: Any) -> Application:
    offered = Offered(StandIn(), Rewarded("frames", FRAME))
    return application(offered, options=Options(port=port, **options))


def described(app: Application) -> Any:
    return asked(app, "GET", "/openapi.json", b"", {"authorization": f"Bearer {TOKEN}"}).json


def test_the_document_is_openapi() -> None:
    """Version 3.1, unique operation ids, every reference leads somewhere, every schema is one."""
    found = described(made())
    assert "3.1.0" == found["openapi"]
    operations = [o for methods in found["paths"].values() for o in methods.values()]
    assert len(operations) == len({o["operationId"] for o in operations})
    for reference in re.findall(r'"\$ref":"#/([^"]+)"', orjson.dumps(found).decode()):
        place = found
        for key in reference.split("/"):
            place = place[key]
    for operation in operations:
        for media in operation.get("requestBody", {}).get("content", {}).values():
            jsonschema.Draft202012Validator.check_schema(media["schema"])


def test_every_route_is_described() -> None:
    """No route is forgotten but those of the page itself and longer ways to the same."""
    found = described(made())["paths"]
    for route in ROUTES:
        if "{which}" in route.pattern or "{namespace}" in route.pattern or "{name}/load" in route.pattern:
            continue
        if route.action in ("docs", "docs_file", "openapi", "start", "repository_unload"):
            continue
        path = route.pattern.replace("{name}", "frames")
        assert route.method.lower() in found[path], route.pattern


def test_every_example_works() -> None:
    """What the page offers to send is answered, by every model in every protocol, and fits its own schema."""
    app, count = made(), 0
    for path, methods in described(app)["paths"].items():
        content = methods.get("post", {}).get("requestBody", {}).get("content", {}).get("application/json", {})
        for name, example in content.get("examples", {}).items():
            if "feedback" not in path:
                told = asked(app, "POST", path, orjson.dumps(example["value"]), JSON)
                assert 200 == told.status, (path, name, told.body)
            if name not in ("columns", "dataframe_split"):  # said in words, as no schema says that lists are as long
                jsonschema.validate(example["value"], content["schema"])
            count += 1
    assert count > 10


def test_the_captured_example_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that were captured with the version stand where made-up ones would."""
    app = made()
    frames = app.endpoints.find("frames")
    row = {"age": 33, "income": 7.5, "plan": "plus", "member": True}
    monkeypatch.setattr(frames, "metadata", lambda: {"example": [row]})
    body = described(app)["paths"]["/models/frames/predict"]["post"]["requestBody"]["content"]["application/json"]
    assert [row] == body["examples"]["records"]["value"]["records"]
    assert [[33, 7.5, "plus", True]] == body["examples"]["rows"]["value"]["rows"]


def test_captured_rows_are_shown_as_they_are_sent() -> None:
    """The first three rows, as objects or lists, with null for what JSON has no word for."""
    rows = [{"age": n, "income": None, "plan": "plus", "member": True} for n in range(5)]
    frames, numbers = StandIn("f", FRAME).intake, StandIn().intake
    assert rows[:3] == shown(frames.from_records(rows), FRAME)
    assert [[1.0, 2.0]] == shown(numbers.from_rows([[1, 2]]), NUMBERS)
    assert [["2026-01-01T00:00:00", None]] == shown(Table(Shape.ROWS, [[datetime(2026, 1, 1), float("nan")]], 1), None)
    assert [] == shown(None, None)


def test_tokens_are_described() -> None:
    """With tokens the scheme is named, and each route but the open ones asks for it."""
    found = described(made(tokens={hash_of(TOKEN): frozenset({"admin"})}))
    assert "bearer" == found["components"]["securitySchemes"]["token"]["scheme"]
    assert [{"token": []}] == found["paths"]["/models"]["get"]["security"]
    assert "security" not in found["paths"]["/livez"]["get"]


def test_an_endpoint_that_is_not_ready_is_described() -> None:
    """What cannot answer yet has its routes, with rows of any kind."""
    app = made()
    app.endpoints.all()[0].ready = False  # type: ignore[misc]  # a stand-in's can be set
    assert "/models/churn/predict" in described(app)["paths"]


def test_documents_can_be_switched_off() -> None:
    """Without docs neither the page nor the description is there."""
    app = made(docs=False)
    assert [404, 404, 404, 200] == [
        asked(app, "GET", p).status for p in ("/docs", "/docs/docs.js", "/openapi.json", "/")
    ]


@pytest.mark.parametrize(
    ("column", "fits", "not_"),
    [
        (Column("a", "int8"), [-128, 127], [128, 1.5, "1", None, True]),
        (Column("a", "UInt16", True), [0, 65535, None], [-1]),
        (Column("a", "float64"), [1, 1.5, -1e300], ["1", None]),
        (Column("a", "float32", True), [None, 1.5], [1e39]),
        (Column("a", "bool"), [True], [1, "true", None]),
        (Column("a", "str"), ["x", ""], [1, None]),
        (Column("a", "category", True, ("x", "y"), extra={"categories": {"dtype": "str"}}), ["x", None], ["z"]),
        (Column("a", "object"), [1, "x"], [None]),
    ],
)  # fmt: skip
def test_a_column_is_said_as_it_is_checked(column: Column, fits: list[Any], not_: list[Any]) -> None:
    """The schema takes and refuses what the server takes and refuses."""
    valid = jsonschema.Draft202012Validator(of_column(column)).is_valid
    assert [True] * len(fits) == [valid(v) for v in fits]
    assert [False] * len(not_) == [valid(v) for v in not_]
    app = application(Offered(StandIn("m", Signature((column,)))))
    for values, status in ((fits, 200), (not_, 422)):
        assert [status] * len(values) == [post(app, "/models/m/predict", {"rows": [[v]]}).status for v in values]


def fuzz(examples: int) -> int:
    """Ask everything that the document describes; return how many requests were made."""
    with running(made) as (port, _):
        schema = schemathesis.openapi.from_url(f"http://127.0.0.1:{port}/openapi.json")
        operations = [found.ok() for found in schema.get_all_operations()]  # type: ignore[union-attr]  # an Err would raise
        return sum(explored(operation, examples) for operation in operations)


def explored(operation: Any, examples: int) -> int:
    """Ask one operation with what fits its description and, where it takes anything, with what does not."""
    count = 0
    excluded = [positive_data_acceptance] if RELATED.match(operation.path) else []
    takes = bool(operation.body) or bool(list(operation.iter_parameters()))
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE) if takes else (GenerationMode.POSITIVE,):

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=examples, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        def asking(case: Any) -> None:
            nonlocal count
            count += 1
            case.call_and_validate(excluded_checks=excluded)

        asking()
    return count


def test_schemathesis_finds_nothing() -> None:
    """A few generated requests for each operation, meant to fit and meant not to: no 5xx, nothing undocumented (L7)."""
    assert fuzz(3) > 60


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_schemathesis_finds_nothing_in_ten_thousand() -> None:
    """The same with ten thousand (L7)."""
    assert fuzz(250) > 10_000
