"""Lets docstrings be written as Markdown is: an indented block after a paragraph is code.

reStructuredText would take it for a quotation, and a tree of exceptions for a mistake.
"""

from __future__ import annotations

import re
from typing import Any

_SECTION = re.compile(r"(Args|Attributes|Call arguments|Examples?|Output|Raises|Returns|Yields):$")
_LIST = re.compile(r"\s*([-*]|\d+\.) ")


def as_literal_blocks(lines: list[str]) -> list[str]:
    """Returns a docstring's lines with `::` before each block that is indented by four or more."""
    result: list[str] = []
    in_block = in_section = False
    for line in lines:
        if _SECTION.match(line):
            in_section = True
        elif line and not line.startswith(" "):
            in_section = False
        is_indented = line.startswith("    ")
        follows_blank = not result or not result[-1].strip()
        if is_indented and not (in_block or in_section) and follows_blank and not _LIST.match(line):
            result += ["::", ""]
            in_block = True
        elif line and not is_indented:
            in_block = False
        result.append(line)
    return result


def _process(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    if "autosummary" not in lines:
        lines[:] = as_literal_blocks(lines)


def setup(app: Any) -> dict[str, bool]:
    """Puts this before napoleon, which takes the sections apart."""
    app.connect("autodoc-process-docstring", _process, priority=100)
    return {"parallel_read_safe": True}
