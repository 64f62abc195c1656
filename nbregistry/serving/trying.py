"""Lines that ask a server and work as they stand, with the row that was captured with the version filled in."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from nbregistry.errors import RegistryError
from nbregistry.serving.spec import RunFolder
from nbregistry.types import Document

if TYPE_CHECKING:
    from nbregistry.domain.entities import ModelVersion
    from nbregistry.registry import Registry
    from nbregistry.serving.process import Server

_FILE = "examples.json"
_LONGEST = 2_000  # characters of a row that are still written into a line


class Lines(NamedTuple):
    """One line for a shell and one for Python; empty where there is no row to ask with."""

    shell: str = ""
    python: str = ""


def keep_examples(registry: Registry, run: RunFolder, refs: Mapping[str, str]) -> None:
    """Leave one captured row of each name that is served, by the reference whose rows it takes; where one was kept."""
    found = run.read(_FILE)
    for name, ref in refs.items():
        with contextlib.suppress(RegistryError, ImportError):
            if row := _row(registry.version(ref)):
                found[name] = row
    run.write(_FILE, found)


def _row(version: ModelVersion) -> Document:
    """Return a request for one row, as JSON data."""
    import orjson

    from nbregistry.capture.example import decode_example
    from nbregistry.serving.asking import question

    example = version.details("example")
    if not example:
        return _made_up(version)
    first: Document = orjson.loads(question(_first(decode_example(example))))
    if names := first.pop("columns", None):
        return {"records": [dict(zip(names, first["rows"][0], strict=True))]}
    return first


def _first(rows: Any) -> Any:
    return rows.iloc[:1] if hasattr(rows, "iloc") else rows[:1]


def _made_up(version: ModelVersion) -> Document:
    """Return a row of noughts where nothing but the number of columns is known."""
    inputs = version.signature.inputs if version.signature else ()
    shape = inputs[0].shape if len(inputs) == 1 else None
    if shape is None or len(shape) != 2 or not inputs[0].dtype.startswith(("float", "int")):
        return {}
    return {"rows": [[0] * shape[1]]} if 0 < shape[1] <= 256 else {}


def lines_of(server: Server) -> Lines:
    """Return the lines for what the server offers first."""
    refs = server.refs
    ref = refs[0] if refs else ""
    asked = example_of(server, ref)
    return lines_for(server, ref, asked) if asked else Lines()


def example_of(server: Server, ref: str) -> Document:
    """Return a request for one row that was kept for a name that is served; empty where there is none."""
    found = server.run.read(_FILE).get(ref)
    return found if isinstance(found, dict) else {}


def lines_for(server: Server, ref: str, asked: Document, method: str = "predict") -> Lines:
    """Return the lines that ask for one of the names a server serves.

    Parameters
    ----------
    asked : mapping
        ``records`` or ``rows``, as in a request.
    """
    import orjson

    refs = server.refs
    other = method != "predict"
    text = orjson.dumps({**asked, "method": method} if other else asked).decode()
    token, opened = bool(server.spec.tokens), ""
    url = f"{server.url}/models/{_name(ref, refs)}/predict"
    data, rows = shlex.quote(text), repr(asked.get("records", asked.get("rows")))
    if len(text) > _LONGEST:
        file = server.run.path / "example.json"
        file.write_text(text, "utf-8")
        data = shlex.quote(f"@{file}")
        opened, rows = "json, ", f"next(iter(json.load(open({str(file)!r})).values()))"
    sent = ' -H "Authorization: Bearer $NBREGISTRY_TOKEN"' if token else ""
    known = ", os.environ['NBREGISTRY_TOKEN']" if token else ""
    opened += "os, " if token else ""
    named = f", {ref!r}" if len(refs) > 1 else ""
    named += f", method={method!r}" if other else ""
    return Lines(
        f"curl -sS {url}{sent} -H 'Content-Type: application/json' -d {data}",
        f"import {opened}nbregistry; nbregistry.Client({server.url!r}{known}).predict({rows}{named})",
    )


def _name(ref: str, refs: tuple[str, ...]) -> str:
    """Return a reference as it stands in a path; the name alone where only one of that name is served."""
    name = ref.partition("@")[0].partition("/")[0]
    alone = sum(r.partition("@")[0].partition("/")[0] == name for r in refs) == 1
    return name if alone else ref
