"""Returns memory that is free to the system; the C library's allocator would keep it.

Each of TensorFlow's threads has an arena of its own. What a version or a large batch leaves free in
them is returned only on request: 40 MB for each change of versions under load.
"""

from __future__ import annotations

import ctypes
import os

# From glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_ARENAS = 4
_MMAP_BYTES = 2**20


def keep_little() -> None:
    """Limits what the allocator keeps, for the rest of the process.

    A limit that the environment sets, such as MALLOC_ARENA_MAX, is kept. With another C library
    than glibc nothing happens.
    """
    library = _glibc()
    if library is None:
        return
    for name, option, value in (
        ("MALLOC_ARENA_MAX", _M_ARENA_MAX, _ARENAS),
        # Once set, it no longer grows up to 32 MB with the largest block that was ever freed.
        ("MALLOC_MMAP_THRESHOLD_", _M_MMAP_THRESHOLD, _MMAP_BYTES),
        ("MALLOC_TRIM_THRESHOLD_", _M_TRIM_THRESHOLD, 2 * _MMAP_BYTES),
    ):
        if name not in os.environ:
            library.mallopt(option, value)


def give_back() -> None:
    """Returns what is free in all arenas to the system."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    library = ctypes.CDLL(None)
    return library if hasattr(library, "malloc_trim") and hasattr(library, "mallopt") else None
