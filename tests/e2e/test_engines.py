"""Beam's jobs on job servers, with workers in processes of their own.

`$PRISM` names the program of Beam's Prism, `$SENTIMENT_WORKER` a command `sentiment` whose
installation the workers see. A Flink or Spark job server at `$FLINK_JOB_ENDPOINT` or
`$SPARK_JOB_ENDPOINT` gets the same tests.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from .running import start

_WORKER = os.environ.get("SENTIMENT_WORKER", "")
_PRISM = os.environ.get("PRISM", "")
_ENDPOINTS = {name: os.environ.get(f"{name.upper()}_JOB_ENDPOINT") for name in ("flink", "spark")}
_SERVERS = [*(["prism"] if _PRISM else []), *(name for name in _ENDPOINTS if _ENDPOINTS[name])]
pytestmark = [
    pytest.mark.engines,
    pytest.mark.skipif(
        not _SERVERS,
        reason="no job server is named, and Prism is not named: `go install` it as .ci/run does, "
        "and set PRISM",
    ),
]


class Server(NamedTuple):
    """A job server."""

    engine: str
    endpoint: str

    @property
    def flags(self) -> list[str]:
        """What names it on the command line."""
        return ["--beam", self.engine, "--beam-endpoint", self.endpoint]


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("localhost", 0))
        return bound.getsockname()[1]


@contextlib.contextmanager
def prism(folder: Path) -> Iterator[tuple[Server, subprocess.Popen[bytes]]]:
    """A job server of its own."""
    if not _PRISM:
        pytest.skip("Prism is not named: `go install` it as .ci/run does, and set PRISM")
    port = free_port()
    with (folder / "prism.log").open("wb") as log:
        command = [_PRISM, f"--job_port={port}", "--serve_http=false"]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_for(lambda: is_listening(port), process)
        yield Server("portable", f"localhost:{port}"), process
    finally:
        process.kill()
        process.wait()


def is_listening(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("localhost", port), 1):
        return True
    return False


def sentiment(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Runs the command to its end, which workers that import TensorFlow anew put off."""
    with start(*arguments, cwd=cwd) as process:
        output, errors = process.communicate(timeout=1_800)
    return subprocess.CompletedProcess(arguments, process.returncode, output, errors)


def wait_for(what, process: subprocess.Popen, seconds: float = 900) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert process.poll() is None, "it ended too early"
        assert time.monotonic() < until, "it takes too long"
        time.sleep(0.05)


@pytest.fixture(scope="module", params=_SERVERS)
def server(request, tmp_path_factory) -> Iterator[Server]:
    if request.param != "prism":
        yield Server(request.param, _ENDPOINTS[request.param])
        return
    with prism(tmp_path_factory.mktemp("prism")) as (found, _):
        yield found


class Pool:
    """`sentiment worker` in an empty folder, with nothing in its environment."""

    def __init__(self, folder: Path):
        self.log, self.port = folder / "worker.log", free_port()
        command = [_WORKER] if _WORKER else [sys.executable, "-m", "pipeline.cli"]
        variables = {"HOME": str(folder), "PATH": "/usr/bin:/bin"}
        if not _WORKER:
            variables["PYTHONPATH"] = str(Path(__file__).parents[2])
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "worker", "--port", str(self.port), "--most-workers", "4"],
                cwd=folder, env=variables, stdout=log, stderr=log,
            )  # fmt: skip
        wait_for(lambda: "waits at" in self.text, self.process)

    @property
    def text(self) -> str:
        """What it has told so far."""
        return self.log.read_text()

    @property
    def flags(self) -> list[str]:
        """What names it on the command line."""
        return ["--beam-workers", f"external=localhost:{self.port}"]

    @property
    def running(self) -> list[int]:
        """Processes that hold a worker."""
        started = re.findall(r"worker (\S+) started \(process (\d+)\)", self.text)
        ended = set(re.findall(r"worker (\S+) ended", self.text))
        return [int(pid) for name, pid in started if name not in ended]

    def kill_worker(self) -> None:
        """Kills the worker itself, below the process that watches it."""
        (watch,) = self.running
        children = Path(f"/proc/{watch}/task/{watch}/children")
        wait_for(children.read_text, self.process)
        os.kill(int(children.read_text().split()[0]), signal.SIGKILL)


@pytest.fixture(scope="module")
def pool(tmp_path_factory) -> Iterator[Pool]:
    pool = Pool(tmp_path_factory.mktemp("pool"))
    yield pool
    pool.process.terminate()
    assert pool.process.wait(30) == 143


# Few reviews make a model that is worse than chance, which is all the same here.
_NO_GATE = ("--min-accuracy", "0", "--min-lift", "0", "--infra-validation", "off")
RUN = ("run", "--model", "linear", "--deterministic", *_NO_GATE)


@pytest.fixture(scope="module")
def data(small_data, tmp_path_factory) -> Path:
    """5,000 real reviews where they are, else a part of the sample."""
    archive = os.environ.get("IMDB_ARCHIVE")
    if not archive:
        return small_data
    path = tmp_path_factory.mktemp("real") / "reviews.jsonl"
    kinds = Counter()
    with tarfile.open(archive) as members, path.open("w") as table:
        for member in members:
            found = re.fullmatch(r"aclImdb/(train|test)/(pos|neg)/\w+\.txt", member.name)
            if not found or kinds[found.groups()] == 1_250:
                continue
            kinds[found.groups()] += 1
            text = members.extractfile(member).read().decode()
            table.write(json.dumps({"text": text, "label": found[2]}) + "\n")
    assert sum(kinds.values()) == 5_000
    return path


@pytest.fixture(scope="module")
def local(data) -> Path:
    """The folder of a run by Beam's local runner."""
    folder = data.parent / "local"
    folder.mkdir()
    ran = sentiment(*RUN, "--data", str(data), cwd=folder)
    assert ran.returncode == 0, ran.stderr
    return folder


@pytest.fixture(scope="module")
def remote(data, server, pool) -> Path:
    """The same by the job server, after a first try whose worker was killed."""
    folder = data.parent / f"remote-{server.engine}"
    folder.mkdir()
    command = (*RUN, "--data", str(data), *server.flags, *pool.flags)
    # The first worker is for the check before the first step.
    started = pool.text.count(" started") + 1
    with start(*command, cwd=folder) as tried:
        wait_for(lambda: pool.text.count(" started") > started and pool.running, tried)
        pool.kill_worker()
        _, errors = tried.communicate(timeout=900)
    assert tried.returncode == 1
    assert "A worker of the job server" in errors and "ended before its job did" in errors
    assert "ended before its job did, by signal 9" in pool.text
    assert list(folder.glob("artifacts/serving_model/*/*")) == []
    ran = sentiment(*command, cwd=folder)
    assert ran.returncode == 0, ran.stderr
    return folder


def newest(folder: Path, pattern: str) -> Path:
    return max(folder.glob(f"artifacts/pipelines/*/{pattern}"), key=lambda path: int(path.name))


def vocabulary(folder: Path) -> list[str]:
    words = newest(folder, "Transform/transform_graph/*") / "transform_fn" / "assets" / "words"
    return words.read_text().splitlines()


def token_ids(folder: Path, split: str) -> list[str]:
    """The transformed examples, all features of each by name, in no order."""
    import tensorflow as tf

    parts = newest(folder, "Transform/transformed_examples/*").glob(f"Split-{split}/*")
    examples = tf.data.TFRecordDataset([str(part) for part in parts], "GZIP")
    return sorted(
        repr(sorted((name, str(feature)) for name, feature in parsed.features.feature.items()))
        for parsed in map(tf.train.Example.FromString, examples.as_numpy_iterator())
    )


def metrics(folder: Path) -> dict[str, float]:
    """The metrics of all test reviews."""
    import tensorflow_model_analysis as tfma

    result = tfma.load_eval_result(str(newest(folder, "Evaluator/evaluation/*")))
    ((_, of_all),) = (each for each in result.slicing_metrics if each[0] == ())
    return {
        name: value["doubleValue"]
        for by_output in of_all.values()
        for by_class in by_output.values()
        for name, value in by_class.items()
        if "doubleValue" in value
    }


def score(folder: Path, rows: int, *flags: str) -> tuple[str, ...]:
    """Makes a file, and returns the command that scores it by the folder's model."""
    lines = (json.dumps({"text": f"a fine film, number {row}"}) for row in range(rows))
    (folder / "a.jsonl").write_text("".join(f"{line}\n" for line in lines))
    return ("score", "--input", "a.jsonl", "--output", "out", *flags)


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "out").iterdir() if path.name[0] != ".")


def test_scores_are_those_of_the_local_runner(local, server, pool):
    """Byte by byte."""
    command = score(local, 300)
    for output, flags in (("out", []), ("out-remote", [*server.flags, *pool.flags])):
        ran = sentiment(*command, "--output", output, "--overwrite", *flags, cwd=local)
        assert ran.returncode == 0, ran.stderr
    assert len((local / "out" / "a.jsonl").read_text().splitlines()) == 300
    by_local, by_remote = (local / folder / "a.jsonl" for folder in ("out", "out-remote"))
    assert by_remote.read_bytes() == by_local.read_bytes()
    shutil.rmtree(local / "out")


def test_a_score_whose_worker_is_killed_leaves_nothing_and_completes_when_run_again(
    local, server, pool
):
    """Killed once it has begun to write."""
    command = score(local, 100_000, *server.flags, *pool.flags)
    with start(*command, cwd=local) as process:
        wait_for(lambda: list(local.glob("out/.scoring-*/*.part")), process)
        pool.kill_worker()
        _, errors = process.communicate(timeout=900)
    assert process.returncode == 1
    assert "ended before its job did" in errors
    assert visible(local) == []
    ran = sentiment(*score(local, 50, *server.flags, *pool.flags), cwd=local)
    assert ran.returncode == 0, ran.stderr
    assert len((local / "out" / "a.jsonl").read_text().splitlines()) == 50
    shutil.rmtree(local / "out")


def test_two_jobs_at_once_on_one_server(local, server, tmp_path):
    """Each has its own workers and outputs."""
    command = score(local, 500, *server.flags, "--beam-workers", "loopback", "--overwrite")
    ran: dict[str, subprocess.CompletedProcess[str]] = {}

    def run(output: str) -> None:
        ran[output] = sentiment(*command, "--output", str(tmp_path / output), cwd=local)

    threads = [threading.Thread(target=run, args=(name,)) for name in ("one", "other")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.returncode for each in ran.values()] == [0, 0], ran
    one, other = ((tmp_path / name / "a.jsonl").read_bytes() for name in ("one", "other"))
    assert one == other and one.count(b"\n") == 500


def test_a_job_server_that_dies_in_the_middle_is_told(local, tmp_path):
    """And with it up again, the same command completes."""
    loopback = ("--beam-workers", "loopback")
    with prism(tmp_path) as (server, process):
        command = score(local, 100_000, *server.flags, *loopback)
        with start(*command, cwd=local) as scoring:
            wait_for(lambda: list(local.glob("out/.scoring-*/*.part")), scoring)
            process.kill()
            _, errors = scoring.communicate(timeout=120)
    assert scoring.returncode == 1
    assert f"The job server at {server.endpoint} went away in the middle of a job" in errors
    assert visible(local) == []
    with prism(tmp_path) as (server, _):
        ran = sentiment(*score(local, 10, *server.flags, *loopback), cwd=local)
    assert ran.returncode == 0, ran.stderr


def test_a_worker_without_our_package_is_told(local, server, tmp_path):
    """Of Beam's own pool, whose Python does not have it."""
    hide = (
        "import sys\n"
        "class Hidden:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('pipeline', 'components', 'serving'):\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Hidden())\n"
    )
    (tmp_path / "sitecustomize.py").write_text(hide)
    (tmp_path / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (tmp_path / "python").chmod(0o755)
    port = free_port()
    module = "apache_beam.runners.worker.worker_pool_main"
    command = [sys.executable, "-W", "ignore", "-m", module, f"--service_port={port}"]
    path = f"{tmp_path}:/usr/bin:/bin"
    own = subprocess.Popen(
        command, cwd=tmp_path, env={"PATH": path, "PYTHONPATH": str(tmp_path)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(lambda: is_listening(port), own)
        workers = ("--beam-workers", f"external=localhost:{port}")
        ran = sentiment(*score(local, 10, *server.flags, *workers, "--overwrite"), cwd=local)
    finally:
        own.terminate()
        own.wait(30)
    assert ran.returncode == 1
    assert "A worker has no Python module 'pipeline'" in ran.stderr
    assert re.search("start them by `.* worker` from such an environment", ran.stderr)


def test_artifacts_are_those_of_the_local_runner(local, remote):
    """The vocabulary with its counts, the token ids and the metrics, value by value."""
    assert len(vocabulary(local)) > 50
    assert vocabulary(remote) == vocabulary(local)
    assert len(token_ids(local, "train")) > 300
    assert token_ids(remote, "train") == token_ids(local, "train")
    expected = metrics(local)
    assert len(expected) > 8 and 0.4 < expected["binary_accuracy"] < 1
    # Sums of floats are made in another order.
    assert metrics(remote) == pytest.approx(expected, rel=1e-7, abs=0)


def test_what_a_run_records_names_no_root_and_the_root_moves(remote, data, server, pool):
    """A second run, from the root's new place, finds every step in the cache."""
    assert str(remote).encode() not in (remote / "artifacts" / "metadata.db").read_bytes()
    moved = remote.parent / f"moved-{remote.name}"
    shutil.copytree(remote, moved)
    command = (*RUN, "--data", str(data), *server.flags, *pool.flags)
    ran = sentiment(*command, cwd=moved)
    assert ran.returncode == 0, ran.stderr
    assert re.search(r"1 step ran, \d+ came from the cache", ran.stdout)
