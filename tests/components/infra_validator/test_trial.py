"""Candidates in servers of their own: good ones, bad ones, and servers that fail."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

from components.errors import InfraValidationError
from components.infra_validator import local_server
from components.infra_validator.outcome import Outcome
from components.infra_validator.trial import Limits, try_candidate

# Listens as a server does, and then acts on whom it hears.
LISTENER = """
import os, socket, sys, time
servers = [socket.create_server(("127.0.0.1", int(port))) for port in sys.argv[1:3]]
while True:
    for server in servers:
        server.settimeout(0.05)
        try:
            connection, _ = server.accept()
        except TimeoutError:
            continue
        {act}
"""
KEEP = "globals().setdefault('kept', []).append(connection)"
DIE = "if connection.recv(1): os.kill(os.getpid(), 9)"


def python(script: str) -> list[str]:
    return [sys.executable, "-c", script, "PORT", "REST_PORT"]


def is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(condition, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_good_model_is_blessed_by_the_embedded_server(saved_model, examples, tmp_path):
    """In a process of its own, that is gone afterwards; it was warmed up as a pushed one is."""
    outcome = try_candidate(str(saved_model()), examples, "embedded", tmp_path)
    assert outcome == Outcome("embedded", answers=2 * 18)
    log = (tmp_path / "server.log").read_text()
    assert "by 18 requests" in log
    assert not [
        pid
        for pid in filter(str.isdecimal, os.listdir("/proc"))
        if str(tmp_path) in command_of(pid)
    ]


def command_of(pid: str) -> str:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as command:
            return command.read().decode("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def test_what_the_embedded_server_cannot_load_is_told_in_its_words(tmp_path):
    """The server gives up at the first attempt, and the runner says why."""
    broken = tmp_path / "films" / "1"
    broken.mkdir(parents=True)
    (broken / "saved_model.pb").write_bytes(b"no model")
    runner = local_server.LocalServerRunner(
        "embedded", "films", broken.parent, tmp_path / "server.log"
    )
    runner.Start()
    try:
        with pytest.raises(local_server.error_types.ValidationFailed) as refusal:
            runner.WaitUntilRunning(time.time() + 300)
    finally:
        runner.Stop()
    assert str(refusal.value).startswith("The server did not load it: ")
    assert "servable(s) did not become available: {{{name: films version: 1}" in str(refusal.value)


@pytest.mark.parametrize(
    ("script", "load_seconds", "refusal"),
    [
        ("import time; time.sleep(600)", 0.5, r"The server did not load it within \d+ s\."),
        (LISTENER.format(act=KEEP), 4, r"The server was not ready within 4 s: "),
        (
            LISTENER.format(act=DIE),
            60,
            r"The server was killed \(SIGKILL\): most likely the memory",
        ),
        ("import os; os.abort()", 60, r"The server was ended by SIGABRT\."),
        ("raise SystemExit(3)", 60, r"The server ended by itself with exit code 3\."),
        (
            "print('Failed to start server. Error: UNKNOWN: no op'); raise SystemExit(255)",
            60,
            r"The server did not load it: UNKNOWN: no op$",
        ),
    ],
)
def test_a_server_that_fails_refuses_the_model_with_a_sentence(
    saved_model, examples, tmp_path, caplog, script, load_seconds, refusal
):
    """Hanging while it loads or answers, dying, giving up; its last words are in the log."""
    script = f"print('last words', flush=True)\n{script}"
    outcome = try_candidate(
        str(saved_model()), examples, "binary", tmp_path, Limits(load_seconds), python(script)
    )
    assert outcome.engine == "binary" and outcome.answers == 0
    assert re.search(refusal, outcome.refusal), outcome.refusal
    assert "last words" in caplog.text


def test_a_model_that_cannot_be_loaded_is_refused(saved_model, examples, tmp_path):
    """In one line, however long TensorFlow's is."""
    broken = shutil.copytree(saved_model(), tmp_path / "broken")
    shutil.rmtree(broken / "variables")
    (tmp_path / "work").mkdir()
    outcome = try_candidate(
        str(broken), examples, "binary", tmp_path / "work", command=python("input()")
    )
    assert outcome.refusal.startswith("The export cannot be loaded: ")
    assert "\n" not in outcome.refusal and len(outcome.refusal) <= 400


@pytest.fixture
def taken_port():
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_that_is_taken_meanwhile_is_no_fault_of_the_model(
    saved_model, examples, tmp_path, monkeypatch, taken_port
):
    """Others are tried; with none left the run stops, and no model is refused for it."""
    bind = "import socket, sys; socket.create_server(('127.0.0.1', int(sys.argv[1])))"
    free, given = local_server._free_ports, []

    def ports():
        given.append((taken_port, free()[1]) if len(given) < taken else free())
        return given[-1]

    monkeypatch.setattr(local_server, "_free_ports", ports)
    taken = 1
    outcome = try_candidate(
        str(saved_model()), examples, "binary", tmp_path / "once", command=python(bind)
    )
    assert len(given) == 2
    assert outcome.refusal == "The server ended by itself with exit code 0."
    taken = 9
    with pytest.raises(InfraValidationError, match=r"found no free ports: .* Run again\."):
        try_candidate(
            str(saved_model()), examples, "binary", tmp_path / "always", command=python(bind)
        )


def fake_docker(folder, script):
    """Puts a program of that name on PATH's front; it writes down what it is told."""
    program = folder / "docker"
    program.write_text(f'#!/bin/sh\necho "$1 $2 $3 $4 $5" >> {folder}/calls\n{script}\n')
    program.chmod(0o755)


def test_without_a_docker_daemon_the_run_stops_and_says_so(
    saved_model, examples, tmp_path, monkeypatch
):
    """The model is not refused for it."""
    pull = 'echo "Unable to find the image." >&2; '
    fake_docker(
        tmp_path, pull + 'echo "docker: Cannot connect to the Docker daemon." >&2; exit 125'
    )
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(InfraValidationError) as error:
        try_candidate(str(saved_model()), examples, "docker", tmp_path / "work")
    assert str(error.value) == (
        "The infra validation could not start its server (docker). Mend that, or choose another "
        "engine by `infra_validation`: docker: Cannot connect to the Docker daemon."
    )


def test_a_container_is_removed_by_its_name(tmp_path, monkeypatch):
    """The end of `docker run` does not end a container."""
    fake_docker(tmp_path, '[ "$1" = rm ] || exec sleep 600')
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    log = tmp_path / "server.log"
    runner = local_server.LocalServerRunner("docker", "candidate", tmp_path, log)
    runner.Start()
    wait_until(lambda: (tmp_path / "calls").is_file())
    runner.Stop()
    run, remove = (tmp_path / "calls").read_text().splitlines()
    assert run.startswith("run --rm --name candidate")
    assert remove.split() == ["rm", "--force", "candidate"]


@pytest.mark.slow
def test_no_server_outlives_a_pipeline_that_is_killed(saved_model, tmp_path):
    """SIGKILL leaves no time to end anything: the tether sees its input end."""
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from components.infra_validator.local_server import LocalServerRunner\n"
        "runner = LocalServerRunner('binary', 'films', Path(), Path(sys.argv[1]),\n"
        "    ['sh', '-c', 'echo pid $$; exec sleep 600'])\n"
        "runner.Start()\n"
        "time.sleep(600)\n"
    )
    log = tmp_path / "server.log"
    with subprocess.Popen([sys.executable, "-c", script, str(log)]) as pipeline:
        try:
            wait_until(lambda: log.is_file() and "pid" in log.read_text(), seconds=300)
            server = int(log.read_text().split()[1])
            assert is_alive(server)
        finally:
            pipeline.send_signal(signal.SIGKILL)
    wait_until(lambda: not is_alive(server))
