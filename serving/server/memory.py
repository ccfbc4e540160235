"""What the C library's allocator keeps: pieces of memory that nobody uses any more.

Each thread of TensorFlow's gets an arena of its own, and what a version or a large batch leaves in
them is given back to the system only when asked for: 40 MB a swap, under load.
"""

from __future__ import annotations

import ctypes
import os

# glibc's numbers of them, from malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_ARENAS = 4
_MMAP_BYTES = 2**20


def keep_little() -> None:
    """Limits what the allocator keeps, for the rest of the process.

    What MALLOC_ARENA_MAX and its like say in the environment stands. Other C libraries than glibc
    are left alone.
    """
    library = _glibc()
    if library is None:
        return
    for name, option, value in (
        ("MALLOC_ARENA_MAX", _M_ARENA_MAX, _ARENAS),
        # Set, it no longer grows to 32 MB with the largest block that was ever freed.
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
