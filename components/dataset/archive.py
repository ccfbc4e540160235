"""IMDB's layout, as a tar archive read as a stream and as a folder: aclImdb/train/pos/7_9.txt."""

from __future__ import annotations

import contextlib
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath

from components import features
from components.dataset import places
from components.dataset.records import Problem, Review, printable, review_or_problem
from components.dataset.tar_members import FILE, FOLDER, Member, TarMembers, damaged
from components.errors import ArchiveError
from components.storage import files
from components.storage.place import Place, place_of

# The longest review of IMDB has some 14,000 bytes.
MAX_REVIEW_BYTES = 1 << 20
# IMDB's archive, with the reviews that have no label, inflates to some 300 MB.
MAX_ARCHIVE_BYTES = 4 << 30
# How much before a first review is read for the archive's layout alone: some seconds.
_LOOKED_AT_BYTES = 1 << 30

_GZIP_MAGIC = b"\x1f\x8b"
_BLOCK = 1 << 16
_FILE_NAME = re.compile(r"(\d+)_(\d{1,2})\.txt")
_SPLITS = (features.TRAIN_SPLIT, features.TEST_SPLIT)
_LABELS = {"neg": features.NEGATIVE, "pos": features.POSITIVE}


def read_archive(path: str) -> Iterator[Review | Problem]:
    """Yields the labelled reviews of a .tar or .tar.gz in IMDB's layout, in one pass.

    Nothing is extracted. An archive that is truncated, corrupt or unsafe ends with a fatal
    Problem.
    """
    name = place_of(path).name
    try:
        with _inflated(path) as stream:
            members = TarMembers(stream)
            for member in members:
                if danger := _danger(member):
                    raise ArchiveError(danger)
                place = _place(member.name)
                if place and member.kind == FILE:
                    yield _review(place, members.content(), name)
    except ArchiveError as error:
        yield Problem("unreadable_file", name, str(error), fatal=True)
    except (zlib.error, EOFError, OSError) as error:
        yield Problem("unreadable_file", name, str(damaged(str(error))), fatal=True)


def objection_to_layout(path: str) -> str:
    """Says that an archive holds no review in IMDB's layout, and what it holds; "" if it does.

    A damaged archive, and one of more than `_LOOKED_AT_BYTES` before the first review, is left to
    its reader.
    """
    first, count, size = "", 0, 0
    try:
        with _inflated(path) as stream:
            for member in TarMembers(stream):
                size += member.size
                if _place(member.name) or _danger(member) or size > _LOOKED_AT_BYTES:
                    return ""
                if member.kind == FILE:
                    first, count = first or member.name, count + 1
    except (ArchiveError, zlib.error, EOFError, OSError):
        return ""
    held = f", e.g. {printable(first)}" if first else ""
    return (
        f"{place_of(path).name} holds no reviews in the layout of IMDB's archive "
        f"(train/pos/123_8.txt), but {count:,} other files{held}. Unpack it, and give the "
        "files that you mean, or their folder."
    )


def read_directory(path: str) -> Iterator[Review | Problem]:
    """Yields the labelled reviews of a folder such as aclImdb/train/pos."""
    for file in places.inside(place_of(path)):
        place = _place("/".join(file.parts[-3:]))
        if place and file.is_file():
            yield _review_in(file, place)


def labelled_folders(root: Place) -> list[Place]:
    """Returns those of train/pos, train/neg, test/pos and test/neg that exist below `root`.

    None where no file's name has id and stars: these are texts by class like others.
    """
    found = [
        folder
        for base in (root, root / "aclImdb")
        for split in _SPLITS
        for label in _LABELS
        if (folder := base / split / label).is_dir()
    ]
    return found if not found or any(map(_is_named_so, found)) else []


def _is_named_so(folder: Place) -> bool:
    """Says whether a folder has a file with id and stars in its name, or none at all."""
    is_empty = True
    for file in folder.iterdir():
        if _FILE_NAME.fullmatch(file.name):
            return True
        is_empty = False
    return is_empty


def _review_in(file: Place, place: tuple[str, str, str]) -> Review | Problem:
    try:
        size = file.stat().st_size
        if size <= MAX_REVIEW_BYTES:
            return _review(place, file.read_bytes(), file.name)
        danger = f"it has {size:,} bytes, where a review has at most {MAX_REVIEW_BYTES:,}."
    except OSError as error:
        danger = f"it cannot be read: {error.strerror}."
    return Problem("unreadable_file", "/".join(place), danger, fatal=True)


def _place(name: str) -> tuple[str, str, str] | None:
    """Returns split, label and file name; None for what is no labelled review."""
    parts = PurePosixPath(name).parts[-3:]
    if len(parts) == 3 and parts[0] in _SPLITS and parts[1] in _LABELS:
        return parts
    return None


def _review(place: tuple[str, str, str], content: bytes, where: str) -> Review | Problem:
    split, label, file_name = place
    numbers = _FILE_NAME.fullmatch(file_name)
    location = "/".join(place)
    if not numbers:
        return Problem(
            "bad_name",
            f"{where}, {location}" if where != file_name else location,
            "expected a name such as 123_8.txt, id and stars",
            fatal=False,
        )
    return review_or_problem(
        text=content,
        label=_LABELS[label],
        review_id=location.removesuffix(".txt"),
        split=split,
        rating=int(numbers[2]),
        where=location,
    )


def _danger(member: Member) -> str:
    """Says why an archive that holds this member is refused, or nothing."""
    path, shown = PurePosixPath(member.name), f"its member '{printable(member.name)}'"
    if path.is_absolute() or ".." in path.parts:
        return f"{shown} climbs out of the archive's folder; it is refused."
    if member.kind not in (FILE, FOLDER):
        return f"{shown} is a {member.kind}; it is refused."
    if _place(member.name) and member.size > MAX_REVIEW_BYTES:
        return (
            f"{shown} has {member.size:,} bytes, where a review has at most "
            f"{MAX_REVIEW_BYTES:,}; it is refused."
        )
    return ""


class _Bounded:
    """A stream with a bound on how many bytes it inflates to."""

    def __init__(self, stream: io.BufferedIOBase):
        self._stream = stream
        self._left = MAX_ARCHIVE_BYTES

    def read(self, size: int) -> bytes:
        """Returns up to `size` bytes, none at the end."""
        block = self._stream.read(size)
        self._left -= len(block)
        if self._left < 0:
            raise ArchiveError(
                f"it inflates to more than {MAX_ARCHIVE_BYTES:,} bytes; it is refused."
            )
        return block


@contextlib.contextmanager
def _inflated(path: str) -> Iterator[_Bounded]:
    """Opens an archive, gzipped or not. Unlike tarfile's own, gzip's reader checks the CRC."""
    with files.open_to_read(path) as file:
        is_gzip = file.peek(len(_GZIP_MAGIC)).startswith(_GZIP_MAGIC)
        with gzip.GzipFile(fileobj=file) if is_gzip else file as stream:
            yield _Bounded(stream)
