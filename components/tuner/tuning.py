"""`tuner_fn`: searches the variant's hyperparameters by the loss on eval; test plays no part."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import tensorflow_transform as tft
from tfx.v1.components import TunerFnResult

from components.errors import ConfigurationError, TrainingError
from components.hyperparameters import EVERY_VARIANT, Hyperparameters, names_where
from components.models.registry import Variant, get_variant
from components.trainer import training
from components.trainer.batches import read_examples
from components.trainer.tuned import VARIANT, tuned_values

# Keys of Tuner's custom_config, beside those of `training`.
TRIALS = "trials"
SET_BY_USER = "set_by_user"
OBJECTIVE = "val_loss"
TrialStatus = keras_tuner.engine.trial.TrialStatus


def tuner_fn(fn_args: Any) -> TunerFnResult:
    """Returns a random search over the variant's space; TFX's Tuner calls it.

    Args:
      fn_args: `tfx.v1.components.FnArgs`, with the keys above in `custom_config`.
    """
    config = fn_args.custom_config
    hyperparameters = Hyperparameters.from_config(config[training.HYPERPARAMETERS])
    variant = get_variant(config[training.MODEL])
    transform_output = tft.TFTransformOutput(fn_args.transform_graph_path)
    oracle = StartFirst(
        objective=keras_tuner.Objective(OBJECTIVE, "min"),
        max_trials=config[TRIALS],
        hyperparameters=search_space(variant, hyperparameters, config[SET_BY_USER]),
        seed=hyperparameters.seed,
    )
    return TunerFnResult(
        tuner=VariantTuner(oracle, variant, hyperparameters, fn_args.working_dir),
        fit_kwargs={
            "fitted_on": read_examples(fn_args.train_files, transform_output),
            "validation": read_examples(fn_args.eval_files, transform_output),
        },
    )


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


class VariantTuner(keras_tuner.engine.base_tuner.BaseTuner):
    """Fits the variant as the Trainer does, once a trial."""

    def __init__(
        self,
        oracle: keras_tuner.Oracle,
        variant: Variant,
        hyperparameters: Hyperparameters,
        directory: str,
    ):
        """Searches from `hyperparameters`; `directory` is for the tuner's own files."""
        super().__init__(oracle, directory=directory, project_name="trials", overwrite=True)
        self._variant = variant
        self._hyperparameters = hyperparameters

    def run_trial(
        self,
        trial: Any,
        fitted_on: tuple[np.ndarray, np.ndarray],
        validation: tuple[np.ndarray, np.ndarray],
        **_: Any,
    ) -> dict[str, float]:
        """Returns the loss on eval."""
        hyperparameters = self._hyperparameters.overridden(
            **tuned_values(trial.hyperparameters.get_config())
        )
        training.set_seeds(hyperparameters)
        model = self._variant.build(hyperparameters)
        log_dir = str(Path(self.project_dir) / "logs" / trial.trial_id)
        training.fit_variant(self._variant, model, fitted_on, validation, hyperparameters, log_dir)
        return {OBJECTIVE: log_loss(model, *validation)}

    def on_search_end(self) -> None:
        """Refuses a search in which no trial finished: KerasTuner would choose one even then.

        Raises:
          TrainingError: With the error of the last trial.
        """
        trials = list(self.oracle.trials.values())
        if not any(trial.status == TrialStatus.COMPLETED for trial in trials):
            reason = (trials[-1].message or "no reason is known").strip().splitlines()[-1]
            raise TrainingError(
                f"No trial of {len(trials)} came to its end, so there are no best hyperparameters. "
                f"The last one failed of: {reason}"
            )
        super().on_search_end()


def log_loss(model: keras.Model, token_ids: np.ndarray, labels: np.ndarray) -> float:
    """Returns the mean negative log likelihood of <int64>[reviews] labels."""
    probability = model.predict(token_ids.astype(np.int32), batch_size=256, verbose=0)[:, 0]
    right = np.where(labels == 1, probability, 1.0 - probability)
    return float(-np.log(np.clip(right, 1e-7, None)).mean())
