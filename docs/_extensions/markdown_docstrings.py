"""Lets docstrings be written as Markdown is, before napoleon and reStructuredText read them.

An indented block after a paragraph is code: reStructuredText would take it for a quotation, and a
tree of exceptions for a mistake. Names with an explanation each, below a line that ends with a
colon, are a list.
"""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

_SECTION = re.compile(
    r"(Args|Attributes|Call arguments|Examples?|Inputs|Outputs?|Raises|Returns|Yields):$"
)
_LIST = re.compile(r"\s*([-*]|\d+\.) ")
_EXPLAINED = re.compile(r"  (?P<name>\w+): (?P<words>.*)")


# What means emphasis, a link or a substitution to reStructuredText, and itself to us.
_SPECIAL = re.compile(r"(?<![\w*\\])\*(?=\w)|(?<=\w)_(?=\W|$)|\|")


def as_restructured_text(lines: list[str]) -> list[str]:
    """Returns a docstring's lines with `::` before code, and explained names as a list."""
    result: list[str] = []
    in_code = in_section = in_list = False
    for line in lines:
        is_indented = line.startswith("    ")
        follows_blank = not result or not result[-1].strip()
        if line and not line.startswith(" "):
            in_section = bool(_SECTION.match(line))
        if line and not is_indented:
            in_code = in_list = False
        if in_code or line.startswith((">>>", "... ")):
            result.append(line)
        elif not in_section and (explained := _EXPLAINED.fullmatch(line)):
            in_list = True
            result.append(f"* ``{explained['name']}``: {_escaped(explained['words'])}")
        elif is_indented and in_list:
            result.append(f"  {_escaped(line.strip())}")
        elif is_indented and follows_blank and not in_section and not _LIST.match(line):
            in_code = True
            result += ["::", "", line]
        else:
            result.append(_escaped(line))
    return result


def _escaped(line: str) -> str:
    """Returns a line in which characters mean themselves; what is between backticks stays."""
    parts = line.split("`")
    parts[::2] = [_SPECIAL.sub(r"\\\g<0>", part) for part in parts[::2]]
    return "`".join(parts)


def _process(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    lines[:] = as_restructured_text(lines)


def setup(app: Sphinx) -> dict[str, bool]:
    """Puts this before napoleon, which takes the sections apart."""
    app.connect("autodoc-process-docstring", _process, priority=100)
    return {"parallel_read_safe": True}
