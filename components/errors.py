"""What can go wrong, in the terms of the person who started the run.

    SentimentError
    ├── ConfigurationError      a flag, a TOML value or a name cannot be used
    ├── RootBusyError           another run holds the same --root
    ├── DatasetError            the data cannot be found or read
    │   ├── DownloadError
    │   └── ArchiveError        truncated, corrupt, unsafe, or not the expected one
    ├── DataGateError           the data was read, and is not fit to train on
    ├── TrainingError           training diverged
    └── PushError               the blessed model could not be pushed

Messages say what arrived, what was expected and what to do next. The command line prints them
on one line and turns the type into an exit code; nothing else does.
"""

import difflib
from collections.abc import Iterable


class SentimentError(Exception):
    """Base of all errors that are explained to the user rather than traced."""


class ConfigurationError(SentimentError):
    """A setting cannot be used; names the setting, the value and the choices."""


class RootBusyError(SentimentError):
    """Another run is using the same root."""


class DatasetError(SentimentError):
    """The data set cannot be found or read."""


class DownloadError(DatasetError):
    """The data set could not be downloaded whole."""


class ArchiveError(DatasetError):
    """The archive is truncated, corrupt, unsafe, or not the one that was expected."""


class DataGateError(SentimentError):
    """The data was read, and is not fit to train on."""


class TrainingError(SentimentError):
    """Training cannot go on; names the step and the likely cause."""


class PushError(SentimentError):
    """The blessed model could not be pushed; nothing half-written is left."""


def did_you_mean(arrived: str, choices: Iterable[str]) -> str:
    """Returns `" Did you mean 'x'?"` for the nearest of `choices`, or an empty string."""
    nearest = difflib.get_close_matches(arrived, list(choices), n=1, cutoff=0.5)
    return f" Did you mean '{nearest[0]}'?" if nearest else ""
