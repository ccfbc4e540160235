"""`tuner_fn`: searches the variant's hyperparameters by the loss on eval; test plays no part."""

from __future__ import annotations

from typing import Any

import keras_tuner
import tensorflow_transform as tft
from tfx.components.tuner.component import TunerFnResult

from components.trainer.batches import read_examples
from components.trainer.custom_config import TrainingRequest
from components.trainer.disk_tokens import bytes_in_memory
from components.tuner.search_space import StartFirst, search_space
from components.tuner.variant_tuner import OBJECTIVE, VariantTuner

# Keys of Tuner's custom_config, beside those of `components.trainer.custom_config`.
TRIALS = "trials"
SET_BY_USER = "set_by_user"
DEFAULT_TRIALS = 10


def tuner_fn(fn_args: Any) -> TunerFnResult:
    """Returns a random search over the variant's space; TFX's Tuner asks for "components.tuner_fn".

    The `custom_config` may hold `model`, `hyperparameters`, `tokens` and `memory_budget` as for
    `components.run_fn`, and:

      trials: How many are tried; by default 10. The first is where the search starts.
      set_by_user: Names of hyperparameters that are not searched.

    Each trial is fitted on `train` and judged by its loss on `eval`, which must be among the splits
    that Transform wrote.

    >>> from tfx.proto import trainer_pb2
    >>> from tfx.types import Channel, standard_artifacts
    >>> from tfx.v1.components import Tuner
    >>> tuner = Tuner(
    ...     tuner_fn="components.tuner_fn",
    ...     examples=Channel(standard_artifacts.Examples),
    ...     transform_graph=Channel(standard_artifacts.TransformGraph),
    ...     train_args=trainer_pb2.TrainArgs(),
    ...     eval_args=trainer_pb2.EvalArgs(),
    ...     custom_config={"model": "linear", "trials": 3},
    ... )
    >>> sorted(tuner.outputs)
    ['best_hyperparameters', 'tuner_results']

    Args:
      fn_args: `tfx.v1.components.FnArgs`.

    Raises:
      ConfigurationError: There is no such model, its tokens are not Transform's, or nothing is left
        to search.
    """
    request = TrainingRequest.from_fn_args(fn_args)
    variant, hyperparameters = request.variant, request.hyperparameters
    config = fn_args.custom_config or {}
    transform_output = tft.TFTransformOutput(fn_args.transform_graph_path)
    oracle = StartFirst(
        objective=keras_tuner.Objective(OBJECTIVE, "min"),
        max_trials=config.get(TRIALS, DEFAULT_TRIALS),
        hyperparameters=search_space(variant, hyperparameters, config.get(SET_BY_USER, ())),
        seed=hyperparameters.seed,
    )
    budget = request.memory_bytes
    fitted_on = read_examples(fn_args.train_files, transform_output, request.tokens, budget)
    left = max(budget - bytes_in_memory(fitted_on[0]), 0)
    return TunerFnResult(
        tuner=VariantTuner(oracle, variant, hyperparameters, fn_args.working_dir, request.shape),
        fit_kwargs={
            "fitted_on": fitted_on,
            "validation": read_examples(fn_args.eval_files, transform_output, request.tokens, left),
        },
    )
