"""Files are looked at before any loader sees them."""

from __future__ import annotations

import io
import zipfile

import pytest

from nbregistry.errors import Damaged, InvalidInput
from nbregistry.flavors import table
from nbregistry.flavors.protocol import Flavor, expect, format_of

EVERY_FORMAT = [(row.name, form) for row in table.FLAVORS for form in table.flavor(row.name).formats]


def archive(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for name in names:
            made.writestr(name, "{}")
    return file.getvalue()


@pytest.mark.parametrize(("flavor", "form"), EVERY_FORMAT, ids=lambda value: getattr(value, "name", value))
def test_only_its_own_mark_passes(flavor: str, form) -> None:
    """Every format takes files with its mark and refuses those of all other formats."""
    own = archive(*form.members) if form.members else form.magic + b" rest"
    file = io.BytesIO(own)
    file.seek(3)
    assert form == expect(table.flavor(flavor), file, form.name)
    assert 0 == file.tell()
    others = {f.magic + b" rest" for _, f in EVERY_FORMAT if f.magic != form.magic} | {
        b"",
        own[: len(form.magic) - 1],
        b"\0" + own,
        b" " + own,
    }
    for other in others:
        with pytest.raises(Damaged, match=f"declared to be {form.name}, but are .*: nothing was loaded"):
            expect(table.flavor(flavor), io.BytesIO(other), form.name)


@pytest.mark.parametrize(
    ("flavor", "form"), [f for f in EVERY_FORMAT if f[1].members], ids=lambda v: getattr(v, "name", v)
)
def test_archives_are_told_apart(flavor: str, form) -> None:
    """Archives all begin alike, so their entries must be the format's; a broken one is no archive."""
    others = {
        archive("readme.txt"),
        archive(),
        *(archive(*f.members) for _, f in EVERY_FORMAT if not {*form.members} <= {*f.members}),
    }
    for other in others:
        with pytest.raises(Damaged, match=r"an archive without|but are unknown"):
            expect(table.flavor(flavor), io.BytesIO(other), form.name)
    with pytest.raises(Damaged, match="a broken archive"):
        expect(table.flavor(flavor), io.BytesIO(archive(*form.members)[:-30]), form.name)


def test_the_flavors_keep_the_protocol() -> None:
    """Every flavor has its row's name, names formats once, and its default is one of them."""
    for row in table.FLAVORS:
        flavor: Flavor = table.flavor(row.name)
        names = [form.name for form in flavor.formats]
        assert (row.name, len(names)) == (flavor.name, len(set(names)))


def test_an_unknown_format_is_named_with_the_nearest() -> None:
    """Asking for a format that is not there says which are."""
    with pytest.raises(InvalidInput, match=r"'onx' is no format of the flavor sklearn, did you mean 'onnx'\?"):
        format_of(table.flavor("sklearn"), "onx")
