"""Secrets known by their own form: tokens with an issuer's prefix, keys in PEM, credentials in URLs and headers.

Every expression reads a text once: a token begins only where no character of its own kind stands before it, and
whatever may repeat either cannot give back what it took or is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple


class Span(NamedTuple):
    """Where a secret lies in a text, and what kind it is."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Form:
    """A form of secret, looked for only where one of ``hints`` occurs; its first group, if any, is the secret."""

    kind: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]


def _form(kind: str, hints: str, pattern: str) -> Form:
    return Form(kind, tuple(hints.split()), re.compile(pattern))


FORMS = (
    _form("AWS key", "AKIA ASIA", r"(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])"),
    _form("GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", r"(?<![A-Za-z0-9_])gh[pousr]_[A-Za-z0-9]{30,}+"),
    _form("GitHub token", "github_pat_", r"(?<![A-Za-z0-9_])github_pat_[A-Za-z0-9_]{20,}+"),
    _form("GitLab token", "glpat-", r"(?<![\w-])glpat-[\w-]{20,}+"),
    _form("Slack token", "xox", r"(?<![\w-])xox[abeprs]-[A-Za-z0-9-]{10,}+"),
    _form("Slack webhook", "hooks.slack.com", r"hooks\.slack\.com/(?:services|workflows)/([\w/+-]{10,}+)"),
    _form(
        "OpenAI or Anthropic key", "sk-",
        r"(?<![\w-])sk-(?:(?:proj|svcacct|admin|or-v1|ant-[a-z0-9]{2,10})-[\w-]{16,}+"
        r"|(?=[A-Za-z]{0,64}[0-9])[A-Za-z0-9]{20,}+)",
    ),
    _form("Stripe key", "k_live_ k_test_", r"(?<!\w)[rs]k_(?:live|test)_[A-Za-z0-9]{16,}+"),
    _form("Google key", "AIza", r"(?<![\w-])AIza[\w-]{35}(?![\w-])"),
    _form("Google token", "ya29. GOCSPX-", r"(?<![\w-])(?:ya29\.|GOCSPX-)[\w-]{20,}+"),
    _form("Hugging Face token", "hf_", r"(?<!\w)hf_[A-Za-z0-9]{30,}+"),
    _form("PyPI token", "pypi-", r"(?<![\w-])pypi-[\w-]{50,}+"),
    _form("npm token", "npm_", r"(?<!\w)npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])"),
    _form("SendGrid key", "SG.", r"(?<![\w-])SG\.[\w-]{16,32}\.[\w-]{16,64}(?![\w-])"),
    _form("Databricks token", "dapi", r"(?<!\w)dapi[0-9a-f]{32}(?![0-9a-f])"),
    _form("DigitalOcean token", "dop_v1_", r"(?<!\w)dop_v1_[0-9a-f]{64}(?![0-9a-f])"),
    _form("Telegram token", ":AA", r"(?<![\w:-])\d{8,10}:AA[\w-]{33}(?![\w-])"),
    _form("JSON Web Token", "eyJ", r"(?<![\w-])eyJ[\w-]{8,}+\.eyJ[\w-]{8,}+\.[\w-]{4,}+"),
    _form("bearer token", "earer EARER", r"(?i)(?<!\w)bearer[ \t]{1,4}((?=[a-z_.~+/=-]{0,64}[0-9])[\w.~+/=-]{16,}+)"),
    _form(
        "credentials", "uthorization",
        r"(?i)authorization[\"']?\s{0,4}[:=,]\s{0,4}[\"']?(?:basic|token)[ \t]{1,4}([^\s\"',;{}$<>]{8,2048})",
    ),
    _form("credentials", "auth", r"(?<!\w)auth\s{0,4}=\s{0,4}\(\s{0,4}[\"'][^\"'\n]{0,256}[\"']\s{0,4},\s{0,4}"
                                 r"[\"']([^\"'\n]{1,256})[\"']"),
    _form("API key", "key", r"(?<![\w-])key\s{0,2}=\s{0,2}[\"']([0-9a-f]{32,64})[\"']"),
    _form("password", "://", r"://[^\s:/@'\"<>]{0,256}:(?!\{[^{}\s]{0,99}\}@|\$|%s@|%\(|\*+@)([^\s/'\"<>]{1,256})@"),
)  # fmt: skip
"""What is looked for; prefixes are those that the issuers document so that leaks can be found."""

_PEM = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END = re.compile(r"-----END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_PEM_BODY = re.compile(r"[A-Za-z0-9+/=\s\\\"',:-]{0,65536}")


def spans_of_form(text: str) -> Iterator[Span]:
    """Yield the secrets that are known by their form."""
    for form in FORMS:
        if not any(hint in text for hint in form.hints):
            continue
        group = form.pattern.groups and 1
        for match in form.pattern.finditer(text):
            yield Span(match.start(group), match.end(group), form.kind)
    if "PRIVATE KEY" in text:
        yield from _private_keys(text)


def _private_keys(text: str) -> Iterator[Span]:
    """Yield keys in PEM, also those that were cut off before their end."""
    ends = [match.end() for match in _PEM_END.finditer(text)]
    behind = 0
    for match in _PEM.finditer(text):
        if match.start() < behind:
            continue
        while ends and ends[0] <= match.end():
            ends.pop(0)
        body = _PEM_BODY.match(text, match.end())
        reach = body.end() if body else match.end()
        behind = ends[0] if ends and ends[0] <= reach + 64 else reach
        yield Span(match.start(), behind, "private key")
