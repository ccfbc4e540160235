"""The real reviews that all benchmarks take: their archive, and the reviews in it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from components.dataset.archive import read_archive
from components.dataset.records import Review


def archive_path() -> str:
    """Returns the path that IMDB_ARCHIVE names; ends the process with a message without it."""
    return os.environ.get("IMDB_ARCHIVE") or sys.exit(
        "Set IMDB_ARCHIVE to aclImdb_v1.tar.gz, the reviews' archive."
    )


def real_reviews() -> Iterator[Review]:
    """Yields the reviews of the archive, in its order."""
    return (record for record in read_archive(archive_path()) if isinstance(record, Review))
