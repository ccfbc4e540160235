"""One trial: the variant fitted as the Trainer fits it, and its loss on eval."""

from __future__ import annotations

from typing import Any

import keras_tuner

from components.errors import TrainingError
from components.hyperparameters import Hyperparameters
from components.models.class_weights import class_weights
from components.models.registry import Variant
from components.models.shape import IMDB_SHAPE, ModelShape
from components.storage import files
from components.trainer.disk_tokens import Reviews
from components.trainer.fit import fit_variant, set_seeds
from components.trainer.loss import log_loss
from components.trainer.tuned import tuned_values
from components.tuner.keras_tuner_adapter import BaseTuner, TrialStatus

OBJECTIVE = "val_loss"


class VariantTuner(BaseTuner):
    """Fits the variant as the Trainer does, once a trial."""

    def __init__(
        self,
        oracle: keras_tuner.Oracle,
        variant: Variant,
        hyperparameters: Hyperparameters,
        directory: str,
        shape: ModelShape = IMDB_SHAPE,
    ):
        """Searches from `hyperparameters`; `directory` is for the tuner's own files."""
        super().__init__(oracle, directory=directory, project_name="trials", overwrite=True)
        self._variant = variant
        self._hyperparameters = hyperparameters
        self._shape = shape

    def run_trial(
        self,
        trial: Any,
        fitted_on: Reviews,
        validation: Reviews,
        **_: Any,
    ) -> dict[str, float]:
        """Returns the loss on eval."""
        hyperparameters = self._hyperparameters.overridden(
            **tuned_values(trial.hyperparameters.get_config())
        )
        set_seeds(hyperparameters)
        model = self._variant.build(hyperparameters, shape=self._shape)
        log_dir = files.join(self.project_dir, "logs", trial.trial_id)
        fit_variant(self._variant, model, fitted_on, validation, hyperparameters, log_dir)
        weights = class_weights(fitted_on[1], self._shape.classes, hyperparameters.class_weights)
        return {OBJECTIVE: log_loss(model, *validation, weights)}

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
