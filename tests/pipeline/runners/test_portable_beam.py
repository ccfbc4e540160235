"""Jobs on a job server: what they are given, and what is told when one fails."""

from __future__ import annotations

import json
import os
from pathlib import Path

import apache_beam as beam
import grpc
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from components.errors import EngineError, ScoringError, causes
from pipeline.engine_choice import choose_engine
from pipeline.resolution import beam_arguments_for
from pipeline.runners import beam_adapter, beam_harness
from pipeline.runners.portable_beam import PortableBeamRunner, explaining, explanation, jobs_at

CHOICE = choose_engine("portable", "localhost:9", "external=pool:1", "--experiments=x")


def test_a_job_is_told_its_place_when_it_starts(monkeypatch):
    """And keeps what the pipeline was made with, but for what keeps TFX from packing itself."""
    told = []

    def run(self, pipeline, options):
        told.append(options.get_all_options(drop_default=True))
        raise EngineError("enough")

    monkeypatch.setattr("apache_beam.runners.runner.PipelineRunner.run_pipeline", run)
    options = PipelineOptions([*beam_arguments_for(CHOICE, "in_memory"), "--job_name=n"])
    pipeline = beam.Pipeline(options=options)
    assert isinstance(pipeline.runner, PortableBeamRunner)
    with jobs_at(CHOICE.arguments_of_place(Path("/root/of"))), pytest.raises(EngineError):
        pipeline.run()
    with pytest.raises(EngineError, match="No job server is named"):
        pipeline.run()
    (given,) = told
    assert given["job_endpoint"] == "localhost:9"
    assert given["environment_type"] == "EXTERNAL"
    assert given["environment_config"] == "pool:1"
    assert given["job_server_timeout"] == 8_640_000
    assert given["job_name"] == "n"
    assert given[beam_adapter.WORKING_FOLDER] == "/root/of"
    assert given["experiments"] == ["beam_fn_api", "x"]
    assert "sdk_container_image" not in given


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "Traceback\nModuleNotFoundError: No module named 'components'\n",
            "A worker has no Python module 'components'. Workers need this package",
        ),
        (
            "SDK worker disconnected: job-1, 1 active instructions, error: context canceled",
            "A worker of the job server at a:1 ended before its job did",
        ),
        (
            "prism worker[w] didn't get control connection to a:1 after 1m0s",
            "A worker of the job server at a:1 ended before its job did",
        ),
        (
            "Pipeline failed: Traceback (most recent call last):\n  File x\nValueError: no [y]\n",
            "A job at a:1 failed: ValueError: no [y]",
        ),
        ("it is Tuesday", "A job at a:1 failed: it is Tuesday"),
        ("", "A job at a:1 failed: it gave no reason"),
    ],
)
def test_why_a_job_failed_is_told_in_a_line(text, told):
    """Of a worker's traceback the last line."""
    assert str(explanation(text, "a:1")).startswith(told)


class Failing:
    """A job that ends with an error."""

    def __init__(self, error: BaseException):
        self._error, self.is_cancelled = error, False

    def wait_until_finish(self, duration=None):
        """Ends at once."""
        raise self._error

    def cancel(self):
        """Notes it."""
        self.is_cancelled = True


def test_an_error_of_ours_stays_what_it_is():
    """A worker's traceback holds it."""
    text = "Traceback\n  File x\ncomponents.errors.ScoringError: The model is gone.\n"
    with pytest.raises(RuntimeError) as failed:
        explaining(Failing(RuntimeError(text)), "a:1").wait_until_finish()
    ours = [cause for cause in causes(failed.value) if isinstance(cause, ScoringError)]
    assert str(ours[0]) == "The model is gone."


def test_an_interrupt_cancels_the_job():
    """Which would go on without anybody who waits for it."""
    job = Failing(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        explaining(job, "a:1").wait_until_finish()
    assert job.is_cancelled


def test_a_job_server_that_went_away_is_told():
    """With what to do."""
    with pytest.raises(EngineError, match="went away in the middle of a job"):
        explaining(Failing(grpc.RpcError()), "a:1").wait_until_finish()


def test_a_worker_reads_what_it_is_to_do_from_the_job_server():
    """As Beam's own containers hand it on; nothing is said of a service that is not there."""
    endpoints = {"control": "localhost:1", "logging": "[::1]:2", "status": ""}
    options = {"beam:option:job_name:v1": "n"}
    found = beam_harness.environment("w", endpoints, options, ["a", "b"])
    assert json.loads(found.pop("PIPELINE_OPTIONS")) == options
    assert found == {
        "WORKER_ID": "w",
        "RUNNER_CAPABILITIES": "a b",
        "CONTROL_API_SERVICE_DESCRIPTOR": 'url: "localhost:1"',
        "LOGGING_API_SERVICE_DESCRIPTOR": 'url: "[::1]:2"',
    }


def test_a_worker_works_in_the_shared_folder(tmp_path, monkeypatch):
    """One that does not see it says so."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "root").mkdir()
    assert beam_harness.enter("") == ""
    assert beam_harness.enter(str(tmp_path / "root")) == ""
    assert os.getcwd() == str(tmp_path / "root")
    problem = beam_harness.enter(str(tmp_path / "none"))
    assert f"cannot work in {tmp_path}/none: No such file or directory" in problem
    assert "must share the folder" in problem
