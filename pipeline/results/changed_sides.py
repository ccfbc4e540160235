"""Test reviews that one run's model judges right and the other's wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from components.storage.place import Place
from pipeline.paths import shown
from pipeline.results.review_texts import texts_of
from pipeline.results.run_info import RunInfo
from pipeline.results.stored_artifacts import output_folder

if TYPE_CHECKING:
    import numpy as np

MOST_REVIEWS = 20
"""How many are told with their texts: those that the two models are most sure of, half for each
side."""


@dataclass(frozen=True)
class ChangedReview:
    """A review that changed sides.

    Attributes:
      review_id: The review's.
      text: What it says; None where the examples are gone: `ChangedSides.texts_missing` says why.
      label: Name of its class.
      before: Name of the class that the first model decided on.
      after: The same of the second.
      score_before: The first model's score, 0 to 1, of the class that the review has.
      score_after: The second model's.
    """

    review_id: str
    text: str | None
    label: str
    before: str
    after: str
    score_before: float
    score_after: float


@dataclass(frozen=True)
class ChangedSides:
    """What two models make of the same reviews.

    Attributes:
      reviews: How many both judged, by the same class.
      better: How many the second alone judges right.
      worse: How many the first alone judges right.
      shown: At most MOST_REVIEWS of them, those whose score moved most first.
      texts_missing: Why there are no texts, a sentence; "" if there are.
      relabelled: How many both judged that have another class in the second run.
    """

    reviews: int
    better: int
    worse: int
    shown: tuple[ChangedReview, ...] = ()
    texts_missing: str = ""
    relabelled: int = 0


def changed_sides(
    root: Place, first: RunInfo, second: RunInfo, notes: list[str]
) -> ChangedSides | None:
    """Compares the predictions of two runs on the same reviews.

    Args:
      root: Where both ran.
      first: One run.
      second: The other one.
      notes: Is given a sentence where they cannot be compared.

    Returns:
      What changed; None where that cannot be told.
    """
    if first.accuracy is None or second.accuracy is None:
        return None
    if first.data.get("digest") != second.data.get("digest"):
        notes.append(
            "Their test reviews are not the same, so no review can be said to have changed sides."
        )
        return None
    found = []
    for run in (first, second):
        predictions = _predictions(root, run)
        if isinstance(predictions, str):
            notes.append(f"Which reviews changed sides is not known: {predictions}")
            return None
        found.append(predictions)
    compared = _compared(root, first, second, *found)
    if not compared.reviews:
        notes.append(
            "No review has the same class in both runs, so none can be said to have changed sides."
        )
        return None
    if compared.relabelled:
        notes.append(
            f"{compared.relabelled:,} test reviews have another class in {second.run_id}: their "
            "sides are not compared."
        )
    return compared


def _predictions(root: Place, run: RunInfo) -> Any:
    """Returns the predictions of a run, or why there are none, in a sentence."""
    # It takes a while to import.
    from components.evaluator.predictions import read_predictions

    folder = output_folder(run.metadata_in(root), run, "Evaluator", "evaluation")
    if folder is None:
        return f"{run.run_id} has no evaluation."
    if not folder.is_dir():
        return f"somebody removed {shown(folder)}, the evaluation of {run.run_id}."
    try:
        return read_predictions(str(folder))
    except LookupError:
        return f"{run.run_id} was evaluated by a release that kept no predictions."
    except (OSError, ValueError) as error:  # ArrowInvalid is a ValueError
        return f"the predictions of {run.run_id} in {shown(folder)} cannot be read ({error})."


def _compared(
    root: Place, first: RunInfo, second: RunInfo, before: Any, after: Any
) -> ChangedSides:
    import numpy as np

    _, at_first, at_second = np.intersect1d(
        before.review_ids, after.review_ids, assume_unique=True, return_indices=True
    )
    # A label is a place among the classes, and settings may have put those in another order.
    classes, others = _classes(first, before), _classes(second, after)
    is_same = classes[before.labels[at_first]] == others[after.labels[at_second]]
    relabelled = int(np.sum(~is_same))
    at_first, at_second = at_first[is_same], at_second[is_same]
    was_right, is_right = before.is_right[at_first], after.is_right[at_second]
    better, worse = is_right & ~was_right, was_right & ~is_right
    old_labels, new_labels = before.labels[at_first], after.labels[at_second]
    rows = np.arange(len(old_labels))
    old = before.scores[at_first][rows, old_labels]
    new = after.scores[at_second][rows, new_labels]
    chosen = np.concatenate([_most_moved(np.abs(new - old), side) for side in (better, worse)])
    ids = [str(before.review_ids[at_first[row]]) for row in chosen]
    texts, missing = texts_of(root, first, ids)
    return ChangedSides(
        reviews=len(rows),
        better=int(better.sum()),
        worse=int(worse.sum()),
        shown=tuple(
            ChangedReview(
                review_id=review_id,
                text=texts.get(review_id),
                label=classes[old_labels[row]],
                before=classes[before.choices[at_first[row]]],
                after=others[after.choices[at_second[row]]],
                score_before=float(old[row]),
                score_after=float(new[row]),
            )
            for review_id, row in zip(ids, chosen, strict=True)
        ),
        texts_missing=missing,
        relabelled=relabelled,
    )


def _classes(run: RunInfo, predictions: Any) -> np.ndarray:
    """Returns the names of classes by label, <object>[classes]; the numbers of unknown ones."""
    import numpy as np

    known = [str(name) for name in run.data.get("classes", [])]
    most = max(int(each.max(initial=-1)) for each in (predictions.labels, predictions.choices))
    numbers = [str(number) for number in range(len(known), most + 1)]
    return np.array([*known, *numbers], object)


def _most_moved(moved: np.ndarray, is_on_side: np.ndarray) -> np.ndarray:
    """Returns the places of the reviews on one side whose scores moved most, in that order."""
    (places,) = is_on_side.nonzero()
    order = (-moved[places]).argsort(kind="stable")
    found: np.ndarray = places[order[: MOST_REVIEWS // 2]]
    return found
