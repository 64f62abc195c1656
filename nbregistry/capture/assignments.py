"""Secrets known by the name they are given to: ``password = "..."``, ``--token ...``, ``{"api_key": "..."}``.

What only looks like one stays: a tokenizer, a number of tokens, a password that is asked for or read from the
environment, a path, a place to put a secret in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from nbregistry.capture.tokens import Span

KINDS = {"password": "password", "key": "API key", "secret": "secret", "token": "token"}

MOST_NAMES = 10_000
"""Names a text may have before the rest of it counts as one secret: no code has so many, and each takes time."""


@dataclass(frozen=True, slots=True)
class _Word:
    """A word that names a secret: what is looked for, how far before it the word may begin, the whole word."""

    stem: str
    reach: int
    group: str
    pattern: re.Pattern[str]

    def places(self, text: str, low: str) -> Iterator[tuple[int, int]]:
        """Yield where the word stands in a text, given also in lower case."""
        place = low.find(self.stem)
        while place >= 0:
            look = self.pattern.search if self.reach else self.pattern.match
            match = look(text, max(0, place - self.reach), place + 24)
            if match and match.end() > place:
                yield match.span()
            place = low.find(self.stem, place + len(self.stem))


def _word(stem: str, group: str, pattern: str, *, reach: int = 0) -> _Word:
    whole = re.compile(rf"(?:{pattern})(?:_?\d{{1,3}})?(?![A-Za-z0-9_])", re.IGNORECASE)
    return _Word(stem, reach, group, whole)


_WORDS = (
    _word("pass", "password", "pass(?:word|wd|phrase|code)"),
    _word("pwd", "password", "pwd"),
    _word("secret", "secret", "secret(?:[_-]?key)?"),
    _word("credential", "secret", "credentials?"),
    _word("token", "token", "token"),
    _word("key", "key", "(?:api|access|account|auth|private|signing|encryption|master|storage)[_-]?key", reach=11),
)

_IDENTIFIER = re.compile(r"[\w.-]{0,60}\Z")
_LINE_START = re.compile(r"(?:\A|\n)[ \t]{0,40}[+-]?[ \t]{0,40}!?(?P<command>export |set |ENV |%env |%set_env )?\Z")
_CALL = re.compile(r"(?:setdefault|putenv|setenv|getenv|set_key|get)\(\s{0,8}[\"']\Z")

_LEADS = {
    "assign": re.compile(
        r"[\"'\]]{0,2}[ \t]{0,8}(?::[ \t]{0,4}[\w.\[\], |]{1,60}?)?:?=(?!=)[\s(]{0,16}(?P<prefix>[A-Za-z]{0,2})"
    ),
    "entry": re.compile(r"\\?[\"'][ \t]{0,8}:\s{0,8}(?P<prefix>[A-Za-z]{0,2})"),
    "argument": re.compile(r"[\"']\s{0,8},\s{0,8}(?P<prefix>[A-Za-z]{0,2})"),
    "line": re.compile(r"[ \t]{0,4}:[ \t]{1,8}(?P<prefix>)"),
}
_LITERALS = {
    '"': (re.compile(r'"""(?P<value>[^"]{1,4096})"""'), re.compile(r'"(?P<value>(?:[^"\\\n]++|\\.)*+)"')),
    "'": (re.compile(r"'''(?P<value>[^']{1,4096})'''"), re.compile(r"'(?P<value>(?:[^'\\\n]++|\\.)*+)'")),
    "\\": (re.compile(r'\\"(?P<value>[^"\\\n]{1,1024})\\"'),),
}
_BARE = {
    "command": re.compile(r"(?:=|[ \t]{1,8})(?P<value>[^\s\"'`#;&|<>(){}\[\]$]{3,1024})"),
    "env": re.compile(r"=(?P<value>(?=\D{0,64}\d)[^\s\"'`#;&|<>(){}\[\]$,]{6,1024})[ \t]{0,40}(?=\n|\Z)"),
    "line": re.compile(
        r"[ \t]{0,4}:[ \t]{1,8}(?P<value>(?=\D{0,64}\d)[^\s\"'`#;&|<>(){}\[\]$,*!]{6,1024})[ \t]{0,40}(?=\n|\Z)"
    ),
    "flag": re.compile(r"[= ][ \t]{0,4}[\"']?(?P<value>[^\s\"'`$(){}<>,=-][^\s\"'`$(){}<>,=]{2,1024}={0,2})"),
    "query": re.compile(r"=(?P<value>[^\s\"'`&#<>{}=]{4,1024}={0,2})"),
    "pair": re.compile(r" ?= ?(?P<value>[^\s;\"'(){}\[\]$<>,&=]{3,256}={0,2})(?=[;\"']| \w{2,20} ?=)"),
}

_NO_SECRET = re.compile(
    r"""\[redacted.*|<.*>|\[.*\]|\$.*|%\(.*|:\w+|\{[^{}]*\}|\*+|\.+|x{3,}|your.*|change-?me|example
    |(?:https?|gs|s3)://.*|~?\.{0,2}/.*|.{0,200}\.(?:json|pem|key|crt|txt|ya?ml|env|ini|toml|cfg)
    |true|false|none|null|str|string|bytes|(?:u?int|float)\d*|required|optional|secretstr
    |(?:\w+[ _-]){0,4}(?:password|passwd|passphrase|secret|token|api[ _-]?key|credentials?)(?:[ _-]here)?\s?[:?]?\s?""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_OF_TEXT = re.compile(
    r"(?:pad|unk|bos|eos|sos|sep|cls|mask|start|end|stop|oov|special|image|prefix|suffix|split|fill)\W?_?\Z"
)
_OF_ACCESS = re.compile(
    r"(?:access|auth|api|bearer|refresh|session|security|secret|bot|id|hub|hf|git|github|slack|user)\W?_?\Z"
)
_GIVES = re.compile(r"[\"'\]\\]{0,2}[ \t]{0,8}[:=,]")
_OPTION = re.compile(r"--|env |set |export |ENV ")


def spans_by_name(text: str) -> Iterator[Span]:
    """Yield the secrets that are known by the name they are given to."""
    low = _lowered(text)
    for word in _WORDS:
        looked = 0
        for start, end in word.places(text, low):
            follows = text[end : end + 1]
            if not _GIVES.match(text, end) and not (follows == " " and _OPTION.search(text, max(0, start - 64), start)):
                continue
            looked += 1
            if looked > MOST_NAMES:
                yield Span(start, len(text), "rest with too many names of secrets")
                break
            if (found := _given(text, start, end, word.group)) is not None:
                yield Span(*found, KINDS[word.group])


def group_of(name: str) -> tuple[str, str] | None:
    """Return the group that the end of a name belongs to and what stands before that; None for a harmless name."""
    low = _lowered(name)
    found = [(start, word.group) for word in _WORDS for start, end in word.places(name, low) if end == len(name)]
    return (min(found)[1], name[: min(found)[0]]) if found else None


def _lowered(text: str) -> str:
    low = text.lower()
    # one letter of Turkish becomes two, and offsets must stay
    return low if len(low) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def _given(text: str, start: int, end: int, group: str) -> tuple[int, int] | None:
    """Return where the secret lies that is given to the name at ``start`` to ``end``."""
    for value, prefix in _values(text, start, end):
        found = value.group("value")
        # an f-string that only puts a variable in its place tells nothing
        if "{" in found and "f" in prefix.lower():
            continue
        before = _IDENTIFIER.search(text, max(0, start - 60), start)
        if is_secret(found, group, before.group() if before else ""):
            return value.span("value")
    return None


def _values(text: str, start: int, end: int) -> Iterator[tuple[re.Match[str], str]]:
    """Yield what may be given to the name at ``start`` to ``end``: literals first, then the forms without quotes."""
    head = text[max(0, start - 100) : start]
    name = _IDENTIFIER.search(head)
    head = head[: name.start()] if name else head
    line = _LINE_START.search(head) if not head or "\n" in head or len(head) < 60 or start <= 100 else None
    quoted = text[end] in "\"'\\]"
    leads = ["assign"]
    if quoted:
        leads.append("entry")
        if _CALL.search(head):
            leads.append("argument")
    elif line:
        leads.append("line")
    for lead in leads:
        if (found := _LEADS[lead].match(text, end)) is None:
            continue
        for literal in _LITERALS.get(text[found.end() : found.end() + 1], ()):
            if value := literal.match(text, found.end()):
                yield value, found.group("prefix")
                break
    if not quoted:
        begin = start - len(name.group()) if name else start
        for form in _bare(text, begin, end, line):
            if value := _BARE[form].match(text, end):
                yield value, ""


def _bare(text: str, begin: int, end: int, line: re.Match[str] | None) -> Iterator[str]:
    """Yield the forms without quotes that a name may begin where this one stands."""
    if line and line["command"]:
        yield "command"
    elif line:
        yield "line"
        if text[begin:end].isupper():
            yield "env"
    if text.startswith("--", begin):
        yield "flag"
    if begin and text[begin - 1] in "?&":
        yield "query"
    yield "pair"


def is_secret(value: str, group: str, before: str) -> bool:
    """Whether a value given to a name is a secret, rather than a word, a path or a place to put one.

    Parameters
    ----------
    group : str
        A key of ``KINDS``: what the name ends with.
    before : str
        What of the name stands before that.
    """
    if value != value.strip() or not value or _NO_SECRET.fullmatch(value) or _VARIABLE.fullmatch(value):
        return False
    if group == "password":
        return True
    if len(value) < 6 or any(c.isspace() for c in value):
        return False
    if group != "token" or _OF_ACCESS.search(before.lower()):
        return True
    if _OF_TEXT.search(before.lower()):
        return False
    return len(value) >= 20 or any(c.isdigit() for c in value) or not (value.islower() or value.isupper())
