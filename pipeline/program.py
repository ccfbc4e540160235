"""How the user calls this program, so that what a message says to type works when it is pasted."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.storage.place import Place, place_of
from pipeline.config import PipelineConfig
from pipeline.flag_spelling import with_flags
from pipeline.metadata.address import MetadataStoreAddress, MySqlDatabase
from pipeline.paths import shown
from pipeline.settings import flag_of

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


def command(*words: str) -> str:
    """Returns a command of ours in backquotes, as a message names it."""
    return f"`{NAME} {shlex.join(words)}`"


def typed(*words: str) -> str:
    """Returns a command of ours that can be pasted into a shell in this folder."""
    return f"{program()} {shlex.join(words)}"


def command_in(root: Place, metadata: MetadataStoreAddress | None, *words: str) -> str:
    """Returns a command of ours in backquotes that asks for the runs of a root.

    >>> command_in(Path("my runs"), None, "report", "latest")
    "`sentiment report latest --root 'my runs'`"

    Args:
      root: Which one.
      metadata: Where its runs are recorded; None is the root's own file.
      words: What stands behind `sentiment`.
    """
    return command(*words, *flags_of_runs(root, metadata))


def flags_of_runs(root: Place, metadata: MetadataStoreAddress | None) -> list[str]:
    """Returns the flags by which a command finds the runs of a root; none for the default one.

    A password that comes from the environment is found there again.
    """
    flags = flags_of_root(root)
    if metadata and metadata.is_shared:
        flags += ["--metadata", str(metadata)]
    if isinstance(metadata, MySqlDatabase) and metadata.password_file:
        flags += ["--metadata-password-file", metadata.password_file]
    return flags


def flags_of_root(root: Place) -> list[str]:
    """Returns the flag that names a root; none for the default one."""
    is_default = root.absolute() == place_of(PipelineConfig.root).absolute()
    return [] if is_default else ["--root", shown(root)]


def flags_of_pushed(root: Place, serving_dir: str) -> list[str]:
    """Returns the flag by which a command finds what runs pushed; none for the default root.

    Args:
      root: Of the runs.
      serving_dir: The setting; "" is below the root.
    """
    return ["--serving-dir", shown(serving_dir)] if serving_dir else flags_of_root(root)


def flags_of_settings(settings: Mapping[str, Any]) -> list[str]:
    """Returns the flags of settings, in their order."""
    return [word for name, value in settings.items() for word in _flag(name, value)]


def _flag(name: str, value: Any) -> list[str]:
    flag = flag_of(name)
    if isinstance(value, bool):
        return [flag if value else f"--no-{flag[2:]}"]
    text = str(value)
    # Argparse takes a value that begins with a dash for a flag.
    return [f"{flag}={text}"] if text.startswith("-") else [flag, text]


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
