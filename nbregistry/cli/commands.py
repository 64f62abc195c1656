"""Every command: the verbs of the table, and the two that only a shell has."""

from __future__ import annotations

from collections.abc import Mapping

from nbregistry.verbs import table
from nbregistry.verbs.grammar import Argument, Offer, Place, Verb

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

COMMANDS: Mapping[str, Verb] = {"demo": DEMO, **table.at(Place.SHELL), "completion": COMPLETION}
