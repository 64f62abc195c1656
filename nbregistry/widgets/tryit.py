"""Asks a running server by hand: a form made of the model's signature, the answer, and lines that ask the same."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import ipywidgets as w

from nbregistry.display.blocks import Block, Code, Column, Facts, Heading, Look, Span, Table
from nbregistry.display.figures import figure, figures
from nbregistry.display.visible import inline
from nbregistry.domain.signature import Signature
from nbregistry.errors import Conflict
from nbregistry.serving.process import Server
from nbregistry.serving.trying import example_of, lines_for
from nbregistry.types import Document
from nbregistry.widgets import fields, parts
from nbregistry.widgets.panel import Panel

_PATIENCE = 5.0  # seconds that an answer is waited for; the kernel does nothing else meanwhile
_LOOK = 1.0  # seconds in which a server says what it takes
_MOST = 20  # rows and columns of an answer that are shown


class TryIt(w.VBox):
    """A form for one of the references that a server serves.

    Parameters
    ----------
    panel : Panel
        Tells what goes wrong.
    server : Server
        Who is asked.
    """

    def __init__(self, panel: Panel, server: Server) -> None:
        super().__init__()
        self.add_class("nbr-stack")
        self.server, self._panel = server, panel
        self.answered: tuple[Block, ...] = ()
        self.ref = parts.choice("Model", server.refs)
        self.method = parts.choice("Method", ["predict"])
        self.form = w.HBox()
        self.form.add_class("nbr-row")
        self.go = parts.button("Predict", tone="primary")
        self.out = parts.Drawn()
        self._signature: Signature | None = None
        self._fields: tuple[fields.Field, ...] = ()
        self._read: Callable[[], Document] = dict
        self.children = (parts.row(self.ref, self.method), self.form, parts.row(self.go), self.out)
        panel.watch(self.ref, self.ask_form)
        panel.press(self.go, self.predict)
        if server.state == "ready":
            panel.run(self.ask_form)
        if not self.made:
            self.out.show(parts.hint("The form comes as soon as the server answers."))

    @property
    def made(self) -> bool:
        """Whether the server has said what it takes."""
        return bool(self._fields)

    def ask_form(self) -> None:
        """Ask the server what the chosen model takes, and make the form."""
        if self.ref.value is None:
            raise Conflict("The server serves nothing yet.")
        with self.server.quick(_LOOK) as client:
            told = client.metadata(self.ref.value)
        found = told.get("signature")
        self._signature = Signature.from_document(found) if found else None
        self.method.options = [str(method) for method in told.get("methods") or ("predict",)]
        self.method.index = 0
        parts.shown(self.method, len(self.method.options) > 1)
        kept = example_of(self.server, self.ref.value)
        rows = next((list(kept[name]) for name in ("records", "rows") if kept.get(name)), told.get("example") or [])
        self._make(rows)
        self.out.show(None)
        self.answered = ()

    def _make(self, rows: list[Any]) -> None:
        signature = self._signature
        if signature is not None and fields.suited(signature):
            found = fields.fields(signature, rows[0] if rows else None)
            self._read = lambda: fields.asked(signature, found)
        else:
            whole = fields.area({"rows": rows[:1] or [{}]})
            self._read, found = whole.read, (whole,)
        old, self._fields = self._fields, found
        for field in found:
            if isinstance(field.control, w.Checkbox):
                field.control.layout = w.Layout(align_self="flex-end", height="auto", margin="0 6px 5px 0")
        self.form.children = tuple(field.control for field in found)
        for field in old:
            parts.discard(field.control)

    def predict(self) -> None:
        """Ask, and show the answer with who gave it, how long it took and how to ask again."""
        if not self.made:
            raise Conflict("The server has not said yet what it takes: wait until it is ready.")
        asked, ref, method = self._read(), self.ref.value, self.method.value or "predict"
        with self.server.quick(_PATIENCE) as client:
            begun = time.perf_counter()
            answer = client.predict(next(iter(asked.values())), ref, method=method)
            taken, last = time.perf_counter() - begun, client.last
        by = f"{last.model}/{last.version}" if last.version else last.model
        facts: list[tuple[str, Any]] = [
            ("Answered by", (Span(by or str(ref), Look.STRONG),)),
            ("Took", (Span(figure(round(1000 * taken, 2)), Look.NUMBER), Span("ms, on this machine", Look.MUTED))),
        ]
        lines = lines_for(self.server, ref, asked, method)
        blocks: list[Block] = [Heading("Answer"), _told(answer), Facts(tuple(facts))]
        for name, line in (("Shell", lines.shell), ("Python", lines.python)):
            blocks += [Heading(name), Code((line,))]
        self.answered = tuple(blocks)
        self._panel.strip.clear()
        self.out.show(self.answered)


def _told(answer: Any) -> Table:
    """Return an answer as a table, in part where it is large."""
    if hasattr(answer, "columns"):
        names, rows = [str(name) for name in answer.columns], answer.to_numpy().tolist()
    else:
        rows = answer.tolist() if hasattr(answer, "tolist") else list(answer if isinstance(answer, list) else [answer])
        rows = [row if isinstance(row, list) else [row] for row in rows]
        wide = max(map(len, rows), default=0)
        names = ["Prediction"] if wide == 1 else [str(at) for at in range(wide)]
    names = names[:_MOST]
    columns = [[row[at] if at < len(row) else None for row in rows[:_MOST]] for at in range(len(names))]
    numeric = [all(isinstance(v, int | float) and not isinstance(v, bool) for v in column) for column in columns]
    texts = [figures(c) if n else [inline(v) for v in c] for c, n in zip(columns, numeric, strict=True)]
    heads = tuple(Column(name, right=n) for name, n in zip(names, numeric, strict=True))
    shown = tuple(tuple((Span(text, Look.STRONG),) for text in row) for row in zip(*texts, strict=True))
    more = f"The first {len(shown)} of {len(rows):,} rows." if len(rows) > len(shown) else ""
    return Table(heads, shown, total=len(rows), more=more)
