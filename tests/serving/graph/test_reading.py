"""Graphs from text: what people write, what Seldon's documents say, and what nobody should send."""

from __future__ import annotations

import builtins
import json
import time
from pathlib import Path
from typing import Any

import pytest

from nbregistry.domain import graph as g
from nbregistry.errors import InvalidInput, MissingDependency
from nbregistry.serving.graph.reading import MOST_BYTES
from nbregistry.serving.graph.reading import read_graph as read

OURS = """
graph:
  name: churn-ab
  root:
    split:
      sticky: true
      arms:
        a: {weight: 0.9, model: churn/3}
        b:
          weight: 0.1
          chain:
            before: [{function: prepare}]
            main: churn@challenger
"""


def prepare(rows: Any) -> Any:
    return rows


def test_our_own_shape(tmp_path: Path) -> None:
    """YAML is what the same graph written in a cell is; from a file too, and as JSON."""
    expected = g.Graph(
        g.split({"a": ("churn/3", 0.9), "b": (g.chain(prepare, "churn@challenger"), 0.1)}), "churn-ab"
    )  # fmt: skip
    assert expected == read(OURS, functions={"prepare": prepare})
    (tmp_path / "ab.yaml").write_text(OURS, "utf-8")
    assert expected == read(tmp_path / "ab.yaml", functions={"prepare": prepare})
    assert "ab" == read('{"graph": {"root": "churn/3"}}', name="ab").name


def deployment(*predictors: str, name: str = "example") -> str:
    return "apiVersion: machinelearning.seldon.io/v1\nkind: SeldonDeployment\nmetadata:\n  name: " + name + (
        "\nspec:\n  predictors:\n" + "".join(predictors)
    )  # fmt: skip


AB = """
  - name: default
    replicas: 2
    graph:
      name: router
      type: ROUTER
      implementation: RANDOM_ABTEST
      parameters:
      - name: ratioA
        value: "0.75"
        type: FLOAT
      children:
      - name: model-a
        implementation: SKLEARN_SERVER
        modelUri: models:/churn/3
      - name: model-b
        implementation: SKLEARN_SERVER
        modelUri: churn@challenger
"""


def test_an_ab_test() -> None:
    """RANDOM_ABTEST with ratioA is a split by request, as Seldon does it."""
    expected = g.split({"model-a": ("churn/3", 0.75), "model-b": ("churn@challenger", 0.25)}, sticky=False)
    assert g.Graph(expected, "example") == read(deployment(AB))


def test_other_documents_beside_it() -> None:
    """A file with a namespace before the deployment is read; two deployments are one too many."""
    namespace = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: production\n---\n"
    assert read(deployment(AB)) == read(namespace + deployment(AB))
    with pytest.raises(InvalidInput, match="There are 2 graphs in this text"):
        read(deployment(AB) + "\n---\n" + deployment(AB))


def test_json_with_every_type() -> None:
    """Transformers, output transformers and combiners become what they do."""
    told = {
        "kind": "SeldonDeployment", "metadata": {"name": "all"}, "spec": {"predictors": [{"name": "p", "graph": {
            "name": "out", "type": "OUTPUT_TRANSFORMER", "modelUri": "models:/labels/1", "children": [{
                "name": "scale", "type": "TRANSFORMER", "modelUri": "models:/scaler/2", "children": [{
                    "name": "mean", "type": "COMBINER", "implementation": "AVERAGE_COMBINER", "children": [
                        {"name": "a", "type": "MODEL", "modelUri": "models:/churn/1"},
                        {"name": "b", "type": "MODEL", "model": {"uri": "models:/churn/2"}},
                    ]}]}]}}]}}  # fmt: skip
    mean = g.ensemble({"a": "churn/1", "b": "churn/2"})
    scaled = g.Chain(mean, before=(g.model("scaler/2"),))
    assert g.Graph(g.Chain(scaled, after=(g.model("labels/1"),)), "all") == read(json.dumps(told))


def unit(name: str, uri: str) -> str:
    return f"\n    graph: {{name: {name}, implementation: SKLEARN_SERVER, modelUri: '{uri}'}}"


def test_traffic_between_predictors_and_a_shadow() -> None:
    """Predictors share the traffic in percent; one marked shadow watches the others."""
    text = deployment(
        "  - name: main\n    traffic: 80" + unit("m", "models:/churn/3") + "\n",
        "  - name: canary\n    traffic: 20" + unit("c", "models:/churn/4") + "\n",
        "  - name: watcher\n    traffic: 50\n    shadow: true" + unit("w", "models:/churn/5") + "\n",
    )
    split = g.split({"main": ("churn/3", 0.8), "canary": ("churn/4", 0.2)}, sticky=False)
    assert g.Graph(g.shadow(split, "churn/5", share=0.5), "example") == read(text)


def bandit(parameters: str, image: str = "seldonio/mab_epsilon_greedy:1.3") -> str:
    return deployment(f"""
  - name: p
    componentSpecs:
    - spec:
        containers: [{{image: "{image}", name: eg-router}}, {{image: "seldonio/rf:0.1", name: rf-model}}]
    graph:
      name: eg-router
      type: ROUTER
      parameters: {parameters}
      children:
      - {{name: rf-model, type: MODEL, endpoint: {{type: REST}}}}
      - {{name: xgb-model, type: MODEL, modelUri: models:/churn/2}}
""")


EPSILON = '[{name: n_branches, value: "2", type: INT}, {name: epsilon, value: "0.2", type: FLOAT}]'


def test_bandits_by_their_parameters() -> None:
    """Seldon's two bandit routers are known by their parameters and images; models in images get references."""
    arms = {"rf-model": "churn/1", "xgb-model": "churn/2"}
    models = {"rf-model": "churn/1"}
    expected = g.Graph(g.bandit(arms, "epsilon_greedy", epsilon=0.2), "example")
    assert expected == read(bandit(EPSILON), models=models)
    thompson = bandit('[{name: n_branches, value: "2", type: INT}]', "seldonio/mab_thompson_sampling:1.3")
    assert g.Graph(g.bandit(arms, "thompson"), "example") == read(thompson, models=models)


REFUSED = {
    "bucket": (deployment(AB.replace("models:/churn/3", "gs://seldon/iris")),
               r"'gs://seldon/iris' is kept elsewhere \(gs\).*models=\{'model-a': 'NAME/VERSION'\}"),
    "file": (deployment(AB.replace("models:/churn/3", "file:///etc/passwd")), r"kept elsewhere \(file\)"),
    "web": (deployment(AB.replace("models:/churn/3", "http://169.254.169.254/x")), r"kept elsewhere \(http\)"),
    "path": (deployment(AB.replace("models:/churn/3", "/etc/passwd")), r"'passwd' in 'etc/passwd' is neither"),
    "image": (bandit(EPSILON), r"comes in the image 'seldonio/rf:0\.1', and nothing is fetched or started here"),
    "branches": (bandit(EPSILON.replace('"2"', '"3"')).replace("endpoint: {type: REST}", "modelUri: churn/1"),
                 "n_branches is 3, and there are 2 children"),
    "router": (deployment(AB.replace("RANDOM_ABTEST", "MY_ROUTER")), "a program of its own"),
    "ratio": (deployment(AB.replace('"0.75"', "lots")), "ratioA is a number"),
    "traffic": (deployment("  - name: a\n    traffic: 60" + unit("a", "churn/1") + "\n",
                           "  - name: b\n    traffic: 60" + unit("b", "churn/2") + "\n"), "to 100, here to 120"),
    "all shadows": (deployment("  - name: a\n    shadow: true" + unit("a", "churn/1") + "\n"), "one has to answer"),
    "no predictors": (deployment(), "at least one predictor"),
    "type": (deployment(AB.replace("type: ROUTER", "type: ROUTR")), "did you mean 'ROUTER'"),
    "alias": ("a: &a [x, x]\nb: [*a, *a]", "Anchors and aliases"),
    "bomb": ("a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]\ngraph: *c", "Anchors and aliases"),
    "python": ("graph: !!python/object/apply:os.system ['touch ran']", "The tag .*python/object.* is not read"),
    "own tag": ("graph: !vault secret", "The tag '!vault' is not read"),
    "deep": ("graph: " + "[" * 3_000, "nested deeper"),
    "deep json": ('{"graph": ' + "[" * 100_000, "no JSON|nested deeper"),
    "deep blocks": ("\n".join(" " * i + "a:" for i in range(300)), "nested deeper"),
    "megabyte": ("graph: " + "[" * (1 << 20), f"at most {MOST_BYTES >> 10} KiB"),
    "twice": ("graph:\n  root: churn\n  root: other\n", "'root' stands there twice"),
    "twice json": ('{"graph": {"root": "churn", "root": "other"}}', "'root' stands there twice"),
    "nan": ('{"graph": {"root": {"split": {"arms": {"a": {"weight": NaN, "model": "x"}}}}}}', "NaN is no number"),
    "key": ("? [a, b]\n: c\ngraph: {root: churn}", "A key of a graph is text"),
    "broken": ("graph: [", "This is no YAML: .*line 1"),
    "date": ("graph: 2026-99-99", "expected names with values, found str"),
    "number": ('graph: !!int "x"', "holds a value that is none"),
    "other": ("kind: Deployment", "There is no graph in this text"),
    "empty": ("", "There is no graph in this text"),
    "function": (OURS, r"no function 'prepare'.*functions=\{'prepare': prepare\}"),
    "nul": ("graph: \0", "This is no YAML"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_what_is_refused(case: str, tmp_path: Path) -> None:
    """Each is refused with words, quickly, and runs nothing."""
    text, told = REFUSED[case]
    since = time.perf_counter()
    with pytest.raises(InvalidInput, match=told):
        read(text)
    assert time.perf_counter() - since < 5
    assert not Path("ran").exists()


def test_models_are_named_right() -> None:
    """A name that no unit has is told with those there are; our own shape takes none."""
    with pytest.raises(InvalidInput, match=r"'model-x', did you mean 'model-[ab]'"):
        read(deployment(AB), models={"model-x": "churn/1"})
    with pytest.raises(InvalidInput, match="is for a SeldonDeployment"):
        read('{"graph": {"root": "churn"}}', models={"a": "churn/1"})
    given = read(deployment(AB.replace("models:/churn/3", "s3://b/m")), models={"model-a": "churn/9"})
    assert ("churn/9", "churn@challenger") == given.refs()


def test_without_yaml_json_still_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PyYAML is not installed, YAML names the extra and JSON is read."""
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "yaml":
            raise ModuleNotFoundError("No module named 'yaml'", name="yaml")
        return real(name, *args, **kwargs)

    monkeypatch.delitem(__import__("sys").modules, "yaml", raising=False)
    monkeypatch.setattr("importlib.import_module", without)
    with pytest.raises(MissingDependency, match=r"nbregistry\[serve\]"):
        read(OURS)
    assert ("churn/3",) == read('{"graph": {"root": "churn/3"}}').refs()


def test_a_file_that_is_not_there() -> None:
    """A path that cannot be read says so."""
    with pytest.raises(InvalidInput, match="cannot be read: No such file"):
        read(Path("missing.yaml"))
