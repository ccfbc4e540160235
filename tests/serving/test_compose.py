"""compose.yaml, as far as it can be tried without Docker."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml

import serving
from serving.engines import GRPC_THREADS, IMAGE

FOLDER = Path(serving.__file__).parent


@pytest.fixture
def service():
    """The one service."""
    return yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]["serving"]


def test_the_image_is_the_one_of_the_command_line_and_all_mounts_are_read_only(service):
    """Ports are open on loopback alone; the files that are mounted exist."""
    assert service["image"] == IMAGE
    assert service["ports"] == ["127.0.0.1:8500:8500", "127.0.0.1:8501:8501"]
    assert all(volume.endswith(":ro") for volume in service["volumes"])
    files = [volume.split(":")[0] for volume in service["volumes"] if volume.startswith("./")]
    assert all((FOLDER / file).is_file() for file in files) and len(files) == 2


def test_there_are_more_threads_than_processors(service):
    """A request that finds none free is refused; most wait for their batch, and do nothing."""
    assert f"--grpc_max_threads={GRPC_THREADS}" in service["command"]


@pytest.mark.parametrize(("model", "code"), [("half", 0), ("nothing", 1)])
def test_the_health_check_asks_for_an_available_version(
    service, serve, model_directory, model, code
):
    """Its own command, run against the embedded server with the same two files."""
    server = serve(
        model_name="half",
        model_base_path=str(model_directory / "half"),
        monitoring_config_file=str(FOLDER / "monitoring.config"),
        enable_batching=True,
        batching_parameters_file=str(FOLDER / "batching.config"),
    )
    kind, *command = service["healthcheck"]["test"]
    assert kind == "CMD"
    command[-1] = command[-1].replace("$$", "$").replace("/8501", f"/{server.rest_port}")
    result = subprocess.run(command, env=os.environ | {"MODEL_NAME": model}, timeout=30)
    assert result.returncode == code
