"""Checksums of files that are too large to hold in memory."""

from __future__ import annotations

import hashlib

from components.storage.place import Place

_BLOCK = 1 << 20


def sha256_of(path: Place) -> str:
    """Returns the SHA-256 of a file's content in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
