"""What can go wrong, in the terms of the person who started the run.

    SentimentError
    ├── ConfigurationError      a setting or a name cannot be used
    ├── RootBusyError           another run uses the same root folder
    ├── DatasetError            the data cannot be found or read
    │   ├── DownloadError
    │   │   └── HostFailedError     it does not answer, or not with the file
    │   └── ArchiveError        truncated, corrupt, unsafe, or not the expected one
    ├── DataGateError           the data was read, and is not fit to train on
    ├── TrainingError           training diverged
    ├── InfraValidationError    there was no model server to try the model in
    ├── EngineError             what runs Beam's jobs, or one of its workers, failed or is not there
    ├── MetadataLostError       the connection to the metadata's server was lost for good
    ├── PushError               the blessed model could not be pushed
    └── ScoringError            reviews could not be scored, or the scores not written

Messages say what arrived, what was expected and what to do next. They name a setting in
backquotes, as Python does: `encoding`, or with a value, `encoding='latin-1'`; see `as_setting`. How
it is typed, as an argument, as a flag or in a file, is known to who shows the message. The command
line prints it on one line and turns the type into an exit code; nothing else does.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator

# Beam puts the name of its step behind the message of what a step raises.
_BEAM_STEP = re.compile(r" \[while running '[^']*'\]")
# The last line of a traceback that ends with an error of ours.
_RAISED = re.compile(rf"^{re.escape(__name__)}\.(\w+): (.+)$", re.MULTILINE)


class SentimentError(Exception):
    """Base of all errors that are explained to the user rather than traced.

    >>> from components import SentimentError, get_variant
    >>> try:
    ...     get_variant("lsmt")
    ... except SentimentError as error:
    ...     print(str(error)[:44])
    Unknown model 'lsmt'. Choose from: lstm, lst
    """


class ConfigurationError(SentimentError):
    """A setting cannot be used; names the setting, the value and the choices."""


class RootBusyError(SentimentError):
    """Another run is using the same root."""


class DatasetError(SentimentError):
    """The data set cannot be found or read."""


class DownloadError(DatasetError):
    """The data set could not be downloaded whole."""


class HostFailedError(DownloadError):
    """The host does not answer, or not with the file: asking again at once would not help."""


class ArchiveError(DatasetError):
    """The archive is truncated, corrupt, unsafe, or not the one that was expected."""


class DataGateError(SentimentError):
    """The data was read, and is not fit to train on."""


class TrainingError(SentimentError):
    """Training cannot go on; names the step and the likely cause."""


class InfraValidationError(SentimentError):
    """There was no model server to try the model in; says why, and what to choose instead."""


class EngineError(SentimentError):
    """What runs Beam's jobs, or one of its workers, failed or is not there."""


class MetadataLostError(SentimentError):
    """The connection to the server of the metadata was lost in mid-run, and did not come back."""


class PushError(SentimentError):
    """The blessed model could not be pushed; nothing half-written is left."""


class ScoringError(SentimentError):
    """Reviews could not be scored, or the scores not written; nothing half-written is left."""


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yields `error` and everything that led to it, nearest first.

    What a worker process of Beam's raised is made anew of the text that came from there.
    """
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        cause = waiting.pop(0)
        if cause is not None and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            waiting += [raised_in_worker(cause), cause.__cause__, cause.__context__]


def raised_in_worker(error: BaseException) -> SentimentError | None:
    """Returns the error of ours that a worker process raised, if it was one.

    Of what its worker processes raise, Beam passes on a RuntimeError with the traceback's text.
    """
    if type(error) is not RuntimeError:
        return None
    for name, message in reversed(_RAISED.findall(str(error))):
        kind = globals().get(name)
        if isinstance(kind, type) and issubclass(kind, SentimentError):
            return kind(message)
    return None


def summary_of(error: BaseException) -> str:
    """Returns what to tell of an error: the words of one of ours, or type and first line."""
    for cause in causes(error):
        if isinstance(cause, SentimentError):
            return _BEAM_STEP.sub("", str(cause))
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__


def as_setting(name: str, value: str | bool | int | float) -> str:
    """Returns a setting with a value, as messages name it.

    Between the backquotes stand the name, "=" and a Python literal without a backquote or a
    control character in it, so a program can find the setting in the message and read its value.

    >>> as_setting("positive_label", "yes, always")
    "`positive_label='yes, always'`"

    Args:
      name: The setting's name in Python.
      value: A value that it may have.
    """
    literal = repr(value).replace("`", r"\x60")
    return f"`{name}={literal}`"


def did_you_mean(arrived: str, choices: Iterable[str]) -> str:
    """Returns `" Did you mean 'x'?"` for the nearest of `choices`, or an empty string."""
    nearest = difflib.get_close_matches(arrived, list(choices), n=1, cutoff=0.5)
    return f" Did you mean '{nearest[0]}'?" if nearest else ""
