"""What is compared: variants, each with a preset."""

from __future__ import annotations

from dataclasses import dataclass

from components.errors import ConfigurationError
from components.models.registry import get_variant

MAX_SEEDS = 1_000


@dataclass(frozen=True)
class Contender:
    """A variant in a comparison.

    Attributes:
      model: Name of the variant.
      preset: Its preset; None for the one that `sentiment run` would take.
    """

    model: str
    preset: str | None = None

    @property
    def label(self) -> str:
        """What a leaderboard calls it: `lstm`, or `lstm:tuned`."""
        return f"{self.model}:{self.preset}" if self.preset else self.model


def parse_contenders(text: str) -> tuple[Contender, ...]:
    """Reads `--models`: names apart by commas, each with `:PRESET` behind it or without.

    Raises:
      ConfigurationError: There is no name, an unknown one, or one twice.
    """
    contenders = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        model, _, preset = part.partition(":")
        get_variant(model)
        contenders.append(Contender(model, preset or None))
    if not contenders:
        raise ConfigurationError(
            f"--models is '{text}'; expected names of variants, e.g. lstm,cnn_lstm:tuned."
        )
    twice = {each.label for each in contenders if contenders.count(each) > 1}
    if twice:
        raise ConfigurationError(
            f"--models names {', '.join(sorted(twice))} twice. Name each one once."
        )
    return tuple(contenders)


def parse_seeds(text: str, first: int) -> tuple[int, ...]:
    """Reads `--seeds`, how many: returns that many, counted from `first`.

    Raises:
      ConfigurationError: It is no whole number, or out of range.
    """
    count = int(text) if text.isascii() and text.isdecimal() else 0
    if not 1 <= count <= MAX_SEEDS:
        raise ConfigurationError(
            f"--seeds is '{text}'; expected how many seeds to train with, a whole number from 1 "
            f"to {MAX_SEEDS:,}. Intervals need at least 2; try 3."
        )
    return tuple(range(first, first + count))
