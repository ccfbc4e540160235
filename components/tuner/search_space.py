"""Which values a search tries, and where it starts."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import keras_tuner

from components.errors import ConfigurationError
from components.hyperparameters import EVERY_VARIANT, Hyperparameters, names_where
from components.models.registry import Variant
from components.trainer.tuned import VARIANT
from components.tuner.keras_tuner_adapter import TrialStatus


class StartFirst(keras_tuner.oracles.RandomSearchOracle):
    """A random search whose first trial has the start values: the best trial is no worse."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Returns the values of the next trial, as KerasTuner asks for them."""
        if not self.start_order:
            return {"status": TrialStatus.RUNNING, "values": dict(self.hyperparameters.values)}
        space: dict[str, Any] = super().populate_space(trial_id)
        return space


def search_space(
    variant: Variant, start: Hyperparameters, set_by_user: Collection[str]
) -> keras_tuner.HyperParameters:
    """Returns all hyperparameters of a trial but the seed: with choices, or the same in all trials.

    So the best trial's values are complete, and do not depend on what a later run starts from.

    Args:
      variant: Whose hyperparameters they are.
      start: The values of the first trial; those that are not searched keep them.
      set_by_user: Names that are not searched.

    Raises:
      ConfigurationError: Nothing is left to search.
    """
    space = keras_tuner.HyperParameters()
    space.Fixed(VARIANT, variant.name)
    values = start.to_config()
    open_choices = {
        name: sorted({*choices, values[name]})
        for name, choices in variant.search.items()
        if name not in set_by_user
    }
    if not open_choices:
        raise ConfigurationError(
            f"`tune` has nothing to search: all that '{variant.name}' searches is set already "
            f"({', '.join(f'`{name}`' for name in variant.search)}). Leave one of them out."
        )
    for name in variant.takes:
        if name in open_choices:
            space.Choice(name, open_choices[name], default=values[name])
        elif name not in names_where("part", EVERY_VARIANT):
            space.Fixed(name, values[name])
    return space
