"""Unzips gzip piece by piece, up to a limit: a few kilobytes can hold gigabytes."""

from __future__ import annotations

import zlib

from serving.status import invalid_argument

_READ, _WRITTEN = 2**16, 2**20
# 15 bits of window, and gzip's own header.
_GZIP = 15 + 16
# A usual body is one member; each costs a call, and an empty one only 20 bytes.
_MAX_MEMBERS = 1000


def unzip(data: bytes | bytearray, limit: int) -> bytes | None:
    """Returns what a gzip body holds, all its members; None when that is more than `limit` bytes.

    Raises:
      StatusError: INVALID_ARGUMENT; it is not gzip, or it is truncated.
    """
    pieces: list[bytes] = []
    at = size = 0
    try:
        for _ in range(_MAX_MEMBERS):
            member = zlib.decompressobj(_GZIP)
            rest = b""
            while not member.eof:
                if not rest:
                    rest = bytes(data[at : at + _READ])
                    at += len(rest)
                is_end = not rest
                piece = member.decompress(rest, min(_WRITTEN, limit - size + 1))
                rest = member.unconsumed_tail
                pieces.append(piece)
                size += len(piece)
                if size > limit:
                    return None
                if is_end and not piece and not member.eof:
                    raise EOFError("it ends before its end-of-stream marker")
            at -= len(member.unused_data)
            # As gzip files are read: what follows a member is another one, or zeros.
            while data[at : at + 1] == b"\0":
                at += 1
            if at >= len(data):
                return b"".join(pieces)
    except (EOFError, zlib.error) as error:
        raise invalid_argument(
            f"The body is said to be gzip, and cannot be read: {error}"
        ) from error
    raise invalid_argument(f"The body is gzip of more than {_MAX_MEMBERS} members. Send one")
