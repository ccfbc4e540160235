"""Files that are packed as a whole: known by their first bytes, and read as a stream."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import IO, Any, cast

from components.dataset.records import printable
from components.dataset.source import Compression
from components.dataset.suffixes import SUFFIXES as SUFFIXES_OF_TABLES
from components.storage.place import Place

# What unpacking a file raises that is truncated or corrupt.
UNPACKABLE = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)

SUFFIXES = {
    ".gz": Compression.GZIP,
    ".bz2": Compression.BZIP2,
    ".xz": Compression.XZ,
    ".zip": Compression.ZIP,
}

# Text packs to a third or a tenth; what grows far more than that was made to fill a disk.
MOST_EXPANSION = 400
ALWAYS_ALLOWED_BYTES = 256 << 20

_MAGIC = (
    (b"\x1f\x8b", Compression.GZIP),
    (b"BZh", Compression.BZIP2),
    (b"\xfd7zXZ\x00", Compression.XZ),
    (b"PK\x03\x04", Compression.ZIP),
    (b"PK\x05\x06", Compression.ZIP),
)
_BUFFER = 1 << 18
_ENCRYPTED = 0x1
_MOST_NAMED = 10
# The last bytes of a file by gzip; the first ones, at most 4 MB unpacked, and how far they expand
# in one that was made to fill the disk.
_GZIP_TRAILER = 4
_WITH_GZIP_HEADER = 16 + zlib.MAX_WBITS
_DENSITY_BYTES = 4_096
_DENSE = MOST_EXPANSION // 4


class PackedFileError(Exception):
    """A packed file that is complete but is refused; says why and what to do."""


def compression_of(head: bytes) -> Compression:
    """Returns how a file is packed, by its first bytes."""
    return next((found for magic, found in _MAGIC if head.startswith(magic)), Compression.NONE)


def compression_named(path: Place) -> Compression:
    """Returns what a file's name says of it."""
    return SUFFIXES.get(path.suffix.lower(), Compression.NONE)


@contextlib.contextmanager
def open_unpacked(path: Place, compression: Compression) -> Iterator[IO[bytes]]:
    """Opens a file as the bytes that were packed.

    Raises:
      PackedFileError: A ZIP archive holds no file, several, or an encrypted one; or the content
        is larger than `ALWAYS_ALLOWED_BYTES` and `MOST_EXPANSION` times the file. Where the file
        tells that itself, at once, else while reading.
      Exception: One of `UNPACKABLE`.
    """
    if compression is Compression.NONE:
        with path.open("rb") as stream:
            yield stream
        return
    with contextlib.ExitStack() as stack:
        packed: Any
        file = stack.enter_context(path.open("rb"))
        if compression is Compression.GZIP:
            packed = stack.enter_context(gzip.open(file, "rb"))
        elif compression is Compression.BZIP2:
            packed = stack.enter_context(bz2.open(file, "rb"))
        elif compression is Compression.XZ:
            packed = stack.enter_context(lzma.open(file, "rb"))
        else:
            archive = stack.enter_context(zipfile.ZipFile(file))
            try:
                packed = stack.enter_context(archive.open(only_member(archive)))
            except NotImplementedError as error:
                raise PackedFileError(f"{error}. Unpack it, and give the file in it.") from error
        most = max(ALWAYS_ALLOWED_BYTES, MOST_EXPANSION * path.stat().st_size)
        if told_size(path, compression) > most and _is_dense(path, compression):
            raise _too_large(most)
        yield cast(IO[bytes], io.BufferedReader(_Bounded(packed, most), _BUFFER))


def told_size(path: Place, compression: Compression) -> int:
    """Returns how many bytes a file unpacks to, as far as it tells that itself; 0 if it does not.

    gzip tells the size of its last member, modulo 2^32 (RFC 1952): it is at least as large, unless
    the file is truncated.
    """
    if compression is Compression.NONE:
        return path.stat().st_size
    if compression is Compression.ZIP:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            return only_member(archive).file_size
    if compression is Compression.GZIP and path.stat().st_size > _GZIP_TRAILER:
        with path.open("rb") as stream:
            stream.seek(-_GZIP_TRAILER, io.SEEK_END)
            return int.from_bytes(stream.read(_GZIP_TRAILER), "little")
    return 0


def _is_dense(path: Place, compression: Compression) -> bool:
    """Says whether the size that a file tells is likely: of a truncated one by gzip it is not."""
    if compression is not Compression.GZIP:
        return True
    unpacking = zlib.decompressobj(_WITH_GZIP_HEADER)
    with path.open("rb") as stream:
        head = stream.read(_DENSITY_BYTES)
    size = len(unpacking.decompress(head))
    return size > _DENSE * (len(head) - len(unpacking.unused_data))


def only_member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """Returns the one file in a ZIP archive, or the one table by its name.

    What systems add to an archive beside does not count.

    Raises:
      PackedFileError: There is none, there are several, or it is encrypted.
    """
    members = [
        member
        for member in archive.infolist()
        if not member.is_dir()
        and not member.filename.startswith("__MACOSX/")
        and not PurePosixPath(member.filename).name.startswith(".")
    ]
    if not members:
        raise PackedFileError("the ZIP archive holds no file. Give one with a table in it.")
    tables = [member for member in members if _is_named_table(member.filename)]
    if len(tables) == 1:
        # The others are its licence, say.
        members = tables
    if len(members) > 1:
        names = ", ".join(printable(member.filename) for member in members[:_MOST_NAMED])
        more = len(members) - _MOST_NAMED
        raise PackedFileError(
            f"the ZIP archive holds {len(members):,} files ({names}"
            f"{f' and {more:,} more' if more > 0 else ''}), expected one, or one that is named "
            f"as a table ({', '.join(SUFFIXES_OF_TABLES)}). Unpack it, and give the files that you "
            "mean, or their folder."
        )
    if members[0].flag_bits & _ENCRYPTED:
        raise PackedFileError(
            "the ZIP archive is protected by a password. Unpack it, and give the file in it."
        )
    return members[0]


def _is_named_table(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES_OF_TABLES


def _too_large(most: int) -> PackedFileError:
    return PackedFileError(
        f"it unpacks to more than {most >> 20:,} MB, over {MOST_EXPANSION} times its size: taken "
        "for one that was made to fill the disk. If it is not, unpack it first."
    )


class _Bounded(io.RawIOBase):
    """Passes bytes on, up to a number that no ordinary file needs."""

    def __init__(self, stream: IO[bytes], most: int):
        self._stream, self._left, self._most = stream, most, most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise _too_large(self._most)
        buffer[: len(data)] = data
        return len(data)
