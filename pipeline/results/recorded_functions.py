"""Keeps which functions a run's steps had, so that a later run can say which one was edited.

A file for each fingerprint, `<root>/functions/<fingerprint>.json.gz`: runs of the same code share
it. A step takes some 5 KB, all steps 40 KB for each version of the code that was ever run.
"""

from __future__ import annotations

import gzip
import json
import logging
import platform
import re
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from components.storage import files
from components.storage.place import Place
from pipeline.fingerprint import fingerprint_of, library_versions
from pipeline.resolution import ResolvedRun
from pipeline.root import FUNCTIONS_FOLDER

_LOG = logging.getLogger(__name__)
_FINGERPRINT = re.compile(r"[0-9a-f]{16}")
# A damaged or hostile file unpacks to no more; a step of ours takes 50 KB.
_MOST_BYTES = 10_000_000


@dataclass(frozen=True)
class RecordedCode:
    """What a fingerprint was made of.

    Attributes:
      functions: Hashes by qualified name, see `fingerprint.source_functions`.
      libraries: Versions by name, see `fingerprint.library_versions`.
      python: Version of Python, "3.10": hashes of different ones cannot be compared.
    """

    functions: Mapping[str, str]
    libraries: Mapping[str, str]
    python: str

    @classmethod
    def of_today(cls, functions: Mapping[str, str]) -> RecordedCode:
        """Returns functions with the libraries and the Python of this process."""
        python = ".".join(platform.python_version_tuple()[:2])
        return cls(functions, library_versions(), python)


def save(run: ResolvedRun, root: Place) -> None:
    """Records the functions of all steps of a run that are not recorded yet.

    The caller holds the lock of the root. A disk that is full or cannot be written to does not
    stop a run: the log says so, and a later run says "its code changed" without a name.
    """
    for functions in run.functions.values():
        fingerprint = fingerprint_of(functions)
        if recorded(root, fingerprint) is None:
            try:
                _write(_path(root, fingerprint), RecordedCode.of_today(functions))
            except OSError as error:
                _LOG.warning("The functions of this run are not recorded: %s", error)
                return


def load(root: Place, fingerprint: str) -> Mapping[str, str] | None:
    """Returns the hashes of the functions with a fingerprint, by qualified name.

    Args:
      root: Of the run.
      fingerprint: Of a step; of what stands behind its first word, nothing is recorded.

    Returns:
      None where nothing is recorded: the run was an earlier release's, or the file is damaged.
    """
    code = recorded(root, fingerprint)
    return code.functions if code else None


def recorded(root: Place, fingerprint: str) -> RecordedCode | None:
    """Returns all that is recorded of a fingerprint, as `load` does."""
    words = fingerprint.split()
    if not words or not _FINGERPRINT.fullmatch(words[0]):
        return None
    try:
        path = _path(root, words[0])
        with path.open("rb") as packed, gzip.open(packed) as file:
            fields = json.loads(file.read(_MOST_BYTES))
        return RecordedCode(**_checked(fields))
    except (OSError, EOFError, zlib.error, ValueError, TypeError, RecursionError):
        return None


def _checked(fields: Any) -> dict[str, Any]:
    """Returns the fields of a record.

    Raises:
      ValueError: They are something else.
    """
    if not isinstance(fields, dict):
        raise ValueError("expected an object")
    for name in ("functions", "libraries"):
        values = fields[name].items() if isinstance(fields.get(name), dict) else [(name, None)]
        if not all(isinstance(value, str) for _, value in values):
            raise ValueError(f"{name} is no object of texts")
    return {str(name): value for name, value in fields.items()}


def _path(root: Place, fingerprint: str) -> Place:
    return root / FUNCTIONS_FOLDER / f"{fingerprint}.json.gz"


def _write(path: Place, code: RecordedCode) -> None:
    """Writes all of a file or nothing of it."""
    files.make_folder(str(path.parent))
    text = json.dumps(asdict(code), sort_keys=True, separators=(",", ":"))
    files.write_bytes(str(path), gzip.compress(text.encode(), mtime=0))
