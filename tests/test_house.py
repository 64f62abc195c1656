"""The rules of the house that no linter knows: sizes, names, who may do what, and what importing us costs."""

from __future__ import annotations

import ast
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "nbregistry"
TESTS = ROOT / "tests"

Fault: TypeAlias = "tuple[int, str]"
Rule: TypeAlias = "Callable[[ast.Module], Iterator[Fault]]"

HOOKS = re.compile(r"(un)?load_ipython_extension|_jupyter_\w+|_load_jupyter_\w+")
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc"}

BROAD_EXCEPT = {
    "nbregistry/capture/boundary.py": "a look at foreign objects: what cannot be captured is noted, the model is kept",
    "nbregistry/flavors/boundary.py": "a model's own code: what it raises becomes an error that says so",
    "nbregistry/storage/journal.py": "replay: a record may hold anything, and one bad record must not hide the others",
    "nbregistry/serving/boundary.py": "a request: a client learns its id, the log the rest, and the server lives on",
    "nbregistry/widgets/boundary.py": "a panel's callback: what it raises is shown in the panel, not lost in a log",
    "nbregistry/magics/boundary.py": "a magic: a fault of ours must not look like a fault in the user's cell",
}
"""Where everything may be caught, and why."""


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


def long_function(tree: ast.Module) -> Iterator[Fault]:
    """A function fits on a screen: at most 50 lines, its docstring not counted."""
    for node in functions(tree):
        doc = ast.get_docstring(node, clean=False)
        lines = (node.end_lineno or 0) - node.lineno + 1 - (doc.count("\n") + 1 if doc is not None else 0)
        if lines > 50:
            yield node.lineno, f"{node.name} has {lines} lines"


def many_positional(tree: ast.Module) -> Iterator[Fault]:
    """A function takes at most five parameters by position; the rest are named by the caller."""
    for node in functions(tree):
        names = [a.arg for a in (*node.args.posonlyargs, *node.args.args)]
        count = len(names[1:] if names[:1] in (["self"], ["cls"]) else names)
        if count > 5:
            yield node.lineno, f"{node.name} takes {count} by position"


def empty_class_name(tree: ast.Module) -> Iterator[Fault]:
    """A class is called for what it is, never SomethingManager, SomethingHandler, SomethingFactory or BaseSomething."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and re.search(r"(Manager|Handler|Factory)$|^_?Base[A-Z]", node.name):
            yield node.lineno, node.name


def ipython_html(tree: ast.Module) -> Iterator[Fault]:
    """IPython's HTML() and Markdown() read the file or fetch the URL their text names, so nothing here uses them."""
    forbidden = {"HTML", "Markdown"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "IPython":
            yield from ((node.lineno, alias.name) for alias in node.names if alias.name in forbidden)
        elif isinstance(node, ast.Attribute) and node.attr in forbidden and "display" in ast.unparse(node.value):
            yield node.lineno, ast.unparse(node)


def broad_except(tree: ast.Module) -> Iterator[Fault]:
    """Who catches everything hides the faults of others; catching it to clean up and raise it again is fine."""
    kinds = {"Exception", "BaseException"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            named = {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)} if node.type else kinds
            raises_again = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
            if kinds & named and not raises_again:
                yield node.lineno, "catches everything"


def reads_environment(tree: ast.Module) -> Iterator[Fault]:
    """Settings have one order of precedence because one file reads the environment."""
    words = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in words and ast.unparse(node.value) == "os":
            yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            yield from ((node.lineno, f"os.{a.name}") for a in node.names if a.name in words)


def foreign_import(tree: ast.Module) -> Iterator[Fault]:
    """What a registry means depends on nothing that can be installed."""
    ours = ("nbregistry.domain", "nbregistry.errors", "nbregistry.types")
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        for name in [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or "."]:
            if name.partition(".")[0] not in sys.stdlib_module_names and not name.startswith(ours):
                yield node.lineno, name


def silent_test(tree: ast.Module) -> Iterator[Fault]:
    """Each test has one line that says what it shows."""
    for node in functions(tree):
        if node.name.startswith("test_") and "\n" in (ast.get_docstring(node) or "\n"):
            yield node.lineno, node.name


def sources(*places: Path) -> list[Path]:
    found = [p for place in places for p in ([place] if place.is_file() else place.rglob("*.py"))]
    return sorted(p for p in found if "node_modules" not in p.parts)


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


HOOK = "nbregistry/labext/hatch_build.py"
"""The build hook: no part of the package, since it runs before there is one."""

RULES: dict[Rule, tuple[Path, set[str], str]] = {
    long_function: (PACKAGE, set(), "def f():\n" + "    x = 1\n" * 50),
    many_positional: (PACKAGE, set(), "class A:\n    def f(self, a, b, c, d, e, f): pass"),
    empty_class_name: (PACKAGE, set(), "class StoreManager: pass"),
    ipython_html: (PACKAGE, set(), "from IPython import display\ndisplay.HTML(text)"),
    broad_except: (PACKAGE, set(BROAD_EXCEPT), "try:\n    f()\nexcept (OSError, Exception):\n    pass"),
    reads_environment: (PACKAGE, {"nbregistry/config.py", HOOK}, "import os\nos.environ.get('HOME')"),
    foreign_import: (PACKAGE / "domain", {"nbregistry/domain/frames.py"}, "def f():\n    import orjson"),
    silent_test: (TESTS, set(), "def test_this(): pass"),
}
"""Each rule, where it holds, the files it exempts and a sample that breaks it."""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule_holds(rule: Rule) -> None:
    """No file breaks the rule but those it exempts."""
    place, exempt, _ = RULES[rule]
    faults = [
        f"{shown(path)}:{line} {text}"
        for path in sources(place)
        if shown(path) not in exempt
        for line, text in rule(ast.parse(path.read_text("utf-8"), shown(path)))
    ]
    assert [] == faults, rule.__doc__


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule_sees_its_fault(rule: Rule) -> None:
    """The rule finds the fault in a sample that has one, so that its silence means something."""
    assert 1 == len(list(rule(ast.parse(RULES[rule][2]))))


def test_modules_are_short() -> None:
    """A module is one concept: at most 400 lines."""
    long = {shown(p): n for p in sources(PACKAGE) if (n := len(p.read_text("utf-8").splitlines())) > 400}
    assert {} == long


def test_modules_say_what_they_are() -> None:
    """No module or folder called utils, helpers or common."""
    assert [] == [shown(p) for p in sources(PACKAGE, TESTS) if SAYS_NOTHING & {p.stem, *p.relative_to(ROOT).parts}]


def test_every_lint_ignore_has_a_reason() -> None:
    """A `noqa` or `type: ignore` names its rule and says why, for the next reader."""
    bare = re.compile(r"#\s*(noqa(:\s*[A-Z]+\d+(\s*,\s*[A-Z]+\d+)*)?|type:\s*ignore(\[[\w, -]+\])?)\s*$")
    found = [
        f"{shown(path)}:{number}"
        for path in sources(PACKAGE, TESTS)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if bare.search(line)
    ]
    assert [] == found


def test_no_path_of_a_machine() -> None:
    """No tracked file names a folder of the machine it was written on."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=False, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout: what is tracked cannot be told")
    places = {str(ROOT), f"{Path.home()}/", "/{}/".format("work")}
    found = []
    for path in (ROOT / name for name in listed.stdout.split("\0") if name):
        text = path.read_bytes().decode("utf-8", "replace") if path.is_file() else ""
        found += [f"{shown(path)}: {place}" for place in places if place in text]
    assert [] == found


def fresh(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout


def test_import_loads_the_standard_library_only() -> None:
    """`import nbregistry` in a fresh interpreter loads nothing that is not Python's own or ours."""
    code = "import json, sys; old = set(sys.modules); import nbregistry; print(json.dumps([*set(sys.modules) - old]))"
    loaded = {name.partition(".")[0] for name in json.loads(fresh(code))}
    assert {"nbregistry"} == loaded - sys.stdlib_module_names


def test_import_is_quick() -> None:
    """`import nbregistry` costs little more than the bare interpreter (a wide bound; tests/bench has the figure)."""

    def seconds(code: str) -> float:
        started = time.perf_counter()
        fresh(code)
        return time.perf_counter() - started

    extra = statistics.median(seconds("import nbregistry") - seconds("pass") for _ in range(5))
    assert extra < 0.25


def test_public_names_are_one_literal_sorted_list() -> None:
    """`__all__` is a literal, sorted, without repeats."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text("utf-8"))
    values = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ["__all__"] == [ast.unparse(target) for target in node.targets]
    ]
    assert 1 == len(values)
    assert sorted(set(values[0])) == list(values[0])


def test_public_names_are_what_is_there() -> None:
    """Every name of `__all__` can be had, `dir()` shows it, and nothing else that is defined here is public."""
    code = """
import json, types, nbregistry
for name in nbregistry.__all__:
    getattr(nbregistry, name)
there = [n for n, value in vars(nbregistry).items() if n[0] != "_" and not isinstance(value, types.ModuleType)]
print(json.dumps([nbregistry.__all__, dir(nbregistry), there]))
"""
    names, listed, there = json.loads(fresh(code))
    tree = ast.parse((PACKAGE / "__init__.py").read_text("utf-8"))
    borrowed = {alias.asname or alias.name for n in tree.body if isinstance(n, ast.ImportFrom) for alias in n.names}
    assert [] == [n for n in names if n not in listed]
    assert [] == [n for n in there if n not in {*names, *borrowed} and not HOOKS.fullmatch(n)]


def test_readme_and_ci_run_the_same_tests() -> None:
    """The README's test command is the one that CI runs, here and on the forge."""
    command = "python3 tests/run.py"
    assert f"\n{command}\n" in (ROOT / "README.md").read_text("utf-8")
    assert command in (ROOT / ".ci" / "run").read_text("utf-8")
    assert "bash .ci/run" in (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
