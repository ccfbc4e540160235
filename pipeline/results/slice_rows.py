"""How accurate a model is on parts of the reviews, and which parts the gate refuses it for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from components import features
from components.cross_validator.figures import CrossValidation
from components.dataset.slice_values import MISSING, OTHER
from components.evaluator import slices
from components.evaluator.bounds import GateBounds
from components.evaluator.results import EvaluationResults
from components.evaluator.slices import SliceKey
from components.models.class_list import short
from pipeline.results.summary import SliceRow

# Of a refusal.
_NAMED = 5
_OF_EVERY_DATA_SET = {
    frozenset(),
    *(frozenset({each}) for each in (features.RATING, slices.LENGTH, slices.UNKNOWN_WORDS)),
}


def slice_rows(
    results: EvaluationResults, slice_by: Sequence[Sequence[str]] = ()
) -> list[SliceRow]:
    """Returns a row for each slice: stars and those of every data set, then those of columns.

    Those of every data set, and numbers, are in the order that people count in, all others by size.

    Args:
      results: What the Evaluator measured.
      slice_by: Columns that slices are by, see `ReviewSource.slice_by`; those that it does not name
        come behind.
    """
    asked = measured_keys(results, slice_by)
    order = {
        features.RATING: [str(stars) for stars in range(1, 11)],
        slices.LENGTH: slices.lengths_in_order(
            key[0][1] for key in results.slices if len(key) == 1 and key[0][0] == slices.LENGTH
        ),
        slices.UNKNOWN_WORDS: list(slices.UNKNOWN_SHARE_NAMES),
    }
    rows = []
    for feature, values in order.items():
        for value in values if [feature] not in asked else ():
            metrics = results.slices.get(((feature, value),))
            if metrics:
                rows.append(SliceRow(feature, value, int(metrics["examples"]), metrics["accuracy"]))
    for keys in asked:
        rows += _counted_up(
            row_of(key, keys, metrics["examples"], metrics["accuracy"])
            for key, metrics in results.slices_by(keys).items()
        )
    return rows


def measured_keys(
    results: EvaluationResults, slice_by: Sequence[Sequence[str]] = ()
) -> list[list[str]]:
    """Returns the features of slices by columns: as they were asked for, then any others.

    Args:
      results: What the Evaluator measured.
      slice_by: Columns that slices are by, see `ReviewSource.slice_by`.
    """
    keys = slices.keys_of(slice_by)
    known = {frozenset(each) for each in keys} | _OF_EVERY_DATA_SET
    for key in results.slices:
        features_of_key = [feature for feature, _ in key]
        if frozenset(features_of_key) not in known:
            known.add(frozenset(features_of_key))
            keys.append(features_of_key)
    return keys


def row_of(key: SliceKey, keys: Sequence[str], examples: float, accuracy: float) -> SliceRow:
    """Returns the row of a slice, its features in the order that was asked for."""
    values = dict(key)
    return SliceRow(
        "+".join(keys), ", ".join(values[each] for each in keys), int(examples), accuracy
    )


def weak_slices(
    results: EvaluationResults,
    bounds: GateBounds,
    slice_by: Sequence[Sequence[str]],
    cross_validation: CrossValidation | None = None,
) -> list[SliceRow]:
    """Returns the slices that the gate refuses a model for, the least accurate first.

    Args:
      results: What the Evaluator measured.
      bounds: The gate's.
      slice_by: Columns that slices are by, see `ReviewSource.slice_by`.
      cross_validation: What the gate's minimums hold for instead, if there is one.
    """
    rows = []
    for keys in slices.gated_keys(slice_by):
        if cross_validation:
            found = [
                (each.key, each.examples, each.accuracy)
                for each in cross_validation.slices
                if {feature for feature, _ in each.key} == set(keys)
            ]
        else:
            found = [
                (key, int(metrics["examples"]), metrics["accuracy"])
                for key, metrics in results.slices_by(keys).items()
            ]
        rows += [
            row_of(key, keys, examples, accuracy)
            for key, examples, accuracy in found
            if bounds.is_weak(examples, accuracy)
        ]
    return sorted(rows, key=lambda row: (row.accuracy, -row.examples))


def refusal_for(weak: Sequence[SliceRow], bounds: GateBounds, where: str) -> list[str]:
    """Says which slices the gate refuses a model for; nothing if there are none.

    Args:
      weak: What `weak_slices` returns.
      bounds: The gate's.
      where: On which reviews, for people.
    """
    if not weak:
        return []
    named = "; ".join(
        f"{short(row.feature)} '{short(row.value)}' {row.accuracy:.2%} of {row.examples:,}"
        for row in weak[:_NAMED]
    )
    more = f"; and {len(weak) - _NAMED:,} more" if len(weak) > _NAMED else ""
    what = "1 slice" if len(weak) == 1 else f"{len(weak):,} slices"
    return [
        f"Its accuracy {where}, on {what} of at least {bounds.min_slice_size:,} reviews "
        f"(--min-slice-size), is below the gate's {bounds.min_slice_accuracy:.2%} "
        f"(--min-slice-accuracy): {named}{more}."
    ]


def _counted_up(rows: Iterable[SliceRow]) -> list[SliceRow]:
    """Puts slices in the order of their numbers, if all but those in brackets are numbers."""
    rows = list(rows)
    numbers: dict[str, float] = {}
    for row in rows:
        if row.value in (MISSING, OTHER):
            numbers[row.value] = float("inf")
            continue
        try:
            numbers[row.value] = float(row.value)
        except ValueError:
            return rows
    return sorted(rows, key=lambda row: numbers[row.value])
