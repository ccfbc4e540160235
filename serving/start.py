"""Runs a module as `python -m` does, but never imports from the folder that a user works in.

    python path/to/serving/start.py MODULE ARGUMENT...

`python -m` looks in the current folder first: a `random.py` or a folder `components` there would
take the place of Python's and ours. `-P` does not exist before Python 3.11, and `-I` would ignore
the user's PYTHONPATH.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

PROJECT = str(Path(__file__).resolve().parent.parent)


def command(module: str, *options: str) -> list[str]:
    """Returns the command that runs a module, to be followed by its arguments.

    Args:
      module: Its dotted name.
      options: Of the interpreter.
    """
    return [sys.executable, *options, os.path.abspath(__file__), module]


def forget_working_folder() -> None:
    """Removes the current folder from `sys.path`, unless it holds this project."""
    try:
        here = os.getcwd()
    except OSError:  # it was removed
        here = ""
    sys.path[:] = [place for place in sys.path if place not in ("", here)]
    if PROJECT not in sys.path:
        sys.path.append(PROJECT)


def collect_seldom() -> None:
    """Has the garbage collector look less often, for the rest of the process.

    A million objects come with TensorFlow and TFX. By default the collector looks at them again and
    again while they are imported, and frees nothing: an eighth of the time that the imports take.
    Objects that refer to each other in a circle are freed later; at most 50,000 new ones wait.
    """
    gc.set_threshold(50_000, 20, 100)


if __name__ == "__main__":
    collect_seldom()
    # Python put the folder of this file first; its modules are not top-level modules.
    sys.path[:] = [place for place in sys.path if place != os.path.dirname(__file__)]
    forget_working_folder()
    import runpy

    module = sys.argv.pop(1)
    runpy.run_module(module, run_name="__main__", alter_sys=True)
