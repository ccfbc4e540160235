"""`tuner_fn`: searches the variant's hyperparameters by the loss on eval; test plays no part."""

from __future__ import annotations

from typing import Any

import keras_tuner
import tensorflow_transform as tft
from tfx.v1.components import TunerFnResult

from components.hyperparameters import Hyperparameters
from components.models.registry import get_variant
from components.trainer import training
from components.trainer.batches import read_examples
from components.tuner.search_space import StartFirst, search_space
from components.tuner.variant_tuner import OBJECTIVE, VariantTuner

# Keys of Tuner's custom_config, beside those of `training`.
TRIALS = "trials"
SET_BY_USER = "set_by_user"


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
