"""The table of Beam's arguments, and what the settings make of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.errors import ConfigurationError
from pipeline.beam_engines import ENGINES, WORKERS
from pipeline.config import PipelineConfig
from pipeline.engine_choice import choose_engine, worker_program
from pipeline.resolution import beam_arguments_for

CLOUD = "--project=p --region=r --temp_location=gs://b/t"
IMAGE = "container=example.org/sentiment:1"


def test_every_argument_has_a_reason():
    """One flag and one sentence each."""
    given = [*ENGINES.values(), *WORKERS.values()]
    for argument in (each for entry in given for each in entry.arguments):
        assert argument.text.startswith("--")
        assert len(argument.reason.split()) > 3


def test_the_local_engine_is_what_it_was():
    """A number of processes is one more argument; in memory there is always one."""
    arguments = beam_arguments_for(choose_engine("local", workers="3"), "multi_processing")
    assert arguments == (
        "--runner=pipeline.runners.local_beam.LocalBeamRunner",
        "--direct_running_mode=multi_processing",
        "--direct_num_workers=3",
        "--sdk_container_image=none",
    )
    assert "--direct_num_workers=1" in beam_arguments_for(choose_engine("local"), "in_memory")
    assert choose_engine("local").arguments_of_place(Path("/r")) == ()


@pytest.mark.parametrize(
    ("workers", "given"),
    [
        ("", ["--environment_type=LOOPBACK"]),
        (
            "external",
            ["--environment_type=EXTERNAL", "--environment_config=localhost:50000"],
        ),
        (
            "external=[::1]:7",
            ["--environment_type=EXTERNAL", "--environment_config=[::1]:7"],
        ),
        (
            "process",
            [
                "--environment_type=PROCESS",
                f'--environment_config={{"command": "{worker_program()}"}}',
            ],
        ),
        (
            'process=/a "b"/w',
            [
                "--environment_type=PROCESS",
                '--environment_config={"command": "/a \\"b\\"/w"}',
            ],
        ),
        (
            IMAGE,
            [
                "--environment_type=DOCKER",
                "--environment_config=example.org/sentiment:1",
            ],
        ),
    ],
)
@pytest.mark.parametrize("beam", ["portable", "flink", "spark"])
def test_a_job_server_is_told_who_starts_workers(beam, workers, given):
    """When the job starts; what the pipeline is made with names no place."""
    choice = choose_engine(beam, "jobs:8099", workers, "--parallelism=8 --name='a b'")
    assert choice.arguments_of_place(Path("/shared/root")) == (
        "--job_endpoint=jobs:8099",
        "--job_server_timeout=8640000",
        "--sentiment_working_folder=/shared/root",
        *given,
        "--parallelism=8",
        "--name=a b",
    )
    assert beam_arguments_for(choice, "in_memory") == (
        "--runner=pipeline.runners.portable_beam.PortableBeamRunner",
        "--sdk_container_image=none",
    )


def test_dataflow_runs_our_image_and_packs_nothing():
    """What it needs to know of the project is passed on."""
    config = PipelineConfig(
        beam="dataflow", beam_workers=IMAGE, beam_options=CLOUD, root="gs://b/root"
    )
    assert beam_arguments_for(config.engine, "in_memory") == (
        "--runner=DataflowRunner",
        "--sdk_container_image=example.org/sentiment:1",
        "--sdk_location=container",
        "--experiments=use_runner_v2",
        *CLOUD.split(),
    )


def test_a_number_in_a_file_is_a_number_of_processes():
    """As before there were other engines."""
    assert PipelineConfig(beam_workers=2).engine.values["processes"] == "2"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"beam": "flnk"}, "expected one of local, portable, flink, spark, dataflow. Did you mean"),
        ({"beam": "flink"}, "--beam flink needs --beam-endpoint HOST:PORT"),
        ({"beam_endpoint": "a:1"}, "--beam local has no job server"),
        ({"beam": "flink", "beam_endpoint": "http://a:1"}, "expected HOST:PORT, without a scheme"),
        ({"beam": "flink", "beam_endpoint": "a:65536"}, "expected HOST:PORT"),
        ({"beam": "flink", "beam_endpoint": "a:0"}, "expected HOST:PORT"),
        ({"beam_workers": "external"}, "with --beam local, expected the number of processes"),
        ({"beam_workers": "1025"}, "a whole number from 0 (one for each core) to 1,024"),
        ({"beam_workers": "-1"}, "a whole number from 0"),
        (
            {"beam": "spark", "beam_endpoint": "a:1", "beam_options": "--job-endpoint=b:2"},
            "--beam-options has --job_endpoint, which --beam-endpoint decides",
        ),
        ({"beam_options": "--runner=X"}, "--beam-options has --runner, which --beam local decides"),
        ({"beam_options": "--direct_running_mode x"}, "which --beam-mode decides"),
        ({"beam_options": "parallelism=8"}, "begins with 'parallelism=8'; expected options"),
        ({"beam_options": "--a='b"}, "No closing quotation"),
        (
            {"beam": "portable", "beam_endpoint": "a:1", "beam_mode": "in_memory"},
            "--beam-mode is in_memory, which is for --beam local",
        ),
        (
            {"beam": "dataflow", "beam_workers": IMAGE, "beam_options": "--region=r"},
            "needs --project, --temp_location. Add --beam-options='--project=... --temp_location",
        ),
        ({"beam": "dataflow", "beam_options": CLOUD}, "write --beam-workers container=IMAGE"),
        (
            {"beam": "dataflow", "beam_workers": IMAGE, "beam_options": CLOUD},
            "--root is 'artifacts'; expected a folder gs://BUCKET/...",
        ),
    ],
)
def test_settings_that_say_nothing_together_are_refused(settings, told):
    """Each says what to write instead."""
    with pytest.raises(ConfigurationError) as refused:
        PipelineConfig(**settings)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("beam", "workers", "told"),
    [
        (
            "portable",
            "4",
            "expected loopback or external[=ADDRESS] or process[=PROGRAM] or container[=IMAGE]",
        ),
        ("portable", "extrenal", "Did you mean 'external'?"),
        ("portable", "loopback=1", "loopback takes no value. Write --beam-workers loopback."),
        ("portable", "external=b", "--beam-workers external is 'b'; expected HOST:PORT"),
        (
            "spark",
            "container",
            "names no image. With --beam spark, write --beam-workers container=IMAGE",
        ),
    ],
)
def test_workers_that_an_engine_does_not_know_are_refused(beam, workers, told):
    """What is told names those that it knows."""
    with pytest.raises(ConfigurationError) as refused:
        PipelineConfig(beam=beam, beam_endpoint="a:1", beam_workers=workers)
    assert told in str(refused.value)
