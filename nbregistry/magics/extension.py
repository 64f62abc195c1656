"""One shell's magics, made from the table of verbs."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, magics_class, no_var_expand

from nbregistry import display
from nbregistry.capture.cells import CellLog
from nbregistry.display.visible import prose
from nbregistry.magics import cell as cells
from nbregistry.magics.boundary import boundary
from nbregistry.magics.completion import UMBRELLA, Matcher
from nbregistry.magics.filling import filled
from nbregistry.verbs import help as help_text
from nbregistry.verbs import table
from nbregistry.verbs.asking import Ask, Session
from nbregistry.verbs.grammar import Place, Values, Verb
from nbregistry.verbs.parsing import HELP, check, parse, wants_help
from nbregistry.verbs.words import silenced, split

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

Magic = Callable[..., object]


@magics_class
class RegistryMagics(Magics):
    """What ``%load_ext nbregistry`` adds to a shell, and takes away again."""

    shell: InteractiveShell

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__()
        self.shell = shell
        self.log = CellLog()
        self.session = Session(cells=self.log.capture)
        self.matcher = Matcher(shell, self.session)
        self.magics = {
            "line": {word: self._line_magic(verb) for word, verb in table.at(Place.LINE).items()},
            "cell": {word: self._cell_magic(verb) for word, verb in table.at(Place.CELL).items()},
        }
        self.magics["line"][UMBRELLA] = self._umbrella()

    @classmethod
    def load(cls, shell: InteractiveShell) -> None:
        """Add everything to a shell."""
        cls.unload(shell)
        import_module("nbregistry.registry")  # now, rather than under somebody's first TAB
        found = cls(shell)
        found._yield_taken_names()
        shell.register_magics(found)
        found.matcher.attach()
        found.log.attach(shell)
        display.attach()

    @classmethod
    def unload(cls, shell: InteractiveShell) -> None:
        """Take everything away again; fine when there is nothing."""
        found = shell.magics_manager.registry.pop(cls.__name__, None)
        if found is None:
            return
        for kind, magics in found.magics.items():
            present = shell.magics_manager.magics[kind]
            for name, magic in magics.items():
                if present.get(name) is magic:
                    del present[name]
        found.matcher.detach()
        found.log.detach()
        found.session.close()

    def _yield_taken_names(self) -> None:
        """Leave a name to whoever has it: IPython's own magics and other extensions are never hidden."""
        taken = set()
        for kind, magics in self.magics.items():
            present = self.shell.magics_manager.magics[kind]
            for name in [n for n in magics if n in present and n != UMBRELLA]:
                del magics[name]
                taken.add(name)
        for name in sorted(taken):
            _tell(f"%{name} is taken by something loaded before; say %{UMBRELLA} {name} instead.")

    def _line_magic(self, verb: Verb) -> Magic:
        def magic(line: str, local_ns: Mapping[str, Any] | None = None) -> object:
            return self._answer(verb, Place.LINE, line, self._namespace(local_ns))

        return _named(magic, verb.said(Place.LINE).lstrip("%"), help_text.of_verb(verb, Place.LINE))

    def _umbrella(self) -> Magic:
        verbs = table.at(Place.WORD)
        overview = "\n".join([f"%{UMBRELLA} [VERB ...]", "", *help_text.of_place(verbs, Place.WORD)])

        def magic(line: str, local_ns: Mapping[str, Any] | None = None) -> object:
            first, _, rest = line.strip().partition(" ")
            word, quiet = silenced(first)
            if word in HELP:
                _tell(overview)
                return None
            with boundary():
                verb = table.find(word or "status", Place.WORD)
            return self._answer(verb, Place.WORD, ";" if quiet else rest, self._namespace(local_ns))

        return _named(magic, UMBRELLA, overview)

    def _cell_magic(self, verb: Verb) -> Magic:
        def magic(line: str, cell: str, local_ns: Mapping[str, Any] | None = None) -> object:
            __tracebackhide__ = True  # IPython's way of leaving a frame out of the user's traceback
            if not verb.runs_cell:
                return self._answer(verb, Place.CELL, line, self.shell.user_ns, cell=cell)
            with boundary():
                words = split(silenced(line)[0])
                if wants_help(words):
                    _tell(help_text.of_verb(verb, Place.CELL))
                    return None
                check(verb, words, Place.CELL)  # a slip of the pen is told before the cell has run for an hour
            made = cells.run(self.shell, cell)
            return self._answer(verb, Place.CELL, line, self.shell.user_ns, made=made)

        return _named(magic, verb.said(Place.CELL).lstrip("%"), help_text.of_verb(verb, Place.CELL))

    def _namespace(self, local_ns: Mapping[str, Any] | None) -> Mapping[str, Any]:
        """Return the variables of the function that the line stands in, before those of the notebook."""
        names: dict[str, Any] = self.shell.user_ns
        return names if local_ns is None or local_ns is names else ChainMap(dict(local_ns), names)

    def _answer(
        self,
        verb: Verb,
        place: Place,
        line: str,
        namespace: Mapping[str, Any],
        *,
        cell: str | None = None,
        made: frozenset[str] = frozenset(),
    ) -> object:
        with boundary():
            line, quiet = silenced(line)
            words = filled(split(line), namespace)
            if wants_help(words):
                _tell(help_text.of_verb(verb, place))
                return None
            values = parse(verb, words, place, cell=cell)
            ask = Ask(self.session, place, namespace, line, tuple(words), made, tell=_tell)
            answer = _panel(ask, verb, values) if values.get("panel") else ask.answer(verb, values)
            return None if quiet else answer
        return None


def _panel(ask: Ask, verb: Verb, values: Values) -> object:
    from nbregistry.widgets import opening

    return opening.panel(ask, verb, values)


def _named(magic: Magic, name: str, doc: str) -> Magic:
    magic.__name__ = magic.__qualname__ = name
    magic.__doc__ = doc
    magic.needs_local_scope = True  # type: ignore[attr-defined]  # IPython's way of asking for the caller's variables
    return no_var_expand(magic)  # see filling


def _tell(text: str) -> None:
    print(prose(text))  # noqa: T201 - a magic speaks to the one who typed it
