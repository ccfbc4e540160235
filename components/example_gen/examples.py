"""From a review to the tf.Example that is written, and the split that it is written to."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from components import features
from components.dataset.records import Review
from components.dataset.slice_values import feature_of
from components.dataset.splits import bucket

_VALIDATION_SALT = "validation"


def assign_split(review: Review, validation_fraction: float) -> Review:
    """Moves `validation_fraction` of the training reviews to the eval split."""
    if (
        review.split == features.TRAIN_SPLIT
        and bucket(review.text, _VALIDATION_SALT) < validation_fraction
    ):
        return review._replace(split=features.EVAL_SPLIT)
    return review


def to_example(review: Review, slice_columns: Sequence[str] = ()) -> bytes:
    """Serializes a review as a tf.Example; a review without stars has no `rating`.

    Args:
      review: The review.
      slice_columns: The columns of `Review.slices`; each is a feature, see `feature_of`.
    """
    example = tf.train.Example()
    feature = example.features.feature
    feature[features.TEXT].bytes_list.value.append(review.text)
    feature[features.LABEL].int64_list.value.append(review.label)
    feature[features.REVIEW_ID].bytes_list.value.append(review.review_id)
    if review.rating is not None:
        feature[features.RATING].int64_list.value.append(review.rating)
    for column, value in zip(slice_columns, review.slices, strict=True):
        feature[feature_of(column)].bytes_list.value.append(value.encode())
    return example.SerializeToString()
