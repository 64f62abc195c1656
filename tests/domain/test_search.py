"""Filters: every field and operator against one registry's worth of documents, errors by column, hostile texts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tinydb import TinyDB
from tinydb.storages import MemoryStorage

from nbregistry.domain.search import Filter, parse
from nbregistry.errors import InvalidFilter

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def version(name: str, number: int, **others: Any) -> dict[str, Any]:
    return {
        "ref": f"{name}/{number}", "name": name, "number": number, "status": "READY", "stage": "None", "aliases": [],
        "metrics": {}, "params": {}, "tags": {}, "description": "", "note": "", "flavor": "sklearn",
        "format": "cloudpickle", "estimator": "sklearn.pipeline.Pipeline", "digest": "ab12", "size": 1000,
        "created_at": "2026-11-01T00:00:00.000000Z", "created_by": "ana", "updated_at": "2026-11-01T00:00:00.000000Z",
        **others,
    }  # fmt: skip


DOCS = [
    version(
        "churn", 1, stage="Archived", metrics={"auc": 0.80, "val auc": 0.7, "n": 3}, params={"C": 1.0, "penalty": "l2"},
        tags={"team": "risk", "priority": 5, "my key": "x"}, created_at="2026-10-01T08:00:00.000000Z",
    ),
    version(
        "churn", 2, stage="Production", aliases=["champion", "live"], metrics={"auc": 0.93, "loss": "inf"},
        params={"C": 10, "penalty": None, "fit": True}, tags={"team": "growth", "priority": "5", "ok": True},
        created_at="2026-11-20T23:59:59.999999Z", updated_at="2026-11-21T09:30:15.500000Z", created_by="bo",
        description="Now with *fees*", note="better",
    ),
    version(
        "fraud", 1, status="FAILED", aliases=["live"], metrics={"auc": "nan", "loss": -1e-3}, flavor="xgboost",
        format="json", estimator="xgboost.sklearn.XGBClassifier", digest="ff00", size=2_000_000,
        created_at="2026-11-21T00:00:00.000000Z", params={"C": "high"}, tags={"team": "Risk"}, note="it's 100% odd_one",
    ),
    version(
        "fraud", 12, stage="Staging", metrics={"auc": 1}, tags={"done": "TRUE"},
        created_at="2026-11-14T12:00:00.000000Z",
    ),
]  # fmt: skip

BLOBS: dict[str, dict[str, dict[str, Any]]] = {
    "churn/1": {
        "signature": {"inputs": [{"name": "age", "dtype": "int64"}, {"name": "a b", "dtype": "str"}]},
        "environment": {
            "python": "3.11.4",
            "packages": {"scikit-learn": "1.4.0", "Foo_Bar": "2.0rc1", "odd": "unknown"},
        },
        "source": {"cells": [{"id": "a", "code": "from sklearn.preprocessing import StandardScaler"}]},
        "profile": {"fingerprint": "f1"},
    },
    "churn/2": {
        "signature": {"inputs": [{"name": "age", "dtype": "float64"}]},
        "environment": {"python": "3.12.0", "packages": {"scikit-learn": "1.10.1", "torch": "2.5.0+cu121"}},
        "source": {"cells": [{"id": "a", "code": "x = 1"}, {"id": "b", "code": "y = 2\nprint(y)"}]},
    },
}


def details(doc: Mapping[str, Any], file: str) -> Mapping[str, Any]:
    return BLOBS.get(doc["ref"], {}).get(file, {})


def found(text: str) -> list[str]:
    wanted = parse(text, now=NOW, details=details)
    return [doc["ref"] for doc in DOCS if wanted(doc)]


C1, C2, F1, F12 = "churn/1", "churn/2", "fraud/1", "fraud/12"
ALL = [C1, C2, F1, F12]

CASES: dict[str, list[str]] = {
    # everything
    "": ALL,
    " \n\t ": ALL,
    # texts
    "name = 'churn'": [C1, C2],
    'name == "churn"': [C1, C2],
    "name = churn": [C1, C2],
    "NAME != 'churn'": [F1, F12],
    "name <> 'churn'": [F1, F12],
    "name < 'd'": [C1, C2],
    "name >= 'fraud'": [F1, F12],
    "attributes.name = 'churn' and attribute.name = churn": [C1, C2],
    "`name` = 'churn'": [C1, C2],
    "ref = 'churn/2'": [C2],
    "ref = models:/churn/2": [C2],
    "author = bo": [C2],
    "created_by = 'bo' OR user_id = 'bo'": [C2],
    "flavor = xgboost": [F1],
    "format = 'json'": [F1],
    "estimator LIKE '%.Pipeline'": [C1, C2, F12],
    "digest = 'ff00'": [F1],
    "description LIKE '%fees%'": [C2],
    "description = ''": [C1, F1, F12],
    "description IS NULL": [C1, F1, F12],
    "description IS NOT NULL": [C2],
    "note = 'it''s 100% odd_one'": [F1],
    'note = "it\'s 100% odd_one"': [F1],
    # patterns
    "name LIKE 'ch%'": [C1, C2],
    "name LIKE '_hurn'": [C1, C2],
    "name LIKE 'CH%'": [],
    "name ILIKE 'CH%'": [C1, C2],
    "name like ch%": [C1, C2],
    "name NOT LIKE 'ch%'": [F1, F12],
    r"note LIKE '%100\% odd\_one'": [F1],
    "ref RLIKE '^(churn|fraud)/1$'": [C1, F1],
    "name RLIKE '(?i)^CH'": [C1, C2],
    "name NOT RLIKE 'h.r'": [F1, F12],
    "tags.priority LIKE '5'": [C1, C2],
    # lists
    "name IN ('churn', 'x')": [C1, C2],
    "name NOT IN ('churn')": [F1, F12],
    "version IN (1, 12)": [C1, F1, F12],
    "metrics.auc IN (0.8, nan)": [C1, F1],
    "metrics.auc NOT IN (0.8, 1)": [C2, F1],
    "params.C IN (1, 'high')": [C1, F1],
    "created IN ('2026-10-01', today)": [C1, F1],
    # numbers
    "version = 1": [C1, F1],
    "version = '1'": [C1, F1],
    "version_number >= 2": [C2, F12],
    "number > 1 AND number < 12": [C2],
    "version BETWEEN 2 AND 12": [C2, F12],
    "version NOT BETWEEN 2 AND 12": [C1, F1],
    "size > 1000": [F1],
    "size >= '2 MB'": [F1],
    "size > 1.9MiB": [F1],
    "size <= 1kB": [C1, C2, F12],
    # metrics
    "metrics.auc > 0.9": [C2, F12],
    "metrics.auc > 0.93": [F12],
    "metrics.auc < 0.8": [],
    "metric.auc >= .93": [C2, F12],
    "metrics.auc < 9e-1": [C1],
    "metrics.auc <= 0.93": [C1, C2],
    "metrics.auc = 1": [F12],
    "metrics.auc = 0.93": [C2],
    "metrics.auc != 0.93": [C1, F1, F12],
    "metrics.auc = nan": [F1],
    "metrics.auc != NaN": [C1, C2, F12],
    "metrics.auc > '0.9'": [C2, F12],
    "metrics.loss > 1e300": [C2],
    "metrics.loss = inf": [C2],
    "metrics.loss <= -0.001": [F1],
    "metrics.loss < -inf": [],
    "metrics.`val auc` = 0.7": [C1],
    'metrics."val auc" = 0.7': [C1],
    "metrics.n >= 3": [C1],
    "metrics.auc BETWEEN 0.8 AND 0.95": [C1, C2],
    "metrics.auc NOT BETWEEN 0.8 AND 0.95": [F1, F12],
    # stages, statuses, aliases
    "stage = 'Production'": [C2],
    "stage = PROD": [C2],
    "current_stage != production": [C1, F1, F12],
    "stage IN (staging, 'archived')": [C1, F12],
    "stage = None": [F1],
    "stage IS NULL": [F1],
    "stage LIKE 'P%'": [C2],
    "status = failed": [F1],
    "status != 'FAILED'": [C1, C2, F12],
    "alias = champion": [C2],
    "alias = 'live'": [C2, F1],
    "alias != 'champion'": [C1, F1, F12],
    "alias IN ('champion', 'x')": [C2],
    "alias NOT IN ('champion', 'x')": [C1, F1, F12],
    "alias ILIKE 'CHAMP%'": [C2],
    "alias IS NULL": [C1, F12],
    "aliases IS NOT NULL": [C2, F1],
    # tags and parameters, which are typed
    "tags.team = 'risk'": [C1],
    "tag.team ILIKE risk": [C1, F1],
    "tags.`my key` = x": [C1],
    "tags.priority = 5": [C1, C2],
    "tags.priority = '5'": [C1, C2],
    "tags.priority = '5.0'": [C1],
    "tags.priority > 10": [C2],
    "tags.priority >= 5": [C1, C2],
    "tags.ok = true": [C2],
    "tags.done = True": [F12],
    "tags.done = 'true'": [],
    "tags.ok = 'True'": [C2],
    "tags.ok = 1": [],
    "tags.team IS NULL": [F12],
    "params.C = 1": [C1],
    "params.C < '2'": [C1],
    "params.C >= 1e1": [C2, F1],
    "parameters.penalty = 'None'": [C2],
    "param.penalty != l2": [C2],
    "params.penalty IS NULL": [C2, F1, F12],
    "params.fit = TRUE": [C2],
    # times
    "created = '2026-11-20'": [C2],
    "created != '2026-11-20'": [C1, F1, F12],
    "created > '2026-11-20'": [F1],
    "created >= 2026-11-20": [C2, F1],
    "created < '2026-11-20'": [C1, F12],
    "created <= '2026-11-20'": [C1, C2, F12],
    "created BETWEEN '2026-11-14' AND '2026-11-20'": [C2, F12],
    "created > '7d'": [C2, F1],
    "created >= 7d": [C2, F1, F12],
    "created_at < 2w": [C1],
    "created > '720m'": [],
    "created >= '12h'": [F1],
    "created = today": [F1],
    "created = 'Yesterday'": [C2],
    "created <= now": ALL,
    "created < '9999-12-31'": ALL,
    "creation_timestamp >= 1795219200000": [F1],
    "creation_timestamp = 1795219199999": [C2],
    "last_updated_timestamp = '2026-11-21T09:30'": [C2],
    "updated = '2026-11-21 09:30:15'": [C2],
    "updated = '2026-11-21T10:30:15.5+01:00'": [C2],
    "updated = '2026-11-21T09:30:15.499'": [],
    "updated LIKE '2026-11-21%'": [C2],
    # captured files
    "schema.age = 'int64'": [C1],
    "schema.age IS NOT NULL": [C1, C2],
    "schema.`a b` = str": [C1],
    "schema.age != 'int64'": [C2],
    "packages.scikit-learn >= 1.4": [C1, C2],
    "packages.scikit_learn > '1.4'": [C2],
    "package.Scikit-Learn = 1.4": [C1],
    "packages.foo.bar < 2": [C1],
    "packages.torch = 2.5": [C2],
    "packages.torch LIKE '%cu121'": [C2],
    "packages.odd = unknown": [C1],
    "packages.odd > 0": [],
    "packages.scikit-learn NOT IN ('1.4.0', '2')": [C2],
    "packages.torch IS NULL": [C1, F1, F12],
    "python >= 3.12": [C2],
    "data = f1": [C1],
    # any text
    "text = 'standardscaler'": [C1],
    "text LIKE '%StandardScaler%'": [C1],
    "text RLIKE 'print[(]'": [C2],
    "text = 'FEES'": [C2],
    "text = '100%'": [F1],
    "text = '10%'": [],
    "text = 'odd-one'": [],
    "text = 'od__one'": [],
    "text = 'growth'": [C2],
    "text = 'priority'": [C1, C2],
    "text != 'xgboost'": [C1, C2, F12],
    "text NOT LIKE '%x = 1%'": [C1, F1, F12],
    # joined
    "name = churn AND version = 2": [C2],
    "name = churn OR version = 12": [C1, C2, F12],
    "name = churn AND version = 1 OR name = fraud AND version = 1": [C1, F1],
    "name = churn AND (version = 1 OR name = fraud) AND version = 1": [C1],
    "NOT name = churn": [F1, F12],
    "not (name = churn and version = 1) And NOT not NOT stage = staging": [C2, F1],
    "name='churn'AND(version>1)": [C2],
    "version = 1 OR version = 2 OR version = 12": ALL,
    "text = churn AND packages.torch > 1 AND name = churn": [C2],
    "packages.torch > 1 OR text = 'odd' OR version = 12": [C2, F1, F12],
}


@pytest.mark.parametrize("text", CASES)
def test_filter_finds(text: str) -> None:
    """Each field and operator finds what it says and nothing else."""
    assert CASES[text] == found(text)


MISSING = ["= 1", "!= 1", "< 1", ">= 1", "IN (1)", "NOT IN (1)", "BETWEEN 0 AND 1", "NOT BETWEEN 0 AND 1"]
NAMES = ["metrics.zzz", "params.zzz", "tags.zzz", "packages.zzz"]


@pytest.mark.parametrize("comparison", [*MISSING, "IS NOT NULL"])
@pytest.mark.parametrize("name", NAMES)
def test_missing_compares_with_nothing(name: str, comparison: str) -> None:
    """A comparison with what is missing is false, its negation by NOT in front is true."""
    assert [] == found(f"{name} {comparison}")
    assert ALL == found(f"NOT {name} {comparison}")


@pytest.mark.parametrize("name", [*NAMES, "schema.zzz", "run_id", "signer"])
def test_missing_is_null(name: str) -> None:
    """IS NULL finds what is missing, and patterns do not."""
    assert ALL == found(f"{name} IS NULL")
    if not name.startswith("metrics"):
        assert [] == found(f"{name} LIKE '%'") == found(f"{name} NOT LIKE '%'")


def test_without_details_captured_files_are_missing() -> None:
    """Nothing is read, and nothing raises, when no reader of captured files is given."""
    for text in ("schema.age = int64", "packages.torch > 1", "python > 3", "text LIKE '%StandardScaler%'"):
        assert [] == [doc for doc in DOCS if parse(text)(doc)]


def test_other_documents_can_be_searched() -> None:
    """A document without metrics, tags or aliases, such as a model's, is no error."""
    model = {"name": "churn", "description": "who leaves", "tags": {"team": "risk"}}
    for text in ("name = churn", "tags.team = risk", "text = leaves", "NOT metrics.auc >= 0.1", "NOT metrics.auc = 1"):
        assert parse(text)(model)
    for text in ("metrics.auc > 0", "metrics.auc < 1", "metrics.auc <= 1", "params.C = 1", "alias = x", "size > 1"):
        assert not parse(text)(model)


def test_captured_files_are_read_last() -> None:
    """What is cheap decides first, whatever the order of writing: files are opened for what is left."""
    read: list[str] = []

    def slow(doc: Mapping[str, Any], file: str) -> Mapping[str, Any]:
        read.append(doc["ref"])
        return details(doc, file)

    wanted = parse("packages.torch > 1 AND text = StandardScaler AND name = fraud", details=slow)
    assert [] == [d for d in DOCS if wanted(d)]
    assert {F1, F12} == set(read)
    read.clear()
    wanted = parse("(packages.torch > 1 OR name = churn) AND version = 1", details=slow)
    assert [C1] == [d["ref"] for d in DOCS if wanted(d)]
    assert [F1] == read


def test_days_are_those_of_the_zone_of_now() -> None:
    """A date without a zone is read where the reader is."""
    lisbon = NOW.astimezone(timezone(timedelta(hours=2)))
    wanted = parse("created = '2026-11-21'", now=lisbon)
    assert [C2, F1] == [doc["ref"] for doc in DOCS if wanted(doc)]
    naive = parse("created = '2026-11-21'", now=NOW.replace(tzinfo=None))
    assert [F1] == [doc["ref"] for doc in DOCS if naive(doc)]


EQUAL: dict[str, dict[str, object]] = {
    "": {},
    "name = 'churn'": {"name": "churn"},
    "name = churn AND metrics.auc > 0.9 AND stage = prod": {"name": "churn", "stage": "Production"},
    "(name = churn AND (version = '3.0'))": {"name": "churn", "number": 3},
    "ref = 'models:/churn/3'": {"name": "churn", "number": 3},
    "ref = 'churn/03'": {},
    "alias = champion AND status = ready": {"alias": "champion", "status": "READY"},
    "name = a OR name = b": {},
    "NOT name = a": {},
    "name != a": {},
    "version = 1.5": {},
    "version = inf": {},
    "version = nan": {},
    "name IN (a)": {},
    "author = ana AND name = a AND name = b": {"name": "a"},
    "NOT (name = a) AND (name = b OR name = c) AND alias = d": {"alias": "d"},
}


@pytest.mark.parametrize("text", EQUAL)
def test_equalities_for_an_index(text: str) -> None:
    """What every match must equal is told in the words of the documents; nothing is told that a match may lack."""
    assert EQUAL[text] == parse(text).equal


ERRORS: dict[str, tuple[int, str]] = {
    "metrik.auc > 1": (0, "did you mean 'metrics.auc'?"),
    "naem = 'x'": (0, "did you mean 'name'?"),
    "name = a AND creatd > 7d": (13, "did you mean 'created'?"),
    "auc > 0.9": (0, "metrics.auc"),
    "metrics > 1": (0, "metrics.auc"),
    "tags. = 1": (0, "needs a key"),
    "tags. `k` = 1": (0, "needs a key"),
    "name.x = 1": (0, "takes no key"),
    "xyzzy.q = 1": (0, "tags, metrics, params"),
    "0.9 < metrics.auc": (0, "The field comes first"),
    "'a' = name": (0, "The field comes first"),
    "stage = Prodution": (8, "did you mean 'Production'?"),
    "stage IN (prod, zzz)": (16, "None, Staging, Production, Archived"),
    "status = redy": (9, "did you mean 'READY'?"),
    "metrics.auc > 'abc'": (14, "metrics.auc is a number; 'abc' is not"),
    "metrics.auc BETWEEN 0 AND high": (26, "is a number"),
    "version LIKE '1%'": (8, "=, !=, <, <=, >, >=, BETWEEN, IN, IS NULL"),
    "alias < 'a'": (6, "cannot be compared with <"),
    "text IS NULL": (5, "cannot be compared with IS NULL"),
    "text IN (a)": (5, "cannot be compared with IN"),
    "size > big": (7, "is a number"),
    "packages.numpy > abc": (17, "is a version"),
    "created > 'x7d'": (10, "'7d' (that long ago)"),
    "created = '7d'": (10, "one instant"),
    "created > '2026-02-30'": (10, "day"),
    "created > '2026-01-01Z'": (10, "time of day"),
    "created > 9999999w": (10, "further away than a calendar reaches"),
    "created > 1e99": (10, "further away"),
    "created > nan": (10, "further away"),
    "name = 'a": (7, "never closed"),
    'name = "a': (7, "never closed"),
    "tags.`a = 1": (5, "never closed"),
    "name ! = a": (5, "!="),
    "(name = a": (0, "never closed"),
    "name = a)": (8, "closes nothing"),
    "()": (1, "A field is expected"),
    "name = a name = b": (9, "AND, OR or the end is expected, not 'name'; text of several words stands in quotes"),
    "name = 'a' && version = 1": (11, "did you mean AND?"),
    "(name = a b)": (10, "AND, OR or ')' is expected"),
    "name": (4, "a comparison is expected"),
    "name LIK 'x'": (5, "did you mean 'LIKE'?"),
    "name NOT 'x'": (9, "a comparison is expected"),
    "name IS 'x'": (8, "IS [NOT] NULL is expected"),
    "name =": (6, "A value for name is expected, not the end"),
    "name = AND": (7, "as text it stands in quotes"),
    "name = NULL": (7, "write name IS NULL"),
    "name IN a": (8, "a list in parentheses"),
    "name IN ()": (9, "A value for name is expected"),
    "name IN (a b)": (11, "',' or ')'"),
    "name IN (a, )": (12, "A value"),
    "version BETWEEN 1, 2": (17, "AND is expected"),
    "name = a AND": (12, "A field is expected"),
    "OR name = a": (0, "A field is expected before OR"),
    "name = a OR AND": (12, "A field is expected before AND"),
    "NOT": (3, "A field is expected"),
    "name RLIKE '(a'": (11, "never closes"),
    "(" * 40 + "name = a" + ")" * 40: (33, "nested more than 32 deep"),
    "NOT " * 40 + "name = a": (132, "nested more than 32 deep"),
    f"version IN ({','.join('1' * 1001)})": (2012, "at most 1,000 values"),
    "name = '" + "x" * 4096: (80, "more than the 4,096 allowed"),
}


@pytest.mark.parametrize("text", ERRORS, ids=lambda text: text[:40])
def test_error_points_at_the_column(text: str) -> None:
    """A filter that cannot be read says what is wrong, where, and what would do."""
    column, hint = ERRORS[text]
    with pytest.raises(InvalidFilter) as caught:
        parse(text)
    assert column == caught.value.column
    message, shown, caret = str(caught.value).split("\n")
    assert hint in message
    assert message[-1] in ".?"
    assert caret == " " * (2 + column) + "^"
    assert shown[2:] == text[: 4096 if len(text) <= 4096 else 80]


def test_error_cannot_move_a_terminal() -> None:
    """Control characters, escape sequences and bidirectional marks of a filter are not in its error."""
    with pytest.raises(InvalidFilter) as caught:
        parse("name = x \x1b[31m\x07\u202e\nzzz\ud800")
    message = str(caught.value)
    assert 9 == caught.value.column
    assert not {"\x1b", "\x07", "\u202e", "\ud800"} & set(message)
    assert 2 == message.count("\n")


@pytest.mark.parametrize("value", [None, 3, b"name = a", ["name = a"]])
def test_only_text_is_a_filter(value: Any) -> None:
    """What is not text is refused as a filter that cannot be read."""
    with pytest.raises(InvalidFilter, match="A filter is text"):
        parse(value)


def test_tinydb_takes_a_filter() -> None:
    """A filter is a query of the document layer."""
    with TinyDB(storage=MemoryStorage) as db:
        db.insert_multiple(DOCS)
        assert [C2, F12] == [doc["ref"] for doc in db.search(parse("metrics.auc > 0.9"))]
        assert 2 == db.count(parse("name = churn"))
        assert db.contains(parse("alias = champion"))
        db.update({"note": "seen"}, parse("version = 12"))
        assert [F12] == [doc["ref"] for doc in db.search(parse("note = seen"))]


def test_equal_filters_find_the_same() -> None:
    """Filters are equal, and hash alike, when text, times and reader are; the document layer remembers by that."""
    assert parse("name = a") == parse("name = a")
    assert hash(parse("name = a", now=NOW)) == hash(parse("name = a"))
    assert parse("name = a") != parse("name = b")
    assert parse("created > 7d", now=NOW) != parse("created > 7d", now=NOW + timedelta(days=1))
    assert parse("created > 7d", now=NOW) == parse("created > 7d", now=NOW)
    assert parse("schema.a = b", details=details) != parse("schema.a = b")
    assert "Filter(text='name = a', moment='')" == repr(parse("name = a"))


WORDS = st.sampled_from([
    "name", "metrics.auc", "tags.`k`", "created", "text", "stage", "=", "!=", "<", ">=", "LIKE", "RLIKE", "IN", "(",
    ")", ",", "NOT", "AND", "OR", "IS", "NULL", "BETWEEN", "'a'", '"b"', "1", "nan", "7d", "prod", "'(a|b)*'", "'", "`",
    "!",
])  # fmt: skip


@given(st.one_of(st.text(), st.lists(WORDS, max_size=12).map(" ".join), st.lists(WORDS, max_size=12).map("".join)))
def test_any_text_parses_or_is_refused(text: str) -> None:
    """Whatever is typed, the answer is a filter that runs or an InvalidFilter with a column inside of the text."""
    try:
        wanted = parse(text, now=NOW, details=details)
    except InvalidFilter as error:
        assert 0 <= error.column <= len(text)
    else:
        assert {True, False} >= {wanted(doc) for doc in DOCS}


# A naive reading of the same language: an expression is generated together with what it means.
_TERMS = [
    ("metrics.auc > 0.5", lambda d: d["metrics"].get("auc", -1) > 0.5),
    ("metrics.auc <= 0.5", lambda d: d["metrics"].get("auc", 2) <= 0.5),
    ("metrics.auc IS NULL", lambda d: "auc" not in d["metrics"]),
    ("name = 'm1'", lambda d: d["name"] == "m1"),
    ("name != m1", lambda d: d["name"] != "m1"),
    ("version IN (1, 3)", lambda d: d["number"] in {1, 3}),
    ("version NOT BETWEEN 2 AND 3", lambda d: not 2 <= d["number"] <= 3),
    ("stage = production", lambda d: d["stage"] == "Production"),
    ("alias = champion", lambda d: "champion" in d["aliases"]),
    ("tags.team LIKE 'r%'", lambda d: d["tags"].get("team", "").startswith("r")),
]
_LEAF = st.sampled_from(_TERMS)


def _not(part):
    return (f"NOT ({part[0]})", lambda d: not part[1](d))


def _and(parts):
    return (" AND ".join(f"({p[0]})" for p in parts), lambda d: all(p[1](d) for p in parts))


def _or(parts):
    return ("(" + " or ".join(p[0] for p in parts) + ")", lambda d: any(p[1](d) for p in parts))


EXPRESSIONS = st.recursive(
    _LEAF,
    lambda inner: st.one_of(
        inner.map(_not),
        st.lists(inner, min_size=2, max_size=4).map(_and),
        st.lists(inner, min_size=2, max_size=4).map(_or),
    ),
    max_leaves=10,
)

DOCUMENTS = st.builds(
    version,
    st.sampled_from(["m1", "m2"]),
    st.integers(1, 4),
    stage=st.sampled_from(["None", "Production"]),
    aliases=st.lists(st.sampled_from(["champion", "live"]), unique=True),
    metrics=st.dictionaries(st.just("auc"), st.floats(0, 1)),
    tags=st.dictionaries(st.just("team"), st.sampled_from(["risk", "growth"])),
)


@given(EXPRESSIONS, st.lists(DOCUMENTS, min_size=1, max_size=5))
def test_expressions_mean_what_they_say(expression: tuple[str, Any], docs: list[dict[str, Any]]) -> None:
    """Any joining of terms finds what a naive reading of it finds, and its equalities hold for every match."""
    text, means = expression
    if len(text) > 4096:
        return
    wanted = parse(text)
    assert [means(doc) for doc in docs] == [wanted(doc) for doc in docs]
    for doc in filter(wanted, docs):
        held = {**doc, "alias": wanted.equal.get("alias") if wanted.equal.get("alias") in doc["aliases"] else None}
        assert dict(wanted.equal) == {key: held[key] for key in wanted.equal}


def test_filter_is_frozen() -> None:
    """A filter cannot be changed after it was compiled."""
    wanted: Filter = parse("name = a")
    with pytest.raises(AttributeError):
        wanted.text = "name = b"  # type: ignore[misc]  # the point of the test
    with pytest.raises(TypeError):
        wanted.equal["name"] = "b"  # type: ignore[index]  # as above
