"""From the words of a shell to an answer and an exit status."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import nbregistry
from nbregistry.cli import output
from nbregistry.cli.commands import COMMANDS, OVERVIEW
from nbregistry.errors import InvalidInput, RegistryError
from nbregistry.verbs import help as help_text
from nbregistry.verbs import table
from nbregistry.verbs.asking import Ask, Session
from nbregistry.verbs.grammar import Place, Verb
from nbregistry.verbs.parsing import HELP, parse, wants_help
from nbregistry.verbs.telling import fault_text
from nbregistry.verbs.words import Word, from_shell

DONE, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130

_EVERYWHERE = (
    ("--registry PATH|URL", "which registry; NBREGISTRY_URI, pyproject.toml and .nbregistry are next"),
    ("--json", "answer in JSON"),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A command line without the options that every command takes."""

    words: list[Word]
    registry: str | None
    json: bool


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns
    -------
    int
        The exit status: 0 done, 1 refused or failed, 2 wrong use.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    output.prepare()
    try:
        status = _run(arguments)
        sys.stdout.flush()
        return status
    except InvalidInput as error:
        output.fault(fault_text(error) or "")
        return WRONG_USE
    except BrokenPipeError:
        # Whoever read our output has seen enough; the verb itself was done before anything was printed.
        output.abandon()
        return DONE
    except (RegistryError, OSError) as error:
        output.fault(fault_text(error) or "")
        return FAILED
    except KeyboardInterrupt:
        output.fault("interrupted")
        return INTERRUPTED


def _run(arguments: list[str]) -> int:
    if arguments[:1] == ["__complete"]:
        from nbregistry.cli.completion import complete

        output.lines(complete(arguments[1:]))
        return DONE
    asked = _common(from_shell(arguments))
    words = asked.words
    if not words or (words[0].text in (*HELP, "help") and len(words) == 1):
        output.lines([OVERVIEW, *help_text.of_place(COMMANDS, Place.SHELL, bare=True), "", *_ending()])
        return DONE
    if words[0].text == "--version":
        output.lines([f"nbregistry {nbregistry.__version__}"])
        return DONE
    if words[0].text == "help":
        words = [*words[1:], Word(HELP[0])]
    verb = table.find(words[0].text, Place.SHELL, COMMANDS)
    if wants_help(words[1:]):
        output.lines([help_text.of_verb(verb, Place.SHELL, _EVERYWHERE if verb.json else _EVERYWHERE[:1])])
        return DONE
    return _answer(verb, words[1:], asked)


def _answer(verb: Verb, words: list[Word], asked: Asked) -> int:
    values = parse(verb, words, Place.SHELL)
    if asked.json and not verb.json:
        raise InvalidInput(f"nbregistry {verb.word} has no --json: its output is for people.")
    session = Session(asked.registry)
    confirm = output.confirm if sys.stdin.isatty() and not asked.json else None
    show = partial(output.show, json=asked.json)
    ask = Ask(session, Place.SHELL, words=tuple(words), tell=output.aside, show=show, confirm=confirm)
    try:
        answer = ask.answer(verb, values)
        show(answer)
    finally:
        session.close()
    return DONE if output.succeeded(answer) else FAILED


def _common(words: list[Word]) -> Asked:
    """Take out the options that every command takes, wherever they stand."""
    rest: list[Word] = []
    registry: str | None = None
    json = False
    pending = iter(words)
    for word in pending:
        name, equals, value = word.text.partition("=")
        if word.text == "--":
            rest += [word, *pending]
        elif word.option and name == "--registry":
            registry = value if equals else next(pending, Word("")).text
            if not registry:
                raise InvalidInput("--registry needs a value: --registry PATH|URL.")
        elif word.option and word.text == "--json":
            json = True
        else:
            rest.append(word)
    return Asked(rest, registry, json)


def _ending() -> list[str]:
    rows = [help_text.row(label, text) for label, text in (*_EVERYWHERE, ("--version", "tell the version"))]
    return ["Every command takes", *rows, "", "nbregistry COMMAND -h tells more of one."]
