"""Estimators that no lowering is known for: drawn by the general converter, in double precision where it can."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from nbregistry.flavors.boundary import foreign, library, summary
from nbregistry.serving.compiling.assembly import Answers, Assembly, Block, Inconvertible, Trait
from nbregistry.serving.compiling.lowering import named, scores


def transformed(model: Any, rows: Block, draw: Assembly) -> Block:
    """Draw ``transform``."""
    found = _drawn(model, rows, draw, {})
    shape = model.transform(np.zeros((2, rows.width))).shape
    return Block(draw.cast(found[0], "float64"), (Trait(bound=float("inf"), missing=True),) * shape[1])


def predicted(model: Any, rows: Block, draw: Assembly) -> Answers:
    """Draw labels and probabilities of a classifier, the values of anything else."""
    classes = getattr(model, "classes_", None)
    if classes is None:
        value = _drawn(model, rows, draw, {})[0]
        one = np.ndim(model.predict(np.zeros((2, rows.width)))) == 1
        return Answers({"predict": scores.flat(draw, value) if one else value})
    found = _drawn(model, rows, draw, {"zipmap": False})
    outputs = {"predict": found[0]}
    if len(found) > 1 and hasattr(model, "predict_proba"):
        outputs["predict_proba"] = found[1]
        scores.clear_of_others(draw, draw.cast(found[1], "float64"))
    return Answers(outputs, np.asarray(classes), spelled=True)


def _drawn(model: Any, rows: Block, draw: Assembly, options: dict[str, Any]) -> list[str]:
    """Add the converter's nodes to the graph and return the names of its outputs."""
    rows = draw.checked(rows, missing=any(t.missing for t in rows.traits))
    converter = library("skl2onnx", extra="compile", purpose=f"Converting {named(model)}")
    types = library("skl2onnx.common.data_types", extra="compile", purpose=f"Converting {named(model)}")

    def told(error: Exception) -> Inconvertible:
        return Inconvertible(f"{named(model)}: {summary(error)[:160]}")

    with foreign("Converting", told=told), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = converter.to_onnx(
            model, initial_types=[("given", types.DoubleTensorType([None, rows.width]))], options=options or None,
            target_opset={"": 20, "ai.onnx.ml": 3},
        )  # fmt: skip
    return _inlined(made.graph, rows.name, draw)


def _inlined(graph: Any, given: str, draw: Assembly) -> list[str]:
    if len(graph.input) != 1 or graph.sparse_initializer:
        raise Inconvertible("a graph of several inputs")
    names = {"": "", graph.input[0].name: given}
    for constant in graph.initializer:
        names[constant.name] = constant.name = draw.fresh()
        draw.constants.append(constant)
    for node in graph.node:
        if any(attribute.HasField("g") for attribute in node.attribute):
            raise Inconvertible(f"a graph with a {node.op_type} inside")
        node.name = ""
        node.input[:] = [names[name] for name in node.input]
        for place, name in enumerate(node.output):
            names[name] = node.output[place] = draw.fresh() if name else ""
        draw.nodes.append(node)
    return [names[output.name] for output in graph.output]
