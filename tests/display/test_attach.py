"""How objects show themselves, in IPython and without."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from nbregistry import display
from nbregistry.display.told import TELLERS
from tests.display import samples

NAMES = ("_repr_mimebundle_", "__repr__", "__str__")
MEDIA = {"text/plain", "text/html", "text/markdown"}


@pytest.fixture
def attached() -> Iterator[None]:
    """Attach for one test, and leave the classes as they were."""
    before = {kind: {name: vars(kind)[name] for name in NAMES if name in vars(kind)} for kind in TELLERS}
    display.attach()
    yield
    for kind, methods in before.items():
        for name in NAMES:
            if name in methods:
                setattr(kind, name, methods[name])
            elif name in vars(kind):
                delattr(kind, name)


@pytest.mark.usefixtures("attached")
@pytest.mark.parametrize("kind", sorted(samples.everything()))
def test_everything_gives_a_bundle(kind: str) -> None:
    """Each kind of object answers with all three representations."""
    obj = samples.everything()[kind]
    bundle = obj._repr_mimebundle_()  # type: ignore[attr-defined]  # attached
    assert MEDIA == set(bundle)
    assert all(bundle.values())
    assert {"text/plain"} == set(obj._repr_mimebundle_(include=["text/plain"]))  # type: ignore[attr-defined]  # attached
    assert MEDIA - {"text/html"} == set(obj._repr_mimebundle_(exclude={"text/html"}))  # type: ignore[attr-defined]  # attached


@pytest.mark.usefixtures("attached")
@pytest.mark.parametrize("kind", sorted(samples.everything()))
def test_ipython_shows_everything(kind: str) -> None:
    """IPython's own formatter finds all three, and its text is ours, also for what is a list."""
    formatters = pytest.importorskip("IPython.core.formatters")
    obj = samples.everything()[kind]
    data, _ = formatters.DisplayFormatter().format(obj)
    assert MEDIA == set(data)
    assert display.text(obj) == data["text/plain"]
    assert data["text/html"].startswith('<div class="nbr')


def test_every_kind_that_is_told_of_is_attached(attached: None) -> None:
    """No kind has a view without showing it."""
    assert [] == [kind.__name__ for kind in TELLERS if "_repr_mimebundle_" not in vars(kind)]


@pytest.mark.usefixtures("attached")
def test_lists_and_cards_print_as_text() -> None:
    """In a plain interpreter, what stands alone is its whole text."""
    for obj in (samples.versions(), samples.card(), samples.promotion(), samples.report(), samples.events()):
        assert display.text(obj) == repr(obj) == str(obj)


@pytest.mark.usefixtures("attached")
def test_parts_print_in_one_line() -> None:
    """What stands inside other things has a repr of one line, safe to show, and a str with everything."""
    version = samples.versions()[2]
    assert "<ModelVersion churn/2 Production @champion @blue auc=0.91 brier=0.102 n=7,043>" == repr(version)
    assert "<RegisteredModel churn: 4 versions, latest 3>" == repr(samples.model())
    assert "<Event 57: promote churn/3 by ana, 2026-11-21 11:30 UTC>" == repr(samples.event())
    assert "<Annotation 1: note on churn/3 by ana: Looks **good** on Q3.>" == repr(samples.thread()[0])
    assert display.text(version) == str(version)
    hostile = samples.poisoned(version, "x\x1b[2J\n" * 100)
    assert "\x1b" not in repr(hostile) and "\n" not in repr(hostile)


@pytest.mark.usefixtures("attached")
def test_values_keep_their_own_text() -> None:
    """A receipt is read by programs: its str stays what parses."""
    assert "nbr1:q7c2m4:57:" + "9f" * 32 == str(samples.RECEIPT)


def test_attaching_imports_next_to_nothing() -> None:
    """What draws, and the libraries behind it, wait until something is drawn."""
    program = (
        "import sys; from nbregistry import display; display.attach();"
        "print([m for m in ('markdown_it', 'nh3', 'pandas', 'numpy', 'IPython', 'nbregistry.display.told')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert "[]" == done.stdout.strip()
