"""Labels of sources in IMDB's layout: a review's folder, or the stars in its file's name."""

from __future__ import annotations

from collections.abc import Iterator

from components import features
from components.dataset import sample
from components.dataset.archive import read_archive, read_directory
from components.dataset.labels import LabelLookup, expected_labels
from components.dataset.records import UNKNOWN_LABEL, LeftOut, Problem, Review
from components.dataset.slice_values import value_of
from components.dataset.source import ReviewSource, SourceFile, SourceKind

# What can be named as the label's column of such a source.
COLUMNS = (features.LABEL, features.RATING)
# Of IMDB, which has no review of 5 or 6 stars with a label, and of the sample.
STARS = ("1", "2", "3", "4", "7", "8", "9", "10")

_LAYOUTS = (SourceKind.IMDB_ARCHIVE, SourceKind.IMDB_DIRECTORY, SourceKind.SAMPLE)
# How labels are spelt: by the folders' names.
FOLDERS = ("neg", "pos")


def has_layout(source: ReviewSource) -> bool:
    """Says whether labels are those of folders and file names, and not of a column."""
    return source.kind in _LAYOUTS


def parts_of(source: ReviewSource) -> list[SourceFile | int]:
    """Returns files and folders, or the numbers of the sample's reviews."""
    if source.kind is SourceKind.SAMPLE:
        return list(range(sample.SAMPLE_SIZE))
    return list(source.files)


def read_part(part: SourceFile | int, source: ReviewSource) -> Iterator[Review | LeftOut | Problem]:
    """Yields the reviews of a part, each with the label that the source gives it."""
    found = _with_slices(_read(part, source), source)
    # Folders mean what the readers say, and nothing has to be looked up.
    return _labelled(found, source) if source.label_classes else found


def _with_slices(
    found: Iterator[Review | Problem], source: ReviewSource
) -> Iterator[Review | Problem]:
    if not source.slice_columns:
        return found
    return (
        record._replace(slices=(value_of(record.rating),)) if isinstance(record, Review) else record
        for record in found
    )


def spellings_in(source: ReviewSource) -> Iterator[tuple[str, str]]:
    """Yields label and split of each review."""
    for part in parts_of(source):
        for record in _read(part, source):
            if isinstance(record, Review):
                yield _spelling(record, source), record.split


def _read(part: SourceFile | int, source: ReviewSource) -> Iterator[Review | Problem]:
    if isinstance(part, int):
        return iter([sample.generate_review(part)])
    if source.kind is SourceKind.IMDB_ARCHIVE:
        return read_archive(part.path)
    return read_directory(part.path)


def _spelling(review: Review, source: ReviewSource) -> str:
    is_rating = source.label_column == features.RATING
    return str(review.rating) if is_rating else FOLDERS[review.label]


def _labelled(
    found: Iterator[Review | Problem], source: ReviewSource
) -> Iterator[Review | LeftOut | Problem]:
    labels = LabelLookup.of(source)
    for record in found:
        if not isinstance(record, Review):
            yield record
            continue
        spelling = _spelling(record, source)
        label = labels.label_of(spelling)
        if label is not None:
            yield record._replace(label=label)
        elif labels.is_left_out(spelling):
            yield LeftOut(f"labelled '{spelling}'")
        else:
            detail = f"label '{spelling}', expected {expected_labels(source)}"
            yield Problem(UNKNOWN_LABEL, record.review_id.decode(), detail, fatal=False)
