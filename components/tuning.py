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

from components import training
from components.errors import ConfigurationError
from components.hyperparameters import Hyperparameters
from components.models.registry import Variant, get_variant
from components.tuned import VARIANT, tuned_values

# Keys of Tuner's custom_config, beside those of `training`.
TRIALS = "trials"
FIXED = "fixed"
OBJECTIVE = "val_loss"


def tuner_fn(fn_args: Any) -> TunerFnResult:
    """Returns a random search over the variant's space; TFX's Tuner calls it.

    Args:
      fn_args: `tfx.v1.components.FnArgs`, with the keys above in `custom_config`.
    """
    config = fn_args.custom_config
    hyperparameters = Hyperparameters.from_config(config[training.HYPERPARAMETERS])
    variant = get_variant(config[training.MODEL])
    transform_output = tft.TFTransformOutput(fn_args.transform_graph_path)
    oracle = keras_tuner.oracles.RandomSearchOracle(
        objective=keras_tuner.Objective(OBJECTIVE, "min"),
        max_trials=config[TRIALS],
        hyperparameters=search_space(variant, config[FIXED]),
        seed=hyperparameters.seed,
    )
    return TunerFnResult(
        tuner=VariantTuner(oracle, variant, hyperparameters, fn_args.working_dir),
        fit_kwargs={
            "fitted_on": training.read_examples(fn_args.train_files, transform_output),
            "validation": training.read_examples(fn_args.eval_files, transform_output),
        },
    )


def search_space(variant: Variant, fixed: Collection[str]) -> keras_tuner.HyperParameters:
    """Returns the variant's choices but for those that the user fixed.

    Raises:
      ConfigurationError: Nothing is left to search.
    """
    space = keras_tuner.HyperParameters()
    space.Fixed(VARIANT, variant.name)
    open_choices = {name: values for name, values in variant.search.items() if name not in fixed}
    if not open_choices:
        raise ConfigurationError(
            f"--tune has nothing to search: all that '{variant.name}' searches is set by a flag "
            f"({', '.join(variant.search)}). Leave one of them out."
        )
    for name, values in open_choices.items():
        space.Choice(name, list(values))
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


def log_loss(model: keras.Model, token_ids: np.ndarray, labels: np.ndarray) -> float:
    """Returns the mean negative log likelihood of <int64>[reviews] labels."""
    probability = model.predict(token_ids.astype(np.int32), batch_size=256, verbose=0)[:, 0]
    right = np.where(labels == 1, probability, 1.0 - probability)
    return float(-np.log(np.clip(right, 1e-7, None)).mean())
