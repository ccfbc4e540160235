"""The model `auto`: the variants that it chooses from, and the number of reviews that it needs.

`linear` works with few reviews as with many, and is fitted in seconds; `cnn_bilstm_linear` is the
most accurate on IMDB's 25,000, see the leaderboard in the README. The choice itself is made by
`components.trainer.choice`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.errors import ConfigurationError
from components.hyperparameters import Hyperparameters
from components.models.registry import Variant, get_variant, variant_names

AUTO = "auto"
FOR_FEW, NETWORK = "linear", "cnn_bilstm_linear"
# Reviews to train on. With fewer, `linear` is taken; with as many, a trial decides.
NETWORK_FROM = 10_000


def model_names() -> tuple[str, ...]:
    """Returns all values of the setting `model`."""
    return *variant_names(), AUTO


def variants_of(model: str) -> tuple[Variant, ...]:
    """Returns the variants that a value of `model` stands for: one, or those of AUTO.

    Raises:
      ConfigurationError: There is no such model; lists the choices.
    """
    names = (FOR_FEW, NETWORK) if model == AUTO else (model,)
    return tuple(get_variant(name, other_choices=(AUTO,)) for name in names)


def configure_variants(
    model: str, preset: str, overrides: Mapping[str, Any]
) -> dict[str, Hyperparameters]:
    """Returns the hyperparameters of each variant that `model` stands for, by its name.

    Args:
      model: A variant, or AUTO, of whose variants each takes the overrides that it has.
      preset: Name of a preset; "" for the variant's own.
      overrides: Hyperparameters by name; None where the preset decides.

    Raises:
      ConfigurationError: A variant has no such preset, or none has such a hyperparameter.
    """
    variants = variants_of(model)
    given = {name: value for name, value in overrides.items() if value is not None}
    by_name = {}
    for variant in variants:
        others = {name for each in variants if each is not variant for name in each.takes}
        own = {
            name: value
            for name, value in given.items()
            if name in variant.takes or name not in others
        }
        by_name[variant.name] = variant.configure(preset or variant.default_preset, own)
    return by_name


def objection_to_fixed(setting: str) -> ConfigurationError:
    """Returns what to say of a setting that asks for a certain variant."""
    return ConfigurationError(
        f"`model='auto'` chooses a variant while it trains, and `{setting}` is about a certain "
        f"one. Name it, e.g. `model='{NETWORK}'`, or leave `{setting}` out."
    )
