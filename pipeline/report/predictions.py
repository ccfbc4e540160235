"""What the predictions of the test reviews show: curves, and the worst mistakes."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.report.contents import Listed, Missing, Quality
from pipeline.results.insight import curves

_MANY = "Curves and thresholds are for two classes; this model has {classes:,}."


def quality(evaluation: str) -> Quality:
    """Returns the curves of two classes.

    Args:
      evaluation: Folder of the Evaluator's `evaluation`.

    Raises:
      LookupError: It has no predictions, or of more than two classes, or of one alone.
    """
    from components.evaluator.predictions import read_predictions

    read = read_predictions(evaluation)
    classes = read.scores.shape[1]
    if classes != 2:
        raise LookupError(_MANY.format(classes=classes))
    is_positive, scores = curves.one_class(read.labels, read.scores, 1)
    roc, precision_recall = (
        curves.roc(is_positive, scores),
        curves.precision_recall(is_positive, scores),
    )
    if roc is None or precision_recall is None:
        raise LookupError("All test reviews are of one class: there is nothing to tell apart.")
    return Quality(
        roc=roc,
        precision_recall=precision_recall,
        base_rate=float(is_positive.mean()),
        calibration=curves.calibration(is_positive, scores),
        table=curves.threshold_table(is_positive, scores),
    )


def mistakes(
    evaluation: str, examples: str, saved_model: str | Missing, classes: Sequence[str]
) -> Listed:
    """Returns the mistakes that the model is surest about.

    Args:
      evaluation: Folder of the Evaluator's `evaluation`.
      examples: Folder of the reviews.
      saved_model: Folder of the model, which colours the words.
      classes: Names of the classes, by label.

    Raises:
      LookupError: There are no predictions.
    """
    from components.evaluator.predictions import read_predictions

    read_predictions(evaluation)
    raise LookupError("The worst mistakes were not looked for.")
