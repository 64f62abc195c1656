"""Which flavor is whose: one row per library, resolved on use, so that nothing is imported for libraries not in use."""

from __future__ import annotations

import importlib
import warnings
from typing import TYPE_CHECKING, NamedTuple, cast

from nbregistry.errors import Conflict, InvalidInput, NotFound, RegistryError, did_you_mean
from nbregistry.flavors.boundary import foreign
from nbregistry.flavors.estimator import roots, type_name
from nbregistry.flavors.protocol import Flavor

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "nbregistry.flavors"
"""Entry points of this group bring flavors from other packages: ``name = "package.module:Class"``."""


class Row(NamedTuple):
    """One library.

    Attributes
    ----------
    roots : tuple of str
        Top-level modules of its types.
    where : str
        ``module:Class`` of the flavor.
    extra : str
        The extra that brings the library; "" where it always comes along.
    """

    name: str
    roots: tuple[str, ...]
    where: str
    extra: str


FLAVORS = (
    Row("sklearn", ("sklearn",), "nbregistry.flavors.sklearn:SklearnFlavor", "lab"),
    Row("xgboost", ("xgboost",), "nbregistry.flavors.xgboost:XgboostFlavor", "xgboost"),
    Row("lightgbm", ("lightgbm",), "nbregistry.flavors.lightgbm:LightgbmFlavor", "lightgbm"),
    Row("catboost", ("catboost",), "nbregistry.flavors.catboost:CatboostFlavor", "catboost"),
    Row("keras", ("keras",), "nbregistry.flavors.keras:KerasFlavor", "keras"),
    Row("torch", ("torch",), "nbregistry.flavors.torch:TorchFlavor", "torch"),
    Row("onnx", ("onnx", "nbregistry"), "nbregistry.flavors.onnx:OnnxFlavor", "onnx"),
    Row("graph", ("nbregistry",), "nbregistry.flavors.graph:GraphFlavor", ""),
    Row("cloudpickle", (), "nbregistry.flavors.cloudpickle:CloudpickleFlavor", ""),
)
"""Order does not matter but for the last, which takes anything."""


def flavor_of(model: object) -> Flavor:
    """Return the flavor that keeps this object.

    That of the nearest library among the types it inherits from, else a plug-in's, else plain pickling.

    Raises
    ------
    InvalidInput
        The object is no model at all.
    """
    if model is None:
        raise InvalidInput("There is no model here, it is None: did the cell that trains it return it?")
    rank = {root: i for i, root in reversed(list(enumerate(roots(model))))}
    _refuse_class(model)
    rows = [(min(rank[r] for r in row.roots if r in rank), row) for row in FLAVORS if any(r in rank for r in row.roots)]
    for _, row in sorted(rows, key=lambda ranked: ranked[0]):
        if (found := _resolve(row)).matches(model):
            return found
    for point in _plugins():
        try:
            with foreign(f"Asking the plug-in {point.value!r} about {type_name(model)}"):
                if (plugin := _plugged(point)).matches(model):
                    return plugin
        except RegistryError as error:  # somebody's broken package must not keep others from registering
            warnings.warn(str(error), stacklevel=2)
    return _resolve(FLAVORS[-1])


def flavor(name: str) -> Flavor:
    """Return the flavor of that name, ours before a plug-in's.

    Raises
    ------
    NotFound
        There is none; says which there are.
    """
    for row in FLAVORS:
        if row.name == name:
            return _resolve(row)
    points = _plugins()
    for point in points:
        if point.name == name:
            return _plugged(point)
    known = [*(row.name for row in FLAVORS), *(point.name for point in points)]
    shown = str(name)[:80]
    raise NotFound(
        f"No flavor is called {shown!r}{did_you_mean(shown, known)}: there are {', '.join(known)}. If a plug-in"
        " brought it, install that package here."
    )


def _refuse_class(model: object) -> None:
    """Refuse a library's class in place of an instance; a class of the notebook is a callable like others."""
    if not isinstance(model, type):
        return
    ours = {root for row in FLAVORS for root in row.roots}
    if any(str(getattr(kind, "__module__", "")).partition(".")[0] in ours for kind in model.__mro__):
        raise InvalidInput(
            f"{type_name(model)} is the class itself: register a trained instance, such as {model.__name__}().fit(X,"
            " y)."
        )


def _resolve(row: Row) -> Flavor:
    module, _, name = row.where.partition(":")
    return cast(Flavor, getattr(importlib.import_module(module), name)())


def _plugins() -> list[EntryPoint]:
    """List what other packages bring, looked up each time: a package installed a cell ago is there."""
    from importlib.metadata import entry_points

    return list(entry_points(group=GROUP))


def _plugged(point: EntryPoint) -> Flavor:
    with foreign(f"Loading the flavor {point.name!r} of the plug-in {point.value!r}"):
        found = cast(Flavor, point.load()())
        if found.name != point.name:
            raise Conflict(
                f"The plug-in {point.value!r} calls its flavor {found.name!r}, but is entered as {point.name!r}: a"
                " version kept by it would not be found again."
            )
        return found
