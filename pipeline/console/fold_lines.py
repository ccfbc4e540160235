"""What cross-validation found, in lines of the summary."""

from __future__ import annotations

from collections.abc import Iterator

from components.cross_validator.figures import CrossValidation
from components.evaluator import lift
from pipeline.results.summary import RunSummary


def fold_lines(
    summary: RunSummary, found: CrossValidation, *, is_plain: bool = False
) -> Iterator[str]:
    """Yields the figures of all reviews beside the gate's minimums, then those of each fold.

    Args:
      summary: What the gate asked for, and the names of the classes.
      found: The figures.
      is_plain: Whether the terminal knows ASCII only.
    """
    sign = "+-" if is_plain else "±"
    accuracy, macro_f1 = found.metrics["accuracy"], found.metrics["macro_f1"]
    larger = lift.largest_class(found.confusion.sizes.tolist(), summary.classes)
    gate = ""
    if summary.min_accuracy is not None:
        least = summary.min_accuracy
        gate = f", gate {least:.2%} ({(accuracy - least) * 100:+.2f} points)"
    yield (
        f"{len(found.folds)} folds, each of {found.confusion.examples:,} reviews judged by a model "
        f"that did not see it: accuracy {accuracy:.2%} {sign} {found.margin * 100:.1f} "
        f"(95 %){gate}; {larger.always} {larger.share:.2%}"
    )
    gate = ""
    if summary.min_macro_f1 is not None:
        gate = f", gate {summary.min_macro_f1:.3f} ({macro_f1 - summary.min_macro_f1:+.3f})"
    by_fold = [fold.accuracy for fold in found.folds]
    yield (
        f"macro F1 {macro_f1:.3f} {sign} {found.macro_f1_margin:.3f}{gate}; accuracy by fold "
        f"{', '.join(f'{each:.1%}' for each in by_fold)}"
    )
