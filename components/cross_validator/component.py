"""CrossValidator: what the step takes, what it writes, and its place in a pipeline."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from tfx import types
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.cross_validator.artifact import CrossValidationArtifact
from components.cross_validator.executor import (
    BLESSING,
    BOUNDS,
    CROSS_VALIDATION,
    EVALUATOR_BLESSING,
    EXAMPLES,
    FOLDS,
    MODEL,
    SLICE_BY,
    Executor,
)
from components.evaluator.bounds import GateBounds
from components.tfx_base.step import Step


class CrossValidatorSpec(ComponentSpec):
    """Parameters, inputs and outputs of CrossValidator."""

    PARAMETERS = {
        FOLDS: ExecutionParameter(type=int),
        BOUNDS: ExecutionParameter(type=str),
        SLICE_BY: ExecutionParameter(type=str),
    }
    INPUTS = {
        EXAMPLES: ChannelParameter(type=standard_artifacts.Examples),
        MODEL: ChannelParameter(type=standard_artifacts.Model),
        EVALUATOR_BLESSING: ChannelParameter(type=standard_artifacts.ModelBlessing),
    }
    OUTPUTS = {
        CROSS_VALIDATION: ChannelParameter(type=CrossValidationArtifact),
        BLESSING: ChannelParameter(type=standard_artifacts.ModelBlessing),
    }


class CrossValidator(Step, spec=CrossValidatorSpec, executor=Executor):
    """Judges a model's variant on every review, where a test split would be too small to tell.

    The reviews of all splits are dealt to folds; equal texts share one. For each fold, the variant
    is trained anew, with the model's hyperparameters and a vocabulary of its own, on all others.
    The model itself stays as it is: the figures are those of models like it.

    Inputs:
      examples: Examples, of ReviewExampleGen.
      model: Model, of the Trainer with `components.run_fn`; its record says what is trained.
      evaluator_blessing: ModelBlessing, of the Evaluator, which is to ask for no more than that the
        model is no worse than the last blessed one.

    Outputs:
      cross_validation: CrossValidationArtifact.
      blessing: ModelBlessing, in the place of the Evaluator's: both must find the model good.

    >>> from tfx.types import Channel, standard_artifacts
    >>> from components import CrossValidator
    >>> cross_validator = CrossValidator(
    ...     examples=Channel(standard_artifacts.Examples),
    ...     model=Channel(standard_artifacts.Model),
    ...     evaluator_blessing=Channel(standard_artifacts.ModelBlessing),
    ...     folds=5,
    ... )
    >>> sorted(cross_validator.outputs)
    ['blessing', 'cross_validation']
    """

    def __init__(
        self,
        examples: types.BaseChannel,
        model: types.BaseChannel,
        evaluator_blessing: types.BaseChannel,
        folds: int = 5,
        bounds: GateBounds | None = None,
        slice_by: Sequence[Sequence[str]] = (),
    ):
        """Describes the step.

        Args:
          examples: The reviews, of all splits.
          model: What was trained.
          evaluator_blessing: The Evaluator's verdict.
          folds: How many parts the reviews are dealt to, 2 to 20.
          bounds: What accuracy, macro F1, lift and slices must reach; by default, those of two
            classes.
          slice_by: Columns that slices are by: `ReviewSource.slice_by`.
        """
        bounds = bounds or GateBounds.of(None, None, 0.0, 0.0, classes=2)
        super().__init__(
            examples=examples,
            model=model,
            evaluator_blessing=evaluator_blessing,
            folds=folds,
            bounds=json.dumps(asdict(bounds), sort_keys=True),
            slice_by=json.dumps(slice_by),
        )
