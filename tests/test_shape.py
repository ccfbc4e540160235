"""The shape of the code: what a reader can take in at once."""

from __future__ import annotations

import ast
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
FOLDERS = ("benchmarks", "components", "examples", "pipeline", "scripts", "serving", "tests")
MOST_LINES = 60


def test_no_function_is_longer_than_sixty_lines():
    """Counted from `def` to its last line; Ruff has a rule for branches, and none for lines."""
    functions = {
        f"{path.relative_to(PROJECT)}: {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for folder in FOLDERS
        for path in sorted((PROJECT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }
    assert len(functions) > 1_000
    assert not {name for name, lines in functions.items() if lines > MOST_LINES}
