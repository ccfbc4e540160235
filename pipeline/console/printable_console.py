"""Rich's console, safe for texts that anybody may have written."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from pipeline.console.wrapping import INDENT, line_spans
from serving.printable import UNSAFE, printable


class PrintableConsole(Console):
    """Shows control characters in what it is told to print; its own colours are not affected.

    The caller escapes the cells of a table: Rich has laid them out before they come here.
    """

    def print(self, *objects: Any, **options: Any) -> None:
        """Prints as Rich does."""
        super().print(*map(_safe, objects), **options)

    def print_wrapped(
        self, line: str | Text, *, width: int = 0, indent: str = INDENT, style: str | None = None
    ) -> None:
        """Prints a line, broken between words; a path in it is never broken.

        Args:
          line: What to print.
          width: Columns; those of the terminal when 0.
          indent: What the second and later lines begin with.
          style: Of the whole.
        """
        text = _safe(line if isinstance(line, Text) else Text(printable(line)))
        width = width or self.width
        spans = line_spans(text.plain, width, width - len(indent))
        for number, (start, end) in enumerate(spans):
            part = text[start:end]
            self.print(Text.assemble(indent, part) if number else part, style=style, soft_wrap=True)


def _safe(item: Any) -> Any:
    if isinstance(item, str):
        return printable(item)
    if not isinstance(item, Text) or not UNSAFE.search(item.plain):
        return item
    borders = sorted({at for match in UNSAFE.finditer(item.plain) for at in match.span()})
    safe = Text(style=item.style)
    for part in item.divide(borders):
        if UNSAFE.search(part.plain):
            part.plain = printable(part.plain)
        safe.append_text(part)
    return safe
