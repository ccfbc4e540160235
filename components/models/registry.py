"""The model variants by name: Trainer, command line, docs and tests all read this registry.

A variant is one decorated builder in a module listed in `FAMILIES`. Builders import Keras in
their bodies: the command line lists the variants in a tenth of the time that Keras takes to
import.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from components.errors import ConfigurationError, did_you_mean
from components.hyperparameters import (
    EVERY_VARIANT,
    GRADIENT_DESCENT,
    Hyperparameters,
    names_where,
)

if TYPE_CHECKING:
    import keras

FAMILIES = (
    "components.models.lstm",
    "components.models.cnn_lstm",
    "components.models.bilstm",
    "components.models.linear",
    "components.models.cnn_bilstm_pool",
)

DEFAULT_MODEL = "lstm"

# Names of presets.
REFERENCE = "reference"
TUNED = "tuned"
SAMPLE = "sample"

# A rate that falls to 0, clipped gradients and averaged weights leave less to the last batches.
TUNED_TRAINING = Hyperparameters(epochs=4, schedule="cosine", clip_norm=1.0, weight_averaging=0.99)
SAMPLE_TRAINING = Hyperparameters(epochs=10, batch_size=32, learning_rate=3e-3)

Builder = Callable[..., "keras.Model"]
Solve = Callable[..., None]


@dataclass(frozen=True)
class Variant:
    """A model that can be selected.

    Attributes:
      name: The variant's name, a value of the setting `model`.
      summary: Its layers after the embedding, in a line.
      build: `build(hyperparameters, per_token=False, shape=IMDB_SHAPE)` returns an uncompiled
        model from <int32>[batch, shape.max_length] token ids to probabilities, see `ModelShape`:
        <float32>[batch, shape.answers]; with `per_token`, to the same model's prediction after
        each token, [batch, shape.max_length, shape.answers], with the same weights in the same
        order.
      takes: The hyperparameters that it has.
      presets: Hyperparameters by the value of the setting `preset`; the first is the default.
        `reference` is to the letter of the reference text, `tuned` was chosen on a part of
        train, `sample` is for the generated sample, which has far fewer reviews.
      solve: `solve(model, training, hyperparameters)` sets the weights that are the solution of
        a convex problem; None when there are none such.
      uses_gradient_descent: Whether gradient descent fits the other weights, after `solve`.
    """

    name: str
    summary: str
    build: Builder
    takes: tuple[str, ...]
    presets: Mapping[str, Hyperparameters] = field(repr=False)
    solve: Solve | None = None
    uses_gradient_descent: bool = True

    @property
    def module(self) -> str:
        """Dotted name of the module that defines the variant."""
        return self.build.__module__

    @property
    def search(self) -> dict[str, tuple[Any, ...]]:
        """By hyperparameter, the values that a tuner tries."""
        return {
            field.name: field.metadata["search"]
            for field in dataclasses.fields(Hyperparameters)
            if field.metadata["search"] and field.name in self.takes
        }

    @property
    def default_preset(self) -> str:
        """The name of the preset that real reviews are trained with."""
        return next(iter(self.presets))

    def configure(self, preset: str, overrides: Mapping[str, Any]) -> Hyperparameters:
        """Returns a preset's hyperparameters, with those of `overrides` that are not None.

        Raises:
          ConfigurationError: The variant has no such preset, or not such a hyperparameter.
        """
        if preset not in self.presets:
            raise ConfigurationError(
                f"`preset` is '{preset}'; '{self.name}' has: {', '.join(self.presets)}."
                + did_you_mean(preset, self.presets)
            )
        refused = [
            name
            for name, value in overrides.items()
            if value is not None and name not in self.takes
        ]
        if refused:
            raise ConfigurationError(
                f"{_named(refused)}: no hyperparameter of '{self.name}' ({self.summary}). "
                f"Leave it out, or choose from: {_named(self.takes)}."
            )
        return self.presets[preset].overridden(**overrides)


def reference_presets(
    tuned: Mapping[str, Any] | None = None, **rates: float
) -> dict[str, Hyperparameters]:
    """Returns the presets of a variant that the reference text has or suggests.

    Args:
      tuned: What `tuned` has in place of `rates`.
      rates: The variant's dropout, the same in all presets but for that.
    """
    return {
        REFERENCE: Hyperparameters().overridden(**rates),
        TUNED: TUNED_TRAINING.overridden(**rates).overridden(**(tuned or {})),
        SAMPLE: SAMPLE_TRAINING.overridden(**rates),
    }


_variants: dict[str, Variant] = {}


def variant(
    name: str,
    *,
    summary: str,
    takes: Sequence[str],
    presets: Mapping[str, Hyperparameters],
    solve: Solve | None = None,
    uses_gradient_descent: bool = True,
) -> Callable[[Builder], Builder]:
    """Registers the decorated builder under `name`.

    Args:
      name: The variant's name, a value of the setting `model`.
      summary: Its layers after the embedding, in a line.
      takes: The hyperparameters of its layers; those of the training are added by themselves.
      presets: Hyperparameters by the preset's name; the first is the default.
      solve: Sets the weights that are the solution of a convex problem, see `Variant`.
      uses_gradient_descent: False when `solve` sets all weights.
    """
    fitted_by = names_where("part", GRADIENT_DESCENT) if uses_gradient_descent else ()
    all_taken = (*names_where("part", EVERY_VARIANT), *fitted_by, *takes)

    def register(build: Builder) -> Builder:
        _variants[name] = Variant(
            name,
            summary,
            build,
            all_taken,
            dict(presets),
            solve,
            uses_gradient_descent,
        )
        return build

    return register


def variant_names() -> tuple[str, ...]:
    """Returns the names of the variants, in the order of registration.

    >>> from components import variant_names
    >>> variant_names()[:2]
    ('lstm', 'lstm_dropout')
    """
    for family in FAMILIES:
        importlib.import_module(family)
    return tuple(_variants)


def get_variant(name: str, other_choices: Sequence[str] = ()) -> Variant:
    """Returns the variant of that name.

    >>> from components import get_variant
    >>> get_variant("lstm").presets["tuned"].schedule
    'cosine'

    Args:
      name: The variant's.
      other_choices: What else may be chosen here, for the error's list.

    Raises:
      ConfigurationError: There is none; lists the choices.
    """
    names = variant_names()
    if name not in names:
        names = (*names, *other_choices)
        raise ConfigurationError(
            f"Unknown model '{name}'. Choose from: {', '.join(names)}.{did_you_mean(name, names)}"
        )
    return _variants[name]


def _named(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
