"""TensorBoard as the summary recommends it: the command starts, and shows a training's scalars."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.config import PipelineConfig
from pipeline.loading import EnvironmentSettings
from pipeline.resolution import resolve
from pipeline.results.summarize import next_commands

LOSSES = [0.75, 0.5, 0.25]


@pytest.fixture
def recommended(tmp_path) -> list[str]:
    """The command, for a run whose Trainer left the losses of three epochs."""
    import tensorflow as tf

    run = resolve(
        PipelineConfig(data="sample", root=str(tmp_path / "my root")),
        EnvironmentSettings(None, tmp_path),
        print,
    )
    logs = run.pipeline_root / "Trainer" / "model_run" / "7" / "train"
    with tf.summary.create_file_writer(str(logs)).as_default():
        for epoch, loss in enumerate(LOSSES):
            tf.summary.scalar("epoch_loss", loss, step=epoch)
    program, *arguments = shlex.split(dict(next_commands(run, None))["See how training went"])
    assert program == ".venv/bin/tensorboard"
    return [str(Path(sys.executable).with_name("tensorboard")), *arguments]


@pytest.fixture
def address(recommended) -> Iterator[str]:
    """Where it serves, on a free port."""
    with subprocess.Popen(
        [*recommended, "--port=0", "--host=127.0.0.1"], stderr=subprocess.PIPE, text=True
    ) as process:
        lines = []
        try:
            for line in process.stderr:
                lines.append(line)
                if found := re.search(r" at (http://\S+/)", line):
                    yield found[1]
                    break
            else:
                pytest.fail(f"TensorBoard ended:\n{''.join(lines)}")
        finally:
            process.terminate()
            process.stderr.close()


def get(address: str) -> bytes:
    """Returns what is there."""
    with urllib.request.urlopen(address, timeout=60) as response:
        return response.read()


def test_the_recommended_command_shows_the_page_and_the_scalars(address):
    """On either stack: a TensorBoard of another one's ends at once, or at the first event."""
    assert b"<title>TensorBoard</title>" in get(address)
    run = "model_run/7/train"
    scalars = f"{address}data/plugin/scalars"
    # The logs are read in the background.
    for _ in range(600):
        if run in (tags := json.loads(get(f"{scalars}/tags"))):
            break
        time.sleep(0.1)
    assert "epoch_loss" in tags[run]
    events = json.loads(get(f"{scalars}/scalars?run={run}&tag=epoch_loss"))
    assert [(step, value) for _, step, value in events] == list(enumerate(LOSSES))
