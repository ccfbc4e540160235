"""Beam's private names are there, and a pipeline's workers are started by the command of ours."""

from __future__ import annotations

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.worker import sdk_worker_main

from pipeline.resolution import local_beam_arguments
from pipeline.runners import beam_adapter
from tests.canary import canary


class Keeping(FnApiRunner):
    """Keeps the pipeline that it is given, and runs nothing."""

    def run_via_runner_api(self, pipeline_proto, options):
        """Beam calls it with what is to be run."""
        self.kept = pipeline_proto


def test_the_command_of_a_pipelines_workers_is_replaced():
    """Beam's own is of the module that we start by a command of ours."""
    with canary(beam_adapter.LIBRARY, beam_adapter.__name__):
        options = PipelineOptions(list(local_beam_arguments("multi_processing", 1)))
        pipeline = beam.Pipeline(runner=(runner := Keeping()), options=options)
        _ = pipeline | beam.Create([1]) | beam.Map(str)
        runner.run_pipeline(pipeline, options)
        environments = runner.kept.components.environments
        before = {each.payload for each in environments.values()}
        assert any(b"sdk_worker_main" in payload for payload in before)
        beam_adapter.replace_worker_command(runner.kept, "exec of ours")
        after = {each.payload for each in environments.values()}
        assert b"exec of ours" in after
        assert not any(b"sdk_worker_main" in payload for payload in after)


def test_a_worker_is_beams_own(monkeypatch):
    """It is given the command line."""
    with canary(beam_adapter.LIBRARY, beam_adapter.__name__):
        given = []
        assert callable(sdk_worker_main.main)
        monkeypatch.setattr(sdk_worker_main, "main", given.append)
        beam_adapter.work(["worker", "--id=1"])
        assert given == [["worker", "--id=1"]]
