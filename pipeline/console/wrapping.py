"""Breaks lines between words, so that they fit a terminal; paths and commands can be copied."""

from __future__ import annotations

import argparse
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

INDENT = "  "
_WORD = re.compile(r"\S+")
_SHELL_WORD = re.compile(r"(?:[^\s'\"\\]|\\.|'[^']*'|\"(?:\\.|[^\"\\])*\")+")


def wrapped(text: str, width: int, indent: str = INDENT) -> list[str]:
    """Returns the lines of a text, the second and later ones indented.

    Args:
      text: One line. A path in it is never broken, and may be longer than `width`.
      width: Columns.
      indent: What the later lines begin with; it counts.
    """
    spans = line_spans(text, width, width - len(indent))
    return [
        f"{indent if number else ''}{text[start:end]}" for number, (start, end) in enumerate(spans)
    ]


def line_spans(text: str, first_width: int, width: int) -> Iterator[tuple[int, int]]:
    """Yields where each line of a text begins and ends; blanks between lines are left out.

    Args:
      text: One line.
      first_width: Columns of the first line.
      width: Columns of the others.
    """
    room = max(first_width, 1)
    start, end = 0, 0
    for match in _WORD.finditer(text):
        if end and cells(text[start : match.end()]) > room:
            yield start, end
            start, room = match.start(), max(width, 1)
        end = match.end()
        while "/" not in match[0] and cells(text[start:end]) > room:
            cut = _cut(text, start, room)
            yield start, cut
            start, room = cut, max(width, 1)
    yield start, end


def wrapped_command(command: str, width: int, indent: str = INDENT) -> list[str]:
    r"""Returns the lines of a shell command; each but the last ends in ` \`, so that it works."""
    lines, line = [], ""
    for word in _SHELL_WORD.findall(command) or [command]:
        if line and cells(f"{line} {word} \\") > width:
            lines.append(f"{line} \\")
            line = f"{indent}{word}"
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line]


def cells(text: str) -> int:
    """Returns how many columns a text takes."""
    if text.isascii():
        return len(text)
    return sum(map(_cells_of, text))


def _cells_of(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _cut(text: str, start: int, room: int) -> int:
    """Returns where a line that begins at `start` is full; it holds a character at least."""
    end = start + 1
    used = cells(text[start])
    while end < len(text) and (used := used + cells(text[end])) <= room:
        end += 1
    return end


class HelpFormatter(argparse.HelpFormatter):
    """Keeps the lines of a usage, a description or an epilog; wraps those that are too long."""

    def _format_usage(self, usage: str | None, actions: Any, groups: Any, prefix: Any) -> str:
        if usage is None:
            return super()._format_usage(usage, actions, groups, prefix)
        lines = wrapped(f"usage: {usage % {'prog': self._prog}}", self._width, " " * 7)
        return "\n".join(lines) + "\n\n"

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        lines: list[str] = []
        for line in text.splitlines():
            # A code and what it means: what is left of the meaning goes below it.
            hanging = re.match(r"\s*(?:\d+\s+)?", line)
            lines += wrapped(f"{indent}{line}", width, " " * len(hanging[0] if hanging else ""))
        return "\n".join(lines)
