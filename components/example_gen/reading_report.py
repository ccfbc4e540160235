"""What ReviewExampleGen found while reading: counts, problems and leaks, for gate and report."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import tensorflow as tf
from tfx.types.artifact import Artifact

from components import features

FILE_NAME = "reading_report.json"


class ReadingReportArtifact(Artifact):
    """A folder with one `reading_report.json`; `ReadingReport.read` reads it.

    >>> from components import ReadingReportArtifact
    >>> ReadingReportArtifact.TYPE_NAME
    'components.ReadingReportArtifact'
    """

    TYPE_NAME = "components.ReadingReportArtifact"


@dataclass(frozen=True)
class ReadingReport:
    """What was read.

    >>> from components import ReadingReport
    >>> report = ReadingReport({"train": {"0": 3, "1": 5}, "test": {"0": 1, "1": 1}})
    >>> report.split_sizes
    {'train': 8, 'test': 2}

    Attributes:
      reviews: Reviews by split and label: {"train": {"0": 12500, "1": 12500}, ...}.
      problems: By kind, how many records could not be read.
      problem_examples: By kind, the first few, "where: detail".
      fatal: Problems after which a file could not be read further.
      labels: Each label as spelt in the source, and its count; empty for IMDB. Beyond the 1,000
        most frequent ones, all count under "".
      left_out: Reviews that the settings leave out, by reason: {"labelled '3'": 51}; with the same
        bound.
      leaks: Distinct texts that occur in both train and test.
      dropped_leaks: Reviews taken out of train because of them.
      classes: Names of the classes, by label.
      label_classes: Pairs of a label as spelt and its class, as `ReviewSource` has them.
      other_slices: By column that slices are by, how many reviews of test have a value too rare for
        a slice of its own; columns without any are left out.
    """

    reviews: dict[str, dict[str, int]]
    problems: dict[str, int] = field(default_factory=dict)
    problem_examples: dict[str, list[str]] = field(default_factory=dict)
    fatal: list[str] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    leaks: int = 0
    dropped_leaks: int = 0
    classes: list[str] = field(default_factory=lambda: list(features.CLASSES))
    label_classes: list[list[str]] = field(default_factory=list)
    other_slices: dict[str, int] = field(default_factory=dict)

    @property
    def split_sizes(self) -> dict[str, int]:
        """Returns the number of reviews by split."""
        return {split: sum(labels.values()) for split, labels in self.reviews.items()}

    @property
    def bad_record_share(self) -> float:
        """Returns the share, 0 to 1, of records that could not be read."""
        bad = sum(self.problems.values())
        left_out = sum(self.left_out.values())
        read = sum(self.split_sizes.values()) + self.dropped_leaks + left_out
        return bad / (bad + read) if bad else 0.0

    def write(self, directory: str) -> None:
        """Writes the report into the artifact's folder."""
        tf.io.gfile.makedirs(directory)
        with tf.io.gfile.GFile(os.path.join(directory, FILE_NAME), "w") as file:
            json.dump(asdict(self), file, indent=2, sort_keys=True)

    @classmethod
    def read(cls, directory: str) -> ReadingReport:
        """Reads what `write` wrote."""
        with tf.io.gfile.GFile(os.path.join(directory, FILE_NAME)) as file:
            return cls(**json.load(file))

    @classmethod
    def from_findings(
        cls,
        findings: Iterable[tuple[list[str], Any]],
        splits: Iterable[str],
        classes: Sequence[str] = features.CLASSES,
        label_classes: Iterable[Sequence[str]] = (),
    ) -> ReadingReport:
        """Puts together what ReviewExampleGen found: ([topic, *keys], value) pairs.

        A topic is the name of an attribute; a split or label that never occurred counts 0.
        """
        none = {str(label): 0 for label in range(len(classes))}
        report: dict[str, Any] = {
            "reviews": {split: dict(none) for split in splits},
            "classes": list(classes),
            "label_classes": list(map(list, label_classes)),
        }
        for (topic, *keys), value in findings:
            *parents, last = (topic, *keys)
            table: dict[str, Any] = report
            for key in parents:
                table = table.setdefault(key, {})
            table[last] = value
        return cls(**report)
