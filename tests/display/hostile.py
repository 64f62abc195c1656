"""Hostile text for every room that shows something: a judge of HTML, and a registry whose every text is hostile.

``faults`` reads HTML as a browser does and names whatever is not ours to have: it is asked of pages, exports, magics
and panels alike. ``hostile_registry`` makes a real registry on disk in which every field that takes a user's text holds
markup, links, Markdown or control characters, so that a test can show all of it through any door.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import html5lib

from nbregistry import Candidate, GateResult, Registry
from nbregistry.display.style import SHEET
from nbregistry.domain.commits import Actor
from tests.display import corpus

CANARY = corpus.CANARY
KINDS = ("note", "warning", "decision", "incident")
TEXTS = (*corpus.MARKUP, *corpus.MARKDOWN[:4], corpus.MARKDOWN[10], corpus.CONTROLS[0], corpus.CONTROLS[3])
"""What a hostile registry holds unless told: every kind of markup, and links, images, mathematics, controls."""

_FORBIDDEN = frozenset({
    "animate", "animatemotion", "animatetransform", "applet", "audio", "base", "embed", "foreignobject", "form",
    "frame", "frameset", "iframe", "link", "marquee", "math", "meta", "noscript", "object", "param", "picture",
    "portal", "script", "set", "source", "style", "template", "track", "use", "video",
})  # fmt: skip
_LINKS = frozenset({
    "action", "background", "cite", "code", "codebase", "data", "dynsrc", "formaction", "from", "href", "icon",
    "longdesc", "lowsrc", "manifest", "ping", "poster", "profile", "src", "srcdoc", "srcset", "to", "usemap", "values",
    "xlink:href",
})  # fmt: skip
_LINK = re.compile(r"(https?://|mailto:)[^\s<>\"'`]+\Z", re.IGNORECASE)
_IMAGE = re.compile(r"data:image/(png|jpeg|webp);base64,[A-Za-z0-9+/=]+\Z")
_PLAIN = re.compile(r"[A-Za-z0-9 :;,.%()#_/+*-]*\Z")
_QUIET = frozenset({"expected-doctype-but-got-start-tag", "expected-doctype-but-got-chars"})
_OURS = re.compile(r"[a-z0-9][a-z0-9:._-]*\Z", re.IGNORECASE)


def faults(
    html: str,
    *,
    sheets: Collection[str] = (SHEET,),
    scripts: Collection[str] = (),
    metas: Collection[str] = (),
    elements: Collection[str] = (),
    anchors: bool = False,
) -> list[str]:
    """Return everything in HTML that could act, fetch, or be mistaken for ours; none for what is safe.

    Parameters
    ----------
    html : str
        A fragment or a whole document.
    sheets, scripts : collection of str
        Contents of ``<style>`` and ``<script>`` elements that are ours, whole.
    metas : collection of str
        ``content`` (or ``charset``) of the ``<meta>`` elements that are ours.
    elements : collection of str
        Elements that are allowed beside those that show text, such as ``input`` in a page of ours.
    anchors : bool
        Whether elements may have an ``id`` of our own making, and links may lead to one (``#churn``).
    """
    parser = html5lib.HTMLParser(html5lib.treebuilders.getTreeBuilder("etree"), namespaceHTMLElements=False)
    whole = html.lstrip()[:15].lower().startswith("<!doctype")
    tree = parser.parse(html) if whole else parser.parseFragment(html)
    found = [f"it does not parse: {code} {told}" for _, code, told in parser.errors if code not in _QUIET]
    allowed = {"style": set(sheets), "script": set(scripts), "meta": set(metas)}
    for node in tree.iter():
        if not isinstance(node.tag, str):
            found.append(f"a comment {str(node.text)[:60]!r}")
            continue
        name = node.tag.rpartition("}")[2].lower()
        attributes = {key.rpartition("}")[2].lower(): value for key, value in node.attrib.items()}
        content = attributes.get("content", attributes.get("charset", "")) if name == "meta" else node.text or ""
        if name in _FORBIDDEN and name not in elements and content not in allowed.get(name, ()):
            found.append(f"<{name}> {content[:60]!r}")
        if name == "input" and name not in elements:
            found.append("<input>")
        if name != "meta":
            found += [fault for key, value in attributes.items() for fault in _attribute(name, key, value, anchors)]
    return found


def _attribute(element: str, key: str, value: str, anchors: bool) -> list[str]:
    shown = f"<{element} {key}={value[:80]!r}>"
    told = []
    if key.startswith(("on", "data-commandlinker")) or key in ("is", "nonce", "autofocus", "http-equiv"):
        told.append(shown)
    if key in ("id", "name", "for") and not (anchors and _OURS.match(value)):
        told.append(shown)
    if key in _LINKS and not _leads(element, key, value, anchors):
        told.append(shown)
    # A style may hold lengths and colours of our own computing, never a function that fetches, nor a user's text.
    if key == "style" and (not _PLAIN.match(value) or re.search(r"url|import|expression|attr\(", value, re.IGNORECASE)):
        told.append(shown)
    if CANARY in value and not (element == "a" and key == "href" and _LINK.match(value)):
        told.append(f"{shown} holds what a user typed")
    return told


def _leads(element: str, key: str, value: str, anchors: bool) -> bool:
    """Whether an attribute that holds an address leads nowhere but where a reader expects."""
    if element == "img" and key == "src":
        return _IMAGE.match(value) is not None
    if element == "a" and key == "href":
        return _LINK.match(value) is not None or (anchors and value[:1] == "#" and _OURS.match(value[1:]) is not None)
    return False


def hostile_registry(folder: Path, texts: Sequence[str] = TEXTS) -> Registry:
    """Return a registry on disk with one version of ``churn`` for each text, which stands in every field of it.

    Names, aliases and stages have grammars of their own that no hostile text passes; all else is hostile: users, hosts,
    notebooks, cells, notes, reasons, tags, descriptions, metrics, parameters, columns, categories, gates and what they
    say, annotations with replies and edits. The last version is in Production; it replaced the one before, and so on;
    ``fraud`` has one version in Staging, and ``churn/1`` is in the trash.
    """
    from sklearn.tree import DecisionTreeClassifier

    registry = Registry(folder)
    said = [""]

    def gate(candidate: Candidate) -> GateResult:
        return GateResult(said[0], True, said[0], {said[0]: said[0], "gain": 0.1})

    registry.add_gate(gate)
    for number, text in enumerate(texts, 1):
        said[0] = text
        _act_as(registry, text)
        model = DecisionTreeClassifier(max_depth=1).fit(*_data(text))
        ref = _register(registry, model, "churn", text)
        if number == 1:
            registry.promote(_register(registry, model, "fraud", text), "Staging", because=text)
        registry.promote(ref, "Production", because=text)
        registry.describe("churn", text)
        for kind in KINDS:
            registry.annotate(ref, text, kind=kind)
        first = registry.annotate("churn", text, kind=KINDS[number % len(KINDS)])
        registry.annotate("churn", text, reply_to=first.id)
        registry.amend(first, f"{text} again")
    registry.tag("churn", {_key(texts[0]): texts[0]})
    if len(texts) > 2:
        registry.delete("churn/1", because=texts[0])
    return registry


def _act_as(registry: Registry, text: str) -> None:
    """Have the registry's changes made by a user, on a host, in a notebook and a cell of that name."""
    core: Any = registry.core
    object.__setattr__(core.settings, "user", text)
    core.actor = lambda: Actor(text, text, 7, f"/home/{text}/{text}.ipynb", text)
    core.cells = lambda shell: [{"id": text, "count": 3, "code": f"{text}\nclf.fit(X, y)", "ok": True}]


def _register(registry: Registry, model: object, name: str, text: str) -> str:
    X, y = _data(text)
    key = _key(text)
    metrics = {key: len(text) / 1000, f"auc {key}": 0.9, "auc": 0.5 + len(text) / 1e6}
    version = registry.register(
        model, name, X=X, y=y, note=text, metrics=metrics, params={key: text}, tags={key: text, "team": text}
    )  # fmt: skip
    registry.describe(version, text)
    return version.ref


def _key(text: str) -> str:
    """Return the text as the name of a metric, a parameter or a tag may be: short, without control characters."""
    return "".join(c for c in text if ord(c) >= 32 and ord(c) != 127)[:200]


def _data(text: str) -> tuple[Any, Any]:
    import pandas as pd

    column = _key(text)
    frame = pd.DataFrame({column: [0.0, 1.0] * 8, f"{column} 2": [1.0, 2.0, 3.0, 4.0] * 4})
    return frame, pd.Series([f"no {column}", f"yes {column}"] * 8, name=column)
