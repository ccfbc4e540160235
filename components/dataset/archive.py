"""IMDB's layout, as a tar archive read as a stream and as a folder: aclImdb/train/pos/7_9.txt."""

from __future__ import annotations

import re
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from components import features
from components.dataset.records import Problem, Review, review_or_problem

# The longest review of IMDB has some 14,000 bytes.
MAX_REVIEW_BYTES = 1 << 20
# IMDB's archive, with the reviews that have no label, inflates to some 300 MB.
MAX_ARCHIVE_BYTES = 4 << 30

_FILE_NAME = re.compile(r"(\d+)_(\d+)\.txt")
_SPLITS = (features.TRAIN_SPLIT, features.TEST_SPLIT)
_LABELS = {"neg": features.NEGATIVE, "pos": features.POSITIVE}


def read_archive(path: str) -> Iterator[Review | Problem]:
    """Yields the labelled reviews of a .tar or .tar.gz in IMDB's layout, in one pass.

    Nothing is extracted. An archive that is truncated, corrupt or unsafe ends with a fatal
    Problem.
    """
    name = Path(path).name
    try:
        with open(path, "rb") as file, tarfile.open(fileobj=file, mode="r|*") as archive:
            inflated = 0
            for member in archive:
                inflated += member.size
                danger = _danger(member, inflated)
                if danger:
                    yield Problem("unreadable_file", name, danger, fatal=True)
                    return
                place = _place(member.name)
                if place and member.isfile():
                    content = archive.extractfile(member)
                    yield _review(place, content.read() if content else b"", name)
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        yield Problem(
            "unreadable_file",
            name,
            f"the archive is truncated or corrupt ({error}). Fetch it again.",
            fatal=True,
        )


def read_directory(path: str) -> Iterator[Review | Problem]:
    """Yields the labelled reviews of a folder such as aclImdb/train/pos."""
    for file in sorted(Path(path).iterdir()):
        place = _place("/".join(file.parts[-3:]))
        if place and file.is_file():
            yield _review(place, file.read_bytes(), file.name)


def labelled_folders(root: Path) -> list[Path]:
    """Returns those of train/pos, train/neg, test/pos and test/neg that are below `root`."""
    return [
        folder
        for base in (root, root / "aclImdb")
        for split in _SPLITS
        for label in _LABELS
        if (folder := base / split / label).is_dir()
    ]


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


def _danger(member: tarfile.TarInfo, inflated: int) -> str:
    """Says why an archive that holds this member is refused, or nothing."""
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts:
        return f"its member '{member.name}' climbs out of the archive's folder; it is refused."
    if not (member.isfile() or member.isdir()):
        return f"its member '{member.name}' is a link or a device; it is refused."
    if _place(member.name) and member.size > MAX_REVIEW_BYTES:
        return (
            f"its member '{member.name}' has {member.size:,} bytes, where a review has at most "
            f"{MAX_REVIEW_BYTES:,}; it is refused."
        )
    if inflated > MAX_ARCHIVE_BYTES:
        return f"it inflates to more than {MAX_ARCHIVE_BYTES:,} bytes; it is refused."
    return ""
