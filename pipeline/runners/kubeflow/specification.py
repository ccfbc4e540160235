"""Writes a run as a PipelineSpec 2.1, by TFX's own compiler, and gives it parameters.

TFX's compiler makes a container step of each component, its parameters constants. Here a first
step, Settings, takes the parameters of the run, resolves them as `sentiment run` does, and hands
every step its own; so whatever follows from a parameter is found where the data can be reached.

https://github.com/kubeflow/pipelines/blob/master/api/v2alpha1/pipeline_spec.proto
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from google.protobuf import json_format, struct_pb2
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import (
    KubeflowV2DagRunner,
    KubeflowV2DagRunnerConfig,
)

from components.errors import ConfigurationError
from pipeline.config import PipelineConfig
from pipeline.graph import create_pipeline
from pipeline.resolution import ResolvedRun
from pipeline.runners.kubeflow.cluster_settings import RUNTIME_PARAMETERS, default_of, is_number
from pipeline.runners.kubeflow.lowering import legal_name, lower, runs_every_time

SETTINGS = "Settings"
SETTINGS_MODULE = "pipeline.runners.kubeflow.settings_step"

_Parameter = pipeline_spec_pb2.ComponentInputsSpec.ParameterSpec
_Types = pipeline_spec_pb2.ParameterType


def specification(run: ResolvedRun, image: str) -> pipeline_spec_pb2.PipelineSpec:
    """Returns the PipelineSpec of a run, its steps' parameters constants.

    Args:
      run: Its settings, and its source, become constants.
      image: The container image of every step.

    Raises:
      ConfigurationError: TFX's compiler does not take a step.
    """
    pipeline = create_pipeline(replace(run, pipeline_name=legal_name(run.pipeline_name)))
    lower(pipeline, str(run.serving_directory))
    runner = KubeflowV2DagRunner(
        KubeflowV2DagRunnerConfig(default_image=image, use_pipeline_spec_2_1=True)
    )
    try:
        job = runner.run(pipeline, write_out=False)
    except (ValueError, TypeError, NotImplementedError) as error:
        raise ConfigurationError(
            f"TFX's compiler for Kubeflow does not take this pipeline: {error}. An artifact of "
            "your own needs a TYPE_NAME that is the dotted name under which its class is imported, "
            "of two parts, as components.DataBlessing."
        ) from error
    spec = pipeline_spec_pb2.PipelineSpec()
    json_format.ParseDict(job["pipelineSpec"], spec)
    for step in pipeline.components:
        if runs_every_time(step):
            spec.root.dag.tasks[step.id].ClearField("caching_options")
    return spec


def with_runtime_parameters(
    spec: pipeline_spec_pb2.PipelineSpec,
    config: PipelineConfig,
    settings: Mapping[str, Any],
    image: str,
) -> pipeline_spec_pb2.PipelineSpec:
    """Returns the specification with the step Settings, from which all others have their own.

    Args:
      spec: Of `specification`, with any data: its constants are not used.
      config: What the user asked for: the parameters' defaults.
      settings: The same, as a JSON object of settings.
      image: The container image.
    """
    result = pipeline_spec_pb2.PipelineSpec()
    result.CopyFrom(spec)
    outputs = pipeline_spec_pb2.ComponentOutputsSpec()
    for task_name, task in result.root.dag.tasks.items():
        component = result.components[task.component_ref.name]
        for name, given in task.inputs.parameters.items():
            key = output_key(task_name, name)
            declared = component.input_definitions.parameters[name]
            outputs.parameters[key].parameter_type = declared.parameter_type
            given.Clear()
            given.task_output_parameter.producer_task = SETTINGS
            given.task_output_parameter.output_parameter_key = key
        if task.inputs.parameters:
            task.dependent_tasks.append(SETTINGS)
    _add_settings_step(result, outputs, config, settings, image)
    return result


def constants_of(spec: pipeline_spec_pb2.PipelineSpec) -> dict[str, Any]:
    """Returns what every step of a `specification` is told, by `output_key`."""
    return {
        output_key(task_name, name): json_format.MessageToDict(given.runtime_value.constant)
        for task_name, task in spec.root.dag.tasks.items()
        for name, given in task.inputs.parameters.items()
    }


def output_key(task: str, parameter: str) -> str:
    """Returns the name that a step's parameter has among the outputs of Settings."""
    return f"{task}_{parameter}"


def as_dict(spec: pipeline_spec_pb2.PipelineSpec) -> dict[str, Any]:
    """Returns the specification as YAML and JSON have it."""
    found: dict[str, Any] = json_format.MessageToDict(spec)
    return found


def _add_settings_step(
    spec: pipeline_spec_pb2.PipelineSpec,
    outputs: pipeline_spec_pb2.ComponentOutputsSpec,
    config: PipelineConfig,
    settings: Mapping[str, Any],
    image: str,
) -> None:
    component = spec.components[SETTINGS]
    component.executor_label = f"{SETTINGS}_executor"
    component.output_definitions.CopyFrom(outputs)
    task = spec.root.dag.tasks[SETTINGS]
    task.task_info.name = SETTINGS
    task.component_ref.name = SETTINGS
    for name in RUNTIME_PARAMETERS:
        declared = component.input_definitions.parameters[name]
        declared.parameter_type = _Types.NUMBER_DOUBLE if is_number(name) else _Types.STRING
        task.inputs.parameters[name].component_input_parameter = name
        of_pipeline = spec.root.input_definitions.parameters[name]
        of_pipeline.CopyFrom(declared)
        of_pipeline.description = PipelineConfig.__dataclass_fields__[name].metadata["help"]
        of_pipeline.default_value.CopyFrom(_value(default_of(config, name)))
    container = pipeline_spec_pb2.PipelineDeploymentConfig.PipelineContainerSpec(
        image=image,
        command=["python", "-m", SETTINGS_MODULE],
        args=[
            "--settings",
            json.dumps(dict(settings), sort_keys=True),
            "--executor-input",
            "{{$}}",
        ],
    )
    executor = pipeline_spec_pb2.PipelineDeploymentConfig.ExecutorSpec(container=container)
    deployment = json_format.MessageToDict(spec.deployment_spec)
    deployment["executors"][component.executor_label] = json_format.MessageToDict(executor)
    spec.deployment_spec.Clear()
    spec.deployment_spec.update(deployment)


def _value(plain: str | float) -> struct_pb2.Value:
    if isinstance(plain, str):
        return struct_pb2.Value(string_value=plain)
    return struct_pb2.Value(number_value=plain)
