"""skops archives: audited, refused with names, never something else."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("skops")

from sklearn import linear_model, pipeline, preprocessing

from nbregistry.errors import InvalidInput, Untrusted
from nbregistry.flavors import opening
from nbregistry.flavors.answers import same
from nbregistry.flavors.sklearn import SklearnFlavor
from nbregistry.flavors.trust import Keyring
from tests.flavors import toys
from tests.flavors.conftest import Answers
from tests.flavors.fresh import keep

HARMLESS = pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression())
WITH_FUNCTION = pipeline.make_pipeline(preprocessing.FunctionTransformer(toys.says), linear_model.Ridge())


def stored(model: object) -> io.BytesIO:
    file = io.BytesIO()
    SklearnFlavor().save(model, file, "skops")
    file.seek(0)
    return file


def load(file: io.BytesIO, keyring: Keyring, *, trusted: tuple[str, ...] = (), **about: object) -> object:
    origin = opening.Origin(subject="churn/3", **about)  # type: ignore[arg-type]  # the tests give what it takes
    return opening.load(file, flavor="sklearn", format="skops", origin=origin, keyring=keyring, trusted=trusted)


def test_known_types_load_from_anybody(keyring: Keyring) -> None:
    """A pipeline of scikit-learn's own types is loaded although nobody signed it."""
    HARMLESS.fit(toys.X, toys.CLASSES)
    assert () == SklearnFlavor().audit(stored(HARMLESS), "skops")
    found = load(stored(HARMLESS), keyring)
    assert same(HARMLESS.predict_proba(toys.X), found.predict_proba(toys.X))  # type: ignore[attr-defined]  # a pipeline


def test_unknown_types_are_refused_by_name(keyring: Keyring) -> None:
    """A function of somebody's module stops the load; the message names it and the line that allows it, which works."""
    file = stored(WITH_FUNCTION)
    with pytest.raises(Untrusted, match=r"harmless: tests\.flavors\.toys\.says\. Nothing was loaded") as refused:
        load(file, keyring)
    assert "load('churn/3', trusted=['tests.flavors.toys.says'])" in str(refused.value)
    found = load(file, keyring, trusted=("tests.flavors.toys.says",))
    assert toys.says is found[0].func  # type: ignore[index]  # a pipeline
    with pytest.raises(Untrusted, match=r"tests\.flavors\.toys\.says"):
        SklearnFlavor().load(file, "skops")


def test_a_trusted_signer_may_use_any_type(keyring: Keyring) -> None:
    """One's own archive needs no list: its signer could have stored a pickle as well."""
    assert load(stored(WITH_FUNCTION), keyring, signer=keyring.fingerprint, vouched=True)
    with pytest.raises(Untrusted):
        load(stored(WITH_FUNCTION), keyring, signer=keyring.fingerprint, vouched=False)


def test_what_only_the_notebook_defines_is_refused_at_once(notebook: Callable[[str], str]) -> None:
    """The format keeps names, so a lambda or a class of the notebook is refused when storing, not when loading."""
    with pytest.raises(InvalidInput, match="skops stores the names of types and functions, not their code"):
        stored(preprocessing.FunctionTransformer(lambda X: X))
    told = notebook("""
import io
from sklearn.linear_model import Ridge
from nbregistry.errors import InvalidInput
from nbregistry.flavors.sklearn import SklearnFlavor
class Mine(Ridge): pass
file = io.BytesIO()
try:
    SklearnFlavor().save(Mine().fit([[0.], [1.]], [0., 1.]), file, "skops")
except InvalidInput as error:
    print(error, file.getvalue())
""")
    assert "__main__.Mine is defined in this notebook: use format='cloudpickle'" in told
    assert told.endswith("b''\n")


def test_what_skops_cannot_store_says_so() -> None:
    """A part that skops does not know is an error with the way out."""
    with pytest.raises(InvalidInput, match=r"cannot be stored as skops \(.*\): use format='cloudpickle'"):
        stored(preprocessing.FunctionTransformer(kw_args={"x": (i for i in range(3))}))


@pytest.mark.parametrize("step", [12, pytest.param(1, marks=pytest.mark.campaign)])
def test_estimators_that_skops_takes_come_back_equal(
    tmp_path: Path, reopened: Callable[[Path], Answers], step: int
) -> None:
    """Estimators stored as skops (every twelfth, all by name) say in a fresh process what they said here."""
    kept, refused = {}, set()
    for name, model, data in (*toys.estimators(), *toys.compositions())[::step]:
        try:
            keep(tmp_path, name, model, data, format="skops")
        except InvalidInput:
            refused.add(name)
        else:
            kept[name] = (model, data)
    found = reopened(tmp_path)
    assert kept.keys() == found.keys()
    assert [] == [n for n, (m, d) in kept.items() if not same(toys.says(m, d), found[n][1], tolerance=1e-9)]
    assert refused <= {"Birch"}
