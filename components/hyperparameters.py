"""What can be set about training: a frozen dataclass that travels in TFX's custom_config."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Hyperparameters:
    """Settings of one training run. The defaults are the reference text's.

    Attributes:
      epochs: Passes over the training reviews.
      batch_size: Reviews per step.
      learning_rate: Adam's.
      embedding_units: Size of a word's vector.
      lstm_units: Size of the LSTM's state.
      seed: Seeds weights, shuffling and dropout.
    """

    epochs: int = 3
    batch_size: int = 64
    learning_rate: float = 1e-3
    embedding_units: int = 32
    lstm_units: int = 100
    seed: int = 7

    def overridden(self, **values: Any) -> Hyperparameters:
        """Returns a copy with those of `values` that are not None."""
        given = {name: value for name, value in values.items() if value is not None}
        return dataclasses.replace(self, **given)

    def to_config(self) -> dict[str, Any]:
        """Returns plain values for `custom_config`."""
        return dataclasses.asdict(self)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Hyperparameters:
        """Reads what `to_config` wrote."""
        return cls(**config)
