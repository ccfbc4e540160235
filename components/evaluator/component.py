"""ReviewEvaluator: TFX's Evaluator, which keeps the predictions as well."""

from __future__ import annotations

from tfx.components import Evaluator
from tfx.dsl.components.base import executor_spec

from components.evaluator.executor import Executor


class ReviewEvaluator(Evaluator):
    """Measures a model on its test reviews and blesses it or not, as TFX's Evaluator does.

    Its `evaluation` also holds what the model, and the last blessed one, make of each review:
    `components.read_predictions` reads them. They are written by the same Beam pipeline, from the
    same inference, batch by batch. Takes what TFX's Evaluator takes; with another `module_path`
    than this there are no predictions.

    >>> from tfx.types import Channel, standard_artifacts
    >>> from components import ReviewEvaluator, eval_config
    >>> evaluator = ReviewEvaluator(
    ...     examples=Channel(standard_artifacts.Examples),
    ...     example_splits=["test"],
    ...     model=Channel(standard_artifacts.Model),
    ...     eval_config=eval_config(),
    ...     module_path="components.evaluator.extractors",
    ... ).with_id("Evaluator")
    >>> sorted(evaluator.outputs)
    ['blessing', 'evaluation']
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
