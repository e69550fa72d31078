"""Source code, read for the sentences that it says."""

from __future__ import annotations

import ast


def literal(node: ast.expr) -> str | None:
    """A text in the source, each value in it a 7."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(one.value) if isinstance(one, ast.Constant) else "7" for one in node.values)
    return None
