"""The model variants by name: Trainer, command line, docs and tests all read this registry.

A variant is one decorated builder in a module listed in `FAMILIES`. Builders import Keras in
their bodies: the command line lists the variants in a tenth of the time that Keras takes to
import.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.errors import ConfigurationError, did_you_mean
from components.hyperparameters import Hyperparameters

if TYPE_CHECKING:
    import keras

FAMILIES = ("components.models.lstm",)

Builder = Callable[..., "keras.Model"]


@dataclass(frozen=True)
class Variant:
    """A model that can be selected.

    Attributes:
      name: What `--model` takes.
      summary: Its layers after the embedding, in a line.
      build: `build(hyperparameters, each_word=False)` returns an uncompiled model from
        <int32>[batch, MAX_LENGTH] token ids to the probability that the review is positive,
        <float32>[batch, 1]; with `each_word`, to the same model's belief after each word,
        <float32>[batch, MAX_LENGTH, 1], with the same weights in the same order.
      reference: Hyperparameters to the letter of the reference.
      sample: Hyperparameters for the generated sample, which has far fewer reviews.
    """

    name: str
    summary: str
    build: Builder
    reference: Hyperparameters
    sample: Hyperparameters

    @property
    def module(self) -> str:
        """Dotted name of the module that defines the variant."""
        return self.build.__module__


_variants: dict[str, Variant] = {}


def variant(
    name: str,
    *,
    summary: str,
    reference: Hyperparameters = Hyperparameters(),
    sample: Hyperparameters = Hyperparameters(epochs=10, batch_size=32, learning_rate=3e-3),
) -> Callable[[Builder], Builder]:
    """Registers the decorated builder under `name`."""

    def register(build: Builder) -> Builder:
        _variants[name] = Variant(name, summary, build, reference, sample)
        return build

    return register


def variant_names() -> tuple[str, ...]:
    """Returns the names that `--model` takes, in the order of registration."""
    for family in FAMILIES:
        importlib.import_module(family)
    return tuple(_variants)


def get_variant(name: str) -> Variant:
    """Returns the variant of that name.

    Raises:
      ConfigurationError: There is none; lists the choices.
    """
    names = variant_names()
    if name not in names:
        raise ConfigurationError(
            f"Unknown model '{name}'. Choose from: {', '.join(names)}.{did_you_mean(name, names)}"
        )
    return _variants[name]
