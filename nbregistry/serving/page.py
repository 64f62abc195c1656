"""The documentation page: files of the package, sent as they are under a policy that lets nothing else in.

Whatever a page shows of a model it asks for itself (``/openapi.json``) and puts in as text.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from nbregistry.errors import NotFound
from nbregistry.serving.request import Answer

_PLACE = Path(__file__).parent / "site"
_FILES = {"index.html": b"text/html", "docs.css": b"text/css", "docs.js": b"text/javascript"}
_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none';"
    b" form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = (
    (b"content-security-policy", _POLICY), (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"), (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-cache"),
)  # fmt: skip


@cache
def part(name: str) -> Answer:
    """Return one file of the page.

    Raises
    ------
    NotFound
        Any other name; names are compared, never put together to a path.
    """
    if name not in _FILES:
        raise NotFound("The page has no such part.")
    body = (_PLACE / name).read_bytes()
    return Answer(body, media=_FILES[name] + b"; charset=utf-8", headers=_HEADERS)
