"""The verb that writes the registry, or one model, as a page for people who have no registry."""

from __future__ import annotations

from pathlib import Path

from nbregistry.display import site
from nbregistry.display.site_contents import Wish
from nbregistry.domain.results import Overview
from nbregistry.errors import InvalidInput
from nbregistry.registry.progress import Progress
from nbregistry.verbs.asking import Ask
from nbregistry.verbs.grammar import Values
from nbregistry.verbs.reading import view

DEFAULT = "registry.html"
_INDEX = "index.html"


def export_site(ask: Ask, values: Values) -> Overview:
    """Write one self-contained page and tell what is in it."""
    if values["all"] and values["newest"]:
        raise InvalidInput("--all or --newest N: both together cannot be meant.")
    wish = Wish(model=values["model"], newest=values["newest"], all=values["all"], title=values["title"] or "")
    target = _file(values["place"], values["model"])
    with Progress("Exporting") as progress:
        done = site.export(view(ask, values), target, wish, force=values["force"], tell=progress.tell)
    notices = (
        (f"{ask.said('export-site')} --all has the cards of every version.",) if done.versions > done.cards else ()
    )
    return Overview("Exported", (("Page", str(target)), *site.summary(done)), notices)


def _file(place: str | None, model: str | None) -> Path:
    """Return the file that a place means: itself when it ends as a page does, one in it when it is a folder."""
    if place is None:
        return Path(f"{model}.html" if model else DEFAULT)
    found = Path(place).expanduser()
    if found.suffix.lower() in (".html", ".htm") and not found.is_dir():
        return found
    return found / (f"{model}.html" if model else _INDEX)
