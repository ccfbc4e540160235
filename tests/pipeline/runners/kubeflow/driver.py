"""Runs a compiled pipeline as Kubeflow's driver and launcher do, each step's container a process.

https://www.kubeflow.org/docs/components/pipelines/concepts/ and, for what a launcher puts in the
place of `{{$}}` and reads afterwards,
https://github.com/kubeflow/pipelines/blob/master/api/v2alpha1/pipeline_spec.proto (ExecutorInput,
ExecutorOutput).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format, struct_pb2
from kfp.pipeline_spec import pipeline_spec_pb2

PROJECT = Path(__file__).resolve().parents[4]
_SECONDS_A_STEP = 300
_KINDS = {
    pipeline_spec_pb2.ParameterType.STRING: "string_value",
    pipeline_spec_pb2.ParameterType.NUMBER_INTEGER: "number_value",
    pipeline_spec_pb2.ParameterType.NUMBER_DOUBLE: "number_value",
}


def read_spec(file: Path) -> pipeline_spec_pb2.PipelineSpec:
    """Parses a compiled file; a field that the specification does not know is an error."""
    spec = pipeline_spec_pb2.PipelineSpec()
    json_format.ParseDict(yaml.safe_load(file.read_text()), spec)
    return spec


def containers_of(spec: pipeline_spec_pb2.PipelineSpec) -> dict[str, Any]:
    """Returns the container of each task, as strictly parsed."""
    deployment = pipeline_spec_pb2.PipelineDeploymentConfig()
    json_format.ParseDict(json_format.MessageToDict(spec.deployment_spec), deployment)
    return {
        name: deployment.executors[
            spec.components[task.component_ref.name].executor_label
        ].container
        for name, task in spec.root.dag.tasks.items()
    }


def order_of(spec: pipeline_spec_pb2.PipelineSpec) -> list[str]:
    """Returns the tasks in an order in which each follows those that it waits for."""
    waits_for = {}
    for name, task in spec.root.dag.tasks.items():
        producers = {
            each.task_output_artifact.producer_task for each in task.inputs.artifacts.values()
        } | {
            each.task_output_parameter.producer_task
            for each in task.inputs.parameters.values()
            if each.HasField("task_output_parameter")
        }
        assert producers <= set(task.dependent_tasks), name
        waits_for[name] = set(task.dependent_tasks)
    return list(TopologicalSorter(waits_for).static_order())


class Run:
    """One run of a compiled pipeline.

    Attributes:
      outputs: Of each finished task, its ExecutorOutput.
    """

    def __init__(self, file: Path, folder: Path, parameters: Mapping[str, str | float]):
        """Takes the compiled file, where outputs go, and the parameters that are set."""
        self.spec = read_spec(file)
        self.outputs: dict[str, pipeline_spec_pb2.ExecutorOutput] = {}
        self._folder = folder
        self._containers = containers_of(self.spec)
        self._parameters = dict(parameters)
        unknown = set(parameters) - set(self.spec.root.input_definitions.parameters)
        assert not unknown

    def to_the_end(self) -> None:
        """Runs every task."""
        for task in order_of(self.spec):
            done = self.run(task)
            assert done.returncode == 0, f"{task}\n{done.stderr[-4000:]}"

    def run(self, name: str) -> subprocess.CompletedProcess[str]:
        """Runs one task's container; those that it waits for have been run."""
        task = self.spec.root.dag.tasks[name]
        # Conditions would have to be evaluated; there are none.
        assert not task.trigger_policy.condition
        executor_input = self._executor_input(name)
        container = self._containers[name]
        text = json_format.MessageToJson(executor_input)
        words = [
            text if word == "{{$}}" else word for word in (*container.command, *container.args)
        ]
        assert not [word for word in words if "{{$" in word and word != text]
        done = subprocess.run(
            words,
            cwd=self._folder,
            env=os.environ
            | {
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "PYTHONPATH": str(PROJECT),
            },
            capture_output=True,
            text=True,
            timeout=_SECONDS_A_STEP,
        )
        if done.returncode == 0:
            self.outputs[name] = self._executor_output(name, executor_input)
        return done

    def artifact(self, task: str, key: str) -> pipeline_spec_pb2.RuntimeArtifact:
        """Returns what a finished task wrote."""
        (found,) = self.outputs[task].artifacts[key].artifacts
        return found

    def _executor_input(self, name: str) -> pipeline_spec_pb2.ExecutorInput:
        task = self.spec.root.dag.tasks[name]
        component = self.spec.components[task.component_ref.name]
        given = pipeline_spec_pb2.ExecutorInput()
        for key, source in task.inputs.parameters.items():
            value = self._value(source)
            declared = component.input_definitions.parameters[key].parameter_type
            assert value.WhichOneof("kind") == _KINDS[declared], (name, key, value)
            given.inputs.parameter_values[key].CopyFrom(value)
        for key, source in task.inputs.artifacts.items():
            producer = source.task_output_artifact
            assert key in component.input_definitions.artifacts
            given.inputs.artifacts[key].artifacts.append(
                self.artifact(producer.producer_task, producer.output_artifact_key)
            )
        folder = self._folder / name
        for key, declared in component.output_definitions.artifacts.items():
            artifact = given.outputs.artifacts[key].artifacts.add()
            artifact.name = f"projects/test/artifacts/{name}-{key}"
            artifact.uri = str(folder / key)
            artifact.type.CopyFrom(declared.artifact_type)
            artifact.metadata.CopyFrom(declared.metadata)
            # On an object store there are no folders to be made.
            (folder / key).mkdir(parents=True)
        for key in component.output_definitions.parameters:
            given.outputs.parameters[key].output_file = str(folder / "parameters" / key)
        given.outputs.output_file = str(folder / "executor_output.json")
        return given

    def _value(self, source: Any) -> struct_pb2.Value:
        kind = source.WhichOneof("kind")
        if kind == "component_input_parameter":
            name = source.component_input_parameter
            if name not in self._parameters:
                return self.spec.root.input_definitions.parameters[name].default_value
            value = struct_pb2.Value()
            json_format.ParseDict(self._parameters[name], value)
            return value
        if kind == "task_output_parameter":
            producer = source.task_output_parameter
            return self.outputs[producer.producer_task].parameter_values[
                producer.output_parameter_key
            ]
        assert kind == "runtime_value", kind
        return source.runtime_value.constant

    def _executor_output(
        self, name: str, given: pipeline_spec_pb2.ExecutorInput
    ) -> pipeline_spec_pb2.ExecutorOutput:
        """Returns what the launcher records: the planned artifacts with what the step changed."""
        written = pipeline_spec_pb2.ExecutorOutput()
        json_format.Parse(Path(given.outputs.output_file).read_text(), written)
        assert set(written.parameter_values) == set(given.outputs.parameters), name
        result = pipeline_spec_pb2.ExecutorOutput()
        result.CopyFrom(written)
        for key, planned in given.outputs.artifacts.items():
            (artifact,) = planned.artifacts
            recorded = pipeline_spec_pb2.RuntimeArtifact()
            recorded.CopyFrom(artifact)
            for changed in written.artifacts[key].artifacts:
                recorded.uri = changed.uri or recorded.uri
                recorded.metadata.update(json_format.MessageToDict(changed.metadata))
            del result.artifacts[key].artifacts[:]
            result.artifacts[key].artifacts.append(recorded)
        return result
