"""PyTorch: modules, written by ``torch.save`` with cloudpickle inside, so that modules of the notebook come back.

The archive streams tensor by tensor, and a module trained on a GPU comes back on the CPU where there is none. It holds
a pickle and is treated as one, and so is TorchScript, which PyTorch itself calls a program and not data.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, BinaryIO

from nbregistry.errors import InvalidInput
from nbregistry.flavors import cloudpickle
from nbregistry.flavors.advice import globals_in
from nbregistry.flavors.boundary import foreign, library
from nbregistry.flavors.estimator import roots, type_name
from nbregistry.flavors.protocol import Format, Params, expect, format_of

NATIVE = Format("torch", safe=False, magic=b"PK\x03\x04", suffix=".pt", members=("data.pkl", "version"))
SCRIPT = Format("torchscript", safe=False, magic=b"PK\x03\x04", suffix=".pt", members=("constants.pkl", "version"))


def _torch(purpose: str) -> Any:
    return library("torch", extra="torch", purpose=purpose)


class TorchFlavor:
    """``torch.nn.Module`` and what inherits from it."""

    name = "torch"
    formats = (NATIVE, SCRIPT, cloudpickle.FORMAT)

    def matches(self, model: object) -> bool:
        """Whether it is a module."""
        return (
            "torch" in roots(model) and hasattr(type(model), "state_dict") and hasattr(type(model), "named_parameters")
        )

    def default(self, model: object) -> str:
        """Scripted modules cannot be pickled and are kept as TorchScript, all others by ``torch.save``."""
        return SCRIPT.name if _is_script(model) else NATIVE.name

    def describe(self, model: object) -> str:
        """Return the type's dotted name."""
        return type_name(model)

    def params(self, model: object) -> Params:
        """Count the weights; a module does not know what it was trained with."""
        module: Any = model
        with foreign("Counting the module's weights"):
            weights = list(module.parameters())
            counts = {
                "weights": sum(w.numel() for w in weights),
                "trainable": sum(w.numel() for w in weights if w.requires_grad),
            }
        return Params({k: int(v) for k, v in counts.items()}, ())

    def is_fitted(self, model: object) -> bool | None:
        """Return None: a module does not know."""
        return None

    def predict(self, model: object, X: object) -> object:
        """Run the module once, as in evaluation and without gradients; its modes are as before afterwards."""
        torch, module = _torch("Predicting with PyTorch"), _any(model)
        with foreign("Predicting with the module"):
            modes = [(m, m.training) for m in module.modules()]
            try:
                module.eval()
                with torch.no_grad():
                    return module(_tensor(torch, module, X))
            finally:
                for part, training in modes:
                    part.training = training

    def save(self, model: object, file: BinaryIO, format: str, *, example: object | None = None) -> None:
        """Write with ``torch.save``, as TorchScript, or as a plain pickle."""
        form, torch = format_of(self, format), _torch("Storing a PyTorch module")
        if form is SCRIPT:
            if not _is_script(model):
                raise InvalidInput(
                    f"{type_name(model)} is not scripted: use format='torch', or register torch.jit.script(model) if"
                    " it must run without Python."
                )
            with foreign("Writing TorchScript", passing=(OSError,)):
                torch.jit.save(model, cloudpickle.Pieces(file))
        elif form is NATIVE:
            pickler = library("cloudpickle", extra="all", purpose="Storing a model")
            with foreign(f"Writing {type_name(model)} with torch.save", passing=(OSError,)):
                torch.save(model, cloudpickle.Pieces(file), pickle_module=pickler)
        else:
            cloudpickle.dump(model, file)

    def audit(self, file: BinaryIO, format: str) -> tuple[str, ...]:
        """List the globals of a plain pickle as advice; archives are not looked into."""
        return globals_in(file) if expect(self, file, format) is cloudpickle.FORMAT else ()

    def load(self, file: BinaryIO, format: str, *, estimator: str = "", trusted: Collection[str] = ()) -> object:
        """Load onto the device it was stored from, or onto the CPU where there is no such device."""
        form = expect(self, file, format)
        if form is cloudpickle.FORMAT:
            return cloudpickle.restore(file, doing=f"Unpickling {estimator or 'the module'}")
        torch = _torch("Loading a PyTorch module")
        device = None if torch.cuda.is_available() else "cpu"
        with foreign(f"Loading {estimator or 'the module'}"):
            if form is SCRIPT:
                return torch.jit.load(file, map_location=device)
            # The signer is trusted, or opening.load would not have come here; only weights could be loaded otherwise.
            return torch.load(file, map_location=device, weights_only=False)


def _any(model: object) -> Any:
    return model


def _is_script(model: object) -> bool:
    return any(kind.__module__.startswith("torch.jit") for kind in type(model).__mro__)


def _tensor(torch: Any, module: Any, X: Any) -> Any:
    """Bring arrays and frames to the module's device and kind of numbers; take all else as it is."""
    if isinstance(X, torch.Tensor):
        return X
    if hasattr(X, "to_numpy"):
        X = X.to_numpy()
    if not hasattr(X, "__array__") and not isinstance(X, list):
        return X
    tensor = torch.tensor(X)  # a copy: what a frame gives may not be written, and then torch warns
    weight = next(iter(module.parameters()), None)
    if weight is None:
        return tensor
    tensor = tensor.to(weight.device)
    return tensor.to(weight.dtype) if tensor.is_floating_point() and weight.is_floating_point() else tensor
