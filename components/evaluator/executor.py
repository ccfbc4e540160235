"""Runs TFX's Evaluator, and has it write a prediction of each review beside its metrics."""

from __future__ import annotations

from typing import Any

from tfx import types
from tfx.components.evaluator import constants, executor
from tfx.types import artifact_utils, standard_component_specs

from components.evaluator.baseline import is_whole
from components.evaluator.prediction_writer import writing_to


class Executor(executor.Executor):
    """TFX's own, which also writes predictions into the evaluation, see `writing_to`."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Evaluates the model, in one Beam pipeline.

        A baseline artifact without files means that there is no baseline: on an engine whose steps
        always write all their artifacts, the step that looks for one leaves it empty.
        """
        baseline = standard_component_specs.BASELINE_MODEL_KEY
        if not all(map(is_whole, input_dict.get(baseline, []))):
            input_dict = {key: models for key, models in input_dict.items() if key != baseline}
        with writing_to(artifact_utils.get_single_uri(output_dict[constants.EVALUATION_KEY])):
            super().Do(input_dict, output_dict, exec_properties)
