"""What may be wrong with the data, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from tensorflow_metadata.proto.v0 import anomalies_pb2

from components import features
from components.dataset.label_objections import objection_to_labels
from components.dataset.records import UNKNOWN_LABEL, objection_to_problems
from components.example_gen.reading_report import OTHER_WORDS, ReadingReport


def objections_to_reading(
    report: ReadingReport,
    max_bad_records: float,
    positive_label: str = "",
    negative_label: str = "",
) -> Iterator[str]:
    """Yields a sentence when too many records could not be read, and one for odd labels."""
    bad_records = objection_to_problems(
        report.problems, report.problem_examples, report.bad_record_share, max_bad_records
    )
    if bad_records:
        yield bad_records
    labels = objection_to_labels(
        {label: count for label, count in report.labels.items() if label != OTHER_WORDS},
        positive_label,
        negative_label,
        unknown=bool(bad_records) and UNKNOWN_LABEL in report.problems,
        is_whole=OTHER_WORDS not in report.labels,
    )
    if labels:
        yield labels


def objections_to_splits(report: ReadingReport) -> Iterator[str]:
    """Yields a sentence for each split that is empty or has one class only."""
    for split, counts in report.reviews.items():
        if not sum(counts.values()):
            yield f"Split '{split}' is empty: 0 reviews."
        elif 0 in counts.values():
            by_class = ", ".join(
                f"{counts[str(label)]:,} {features.CLASSES[label]}"
                for label in (features.NEGATIVE, features.POSITIVE)
            )
            yield f"Split '{split}' has one class only in feature '{features.LABEL}': {by_class}."


def objections_to_anomalies(split: str, anomalies: anomalies_pb2.Anomalies) -> Iterator[str]:
    """Yields a sentence for each anomaly that ExampleValidator found in a split."""
    for feature, info in sorted(anomalies.anomaly_info.items()):
        description = info.description or info.short_description
        yield f"Feature '{feature}' in split '{split}': {description}"
