"""One message to the user: safe to show, its commands as the user types them, lines that fit."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from pipeline.console.wrapping import wrapped, wrapped_command
from pipeline.flag_spelling import with_flags
from pipeline.program import as_typed
from serving.printable import printable, printable_lines

DEFAULT_WIDTH = 80


def readable(message: object) -> str:
    """Returns a message on one line as a person is to read it: safe, its settings as flags.

    Commands in it begin as the user's own did.
    """
    return as_typed(printable(message))


def tell(message: object, stream: TextIO | None = None) -> None:
    """Writes a message to standard error: wrapped on a terminal, else one line, for programs.

    Args:
      message: Whatever it quotes, no control character of it is written.
      stream: Where else to.
    """
    stream = stream or sys.stderr
    line = readable(message)
    lines = wrapped(line, terminal_width(stream)) if stream.isatty() else [line]
    print("\n".join(lines), file=stream, flush=True)


def tell_command(command: str) -> None:
    """Writes a shell command to standard output; where it is broken, it can still be pasted."""
    command = printable(command)
    is_terminal = sys.stdout.isatty()
    lines = wrapped_command(command, terminal_width(sys.stdout)) if is_terminal else [command]
    print("\n".join(lines), flush=True)


def tell_lines(text: str) -> None:
    """Writes a text of several lines, e.g. a traceback, to standard error."""
    print(printable_lines(with_flags(text)), end="", file=sys.stderr, flush=True)


def terminal_width(stream: TextIO) -> int:
    """Returns the columns of a terminal; COLUMNS wins, as elsewhere."""
    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal() and int(asked):
        return int(asked)
    try:
        return os.get_terminal_size(stream.fileno()).columns or DEFAULT_WIDTH
    except OSError:  # also what io raises where there is no descriptor
        return DEFAULT_WIDTH
