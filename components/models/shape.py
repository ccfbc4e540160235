"""What a variant's layers take from the data: sizes of its input and of its answer."""

from __future__ import annotations

from dataclasses import dataclass

from components import features


@dataclass(frozen=True)
class ModelShape:
    """Sizes that are the data's, not the variant's; the defaults are IMDB's.

    Attributes:
      vocabulary_size: How many token ids there are, padding and unknown words included.
      max_length: Tokens a text is padded or truncated to.
      classes: How many classes there are, 2 to 1,000. With two, a model answers the probability
        of the second, <float32>[batch, 1]; with more, that of each, <float32>[batch, classes].
    """

    vocabulary_size: int = features.VOCABULARY_SIZE
    max_length: int = features.MAX_LENGTH
    classes: int = len(features.CLASSES)

    @property
    def is_binary(self) -> bool:
        """Whether one probability says all."""
        return self.classes == 2

    @property
    def answers(self) -> int:
        """How many numbers a model answers for a text."""
        return 1 if self.is_binary else self.classes


IMDB_SHAPE = ModelShape()
