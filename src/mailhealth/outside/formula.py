"""Formulas, as components.toml writes them: arithmetic over names and numbers, nothing else."""

import ast
import math
import operator
from collections.abc import Callable
from functools import cache

from mailhealth.errors import BadData

Look = Callable[[str], float | None]

_SIGNS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: math.pow,
}


def names(text: str) -> frozenset[str]:
    """Return the names that a formula speaks of; raises BadData for what is no formula."""
    return frozenset(node.id for node in ast.walk(_tree(text)) if isinstance(node, ast.Name))


def evaluate(text: str, look: Look) -> float | None:
    """Return what a formula comes to; None where a name is unknown or nothing can be divided."""
    try:
        value = _value(_tree(text), look)
    except (ArithmeticError, ValueError):  # 1 / 0, or the root of a negative number
        return None
    return value if value is not None and math.isfinite(value) else None


def _value(node: ast.expr, look: Look) -> float | None:
    if isinstance(node, ast.Name):
        return look(node.id)
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left, look), _value(node.right, look)
        if left is None or right is None:
            return None
        return _SIGNS[type(node.op)](left, right)
    assert isinstance(node, ast.Constant)
    return float(node.value)  # type: ignore[arg-type]


@cache
def _tree(text: str) -> ast.expr:
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        tree = None
    if tree is None or not all(_plain(node) for node in ast.walk(tree)):
        raise BadData(f"'{text}' is no formula of names, numbers and + - * / **")
    return tree


def _plain(node: ast.AST) -> bool:
    """Tell whether a part of a formula is one that may stand there."""
    if isinstance(node, ast.Constant):
        return type(node.value) in (int, float)
    if isinstance(node, ast.BinOp):
        return type(node.op) in _SIGNS
    return isinstance(node, ast.Name | ast.operator | ast.expr_context)
