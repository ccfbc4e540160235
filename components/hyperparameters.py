"""The hyperparameters of a training: a frozen dataclass, passed on in TFX's custom_config.

A hyperparameter is one field of `Hyperparameters`. The settings of a run with their bounds and
help, the registry's lists, the tuner's search space and the table in the documentation are derived
from that field.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SCHEDULES = ("constant", "cosine")
CLASS_WEIGHTS = ("none", "balanced")

# What a hyperparameter is part of.
EVERY_VARIANT = "every variant"
GRADIENT_DESCENT = "gradient descent"
LAYERS = "layers"


def hyperparameter(
    default: Any,
    help: str,
    *,
    part: str = LAYERS,
    metavar: str = "",
    least: float | None = None,
    most: float | None = None,
    choices: Sequence[str] = (),
    is_size: bool = False,
    is_noise: bool = False,
    search: Sequence[Any] = (),
) -> Any:
    """Declares a hyperparameter.

    Args:
      default: Its value in the reference text; 0, or off, where the text has no such thing.
      help: What it does, in a line; the same text in the command line's help and in the
        documentation.
      part: Which variants have it: EVERY_VARIANT, those that GRADIENT_DESCENT fits, or those
        with such LAYERS.
      metavar: What stands for the value in the command line's help.
      least: Smallest value allowed.
      most: Largest value allowed.
      choices: The values allowed.
      is_size: Whether the shapes of the weights depend on it.
      is_noise: Whether only training needs it: a model that serves is built with 0.
      search: What a tuner tries where a variant has it, beside the value that it starts from.
    """
    metadata = {
        "help": help,
        "type": default.__class__,
        "part": part,
        "metavar": metavar,
        "least": least,
        "most": most,
        "choices": tuple(choices),
        "is_size": is_size,
        "is_noise": is_noise,
        "search": tuple(search),
    }
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Hyperparameters:
    """Settings of one training run. The defaults are the reference text's; all else is off.

    A variant has some of them; `components.models.registry.Variant.takes` names which.

    >>> from components import Hyperparameters
    >>> Hyperparameters(epochs=2).overridden(batch_size=32, dropout=None).batch_size
    32
    """

    epochs: int = hyperparameter(
        3,
        "passes over the training reviews",
        part=GRADIENT_DESCENT,
        metavar="N",
        least=1,
        most=1_000,
        search=(2, 3, 5),
    )
    batch_size: int = hyperparameter(
        64,
        "reviews per step",
        part=GRADIENT_DESCENT,
        metavar="N",
        least=1,
        most=65_536,
        search=(32, 64, 128),
    )
    learning_rate: float = hyperparameter(
        1e-3,
        "Adam's learning rate",
        part=GRADIENT_DESCENT,
        metavar="RATE",
        least=1e-8,
        most=100.0,
        search=(3e-4, 1e-3, 3e-3),
    )
    schedule: str = hyperparameter(
        "constant",
        "how the learning rate goes on: constant, or cosine, down to 0",
        part=GRADIENT_DESCENT,
        metavar="NAME",
        choices=SCHEDULES,
    )
    clip_norm: float = hyperparameter(
        0.0,
        "greatest norm of the gradients; 0 does not clip",
        part=GRADIENT_DESCENT,
        metavar="NORM",
        least=0.0,
        most=1e6,
    )
    weight_decay: float = hyperparameter(
        0.0,
        "what a step takes off the weights, times the learning rate",
        part=GRADIENT_DESCENT,
        metavar="SHARE",
        least=0.0,
        most=1.0,
    )
    weight_averaging: float = hyperparameter(
        0.0,
        "momentum of the moving average of the weights; 0 is none",
        part=GRADIENT_DESCENT,
        metavar="SHARE",
        least=0.0,
        most=0.99999,
    )
    label_smoothing: float = hyperparameter(
        0.0,
        "share of a label that is spread evenly over all classes",
        part=GRADIENT_DESCENT,
        metavar="SHARE",
        least=0.0,
        most=0.9,
    )
    early_stopping: int = hyperparameter(
        0,
        "epochs without a better loss on eval that end training; 0 never",
        part=GRADIENT_DESCENT,
        metavar="N",
        least=0,
        most=1_000,
    )
    restore_best: bool = hyperparameter(
        False,
        "keep the weights of the epoch with the least loss on eval",
        part=GRADIENT_DESCENT,
    )
    mixed_precision: bool = hyperparameter(
        False,
        "compute in 16 bits where layers can, on a GPU; weights keep 32",
        part=GRADIENT_DESCENT,
    )
    embedding_units: int = hyperparameter(
        32, "size of a word's vector", metavar="N", least=1, most=4_096, is_size=True
    )
    lstm_units: int = hyperparameter(
        100, "size of the LSTM's state", metavar="N", least=1, most=4_096, is_size=True
    )
    filters: int = hyperparameter(
        32, "outputs of the convolution", metavar="N", least=1, most=4_096, is_size=True
    )
    dropout: float = hyperparameter(
        0.0,
        "share of inputs that training zeroes",
        metavar="SHARE",
        least=0.0,
        most=0.95,
        is_noise=True,
        search=(0.0, 0.2, 0.4),
    )
    recurrent_dropout: float = hyperparameter(
        0.0,
        "share of the LSTM's state that training zeroes",
        metavar="SHARE",
        least=0.0,
        most=0.95,
        is_noise=True,
    )
    word_dropout: float = hyperparameter(
        0.0,
        "share of words that training takes for unknown ones",
        metavar="SHARE",
        least=0.0,
        most=0.95,
        is_noise=True,
    )
    output_dropout: float = hyperparameter(
        0.0,
        "share of the last layer's inputs that training zeroes",
        metavar="SHARE",
        least=0.0,
        most=0.95,
        is_noise=True,
    )
    regularization: float = hyperparameter(
        1.0,
        "weight of the squared weights in a linear model's loss",
        metavar="WEIGHT",
        least=1e-6,
        most=1e6,
        search=(0.1, 1.0, 10.0),
    )
    ngrams: int = hyperparameter(
        2,
        "most neighbouring words that a linear model weighs together: 1 is words alone",
        metavar="N",
        least=1,
        most=3,
        is_size=True,
    )
    seed: int = hyperparameter(
        7,
        "seed of weights, shuffling and dropout",
        part=EVERY_VARIANT,
        metavar="N",
        least=0,
        most=2**32 - 1,
    )
    deterministic: bool = hyperparameter(
        False, "give the same weights, to the bit, each time; slower", part=EVERY_VARIANT
    )
    class_weights: str = hyperparameter(
        "none",
        "how much a training review counts: none (all alike), or balanced (all classes have the "
        "same weight in sum, so that a small one counts as much as a large one)",
        part=EVERY_VARIANT,
        metavar="NAME",
        choices=CLASS_WEIGHTS,
    )

    @property
    def needs_validation(self) -> bool:
        """Whether training needs the loss on the eval split."""
        return self.early_stopping > 0 or self.restore_best

    def overridden(self, **values: Any) -> Hyperparameters:
        """Returns a copy with those of `values` that are not None."""
        given = {name: value for name, value in values.items() if value is not None}
        return dataclasses.replace(self, **given)

    def without_noise(self) -> Hyperparameters:
        """Returns a copy for a model that serves: same weights, nothing random."""
        silent: dict[str, Any] = dict.fromkeys(names_where("is_noise", True), 0.0)
        return dataclasses.replace(self, **silent)

    def to_config(self) -> dict[str, Any]:
        """Returns plain values for `custom_config`."""
        return dataclasses.asdict(self)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Hyperparameters:
        """Reads what `to_config` wrote."""
        return cls(**config)


def names_where(key: str, value: Any) -> tuple[str, ...]:
    """Returns the names of the hyperparameters that were declared with such a value."""
    fields = dataclasses.fields(Hyperparameters)
    return tuple(field.name for field in fields if field.metadata[key] == value)
