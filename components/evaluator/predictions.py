"""One prediction a test review, as files beside the Evaluator's metrics: what they hold, read back.

Imports neither TensorFlow nor TFX: what only reads them starts at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from components.storage import files
from components.storage.place import place_of

FOLDER = "predictions"
# What Beam puts between is "-00000-of-00001".
PREFIX, SUFFIX = "part", ".parquet"

REVIEW_ID = "review_id"
LABEL = "label"
SCORES = "scores"
CHOICE = "choice"
BASELINE_SCORES = "baseline_scores"
BASELINE_CHOICE = "baseline_choice"
# Of a model: its scores, and what it decided on.
COLUMNS = (SCORES, CHOICE)
BASELINE_COLUMNS = (BASELINE_SCORES, BASELINE_CHOICE)


@dataclass(frozen=True)
class Predictions:
    """What one or two models make of the same reviews, in the order of `review_ids`.

    >>> import numpy as np
    >>> from components import Predictions
    >>> kept = Predictions(
    ...     review_ids=np.array(["pos/1", "pos/2"], object),
    ...     labels=np.array([1, 1]),
    ...     scores=np.array([[0.25, 0.75], [0.875, 0.125]], np.float32),
    ...     choices=np.array([1, 0]),
    ... )
    >>> kept.is_right.tolist()
    [True, False]

    Attributes:
      review_ids: <object>[reviews] of str, sorted.
      labels: <int64>[reviews].
      scores: <float32>[reviews, classes], one of each class; of two classes [1 - p, p].
      choices: <int64>[reviews]: the label that the model decided on, at its own threshold.
      baseline_scores: The last blessed model's; None where there was none.
      baseline_choices: Its decisions; None where there was none.
    """

    review_ids: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    choices: np.ndarray
    baseline_scores: np.ndarray | None = None
    baseline_choices: np.ndarray | None = None

    @property
    def is_right(self) -> np.ndarray:
        """Which reviews the model judges right: <bool>[reviews]."""
        return self.choices == self.labels


def schema(has_baseline: bool) -> pa.Schema:
    """Returns the columns of the files; each row is a review."""
    fields = [
        (REVIEW_ID, pa.string()),
        (LABEL, pa.int64()),
        (SCORES, pa.list_(pa.float32())),
        (CHOICE, pa.int64()),
    ]
    if has_baseline:
        fields += [(BASELINE_SCORES, pa.list_(pa.float32())), (BASELINE_CHOICE, pa.int64())]
    return pa.schema(fields)


def read_predictions(uri: str, with_scores: bool = True) -> Predictions:
    """Reads the predictions of an Evaluator's `evaluation` artifact.

    All are held in memory: 1 GB takes 100,000 reviews of 1,000 classes, or 10 million of two.

    >>> from components import read_predictions
    >>> read_predictions("of-another-evaluator")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    LookupError: of-another-evaluator holds no predictions...

    Args:
      uri: The artifact's folder.
      with_scores: Whether scores are read as well; without, those arrays have no columns.

    Raises:
      LookupError: It has none: it was written by TFX's own Evaluator, or an older version of ours.
    """
    table = _table(uri, with_scores)
    ids = table[REVIEW_ID].to_numpy()
    order = np.argsort(ids, kind="stable")

    def numbers(name: str) -> np.ndarray:
        return table[name].to_numpy()[order]

    def scores(name: str) -> np.ndarray:
        if not with_scores:
            return np.empty((len(order), 0), np.float32)
        lists = table[name].combine_chunks()
        flat = lists.flatten().to_numpy()
        return flat.reshape(len(order), -1)[order] if len(order) else np.empty((0, 0), np.float32)

    has_baseline = BASELINE_CHOICE in table.column_names
    return Predictions(
        review_ids=ids[order],
        labels=numbers(LABEL),
        scores=scores(SCORES),
        choices=numbers(CHOICE),
        baseline_scores=scores(BASELINE_SCORES) if has_baseline else None,
        baseline_choices=numbers(BASELINE_CHOICE) if has_baseline else None,
    )


def _table(uri: str, with_scores: bool) -> pa.Table:
    """Returns all files of predictions as one table.

    Raises:
      LookupError: There are none.
    """
    if not any((place_of(uri) / FOLDER).glob(f"{PREFIX}-*{SUFFIX}")):
        raise LookupError(
            f"{uri} holds no predictions ({FOLDER}/{PREFIX}-*{SUFFIX}): it was written by TFX's "
            "own Evaluator, or by an older version. Evaluate the model again."
        )
    with files.local_copy(files.join(uri, FOLDER)) as folder:
        shards = sorted(folder.glob(f"{PREFIX}-*{SUFFIX}"))
        names = pq.read_schema(shards[0]).names
        if not with_scores:
            names = [name for name in names if name not in (SCORES, BASELINE_SCORES)]
        return pa.concat_tables(pq.read_table(shard, columns=names) for shard in shards)
