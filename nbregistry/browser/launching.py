"""``nbregistry browse``: settles what is asked, says where it is, and stays until it is told to end."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
import webbrowser
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from nbregistry.browser.identity import Issued, Proof, issue
from nbregistry.browser.surroundings import SECRETS, Surroundings
from nbregistry.config import hub
from nbregistry.errors import InvalidInput, MissingDependency, NotFound
from nbregistry.verbs.asking import Ask
from nbregistry.verbs.grammar import Values

NOTEBOOK = "registry_browser.ipynb"
_PORT, _MOST, _IDLE = 8866, 20, 120
_BASE = re.compile(r"/(?:(?!\.{1,2}/)[\w.~-]+/)*\Z", re.ASCII)


def browse(ask: Ask, values: Values) -> None:
    """Run the registry browser in the foreground."""
    for module in ("voila", "anywidget", "ipywidgets", "ipykernel"):
        if find_spec(module) is None:
            raise MissingDependency(module, "lab", "The registry browser")
    from nbregistry.browser.app import Plan, serve

    proof = Proof(values["auth"] or "none")
    told = _surroundings() if proof is Proof.HUB else None
    listens = told.listens if told and told.listens else ("127.0.0.1", _PORT)
    host = values["host"] or listens[0]
    base = based(values["base"] or (told.prefix if told else "/"))
    issued = issue(proof, host=host, token=values["token"], approvers=values["approver"])
    settings = ask.registry.settings  # opens the registry: a fault there is told before anything is started
    with tempfile.TemporaryDirectory(prefix="nbregistry-browse-") as private:
        page, run = Path(private, "page"), Path(private, "run")
        page.mkdir()
        run.mkdir()
        shutil.copyfile(notebook(), page / NOTEBOOK)
        plan = Plan(
            page / NOTEBOOK, run, str(ask.registry.core.store.folder) or settings.uri, issued.guests, host,
            port=listens[1] if values["port"] is None else values["port"],
            names=(*values["name"], *(told.names if told else ())),
            four_eyes=values["four_eyes"], most=values["visitors"] or _MOST, idle=values["idle"] or _IDLE,
            base=base, hub=told, withheld=frozenset(SECRETS),
        )  # fmt: skip
        ask.session.close()
        serve(plan, _ready(ask, issued, host, base, open_it=values["open"]))


def _surroundings() -> Surroundings:
    if find_spec("jupyterhub") is None:
        raise MissingDependency("jupyterhub", "hub", "Signing in through JupyterHub")
    return Surroundings.read(hub())


def based(path: str) -> str:
    """Return the path below which everything lies, with a slash at both ends.

    Raises
    ------
    InvalidInput
        It is no plain path: two slashes would name another server, and dots another path.
    """
    found = f"/{path.strip('/')}/" if path.strip("/") else "/"
    if "//" in path or not _BASE.match(found):
        raise InvalidInput(
            f"{path[:200]!r} is no path below which a site can lie: give --base /services/registry/, of letters, digits"
            " and - _ . ~ between slashes."
        )
    return found


def notebook() -> Path:
    """Return the browser's notebook: in the package when it is installed, beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    for place in (package / "notebooks", package.parent / "notebooks"):
        if (place / NOTEBOOK).is_file():
            return place / NOTEBOOK
    raise NotFound(f"{NOTEBOOK} is missing from this installation: install nbregistry again.")


def _ready(ask: Ask, issued: Issued, host: str, base: str, *, open_it: bool) -> Callable[[int], None]:
    """Return what says where the browser is; tokens are said this once, since only their hashes are kept."""

    def ready(port: int) -> None:
        called = "127.0.0.1" if host in ("", "0.0.0.0", "::") else f"[{host}]" if ":" in host else host  # noqa: S104 - compared
        address = f"http://{called}:{port}{base}"
        ask.show(f"The registry browser is at {address}")
        proof = issued.guests.proof
        link = address
        if proof is Proof.TOKEN:
            ask.tell("Links, shown this once:")
            ask.tell(f"  for readers: {address}?token={issued.shared}")
            for name, token in issued.personal.items():
                link = f"{address}?token={token}"
                ask.tell(f"  for {name}, who may decide: {link}")
            link = link if len(issued.personal) == 1 else f"{address}?token={issued.shared}"
        elif proof is Proof.PROXY:
            ask.tell(f"The proxy's secret, shown this once; it sends it as X-Nbregistry-Proxy-Secret: {issued.shared}")
            ask.tell("It names the user as X-Forwarded-User, and drops both headers from what browsers send.")
        elif proof is Proof.HUB:
            ask.tell("JupyterHub signs people in; they come by its address, which has to be a --name of this server.")
        if open_it:
            webbrowser.open(link)
        sys.stdout.flush()

    return ready
