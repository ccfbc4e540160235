"""Runs TFX's Evaluator, and has it write a prediction of each review beside its metrics."""

from __future__ import annotations

from typing import Any

from tfx import types
from tfx.components.evaluator import constants, executor
from tfx.types import artifact_utils

from components.evaluator.prediction_writer import writing_to


class Executor(executor.Executor):
    """TFX's own, within `writing_to` the evaluation."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Evaluates the model, in one Beam pipeline."""
        with writing_to(artifact_utils.get_single_uri(output_dict[constants.EVALUATION_KEY])):
            super().Do(input_dict, output_dict, exec_properties)
