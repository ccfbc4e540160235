"""Files in a store as streams of Python's, for libraries that take no other."""

from __future__ import annotations

import contextlib
import errno
import io
from typing import Any

from components.storage.store import errors_of_store, fileio


class BytesToStore(io.RawIOBase):
    """A file in a store that is written, as a stream of Python's."""

    def __init__(self, path: str):
        """Opens it.

        Raises:
          OSError: It cannot be opened.
        """
        self._path = path
        with errors_of_store(path):
            self._file = fileio().open(path, "wb")

    def writable(self) -> bool:
        """Returns that it can be written."""
        return True

    def write(self, content: Any) -> int:
        """Writes bytes behind those before; returns their number."""
        with errors_of_store(self._path):
            self._file.write(bytes(content))
        return len(content)

    def close(self) -> None:
        """Ends the file."""
        if not self.closed and hasattr(self, "_file"):
            with errors_of_store(self._path):
                self._file.close()
        super().close()


class StoredBytes(io.RawIOBase):
    """A file in a store, of a known size in bytes, that is read from any place in it."""

    def __init__(self, path: str, size: int):
        """Opens it.

        Raises:
          OSError: It cannot be opened.
        """
        self._path = path
        self._place = 0
        self._size = size
        with errors_of_store(path):
            self._file = fileio().open(path, "rb")

    def readable(self) -> bool:
        """Returns that it can be read."""
        return True

    def seekable(self) -> bool:
        """Returns that it can be read from any place."""
        return True

    def tell(self) -> int:
        """Returns the place of the next byte."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Goes to a place; returns it."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(start + offset, 0)
        with errors_of_store(self._path):
            # TensorFlow's files refuse places behind their end.
            self._file.seek(min(self._place, self._size))
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Fills a buffer as far as the store gives bytes; returns their number, 0 at the end."""
        if self._place >= self._size:
            return 0
        with errors_of_store(self._path):
            found = self._file.read(min(len(buffer), self._size - self._place))
        if not found:
            raise OSError(
                errno.EIO,
                f"the store ended it after {self._place:,} of {self._size:,} bytes",
                self._path,
            )
        buffer[: len(found)] = found
        self._place += len(found)
        return len(found)

    def close(self) -> None:
        """Ends the file."""
        if not self.closed and hasattr(self, "_file"):
            with contextlib.suppress(OSError), errors_of_store(self._path):
                self._file.close()
        super().close()
