"""How texts become token ids: what `preprocessing_fn` takes, and Trainer and Evaluator repeat."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from components import features


@dataclass(frozen=True)
class TokenSettings:
    """The settings of `preprocessing_fn`; the defaults are IMDB's.

    Attributes:
      vocabulary_size: How many token ids there are, padding and unknown words included.
      max_length: Tokens a text is padded or truncated to; the last ones are kept.
    """

    vocabulary_size: int = features.VOCABULARY_SIZE
    max_length: int = features.MAX_LENGTH

    def to_config(self) -> dict[str, Any]:
        """Returns what a `custom_config` holds of them: plain values by name."""
        return asdict(self)


IMDB_TOKENS = TokenSettings()
