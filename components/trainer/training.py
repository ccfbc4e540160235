"""`run_fn`: builds the selected variant, fits it to the token ids, exports it."""

from __future__ import annotations

import time
from typing import Any

import keras
import tensorflow_transform as tft

from components.hyperparameters import Hyperparameters
from components.models.registry import Variant, get_variant
from components.trainer import signatures, warm_start
from components.trainer.batches import read_examples
from components.trainer.fit import fit_variant, set_seeds
from components.trainer.training_record import TrainingRecord
from components.trainer.tuned import tuned_values

# Keys of Trainer's custom_config.
MODEL = "model"
HYPERPARAMETERS = "hyperparameters"
HAS_VALIDATION = "has_validation"
WARM_START = "warm_start"
IS_TUNED = "is_tuned"


def run_fn(fn_args: Any) -> None:
    """Trains and exports; TFX's Trainer calls it.

    Args:
      fn_args: `tfx.v1.components.FnArgs`, with the keys above in `custom_config`.

    Raises:
      TrainingError: The loss stopped being a number.
      ConfigurationError: There is no earlier model to go on from, or it does not fit.
    """
    config = fn_args.custom_config
    hyperparameters = Hyperparameters.from_config(config[HYPERPARAMETERS])
    if config.get(IS_TUNED):
        hyperparameters = hyperparameters.overridden(**tuned_values(fn_args.hyperparameters))
    variant = get_variant(config[MODEL])
    transform_output = tft.TFTransformOutput(fn_args.transform_output)
    set_seeds(hyperparameters)
    model = variant.build(hyperparameters)
    if config.get(WARM_START):
        warm_start.take_up(
            model, variant.name, hyperparameters, fn_args.base_model, transform_output
        )
    training = read_examples(fn_args.train_files, transform_output)
    validation = None
    if config[HAS_VALIDATION]:
        validation = read_examples(fn_args.eval_files, transform_output)

    started = time.monotonic()
    fit_variant(
        variant, model, training, validation, hyperparameters, log_dir=fn_args.model_run_dir
    )
    seconds = time.monotonic() - started
    signatures.export(
        *served_models(variant, hyperparameters, model),
        transform_output,
        fn_args.serving_model_dir,
    )
    TrainingRecord(variant.name, hyperparameters, seconds, model.count_params()).write(
        fn_args.serving_model_dir
    )


def served_models(
    variant: Variant, hyperparameters: Hyperparameters, model: keras.Model
) -> tuple[keras.Model, keras.Model]:
    """Returns what is exported of a trained model: one without dropout, and its each-word twin.

    Layers with dropout keep a seed and random ops in their graph, even where they do nothing.
    """
    without_noise = hyperparameters.without_noise()
    served = variant.build(without_noise)
    served.set_weights(model.get_weights())
    return served, variant.build(without_noise, each_word=True)
