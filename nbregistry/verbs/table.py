"""The table: every verb there is, and with it every magic and every command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from nbregistry.domain.lifecycle import Kind, Stage
from nbregistry.errors import InvalidInput, did_you_mean
from nbregistry.verbs.grammar import EVERYWHERE, MANY, NOTEBOOK, Argument, Offer, Place, Verb
from nbregistry.verbs.parsing import PANEL

_LINE_AND_CELL = frozenset({Place.LINE, Place.CELL})
_CELL_TOO = EVERYWHERE
_LINE = EVERYWHERE - {Place.CELL}
_BY_WORD = frozenset({Place.WORD, Place.SHELL})
_SHELL = frozenset({Place.SHELL})


def whole(text: str) -> int:
    """Read a count."""
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):
        raise InvalidInput(f"{text[:80]!r} is not a count: give a whole number from 1 up.")
    return int(text)


def port(text: str) -> int:
    """Read a port."""
    if not (text.isascii() and text.isdigit() and len(text) < 6 and int(text) < 65536):
        raise InvalidInput(f"{text[:80]!r} is no port: give a number up to 65535, or 0 for any that is free.")
    return int(text)


def _ref(help: str = "a version: churn, churn/3, churn/production, churn@champion") -> Argument:
    return Argument("ref", help, Offer.REF, needed=True)


def _name(help: str = "a model's name") -> Argument:
    return Argument("name", help, Offer.NAME, needed=True)


def _text(name: str, help: str, **more: Any) -> Argument:
    return Argument(name, help, most=MANY, text=True, shown="TEXT", **more)


def _because(*, needed: bool = False) -> Argument:
    return _text("--because", "why; kept in the audit", needed=needed)


def _pairs(name: str, help: str) -> Argument:
    return Argument(name, help, pairs=True, shown="KEY=VALUE")


def _flag(name: str, help: str) -> Argument:
    return Argument(name, help, most=0)


def _limit(what: str) -> Argument:
    return Argument("--limit", f"how many {what}", read=whole, shown="N")


_FORMATS = ("cloudpickle", "skops", "onnx", "xgboost", "lightgbm", "catboost", "keras", "torch", "torchscript")
_AS_OF = Argument("--as-of", "answer as of a time: 2026-11-01, 2026-11-01T12:00Z", shown="TIME")
_YES = _flag("--yes", "do not ask again")
_PANEL = Argument(PANEL, "open a panel beside the cell", most=0, places=NOTEBOOK - {Place.CELL})
_HERE = (
    Argument("--here", "the fitted estimators in this notebook: registered or not, changed or not", most=0,
             places=NOTEBOOK - {Place.CELL}),
    Argument("--big", "with --here: compare also those of over 100 MB", most=0, places=NOTEBOOK - {Place.CELL}),
)  # fmt: skip
_STAGE = Argument("stage", "Staging, Production, Archived or None, in any case", Offer.STAGE, needed=True)
_ALIAS = Argument("alias", "such as champion", Offer.ALIAS, needed=True)
_EXPECT = Argument("--expect", "refuse unless this version holds the stage now", Offer.REF)
_DATA = Argument("--data", "variables of the notebook: X, and y when there is one", Offer.DATA, most=2, shown="X [y]",
                 places=NOTEBOOK)  # fmt: skip

_REGISTER = Verb(
    "register", "Register a fitted model as the next version of a name.", "verbs.registering:register",
    (
        _name("the name to register under"),
        Argument("model", "the variable that holds it; left out when just one fitted model is there", Offer.MODEL),
        _DATA,
        Argument("--metric", "a result: auc=0.93, auc=VARIABLE, or a variable that holds several", Offer.METRIC,
                 pairs=True, shown="NAME=VALUE"),
        _text("--note", "what is worth knowing about this version"),
        _pairs("--tag", "a label: team=risk"),
        _pairs("--param", "a parameter the estimator does not know of"),
        Argument("--stage", "put it on this stage right away", Offer.STAGE),
        Argument("--alias", "point this alias to it", shown="ALIAS"),
        Argument("--format", "how to store it; what suits the model unless told", Offer.CHOICE, choices=_FORMATS,
                 others=True, shown="FORMAT"),
        Argument("--key", "an idempotency key: the same key never registers twice", shown="KEY"),
        _PANEL,
    ),
    _LINE_AND_CELL, example='churn clf --data X_train y_train --metric auc=0.93 --note "first try"',
    cell="As a cell magic it runs the cell first, then registers what the cell made, with the cell as its source.",
    runs_cell=True,
)  # fmt: skip

_READING = (
    Verb("models", "List the models.", "verbs.reading:models", (_AS_OF, *_HERE, _PANEL), _LINE),
    Verb("versions", "List the versions of a model, the newest first.", "verbs.reading:versions",
         (_name(), _limit("versions"), _flag("--deleted", "those in the trash too"), _AS_OF), _LINE, example="churn"),
    Verb("show", "Show the card of a version.", "verbs.reading:show", (_ref(), _AS_OF, _PANEL), _LINE,
         example="churn/3"),
    Verb("search", "Find versions.", "verbs.reading:search",
         (_text("filter", "a condition; everything when left out", offer=Offer.FIELD),
          _text("--order-by", "what to sort by: metrics.auc DESC"), _limit("versions"), _AS_OF),
         _LINE, example="metrics.auc > 0.9 AND stage = 'Production'",
         details="Fields: name, version, stage, alias, metrics.*, params.*, tags.*, and more; joined by AND, OR, NOT."),
    Verb("compare", "Compare versions: metrics, parameters, environment, schema, data, code.", "verbs.reading:compare",
         (Argument("refs", "two to five versions", Offer.REF, least=2, most=5, needed=True, shown="REF REF"),
          replace(_DATA, help="variables to predict on, X and y: how far the versions agree, and how good they are"),
          _flag("--all", "what is equal too"), _AS_OF, _PANEL),
         _LINE, example="churn/2 churn/3"),
    Verb("audit", "Show who did what, when, where and why.", "verbs.reading:audit",
         (Argument("ref", "a model or a version; the whole registry when left out", Offer.REF, shown="REF"),
          _limit("of the newest events"), _AS_OF),
         _LINE, example="churn"),
    Verb("production", "Tell what is in production, since when, who decided, and what it replaced.",
         "verbs.reading:production", (replace(_name("a model; all when left out"), needed=False), _AS_OF), _LINE,
         example="churn"),
    Verb("load", "Load a model: verified, trusted, then deserialised.", "verbs.keeping:load",
         (_ref(), Argument("--out", "write the stored file here", Offer.PATH, shown="FILE", places=_SHELL),
          Argument("--as-of", "the version it meant at a time: 2026-11-01T12:00Z", shown="TIME")),
         _LINE, magic="load_model", example="churn@champion",
         details="On the command line it checks digest and signer and tells what it is; nothing is deserialised."),
)  # fmt: skip

_CHANGING = (
    Verb("annotate", "Write a note on a version or a model; without a text, show the notes.", "verbs.changing:annotate",
         (_ref("a version or a model's name"), _text("text", "what to say"),
          Argument("--kind", "note, warning, decision or incident", Offer.CHOICE, choices=tuple(k.value for k in Kind),
                   shown="KIND", default="note"),
          Argument("--reply-to", "the number of the note this answers", read=whole, shown="N"),
          Argument("--edit", "the number of a note of yours whose text this replaces", read=whole, shown="N"), _PANEL),
         _CELL_TOO, example='churn/3 "drift seen in March" --kind warning',
         cell="As a cell magic the cell is the text."),
    Verb("promote", "Move a version to a stage; whoever held it is archived in the same commit.",
         "verbs.changing:promote",
         (_ref(), _STAGE, _because(), _EXPECT, _flag("--dry-run", "show what the gates say, change nothing"), _PANEL),
         _LINE, example='churn/3 production --because "AUC +2 pt"'),
    Verb("rollback", "Put the previous holder of a stage back.", "verbs.changing:rollback",
         (_name(), replace(_STAGE, needed=False, default=Stage.PRODUCTION.value), _because(), _EXPECT,
          _flag("--dry-run", "show who would come back, change nothing"), _PANEL), _LINE,
         example='churn production --because "false alarms"'),
    Verb("tag", "Set tags of a version or a model; without any, show them.", "verbs.changing:tag",
         (_ref("a version or a model's name"),
          Argument("tags", "labels", most=MANY, pairs=True, shown="KEY=VALUE"),
          Argument("--remove", "a tag to take away", Offer.TAG, pairs=True, shown="KEY")),
         _LINE, example="churn/3 team=risk reviewed=true"),
    Verb("describe", "Describe a model or a version in Markdown; without a text, show the description.",
         "verbs.changing:describe",
         (_ref("a model's name or a version"), _text("text", "Markdown")),
         _CELL_TOO, example='churn "Who leaves next month."', cell="As a cell magic the cell is the text."),
    Verb("alias", "Point an alias to a version.", "verbs.changing:alias",
         (_ref(), _ALIAS, _because(), Argument("--expect", "refuse unless it points to this version now", Offer.REF)),
         _BY_WORD, example="churn/3 champion"),
    Verb("unalias", "Take an alias away.", "verbs.changing:unalias",
         (_name(), _ALIAS, _because()), _BY_WORD, example="churn champion"),
    Verb("rename", "Rename a model; the old name goes on working.", "verbs.changing:rename",
         (_name(), Argument("new", "the new name", needed=True), _because()), _BY_WORD, example="churn attrition"),
    Verb("delete", "Put a version or a model in the trash.", "verbs.changing:delete",
         (_ref("a version or a model's name"), _because()), _BY_WORD,
         example='churn/3 --because "trained on leaked data"'),
    Verb("restore", "Take a version or a model out of the trash.", "verbs.changing:restore",
         (_ref("a version or a model's name"),), _BY_WORD, example="churn/3"),
    Verb("purge", "Destroy the files of a version in the trash; this cannot be undone.", "verbs.changing:purge",
         (_ref("a version or a model's name"), _because(needed=True), _YES),
         _BY_WORD, example='churn/3 --because "personal data" --yes'),
)  # fmt: skip

_KEEPING = (
    Verb("status", "Tell which registry is in use, who acts and what it holds.", "verbs.keeping:status", (), _BY_WORD),
    Verb("use", "Use another registry from here on.", "verbs.keeping:use",
         (Argument("place", "a folder or a URL", Offer.PATH, needed=True, most=MANY, text=True, shown="PATH"),),
         frozenset({Place.WORD}), example="~/shared/registry"),
    Verb("verify", "Check the chain, the checkpoints and every stored file.", "verbs.keeping:verify",
         (Argument("--receipt", "a receipt that a change printed", shown="RECEIPT"),), _BY_WORD),
    Verb("trust", "Trust a signer's key for loading pickles; without a key, list those that are trusted.",
         "verbs.keeping:trust_key",
         (Argument("key", "a public key, as a refusal prints it", most=2, text=True, shown="KEY"),
          _text("--name", "whose it is"), _flag("--remove", "trust it no longer")),
         _BY_WORD, example="Zm9yIGV4YW1wbGUsIHRoaXMgaXMgbm90IGEgcmVhbCBrZXk= --name bob"),
    Verb("export-site", "Write the registry, or a model, as one page for those who have none.",
         "verbs.exporting:export_site",
         (Argument("place", "an .html file, or a folder to put it in", Offer.PATH, shown="FOLDER|FILE.html"),
          Argument("--model", "this model alone", Offer.NAME, shown="NAME"),
          Argument("--newest", "cards of how many of the newest versions of a model", read=whole, shown="N"),
          _flag("--all", "cards of every version"), Argument("--title", "how the page is called", shown="TEXT"),
          _AS_OF, _flag("--force", "overwrite a file that is no exported page")),
         _BY_WORD, example="--model churn churn.html",
         details="The page needs no server and no network: mail it, print it, put it on a share. Cards are of the"
         " versions that hold a stage or an alias and of the newest."),
    Verb("repair", "Make a damaged registry usable again; the original is kept beside it.", "verbs.keeping:repair",
         (), _BY_WORD),
)  # fmt: skip

_SERVE = Verb(
    "serve", "Serve versions over HTTP; --list shows the servers that run, --stop ends one.", "verbs.serving:serve",
    (
        Argument("refs", "versions: churn, churn/3, churn/production, churn@champion", Offer.REF, most=MANY,
                 shown="REF ..."),
        Argument("--port", "0 is any that is free; that of a server of yours adds to what it serves", read=port,
                 shown="PORT"),
        Argument("--grpc", "a port for gRPC beside it; 0 is any that is free", read=port, shown="PORT"),
        Argument("--host", "where to listen; beyond this machine only with a token", shown="HOST"),
        Argument("--workers", "processes that share the port", read=whole, shown="N"),
        Argument("--token", "what callers must send; auto makes one", shown="TOKEN|auto"),
        _flag("--detach", "go on when this process ends"),
        _flag("--no-compile", "answer with the models as they were registered"),
        _flag("--list", "show the servers that run"),
        Argument("--stop", "stop the server of a reference, URL or id, or all", Offer.REF, least=0, shown="WHICH"),
        _PANEL,
    ),
    _LINE, example="churn@champion",
    details="In a notebook it gives a handle: .url .predict(df) .stats() .logs() .stop(); the same line again gives the"
    " same server. On the command line it stays until it is told to end.",
)  # fmt: skip

VERBS: tuple[Verb, ...] = (_REGISTER, *_READING, *_CHANGING, _SERVE, *_KEEPING)


def at(place: Place) -> dict[str, Verb]:
    """Return the verbs of a place by what is typed there."""
    magical = place in (Place.LINE, Place.CELL)
    return {(v.magic if magical and v.magic else v.word): v for v in VERBS if place in v.places}


def find(word: str, place: Place, known: Mapping[str, Verb] | None = None) -> Verb:
    """Return a verb by its word, among those of the table or those given.

    Raises
    ------
    InvalidInput
        There is none; suggests the nearest.
    """
    known = at(place) if known is None else known
    if word in known:
        return known[word]
    said = place.value.format(word=word[:80])
    hint = did_you_mean(word, known) or "."
    raise InvalidInput(f"There is no `{said}`{hint} There are {', '.join(known)}.")
