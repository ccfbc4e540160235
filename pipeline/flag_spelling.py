"""How the command line spells the settings that a message names: as flags.

`components` and `serving` know no flags. Their messages name a setting in backquotes, by its name
or with a value as `components.errors.as_setting` writes it; here both become what a person types.
"""

from __future__ import annotations

import ast
import dataclasses
import re
import shlex

from pipeline.config import PipelineConfig
from pipeline.settings import flag_of
from serving.printable import printable

# Of `predict` and `score`, which are no settings of a run.
OTHER_FLAGS = ("file", "input", "output")
_NAMES = (*(field.name for field in dataclasses.fields(PipelineConfig)), *OTHER_FLAGS)
_SETTING = re.compile(rf"`({'|'.join(_NAMES)})(?:=([^`\n]*))?`")


def with_flags(message: str) -> str:
    """Returns a message with its settings as flags, which can be pasted into a shell.

    >>> with_flags("Try `validation_fraction=0.1` and `positive_label='yes, always'`.")
    "Try --validation-fraction 0.1 and --positive-label 'yes, always'."

    What is no setting, or has a value that is no Python literal, stays as it is.
    """
    return _SETTING.sub(_typed, message)


def typed(name: str, value: str | bool | int | float) -> str:
    """Returns a setting with a value as a person types it in a shell.

    >>> typed("positive_label", "yes, always")
    "--positive-label 'yes, always'"
    """
    flag = flag_of(name)
    if isinstance(value, bool):
        return flag if value else f"--no-{flag[2:]}"
    # A character that would move the cursor is shown by its escape, as in every message.
    word = printable(shlex.quote(str(value)))
    # argparse takes "-1,-2" for a flag.
    return f"{flag}={word}" if str(value).startswith("-") else f"{flag} {word}"


def _typed(match: re.Match[str]) -> str:
    name, literal = match[1], match[2]
    if literal is None:
        return flag_of(name)
    try:
        value = ast.literal_eval(literal)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return match[0]
    return typed(name, value) if isinstance(value, bool | str | int | float) else match[0]
