"""Every command: the verbs of the table, and the three that only a shell has."""

from __future__ import annotations

from collections.abc import Mapping

from nbregistry.verbs import table
from nbregistry.verbs.grammar import MANY, Argument, Offer, Place, Verb

_SHELL = frozenset({Place.SHELL})

OVERVIEW = """\
usage: nbregistry COMMAND ...

The model registry that lives in the notebook, from the command line.
"""

DEMO = Verb(
    "demo", "See it all in a minute, on data that comes with scikit-learn.", "cli.demo:demo",
    (
        Argument("--open", "go on in JupyterLab", most=0),
        Argument("--fast", "do not pause between the steps", most=0),
    ),
    _SHELL, json=False,
)  # fmt: skip

COMPLETION = Verb(
    "completion", "Print the script that gives your shell TAB completion.", "cli.completion:script",
    (Argument("shell", "bash, zsh or fish", Offer.CHOICE, choices=("bash", "zsh", "fish"), needed=True),),
    _SHELL, json=False, example='bash > ~/.local/share/bash-completion/completions/nbregistry',
)  # fmt: skip

BROWSE = Verb(
    "browse", "Open the registry to those who decide: a page in the browser, without a notebook.",
    "browser.launching:browse",
    (
        Argument("--host", "where to listen; beyond this machine only with --auth token, proxy or hub", shown="HOST"),
        Argument("--port", "8866 unless told; 0 is any that is free", read=table.port, shown="PORT"),
        Argument("--auth", "how visitors prove who they are; none: everybody on this machine may read", Offer.CHOICE,
                 choices=("none", "token", "proxy", "hub"), default="none", shown="none|token|proxy|hub"),
        Argument("--token", "what readers share, or the proxy's secret; made unless told", shown="TOKEN|auto"),
        Argument("--approver", "who may approve, reject, promote and annotate; may be repeated", most=MANY,
                 shown="NAME"),
        Argument("--name", "what else the server is called by: registry.example.org; may be repeated", most=MANY,
                 shown="HOST"),
        Argument("--base", "the path below which everything lies, behind a proxy that passes it on; / unless told",
                 shown="/PATH/"),
        Argument("--four-eyes", "whoever puts a version into Staging may not approve it too", most=0),
        Argument("--visitors", "at once, 20 unless told; more are asked to wait", read=table.whole, shown="N"),
        Argument("--idle", "seconds after which a page that nobody uses gives up its place, 120 unless told",
                 read=table.whole, shown="SECONDS"),
        Argument("--open", "open it in a browser", most=0),
    ),
    _SHELL, json=False, example="--auth token --approver ana",
    details="It stays until it is told to end. With --auth token each approver gets a link of their own. With --auth"
    " proxy a proxy signs people in, names them as X-Forwarded-User and shows its secret as X-Nbregistry-Proxy-Secret."
    " With --auth hub it runs as a service of JupyterHub, which signs people in and tells it where it is.",
)  # fmt: skip

COMMANDS: Mapping[str, Verb] = {"demo": DEMO, **table.at(Place.SHELL), "browse": BROWSE, "completion": COMPLETION}
