"""The members of a tar archive that is read as a stream; a damaged one is always an error.

tarfile's own reading takes a damaged header, or a missing one, for the end of the archive, and
which of its methods one would override against that changes with Python's security releases. So
the walk from header to header is here; tarfile reads the fields of one header, no more. What is
understood: the formats of POSIX (ustar, pax), GNU and Unix V7.

A header has a checksum, and what follows the end of the archive is looked at. The content of a
member, and a name that is too long for its header, have none: gzip's covers them, a plain .tar
leaves them to the disk.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from components.errors import ArchiveError

# More than any name or comment has.
MAX_EXTENSION_BYTES = 1 << 20

_BLOCK = tarfile.BLOCKSIZE
_TYPE_AT = 156
_SKIPPED_AT_ONCE = 1 << 16
_PAX_TYPES = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.XGLTYPE)
_EXTENSION_TYPES = (*_PAX_TYPES, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
_MAX_DIGITS = 20

FILE, FOLDER = "file", "folder"
_KINDS = {
    tarfile.REGTYPE: FILE,
    tarfile.CONTTYPE: FILE,
    tarfile.DIRTYPE: FOLDER,
    tarfile.GNUTYPE_SPARSE: "sparse file",
} | dict.fromkeys(
    (tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE),
    "link or a device",
)


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """Returns up to `size` bytes, none at the end."""


class Member(NamedTuple):
    """A member of an archive.

    Attributes:
      name: Its path in the archive, without a slash behind it; bytes that are not UTF-8 are
        surrogates, as in file names.
      size: Bytes of its content.
      kind: FILE, FOLDER, or words for what is neither.
    """

    name: str
    size: int
    kind: str


@dataclass(frozen=True)
class _Extended:
    """What headers before a member's own say of it; None leaves it to the member's own."""

    name: str | None = None
    size: int | None = None
    is_sparse: bool = False


class TarMembers:
    """Walks over a stream, once, from member to member."""

    def __init__(self, stream: Readable):
        """Begins where `stream` is."""
        self._stream = stream
        self._content_left = 0
        self._padding = 0

    def __iter__(self) -> Iterator[Member]:
        """Yields each member; its content can be read until the next one is asked for.

        Raises:
          ArchiveError: The archive is damaged or truncated, or one of its headers is too large.
        """
        of_all = _Extended()
        of_next: _Extended | None = None
        while True:
            self._skip(self._content_left + self._padding)
            block = self._read(_BLOCK)
            if block.count(0) == _BLOCK:
                if of_next is not None:
                    raise damaged("it ends where a member is announced")
                self._check_end()
                return
            header = _header(block)
            if header.type == tarfile.XGLTYPE:
                of_all = _with_pax(of_all, self._extension(header.size))
            elif header.type in _EXTENSION_TYPES:
                extension = self._extension(header.size)
                of_next = of_next or of_all
                if header.type in _PAX_TYPES:
                    of_next = _with_pax(of_next, extension)
                elif header.type == tarfile.GNUTYPE_LONGNAME:
                    of_next = replace(of_next, name=_text(extension))
            else:
                member = _member(header, block, of_next or of_all)
                of_next = None
                self._content_left = 0 if member.kind == FOLDER else member.size
                self._padding = -self._content_left % _BLOCK
                yield member

    def content(self) -> bytes:
        """Returns the rest of the content of the current member."""
        size, self._content_left = self._content_left, 0
        return self._read(size)

    def _extension(self, size: int) -> bytes:
        if size > MAX_EXTENSION_BYTES:
            raise ArchiveError(f"one of its headers has {size:,} bytes; it is refused.")
        self._content_left, self._padding = 0, -size % _BLOCK
        return self._read(size)

    def _check_end(self) -> None:
        """Reads to the end of the stream; behind the header of zeros, all must be zeros."""
        while block := self._stream.read(_SKIPPED_AT_ONCE):
            if block.count(0) != len(block):
                raise damaged("more follows what seems to be its end")

    def _skip(self, size: int) -> None:
        while size:
            size -= len(self._read(min(size, _SKIPPED_AT_ONCE)))

    def _read(self, size: int) -> bytes:
        """Returns exactly `size` bytes."""
        content = self._stream.read(size)
        while len(content) < size:
            more = self._stream.read(size - len(content))
            if not more:
                raise damaged("it ends too early")
            content += more
        return content


def damaged(why: str) -> ArchiveError:
    """Returns the error of an archive that cannot be read to its end."""
    return ArchiveError(f"the archive is truncated or corrupt ({why}). Fetch it again.")


def _header(block: bytes) -> tarfile.TarInfo:
    """Reads the fields of a header whose checksum is right."""
    try:
        header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError) as error:
        raise damaged(str(error)) from error
    if header.size < 0:
        raise damaged(f"a member has {header.size:,} bytes")
    return header


def _member(header: tarfile.TarInfo, block: bytes, extended: _Extended) -> Member:
    name = header.name if extended.name is None else extended.name
    type_ = block[_TYPE_AT : _TYPE_AT + 1]
    if extended.is_sparse:
        kind = _KINDS[tarfile.GNUTYPE_SPARSE]
    elif type_ == tarfile.AREGTYPE:
        # The oldest archives mark a folder by a slash behind its whole name.
        whole = _text(block[: tarfile.LENGTH_NAME]) if extended.name is None else name
        kind = FOLDER if whole.endswith("/") else FILE
    else:
        kind = _KINDS.get(type_, "member of an unknown kind")
    return Member(
        name=name.rstrip("/") if kind == FOLDER else name,
        size=header.size if extended.size is None else extended.size,
        kind=kind,
    )


def _with_pax(extended: _Extended, content: bytes) -> _Extended:
    r"""Adds what pax records such as "29 path=train/pos/123_8.txt\n" say."""
    start, end = 0, len(content.rstrip(b"\0"))
    name, size, is_sparse = extended.name, extended.size, extended.is_sparse
    while start < end:
        digits, space, _ = content[start : start + _MAX_DIGITS].partition(b" ")
        stop = start + _number(digits)
        key, equals, value = content[start + len(digits) + 1 : stop].partition(b"=")
        if not (space and equals and value.endswith(b"\n") and stop <= end):
            raise damaged("a pax record is not whole")
        if key == b"path":
            name = _text(value[:-1])
        elif key == b"size":
            size = _number(value[:-1])
        is_sparse |= key.startswith(b"GNU.sparse.")
        start = stop
    return _Extended(name, size, is_sparse)


def _number(digits: bytes) -> int:
    if not (digits.isdigit() and len(digits) <= _MAX_DIGITS):
        raise damaged("a number in a pax record")
    return int(digits)


def _text(content: bytes) -> str:
    return content.partition(b"\0")[0].decode("utf-8", "surrogateescape")
