"""What may be wrong with the data, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from tensorflow_metadata.proto.v0 import anomalies_pb2

from components import features
from components.dataset.label_objections import objection_to_few, objection_to_unknown
from components.dataset.records import UNKNOWN_LABEL, objection_to_problems
from components.example_gen.reading_report import OTHER_WORDS, ReadingReport

# With more classes than these, a split of one class names that one alone.
MOST_NAMED = 10


def objections_to_reading(report: ReadingReport, max_bad_records: float) -> Iterator[str]:
    """Yields a sentence when too many records could not be read, and one for odd labels."""
    bad_records = objection_to_problems(
        report.problems, report.problem_examples, report.bad_record_share, max_bad_records
    )
    if not bad_records:
        return
    yield bad_records
    if UNKNOWN_LABEL in report.problems:
        labels = {label: count for label, count in report.labels.items() if label != OTHER_WORDS}
        if objection := objection_to_unknown(labels, report.classes, report.label_classes):
            yield objection


def objections_to_splits(report: ReadingReport, min_class_size: int = 1) -> Iterator[str]:
    """Yields a sentence for each split that is empty or has too few reviews of a class."""
    for split, counts in report.reviews.items():
        by_class = {name: counts[str(label)] for label, name in enumerate(report.classes)}
        present = [name for name, count in by_class.items() if count]
        few = {name: count for name, count in by_class.items() if count < min_class_size}
        if not present:
            yield f"Split '{split}' is empty: 0 reviews."
        elif len(present) == 1:
            only = {name: by_class[name] for name in present} if len(by_class) > MOST_NAMED else {}
            counted = ", ".join(f"{count:,} {name}" for name, count in (only or by_class).items())
            yield f"Split '{split}' has one class only in feature '{features.LABEL}': {counted}."
        elif few:
            yield f"Split '{split}' {objection_to_few(by_class, few, min_class_size)}"


def objections_to_anomalies(split: str, anomalies: anomalies_pb2.Anomalies) -> Iterator[str]:
    """Yields a sentence for each anomaly that ExampleValidator found in a split."""
    for feature, info in sorted(anomalies.anomaly_info.items()):
        description = info.description or info.short_description
        yield f"Feature '{feature}' in split '{split}': {description}"
