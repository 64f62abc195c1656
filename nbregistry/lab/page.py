"""The registry browser inside of JupyterLab: its pages, drawn by this server, in a frame that runs no script.

``nbregistry browse`` gives the same pages to people without a Jupyter account, in a server of its own, with widgets
for those who may decide. Here somebody reads who may run code anyway and has the panels in the next cell, so a page
needs no kernel (80 MB and seconds), no Voila and no script: what is drawn is all of it, and its links load the next.
"""

from __future__ import annotations

from functools import cache
from html import escape
from pathlib import Path
from urllib.parse import urlencode

from nbregistry import browser
from nbregistry.browser import pages
from nbregistry.browser.access import Access
from nbregistry.browser.addresses import Asked as Address
from nbregistry.display.style import SHEET
from nbregistry.lab.asking import Asked
from nbregistry.types import Document

POLICY = (
    "sandbox allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox; default-src 'none';"
    " style-src 'unsafe-inline'; img-src data:; form-action 'self'; frame-ancestors 'self'; base-uri 'none'"
)
"""Markup that might one day slip through the escaping can run nothing and fetch nothing.

``allow-same-origin`` is for the cookie of the login, which links within the page need; without scripts nothing can
make use of it.
"""

_SHEETS = ("site.css", "page.css")
# The buttons need a script, everybody here is who they are, and a dark tab is as dark as the notebook beside it.
_HERE = """.nbr-top button, .nbr-who { display: none; }
:root[data-theme="dark"] { --nbr-page: #111111; --nbr-field: #212121; --nbr-rule: #424242; }"""


def page(asked: Asked) -> Document:
    """Return the page of an address: ``browser/dark/folder?model=churn&version=3``."""
    access = Access(asked.registry)  # a reader: what changes the registry is not even drawn
    meant = Address.parse(urlencode({k: v for k, v in asked.query.items() if k not in ("theme", "folder")}))
    drawn = pages.drawn(access, meant)
    theme = "dark" if asked.query.get("theme") == "dark" else "light"
    return {
        "html": f'<!DOCTYPE html><html lang="en" data-theme="{theme}"><head><meta charset="utf-8">'
        f"<title>{escape(drawn.title)}</title><style>{_sheet()}{SHEET}{_HERE}</style></head>"
        f'<body><div class="nbr-view">{pages.markup(drawn, access)}</div></body></html>'
    }


@cache
def _sheet() -> str:
    static = Path(browser.__file__).with_name("static")
    return "\n".join(static.joinpath(name).read_text("utf-8") for name in _SHEETS)
