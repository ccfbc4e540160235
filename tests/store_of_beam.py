"""The store of the tests as Beam knows it."""

# The methods are those of the base class, which says what they do.
# ruff: noqa: D102

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from apache_beam.io import filesystem as beam_files

from tests.stores import SCHEME, STORE, open_object, remove


class MemoryFileSystem(beam_files.FileSystem):
    """The store as Beam knows it: Beam finds the subclasses of its FileSystem by itself."""

    @classmethod
    def scheme(cls) -> str:
        return SCHEME

    def join(self, basepath: str, *paths: str) -> str:
        return "/".join([basepath.rstrip("/"), *(path.strip("/") for path in paths)])

    def split(self, path: str) -> tuple[str, str]:
        head, _, tail = path.rpartition("/")
        return head, tail

    def mkdirs(self, path: str) -> None:
        pass

    def has_dirs(self) -> bool:
        return False

    def _list(self, dir_or_prefix: str) -> Iterator[Any]:
        STORE.call("listdir", dir_or_prefix)
        for path in sorted(STORE.objects):
            if path.startswith(dir_or_prefix):
                yield self._metadata(path)

    def create(self, path: str, *types: str, **named: str) -> Any:
        return self._opened(path, "wb", *types, **named)

    def open(self, path: str, *types: str, **named: str) -> Any:
        return self._opened(path, "rb", *types, **named)

    def _opened(
        self,
        path: str,
        mode: str,
        mime_type: str = "application/octet-stream",
        compression_type: str = beam_files.CompressionTypes.AUTO,
    ) -> Any:
        return self._packed(path, open_object(path, mode), compression_type)

    def _packed(self, path: str, stream: Any, compression: str) -> Any:
        compression = self._get_compression_type(path, compression)
        if compression == beam_files.CompressionTypes.UNCOMPRESSED:
            return stream
        return beam_files.CompressedFile(stream, compression)

    def copy(self, source_file_names: list[str], destination_file_names: list[str]) -> None:
        for source, destination in zip(source_file_names, destination_file_names, strict=True):
            STORE.call("copy", source)
            STORE.put(destination, STORE.readable(source))

    def rename(self, source_file_names: list[str], destination_file_names: list[str]) -> None:
        # As Beam's file systems of object stores do it: a copy, then a removal.
        self.copy(source_file_names, destination_file_names)
        self.delete(source_file_names)

    def exists(self, path: str) -> bool:
        STORE.call("exists", path)
        return path in STORE.objects

    def size(self, path: str) -> int:
        return self.metadata(path).size_in_bytes

    def last_updated(self, path: str) -> float:
        return self.metadata(path).last_updated_in_seconds

    def checksum(self, path: str) -> str:
        return str(STORE.time_of(path))

    def metadata(self, path: str) -> Any:
        STORE.call("stat", path)
        if path not in STORE.objects:
            raise beam_files.BeamIOError(f"{path} is not there")
        return self._metadata(path)

    def _metadata(self, path: str) -> Any:
        size = len(STORE.objects[path])
        return beam_files.FileMetadata(path, size, STORE.time_of(path))

    def delete(self, paths: list[str]) -> None:
        for path in paths:
            STORE.call("remove", path)
            remove(path)
