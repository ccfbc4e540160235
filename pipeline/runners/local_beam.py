"""Beam's runner for this machine, with worker processes that we start ourselves."""

from __future__ import annotations

import shlex
from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.runner import PipelineResult

from pipeline.runners import beam_adapter, beam_worker
from serving import start


class LocalBeamRunner(FnApiRunner):
    """FnApiRunner, but workers import nothing from the user's folder, and end with this process.

    FnApiRunner itself starts `python -m ...sdk_worker_main` in a shell: its modules are looked for
    in the current folder first, and whatever kills the shell leaves the worker behind.
    """

    def __init__(self, *arguments: Any, **keywords: Any):
        """Takes what FnApiRunner takes."""
        beam_adapter.avoid_repeated_work()
        super().__init__(*arguments, **keywords)

    def run_via_runner_api(
        self, pipeline_proto: beam_runner_api_pb2.Pipeline, options: PipelineOptions
    ) -> PipelineResult:
        """Runs a pipeline; the command of each environment of processes is replaced."""
        command = f"exec {shlex.join(start.command(beam_worker.__name__))}"
        beam_adapter.replace_worker_command(pipeline_proto, command)
        return super().run_via_runner_api(pipeline_proto, options)
