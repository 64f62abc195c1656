"""What a user holds, shown: as HTML in a notebook, as Markdown in an export, as aligned text in a terminal.

Each object is told once, as a view of a few blocks (``of_*.py``), and each representation draws blocks (``as_*.py``).
So escaping happens in one place for each representation, and a new kind of object needs one function and one line in
``told.py``. Registry text never goes through IPython's ``HTML()`` and ``Markdown()``, which open files and fetch URLs
that are named like their argument.

How objects show themselves
---------------------------
The domain knows nothing of this room, so ``attach()`` gives its classes their methods: ``_repr_mimebundle_``, which
IPython and every notebook front end look for, and a readable ``repr``. It is called by whoever puts the rooms together
(the package when a public name is first asked for, the extension when it is loaded), costs a few attribute assignments,
and may be called again. Two other ways were left aside. IPython's table of formatters exists only inside IPython,
belongs to one shell, and leaves ``repr`` as it is. A method in the domain that imports this room when called would be
an import upwards that no tool sees.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any

# What draws is imported when something is drawn: attaching, which every session does, stays in the microseconds.

__all__ = ["attach", "bundle", "html", "markdown", "text"]


def html(obj: object, *, now: datetime | None = None) -> str:
    """Return a self-contained HTML element; times are told relative to ``now``.

    Raises
    ------
    nbregistry.errors.InvalidInput
        The object is none that a registry gives; so do ``markdown``, ``text`` and ``bundle``.
    """
    from nbregistry.display import as_html, told

    return as_html.render(told.view(obj), now or datetime.now(UTC))


def markdown(obj: object) -> str:
    """Return Markdown in which nothing that a user typed is active."""
    from nbregistry.display import as_markdown, told

    return as_markdown.render(told.view(obj))


def text(obj: object, *, width: int | None = None) -> str:
    """Return aligned lines of at most ``width`` columns (the terminal's by default), without escape sequences."""
    from nbregistry.display import as_text, told

    return as_text.render(told.view(obj), width or as_text.room())


def bundle(obj: object) -> dict[str, str]:
    """Return every representation by its media type."""
    from nbregistry.display import as_html, as_markdown, as_text, told

    view = told.view(obj)  # once: it may read captured files
    return {
        "text/plain": as_text.render(view, as_text.room()),
        "text/markdown": as_markdown.render(view),
        "text/html": as_html.render(view, datetime.now(UTC)),
    }


def attach() -> None:
    """Give the classes of the domain the methods by which notebooks and terminals show them."""
    from nbregistry.config import Settings
    from nbregistry.domain import commits, comparison, entities, estimators, results, signature, tenure
    from nbregistry.serving import process

    # What stands inside other things, in lists and in log lines: its repr is one line, its str the whole.
    parts = (
        entities.Annotation,
        entities.Event,
        entities.ModelVersion,
        entities.RegisteredModel,
        estimators.Estimator,
        process.Server,
        tenure.Tenure,
    )
    wholes = (
        comparison.Comparison,
        comparison.Section,
        estimators.Estimators,
        results.Annotations,
        results.Card,
        results.Events,
        results.Models,
        results.Overview,
        results.Versions,
        tenure.Tenures,
        process.Servers,
        entities.Promotion,
        entities.Report,
    )
    # Plain values, whose own repr and str say it all and are read by programs.
    values = (Settings, commits.Receipt, signature.Signature)
    for kind in (*parts, *wholes, *values):
        _give(kind, _repr_mimebundle_=_mimebundle)
    for kind in parts:
        _give(kind, __repr__=_brief, __str__=_text)
    for kind in wholes:
        _give(kind, __repr__=_text)


def _give(kind: type, **methods: Callable[..., Any]) -> None:
    for name, method in methods.items():
        setattr(kind, name, method)


def _text(self: object) -> str:
    return text(self)


def _brief(self: object) -> str:
    from nbregistry.display import told

    return told.brief(self)


def _mimebundle(
    self: object, include: Collection[str] | None = None, exclude: Collection[str] | None = None
) -> dict[str, str]:
    """Follow the protocol of IPython: ``include`` and ``exclude`` name media types."""
    drawn = bundle(self)
    return {k: v for k, v in drawn.items() if (not include or k in include) and k not in (exclude or ())}
