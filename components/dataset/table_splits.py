"""Which splits the files of a table have: by their names, or by a column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from components import features
from components.dataset.places import from_here, names_below_shared
from components.dataset.records import UNKNOWN_SPLIT, Problem, Review
from components.dataset.source import ReviewSource
from components.dataset.splits import EXPECTED, UNLABELLED, split_in_name
from components.dataset.tables import read_table
from components.errors import DatasetError
from components.storage.place import Place

_CARVED = (
    "There is no test split: a fifth of train, by a hash of the text, becomes test. To test on "
    "reviews of your own choice, {}."
)
_ALL_SPLITS = {features.TRAIN_SPLIT, features.EVAL_SPLIT, features.TEST_SPLIT}


def splits_by_name(
    paths: Sequence[Place], notify: Callable[[str], None], are_classes: bool = False
) -> dict[Place, str]:
    """Returns the files to read, each with the split that it is named for, or with "".

    Names that name one split alone do not count: train.csv alone is split like any other file. A
    split without labels beside one named train is left out.

    Args:
      paths: The files.
      notify: Is told what is left out, and that test is taken out of train.
      are_classes: Whether they are folders that are named for their class.

    Raises:
      DatasetError: Some files are named for splits and others are not, or none is for train.
    """
    named = dict(zip(paths, _splits_named(paths, are_classes), strict=True))
    if features.TRAIN_SPLIT in named.values():
        for path in [path for path, split in named.items() if split in UNLABELLED]:
            notify(f"{path.name} is left out: it is named for reviews without labels.")
            del named[path]
    drawn = set(named.values())
    if len(drawn) == 1:
        return dict.fromkeys(named, "")
    unnamed = [path.name for path, split in named.items() if not split or split in UNLABELLED]
    if unnamed:
        read = [path for path in named if path.name not in unnamed]
        raise DatasetError(
            f"{unnamed[0]} is named for no split, and other files are named for one. Name all "
            f"files for {EXPECTED}, or none; or give only the others: "
            f"{','.join(from_here(str(path)) for path in read)}."
        )
    if features.TRAIN_SPLIT not in drawn:
        raise DatasetError(
            f"The files are named for {' and '.join(sorted(drawn))}, and none for train. Add that "
            "one, or give a single file: it is split by a hash of the text."
        )
    if features.TEST_SPLIT not in drawn:
        notify(_CARVED.format("give a file named test as well"))
    return named


def drawn_by_names(source: ReviewSource) -> ReviewSource:
    """Returns the source with what the splits of its files mean for eval and test."""
    drawn = {file.split for file in source.files}
    return replace(
        source,
        has_eval=features.EVAL_SPLIT in drawn,
        carves_test=features.TRAIN_SPLIT in drawn and features.TEST_SPLIT not in drawn,
    )


def drawn_by_column(source: ReviewSource, notify: Callable[[str], None]) -> ReviewSource:
    """Returns the source with what the values of its split column mean for eval and test.

    Reads until each of the three splits was seen, at the longest all files once: the steps of
    a pipeline must be known before it reads.

    Raises:
      DatasetError: The column names no split, or none for training.
    """
    drawn: set[str] = set()
    unknown = ""
    for file in source.files:
        for record in read_table(file, source):
            if isinstance(record, Review):
                drawn.add(record.split)
            elif isinstance(record, Problem) and record.kind == UNKNOWN_SPLIT:
                unknown = unknown or f"{record.where}: {record.detail}"
            if drawn == _ALL_SPLITS:
                break
    column = f"The column '{source.split_column}'"
    if unknown and not drawn:
        raise DatasetError(
            f"{column} names no split ({unknown}). Rename it to have the reviews split by a hash "
            "of the text."
        )
    if drawn and features.TRAIN_SPLIT not in drawn:
        raise DatasetError(
            f"{column} names {' and '.join(sorted(drawn))}, and no review for train. Rename it to "
            "have the reviews split by a hash of the text."
        )
    carves_test = bool(drawn) and features.TEST_SPLIT not in drawn
    if carves_test:
        notify(_CARVED.format(f"give some whose '{source.split_column}' is test"))
    return replace(source, has_eval=features.EVAL_SPLIT in drawn, carves_test=carves_test)


def _splits_named(paths: Sequence[Place], are_classes: bool) -> list[str]:
    """Returns for each file the split that its name, or a folder's, tells, or "".

    Only folders below the one that all files share tell files apart.
    """
    splits = []
    for below in names_below_shared(paths):
        file, *folders = reversed(below)
        names = folders if are_classes else [file.split(".")[0], *folders]
        splits.append(next(filter(None, map(split_in_name, names)), ""))
    return splits
