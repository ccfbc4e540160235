"""The Large Movie Review Dataset (Maas et al., 2011): found, or downloaded, and verified."""

from __future__ import annotations

import urllib.parse
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from components import progress
from components.dataset.checksum import sha256_of
from components.dataset.download import Download, download
from components.dataset.failed_hosts import REMEMBERED_SECONDS, recent_failure, remember_failure
from components.errors import ArchiveError, DownloadError, HostFailedError, as_setting
from components.storage.place import Place, place_of

FILE_NAME = "aclImdb_v1.tar.gz"
OFFICIAL = Download(
    url="https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
    size=84_125_825,
    sha256="c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
)
# The same 50,000 labelled reviews in a smaller archive, without those that have no label.
LABELLED_ONLY_SHA256 = "3bfbf1fcffa49af4b7f917a79c5f3851a9bce21c49a5d0d5bf3791e6bc501821"


@dataclass(frozen=True)
class VerifiedArchive:
    """An archive that is known to hold the reviews."""

    path: Place
    sha256: str


def find_or_download(
    archive: str | None, cache_dir: Path, *, asks_failed_host: bool = True
) -> VerifiedArchive:
    """Returns IMDB's archive: the one that is named, the one in the cache, or a new download.

    Args:
      archive: Where the user has it, or None.
      cache_dir: Where downloads are kept.
      asks_failed_host: Whether the host is asked even if it failed within the last hour.

    Raises:
      ArchiveError: The named archive is not IMDB's.
      DownloadError: There is none, and it could not be downloaded.
    """
    if archive:
        return verified(place_of(archive).absolute())
    cached = cache_dir / FILE_NAME
    if not cached.exists():
        _fetch(cached, asks_failed_host)
    return verified(cached)


def _fetch(target: Path, asks_failed_host: bool) -> None:
    host = urllib.parse.urlsplit(OFFICIAL.url).netloc
    if not asks_failed_host and (failed_at := recent_failure(target.parent, host)):
        then, next_time = (
            datetime.fromtimestamp(at).astimezone()
            for at in (failed_at, failed_at + REMEMBERED_SECONDS)
        )
        raise DownloadError(
            f"{host} failed at {then:%H:%M} and is left alone until {next_time:%H:%M}; "
            f"{as_setting('data', 'imdb')} asks it at once."
        )
    progress.report(progress.Progress(0, None, "", stage=f"Looking for IMDB at {host}"))
    try:
        download(OFFICIAL, target)
    except HostFailedError:
        remember_failure(target.parent, host)
        raise


def verified(path: Place) -> VerifiedArchive:
    """Checks that a file is one of the known archives.

    Raises:
      ArchiveError: It is not; says what arrived and what was expected.
    """
    try:
        digest = sha256_of(path)
        size = path.stat().st_size
    except OSError as error:
        raise ArchiveError(
            f"{path} cannot be read: {error.strerror}. Set IMDB_ARCHIVE to {FILE_NAME}, or unset "
            "it to have it downloaded."
        ) from error
    if digest not in (OFFICIAL.sha256, LABELLED_ONLY_SHA256):
        raise ArchiveError(
            f"{path} is not IMDB's archive: it has {size:,} bytes and the SHA-256 {digest[:12]}"
            f"..., where {OFFICIAL.size:,} bytes and {OFFICIAL.sha256[:12]}... are expected. "
            "It may be truncated or corrupt: delete it and fetch it again. To use another archive "
            f"laid out as IMDB's, pass it as {as_setting('data', path.name)}."
        )
    return VerifiedArchive(path, digest)
