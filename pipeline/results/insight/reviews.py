"""Reviews as ExampleGen wrote them: read one at a time, as often as asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from components import features
from components.errors import summary_of
from components.storage.place import matching, place_of
from pipeline.paths import shown
from pipeline.results.stored_examples import READ_ERRORS, example_class, records

MOST_HELD_BYTES = 128 << 20
"""Of reviews' texts that are held at once."""
# What a review takes beside its text.
_BYTES_A_REVIEW = 250


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
    example = example_class()
    for split in splits:
        for path in matching(place_of(examples_uri) / f"Split-{split}", "*.gz"):
            try:
                for record in records(path):
                    feature = example.FromString(record).features.feature
                    yield LabelledText(
                        _first_of(feature, features.REVIEW_ID).decode("utf-8", "replace"),
                        split,
                        feature[features.LABEL].int64_list.value[0],
                        _first_of(feature, features.TEXT),
                    )
            except (*READ_ERRORS, IndexError) as error:
                raise LookupError(
                    f"{shown(path)} cannot be read ({summary_of(error)}); expected the reviews of "
                    "a run. Delete the artifact's folder and run the pipeline again."
                ) from error


def _first_of(feature: Any, name: str) -> bytes:
    value: bytes = feature[name].bytes_list.value[0]
    return value


class HeldReviews:
    """Reviews that are read once and held, as long as they are not too many.

    They can be gone through as often as needed; above `most_bytes` of text, they are read anew each
    time.
    """

    def __init__(self, examples_uri: str, splits: Sequence[str], most_bytes: int = MOST_HELD_BYTES):
        """Reads nothing yet; arguments as `read_reviews` has them."""
        self._examples_uri, self._splits, self._most_bytes = examples_uri, splits, most_bytes
        self._held: list[LabelledText] | None = None
        self._is_tried = False

    def __call__(self) -> Iterator[LabelledText]:
        """Yields the reviews.

        Raises:
          LookupError: A file is damaged; says which.
        """
        if self._held is not None:
            yield from self._held
            return
        held: list[LabelledText] | None = None if self._is_tried else []
        left = self._most_bytes
        for review in read_reviews(self._examples_uri, self._splits):
            if held is not None:
                held.append(review)
                left -= len(review.text) + _BYTES_A_REVIEW
                if left < 0:
                    held, self._is_tried = None, True
            yield review
        self._held = held


def texts_of(reviews: Iterable[LabelledText], review_ids: Collection[str]) -> dict[str, bytes]:
    """Returns the texts of some test reviews by `review_id`; of those that are not there, none."""
    wanted, found = set(review_ids), dict[str, bytes]()
    for review in reviews if wanted else ():
        if review.split == features.TEST_SPLIT and review.review_id in wanted:
            found.setdefault(review.review_id, review.text)
            if len(found) == len(wanted):
                break
    return found


def cut(text: bytes, most_bytes: int) -> str:
    """Returns a text, or where it is longer, its beginning and an ellipsis."""
    shown = text[:most_bytes].decode("utf-8", "ignore" if len(text) > most_bytes else "replace")
    return f"{shown}…" if len(text) > most_bytes else shown
