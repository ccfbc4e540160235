"""What is wrong with a store, in one line, before anything is read from it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from components.dataset.records import printable
from components.errors import DatasetError
from components.storage import files
from components.storage.answering import StoreSilentError, answer_within
from components.storage.store import known_schemes, scheme_of

# For its first answer. Later ones have the limits of the library that asks.
SECONDS_TO_ANSWER = 20.0

_LOGIN = {
    "gs": "For gs://, log in by `gcloud auth application-default login`, or name the key of an "
    "account in GOOGLE_APPLICATION_CREDENTIALS.",
    "s3": "For s3://, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
}
_WAY_OUT = (
    "Choose a disk, or a store that they know; or install tensorflow-io, where there "
    "is one for this Python: it adds s3://, hdfs:// and az://."
)


def check_store(path: str, seconds: float | None = None) -> None:
    """Asks a store for a path; nothing is asked of a disk.

    Args:
      path: What the user named, a pattern perhaps.
      seconds: How long to wait for the answer; SECONDS_TO_ANSWER where it is None.

    Raises:
      DatasetError: No library knows the scheme, the store refuses, or it does not answer.
    """
    if not files.is_remote(path):
        return
    scheme = scheme_of(path)
    known = known_schemes(scheme)
    if scheme not in known:
        listed = ", ".join(f"{each}://" for each in known)
        raise DatasetError(
            f"{printable(path)}: the installed libraries know no {scheme}://, only {listed}. "
            f"{_WAY_OUT}"
        )
    with errors_of_stores():
        try:
            answer_within(seconds or SECONDS_TO_ANSWER, path, lambda: files.exists(path))
        except StoreSilentError as error:
            raise DatasetError(f"{printable(path)}: {error}") from error


@contextlib.contextmanager
def errors_of_stores() -> Iterator[None]:
    """Raises errors of reading from a store as those of data, in one line.

    Raises:
      DatasetError: In place of an OSError whose path is in a store.
    """
    try:
        yield
    except OSError as error:
        path = error.filename
        if not isinstance(path, str) or not files.is_remote(path):
            raise
        raise DatasetError(f"{printable(path)} cannot be read: {words_of(error)}") from error


def words_of(error: OSError) -> str:
    """Returns what a disk or a store objected, in one line, and what may help."""
    said = " ".join(str(error.strerror or error).split()).rstrip(".")
    if isinstance(error, PermissionError):
        login = _LOGIN.get(scheme_of(str(error.filename)), "")
        return f"{said}. Ask for the permission to read it. {login}".rstrip()
    if isinstance(error, FileNotFoundError):
        return f"{said}."
    where = "store and the network" if files.is_remote(str(error.filename)) else "disk"
    return f"{said}. Check the {where}, and run again."
