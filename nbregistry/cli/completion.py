"""TAB in bash, zsh and fish: a short script for each, which asks a hidden command what the next word could be.

The scripts hold no names: ``nbregistry __complete`` reads the registry in use each time. It prints one candidate a
line, or ``:files`` where the shell's own completion of files is what is wanted.
"""

from __future__ import annotations

from collections.abc import Sequence

from nbregistry.cli.commands import COMMANDS
from nbregistry.errors import InvalidInput, RegistryError
from nbregistry.verbs.asking import Ask
from nbregistry.verbs.catalogue import glance
from nbregistry.verbs.grammar import Offer, Place, Values
from nbregistry.verbs.offering import Question, offers, words_of
from nbregistry.verbs.parsing import Walk
from nbregistry.verbs.words import Word, from_shell

FILES = ":files"
_COMMON = ("--registry", "--json")

# bash splits words at = : and @, which our references and options hold; so the line is split here again, at blanks, and
# what bash regards as typed already is cut off the front of each candidate.
_BASH = r"""
_nbregistry() {
    local line=${COMP_LINE:0:COMP_POINT} cur=${COMP_WORDS[COMP_CWORD]} fragment= head found i
    local -a words
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    fragment=${words[${#words[@]}-1]}
    [[ $cur == [@:=] ]] && cur=
    head=${fragment%"$cur"}
    COMPREPLY=()
    while IFS= read -r found; do
        if [[ $found == :files ]]; then
            compopt -o default 2>/dev/null
        else
            COMPREPLY+=("${found#"$head"}")
        fi
    done < <(nbregistry __complete "${words[@]:1}" 2>/dev/null)
    for found in "${COMPREPLY[@]}"; do
        [[ $found == *[./=] ]] && compopt -o nospace 2>/dev/null
    done
}
complete -F _nbregistry nbregistry
"""

_ZSH = r"""
#compdef nbregistry
_nbregistry() {
    local -a found
    found=("${(@f)$(nbregistry __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ ${found[1]} == :files ]]; then
        _files
    elif [[ -n ${found[1]} ]]; then
        compadd -- "${found[@]}"
    fi
}
compdef _nbregistry nbregistry
"""

_FISH = r"""
function __nbregistry_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l found (nbregistry __complete $words[2..-1] 2>/dev/null)
    if test "$found[1]" = ":files"
        __fish_complete_path (commandline -ct)
    else
        printf '%s\n' $found
    end
end
complete -c nbregistry -f -a '(__nbregistry_complete)'
"""

_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def script(ask: Ask, values: Values) -> str:
    """Return the script for a shell."""
    return _SCRIPTS[values["shell"]].strip()


def complete(arguments: Sequence[str]) -> list[str]:
    """Return what the last of the arguments could become; never raises over what is on the line or in the store."""
    *before, fragment = list(arguments) or [""]
    try:
        return _complete(before, fragment)
    except (RegistryError, OSError):
        return []


def _complete(before: Sequence[str], fragment: str) -> list[str]:
    words, uri, awaiting = _without_common(from_shell(before))
    if awaiting or fragment.startswith("--registry="):
        return [FILES]
    if not words:
        return list(words_of(fragment, [*COMMANDS, *(("--version", "--help") if fragment.startswith("-") else ())]))
    verb = COMMANDS.get(words[0].text)
    if verb is None:
        return []
    if _wants_file(Walk(verb, Place.SHELL), words[1:]):
        return [FILES]
    found = offers(Question(verb, Place.SHELL, words[1:], fragment), glance(uri), {})
    if fragment.startswith("-"):
        found += words_of(fragment, _COMMON)
    return found


def _wants_file(walk: Walk, words: Sequence[Word]) -> bool:
    try:
        for word in words:
            walk.take(word)
    except InvalidInput:
        return False
    return any(argument.offer is Offer.PATH for argument in walk.next()[:1])


def _without_common(words: Sequence[Word]) -> tuple[list[Word], str | None, bool]:
    """Return the words without --registry and --json, the registry, and whether its value is still to come."""
    rest: list[Word] = []
    uri: str | None = None
    awaiting = False
    for word in words:
        name, equals, value = word.text.partition("=")
        if awaiting:
            uri, awaiting = word.text, False
        elif name == "--registry":
            uri, awaiting = (value, False) if equals else (None, True)
        elif word.text != "--json":
            rest.append(word)
    return rest, uri, awaiting
