"""Folders of texts, one a file: the folder's name is their label, that above it may be a split.

good/1.txt and bad/2.txt, or train/good/1.txt, test/good/2.txt and so on, as scikit-learn and Keras
read them. To the readers of tables such a folder is a table with two columns, text and label.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from components import features
from components.dataset.places import inside
from components.dataset.records import MalformedRecord, printable
from components.dataset.splits import split_in_name
from components.dataset.text_encoding import UTF_8, encoding_of
from components.storage.place import Place

COLUMNS = (features.TEXT, features.LABEL)
# One text; what is longer is not held in memory.
MAX_TEXT_BYTES = 64 << 20
# Some collections name their texts by numbers alone.
_SUFFIXES = (".txt", "")
_FEWEST_CLASSES = 2


def class_folders(root: Place) -> list[Place]:
    """Returns the folders of texts in a folder, or in its splits; none of less than two classes."""
    found: list[Place] = []
    for folder in _folders_in(root):
        if split_in_name(folder.name) and (below := _folders_in(folder)):
            found += filter(_holds_text, below)
        elif _holds_text(folder):
            found.append(folder)
    return found if len({folder.name for folder in found}) >= _FEWEST_CLASSES else []


def texts_in(folder: Place) -> list[Place]:
    """Returns the files with texts in a folder, sorted; those in folders below do not count."""
    found: list[Any] = [path for path in folder.iterdir() if _is_text(path)]
    # By names, which is far quicker than by paths.
    return sorted(found, key=lambda path: path.name)


def read_text_folder(
    folder: Place, encoding: str, columns: Sequence[str], files: Sequence[Place] | None = None
) -> Iterator[Mapping[str, Any] | MalformedRecord]:
    """Yields a record of text and label for each file; no file is read for its label alone.

    Args:
      folder: The folder.
      encoding: Name of a codec, for texts without a byte-order mark.
      columns: What is needed of a record.
      files: Those to read; None for all.

    Raises:
      OSError: A file cannot be read.
    """
    for file in texts_in(folder) if files is None else files:
        if features.TEXT not in columns:
            yield {features.LABEL: folder.name}
            continue
        with file.open("rb") as stream:
            content = stream.read(MAX_TEXT_BYTES + 1)
        if len(content) > MAX_TEXT_BYTES:
            yield MalformedRecord(f"{printable(file.name)} has more than {MAX_TEXT_BYTES:,} bytes")
            continue
        marked = encoding_of(content)
        codec = marked if marked != UTF_8 else encoding
        is_wide = codec.startswith(("utf-16", "utf-32"))
        text = content.decode(codec, "replace" if is_wide else "surrogateescape")
        yield {features.TEXT: text.replace("\0", " "), features.LABEL: folder.name}


def _folders_in(folder: Place) -> list[Place]:
    return [
        path
        for path in inside(folder)
        if not path.name.startswith(".") and path.suffix != ".txt" and path.is_dir()
    ]


def _holds_text(folder: Place) -> bool:
    return any(map(_is_text, folder.iterdir()))


def _is_text(path: Place) -> bool:
    if path.name.startswith(".") or path.suffix.lower() not in _SUFFIXES:
        return False
    return bool(path.suffix) or path.is_file()
