"""What the reviews of a run show by themselves: duplicates, and labels in doubt."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from pipeline.report.contents import Missing, part
from pipeline.results.insight.label_errors import LabelErrors, label_errors
from pipeline.results.insight.near_duplicates import NearDuplicates, near_duplicates
from pipeline.results.insight.reviews import HeldReviews


@dataclass(frozen=True)
class Examined:
    """What was found.

    Attributes:
      duplicates: Reviews that are the same, or nearly.
      doubts: Reviews whose label may be wrong.
    """

    duplicates: NearDuplicates | Missing
    doubts: LabelErrors | Missing


@dataclass(frozen=True)
class Examination:
    """What to examine, and how; it can be pickled.

    Attributes:
      reviews: Gives all of them.
      classes: How many classes there are.
      tokens: What a token of the model is.
      most_labels: Of more reviews, labels are not checked; None has no bound.
      report_command: What writes the page of the run again, in backquotes.
    """

    reviews: HeldReviews
    classes: int
    tokens: str
    most_labels: int | None
    report_command: str

    def __call__(self) -> Examined:
        """Reads the reviews."""
        return Examined(part(self._duplicates), part(self._doubts))

    def _duplicates(self) -> NearDuplicates:
        found = near_duplicates(self.reviews, self.tokens)
        if not found.reviews:
            raise LookupError("No review is left in the files of ReviewExampleGen's examples.")
        return found

    def _doubts(self) -> LabelErrors:
        most = self.most_labels
        if most is not None and sum(1 for _ in itertools.islice(self.reviews(), most + 1)) > most:
            raise LookupError(
                f"Labels are not checked at the end of a run of more than {most:,} reviews: "
                f"{self.report_command} checks them."
            )
        found = label_errors(self.reviews, self.classes, self.tokens)
        if found.doubted is None:
            raise LookupError(" ".join(found.notes))
        return found
