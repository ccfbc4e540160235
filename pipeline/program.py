"""How the user calls this program, so that what a message says to type works when it is pasted."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

from components.storage.place import Place, place_of
from pipeline.config import PipelineConfig
from pipeline.flag_spelling import with_flags
from pipeline.paths import shown

NAME = "sentiment"
_MODULE = "pipeline.cli"


def program() -> str:
    """Returns the command as it was typed: `sentiment`, a path to it, or `python -m ...`."""
    typed = sys.argv[0]
    if os.path.basename(typed) == NAME:
        return _as_found(Path(typed))
    original = sys.orig_argv
    if _MODULE in original and original[original.index(_MODULE) - 1] == "-m":
        return f"{shlex.quote(original[0])} -m {_MODULE}"
    return NAME


def command_in(root: Place, words: str) -> str:
    """Returns a command of ours in backquotes, as a message names it, that asks for this root.

    >>> command_in(Path("my runs"), "report latest")
    "`sentiment report latest --root 'my runs'`"

    Args:
      root: Which one; the default one needs no flag.
      words: What stands behind `sentiment`.
    """
    is_default = root.absolute() == place_of(PipelineConfig.root).absolute()
    flag = "" if is_default else f" --root {shlex.quote(shown(root))}"
    return f"`{NAME} {words}{flag}`"


def beside_python(name: str) -> str | None:
    """Returns the command that starts a program of this environment; None if it has none."""
    path = Path(sys.executable).with_name(name)
    return _as_found(path) if os.access(path, os.X_OK) else None


def as_typed(message: str) -> str:
    """Returns a message whose commands begin as the user's own did, and whose settings are flags.

    Both stand in backquotes in the message.
    """
    return with_flags(message.replace(f"`{NAME} ", f"`{program()} "))


def _as_found(path: Path) -> str:
    """Returns the name alone where a shell finds the same program by it, else the path."""
    found = shutil.which(path.name)
    if found and os.path.exists(path) and os.path.samefile(found, path):
        return path.name
    typed = shown(path)
    return shlex.quote(typed if os.sep in typed else os.path.join(os.curdir, typed))
