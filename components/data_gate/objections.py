"""What may be wrong with the data, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from tensorflow_metadata.proto.v0 import anomalies_pb2

from components.dataset.label_objections import objection_to_split, objection_to_unknown
from components.dataset.records import OTHER_WORDS, UNKNOWN_LABEL, objection_to_problems
from components.example_gen.reading_report import ReadingReport


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
        if objection := objection_to_split(split, by_class, min_class_size):
            yield objection


def objections_to_anomalies(split: str, anomalies: anomalies_pb2.Anomalies) -> Iterator[str]:
    """Yields a sentence for each anomaly that ExampleValidator found in a split."""
    for feature, info in sorted(anomalies.anomaly_info.items()):
        description = info.description or info.short_description
        yield f"Feature '{feature}' in split '{split}': {description}"
