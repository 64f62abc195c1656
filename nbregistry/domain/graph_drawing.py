"""A graph drawn: as indented text for a terminal, and for Mermaid, which notebooks and forges show as a picture.

Names and references are all that is drawn, and both hold letters, digits and ``. _ - / @`` only.
"""

from __future__ import annotations

from collections.abc import Iterator

from nbregistry.domain.graph_nodes import (
    Bandit,
    Canary,
    Chain,
    Ensemble,
    Function,
    Model,
    Node,
    Policy,
    Shadow,
    Split,
    kind_of,
)
from nbregistry.domain.graph_places import label, slots

_MOST_DRAWN = 300


def drawn(root: Node, name: str) -> str:
    """Return one line a node, children indented below their parents."""
    return "\n".join([f"{name or label(root)}: {told(root)}", *_lines(root, "")])


def _lines(node: Node, indent: str) -> Iterator[str]:
    children = slots(node)
    notes = _notes(node)
    for i, (slot, child) in enumerate(children):
        last = i == len(children) - 1
        note = f" ({notes[i]})" if notes[i] else ""
        yield f"{indent}{'└─' if last else '├─'} {slot}{note}: {told(child)}"
        yield from _lines(child, indent + ("   " if last else "│  "))


def mermaid(root: Node, name: str) -> str:
    """Return a flowchart from left to right."""
    lines = ["flowchart LR", f'  n0["{name or label(root)}: {told(root)}"]']
    waiting: list[tuple[int, Node]] = [(0, root)]
    count = 0
    while waiting and count < _MOST_DRAWN:
        above, node = waiting.pop(0)
        for (slot, child), note in zip(slots(node), _notes(node), strict=True):
            count += 1
            left, right = ("([", "])") if isinstance(child, Model) else ("[", "]")
            said = f"{slot} {note}".strip()
            lines += [f'  n{count}{left}"{told(child)}"{right}', f'  n{above} -->|"{said}"| n{count}']
            waiting.append((count, child))
    return "\n".join(lines)


def told(node: Node) -> str:
    """Return a node in a few words."""
    match node:
        case Model():
            asked = f", asked for as {node.asked}" if node.asked else ""
            return f"{node.ref}{asked}{', ' + node.method if node.method else ''}"
        case Function():
            return f"function {node.name}"
        case Split():
            return "split, sticky by key" if node.sticky else "split"
        case Canary():
            return f"canary, {' then '.join(_step(s.after, s.weight) for s in node.steps[:6])}"
        case Shadow():
            return "shadow" if node.share == 1 else f"shadow of {_percent(node.share)} of the requests"
        case Ensemble():
            how = node.combine.name if isinstance(node.combine, Function) else node.combine.value
            return f"ensemble by {how}"
        case Bandit():
            if node.policy is Policy.EPSILON_GREEDY:
                return f"bandit, epsilon greedy with {node.epsilon:g}"
            return "bandit, Thompson sampling"
    return kind_of(node)


def _notes(node: Node) -> list[str]:
    """Return what is said on the way to each child."""
    match node:
        case Split():
            return [_percent(arm.weight) for arm in node.arms]
        case Ensemble():
            equal = len({arm.weight for arm in node.members}) == 1
            return ["" if equal else f"weight {arm.weight:g}" for arm in node.members]
        case Chain():
            return [*["before"] * len(node.before), "", *["after"] * len(node.after)]
    return [""] * len(slots(node))


def _percent(share: float) -> str:
    return f"{share * 100:.6g}%"


def _step(after: float, weight: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if after >= size and after % size == 0:
            return f"{_percent(weight)} after {after / size:g} {unit}"
    return f"{_percent(weight)} after {after:g} s" if after else _percent(weight)
