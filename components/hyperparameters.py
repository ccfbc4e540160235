"""What can be set about training: a frozen dataclass that travels in TFX's custom_config."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SCHEDULES = ("constant", "cosine")

# What the shapes of the weights depend on.
SIZES = ("embedding_units", "lstm_units", "filters")

# What only training needs: a model that serves is built with these at 0.
NOISE = ("dropout", "recurrent_dropout", "word_dropout", "output_dropout")


@dataclass(frozen=True)
class Hyperparameters:
    """Settings of one training run. The defaults are the reference text's; all else is off.

    A variant has some of them; `components.models.registry.Variant.takes` names which.

    Attributes:
      epochs: Passes over the training reviews.
      batch_size: Reviews per step.
      learning_rate: Adam's.
      schedule: How the learning rate goes on: constant, or down to 0 along half a cosine.
      clip_norm: Greatest norm of all gradients together; 0 does not clip.
      weight_decay: Share of each weight that a step takes off, times the learning rate; 0 none.
      weight_averaging: Momentum of the moving average that takes the weights' place; 0 none.
      label_smoothing: By how much labels are drawn towards each other; 0 not at all.
      early_stopping: Epochs without a better loss on eval that end training; 0 never does.
      restore_best: Whether the weights of the epoch with the least loss on eval are kept.
      seed: Seeds weights, shuffling and dropout.
      deterministic: Whether TensorFlow's ops must give the same bits each time.
      embedding_units: Size of a word's vector.
      lstm_units: Size of the LSTM's state.
      filters: Outputs of the convolution.
      dropout: Share of inputs that training zeroes.
      recurrent_dropout: Share of the LSTM's state that training zeroes.
      word_dropout: Share of words that training takes for unknown ones.
      output_dropout: Share of the last layer's inputs that training zeroes.
      regularization: Weight of the squared weights in a linear model's loss.
    """

    epochs: int = 3
    batch_size: int = 64
    learning_rate: float = 1e-3
    schedule: str = "constant"
    clip_norm: float = 0.0
    weight_decay: float = 0.0
    weight_averaging: float = 0.0
    label_smoothing: float = 0.0
    early_stopping: int = 0
    restore_best: bool = False
    seed: int = 7
    deterministic: bool = False
    embedding_units: int = 32
    lstm_units: int = 100
    filters: int = 32
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    word_dropout: float = 0.0
    output_dropout: float = 0.0
    regularization: float = 1.0

    @property
    def needs_validation(self) -> bool:
        """Whether training asks what the loss on the eval split is."""
        return self.early_stopping > 0 or self.restore_best

    def overridden(self, **values: Any) -> Hyperparameters:
        """Returns a copy with those of `values` that are not None."""
        given = {name: value for name, value in values.items() if value is not None}
        return dataclasses.replace(self, **given)

    def without_noise(self) -> Hyperparameters:
        """Returns a copy for a model that serves: same weights, nothing random."""
        silent: dict[str, Any] = dict.fromkeys(NOISE, 0.0)
        return dataclasses.replace(self, **silent)

    def to_config(self) -> dict[str, Any]:
        """Returns plain values for `custom_config`."""
        return dataclasses.asdict(self)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Hyperparameters:
        """Reads what `to_config` wrote."""
        return cls(**config)
