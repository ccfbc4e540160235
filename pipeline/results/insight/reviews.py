"""Reviews as ExampleGen wrote them: read one batch at a time, as often as asked for."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from components import features

# Reviews that are held at once.
_BATCH = 512


class LabelledText(NamedTuple):
    """A review.

    Attributes:
      review_id: Its name, "train/pos/123_8".
      split: train, eval or test.
      label: The place of its class.
      text: UTF-8.
    """

    review_id: str
    split: str
    label: int
    text: bytes


def read_reviews(examples_uri: str, splits: Sequence[str]) -> Iterator[LabelledText]:
    """Yields the reviews of splits, always in the same order; a split that is not there has none.

    Args:
      examples_uri: Folder of ReviewExampleGen's `examples`.
      splits: Which ones.

    Raises:
      LookupError: A file is damaged; says which.
    """
    import tensorflow as tf

    specification = {
        name: tf.io.FixedLenFeature([], dtype)
        for name, dtype in (
            (features.REVIEW_ID, tf.string),
            (features.LABEL, tf.int64),
            (features.TEXT, tf.string),
        )
    }
    for split in splits:
        for path in sorted(tf.io.gfile.glob(os.path.join(examples_uri, f"Split-{split}", "*.gz"))):
            batches = tf.data.TFRecordDataset(path, compression_type="GZIP").batch(_BATCH)
            try:
                for batch in batches:
                    parsed = tf.io.parse_example(batch, specification)
                    columns = (parsed[name].numpy().tolist() for name in specification)
                    for review_id, label, text in zip(*columns, strict=True):
                        yield LabelledText(review_id.decode("utf-8", "replace"), split, label, text)
            except tf.errors.OpError as error:
                raise LookupError(
                    f"{path} cannot be read ({error.message.splitlines()[0]}); expected the "
                    "reviews of a run. Delete the artifact's folder and run the pipeline again."
                ) from error


def texts_of(examples_uri: str, split: str, review_ids: Collection[str]) -> dict[str, bytes]:
    """Returns the texts of some reviews by `review_id`; of those that are not there, none."""
    wanted, found = set(review_ids), dict[str, bytes]()
    for review in read_reviews(examples_uri, [split]) if wanted else ():
        if review.review_id in wanted:
            found.setdefault(review.review_id, review.text)
            if len(found) == len(wanted):
                break
    return found


def cut(text: bytes, most_bytes: int) -> str:
    """Returns a text, or where it is longer, its beginning and an ellipsis."""
    shown = text[:most_bytes].decode("utf-8", "ignore" if len(text) > most_bytes else "replace")
    return f"{shown}…" if len(text) > most_bytes else shown
