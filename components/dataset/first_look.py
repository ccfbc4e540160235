"""A look at the first records of each file, before a run imports anything heavy.

What is certain to stop the run is an error at once; what the rest of a file may still change is
left to the data gate.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from components import features
from components.dataset.label_objections import (
    DRAW_SPLITS,
    listed,
    objection_to_split,
    objection_to_unknown,
)
from components.dataset.labels import LabelLookup
from components.dataset.layout_labels import has_layout
from components.dataset.places import from_here
from components.dataset.records import (
    UNKNOWN_LABEL,
    LabelSpelling,
    LeftOut,
    Problem,
    Review,
    objection_to_problems,
    printable,
)
from components.dataset.source import ReviewSource, SourceFile
from components.dataset.tables import read_table
from components.errors import DataGateError, as_setting
from components.storage.place import place_of

# Bounds of the look, over all files; after the first second, a few records of each file are read.
RECORDS = 10_000
RECORDS_OF_A_FILE = 5
SECONDS = 1.0
SECONDS_AT_MOST = 2.0
DESCRIBED_PROBLEMS = 5
SHARE_OF_SLIPS = 0.1
# With more different labels than these, they are no classes.
COUNTED_LABELS = 1_000


@dataclass
class FirstLook:
    """What was seen.

    Attributes:
      reviews: By class, how many.
      reviews_by_split: The same for each split that the reviews belong to.
      labels: Each label as it is spelt, and its count; of the first 1,000 different ones.
      labels_by_split: The same for each split that files are named for.
      left_out: How many records the settings leave out.
      problems: By kind, how many records could not be read.
      problem_examples: By kind, the first few, "where: detail".
      fatal: Problems after which a file could not be read further.
      empty: Files without any record.
      is_whole: Whether all files were read to their ends.
    """

    reviews: Counter[int] = field(default_factory=Counter)
    reviews_by_split: dict[str, Counter[int]] = field(default_factory=dict)
    labels: Counter[str] = field(default_factory=Counter)
    labels_by_split: dict[str, Counter[str]] = field(default_factory=dict)
    left_out: int = 0
    problems: Counter[str] = field(default_factory=Counter)
    problem_examples: dict[str, list[str]] = field(default_factory=dict)
    fatal: list[str] = field(default_factory=list)
    empty: list[SourceFile] = field(default_factory=list)
    is_whole: bool = True

    @property
    def records(self) -> int:
        """Returns how many records were looked at."""
        return self.reviews.total() + self.left_out + self.problems.total()

    @property
    def bad_record_share(self) -> float:
        """Returns the share, 0 to 1, of the records that could not be read."""
        return self.problems.total() / self.records if self.problems else 0.0

    def add(self, record: Review | LeftOut | Problem | LabelSpelling, split: str) -> None:
        """Counts what a reader yields from a file that is named for `split`, or for none ("")."""
        if isinstance(record, LabelSpelling):
            self.labels_by_split.setdefault(split, Counter())[record.spelling] += 1
            if record.spelling in self.labels or len(self.labels) < COUNTED_LABELS:
                self.labels[record.spelling] += 1
        elif isinstance(record, Review):
            self.reviews[record.label] += 1
            self.reviews_by_split.setdefault(record.split, Counter())[record.label] += 1
        elif isinstance(record, LeftOut):
            self.left_out += 1
        elif record.fatal:
            self.fatal.append(f"{record.where}: {record.detail}")
        else:
            self.problems[record.kind] += 1
            examples = self.problem_examples.setdefault(record.kind, [])
            if len(examples) < DESCRIBED_PROBLEMS:
                examples.append(f"{record.where}: {record.detail}")


def checked(source: ReviewSource, max_bad_records: float, min_class_size: int = 0) -> ReviewSource:
    """Returns the source, if what is in it at first sight is fit to train on.

    Args:
      source: What was resolved; only tables are looked at.
      max_bad_records: Share of records that may be bad, 0 to 1.
      min_class_size: Least number of reviews in each split of each class that was named or
        learned; asked for where all records were looked at.

    Raises:
      DataGateError: The data gate would stop the run on what was seen, whatever follows.
    """
    if has_layout(source):
        return source
    look = look_at(source)
    found = list(objections(source, look, max_bad_records))
    if not found and look.is_whole and source.label_classes and min_class_size:
        found = list(_objections_to_splits(source, look, min_class_size))
    if found:
        extent = "" if look.is_whole else f" (Seen in the first {look.records:,} records.)"
        raise DataGateError(f"The data is not fit to train on. {' '.join(found)}{extent}")
    return source


def look_at(source: ReviewSource) -> FirstLook:
    """Reads the first records of each file, with the reader of ReviewExampleGen."""
    look, started = FirstLook(), time.monotonic()
    for number, file in enumerate(source.files):
        if time.monotonic() - started > SECONDS_AT_MOST:
            look.is_whole = False
            break
        before = look.records
        # What earlier files left of their share is for later ones.
        share = (RECORDS - before) // (len(source.files) - number)
        last = before + max(share, RECORDS_OF_A_FILE)
        for record in read_table(file, source):
            if look.records >= last or (
                time.monotonic() - started > SECONDS and look.records >= before + RECORDS_OF_A_FILE
            ):
                look.is_whole = False
                break
            look.add(record, file.split)
        if look.records == before and not look.fatal:
            look.empty.append(file)
    return look


def objections(source: ReviewSource, look: FirstLook, max_bad_records: float) -> Iterator[str]:
    """Yields a sentence for all that is certain to stop the run."""
    if look.fatal:
        yield f"It could not be read. {' '.join(look.fatal)}"
        return
    yield from _objections_to_empty_files(source, look)
    if not look.records:
        return
    if look.is_whole and look.records == 1 and not set(look.problems) - {UNKNOWN_LABEL}:
        yield "There is a single record; expected several of each class."
        return
    # The rest of a file may lower the share, unless no bad record is allowed.
    is_certain = look.is_whole or not max_bad_records
    # Labels that are left out are no bad records.
    if look.is_whole or (is_certain and not source.leaves_out):
        unlabelled = _objection_to_unlabelled_split(source, look)
        if unlabelled:
            yield unlabelled
            return
    # But where all of thousands of labels are unknown, the rest will be as well.
    is_hopeless = look.problems[UNKNOWN_LABEL] == look.records
    are_unknown = UNKNOWN_LABEL in look.problems and look.bad_record_share > max_bad_records
    labels = ""
    if are_unknown and (is_certain or is_hopeless):
        labels = objection_to_unknown(look.labels, source.classes, source.label_classes)
    # A few unknown labels are errors in single records; many are classes, and are listed as labels.
    are_slips = look.problems[UNKNOWN_LABEL] <= SHARE_OF_SLIPS * look.records
    bad_records = is_certain and objection_to_problems(
        look.problems, look.problem_examples, look.bad_record_share, max_bad_records
    )
    if bad_records and (not labels or are_slips or len(look.problems) > 1):
        yield bad_records
    if labels:
        yield labels
    if look.is_whole and not labels and not look.problems and len(look.reviews) < 2:
        left = "All reviews are of one class" if look.reviews else "No review is left"
        yield f"{left}; labels are {listed(look.labels) or 'none'}."


def _objections_to_splits(
    source: ReviewSource, look: FirstLook, min_class_size: int
) -> Iterator[str]:
    """Says which classes have too few reviews in the splits as they are read."""
    splits = (features.TRAIN_SPLIT, *look.reviews_by_split, features.TEST_SPLIT)
    for split in dict.fromkeys(splits):
        counts = look.reviews_by_split.get(split, Counter())
        by_class = {name: counts[label] for label, name in enumerate(source.classes)}
        if objection := objection_to_split(split, by_class, min_class_size):
            yield objection
            are_drawn = source.split_column or any(file.split for file in source.files)
            if not are_drawn and split == features.TEST_SPLIT:
                yield DRAW_SPLITS.strip()


def _objections_to_empty_files(source: ReviewSource, look: FirstLook) -> Iterator[str]:
    """Says that there is no record, or none in a split."""
    empty = [printable(place_of(file.path).name) for file in look.empty]
    if len(empty) == len(source.files):
        holds = "holds no record" if len(empty) == 1 else "hold no records"
        yield f"{', '.join(empty[:5])} {holds}; expected reviews below the columns' names."
        return
    for split in dict.fromkeys(file.split for file in look.empty if file.split):
        if all(file in look.empty for file in source.files if file.split == split):
            names = [
                name for file, name in zip(look.empty, empty, strict=True) if file.split == split
            ]
            yield f"Split '{split}' is empty: {', '.join(names[:5])} without a record."


def _objection_to_unlabelled_split(source: ReviewSource, look: FirstLook) -> str:
    """Says that all labels of a split are unknown, while those of the others are known.

    Whoever publishes a contest leaves the labels of its test split out: all are -1, say.
    """
    seen = dict.fromkeys(file.split for file in source.files if file not in look.empty)
    if "" in seen or len(seen) < 2:
        return ""
    lookup = LabelLookup.of(source)
    meaning = {
        split: {lookup.label_of(label) is not None for label in look.labels_by_split.get(split, ())}
        for split in seen
    }
    for split in seen:
        others = set().union(*(meaning[other] for other in seen if other != split))
        if True not in meaning[split] and others == {True}:
            files = [shown(file.path) for file in source.files if file.split != split]
            found = listed(look.labels_by_split.get(split, {})) or "blank ones"
            which = "either" if len(source.classes) == 2 else "any"
            return (
                f"Split '{split}' has no labels of {which} class, only {found}. Leave it out: "
                f"{as_setting('data', ','.join(files))}."
            )
    return ""


def shown(path: str) -> str:
    """Returns a path relative to the current folder, where that is shorter."""
    return min(printable(path), printable(from_here(path)), key=len)
