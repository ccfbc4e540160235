"""Where `serve` listens: on loopback, unless a flag or the image's environment says otherwise."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from pipeline import cli
from pipeline.loading import read_environment
from serving.server import main as server
from serving.server.flags import parse

PROJECT = Path(__file__).parents[3]
EVERYWHERE = "It listens on all addresses, without authentication"


@pytest.fixture
def listens(tmp_path, monkeypatch, capsys):
    """Runs `serve` up to the server's start; returns its host, and what was printed."""
    version = tmp_path / "serving_model" / "imdb_sentiment" / "7"
    version.mkdir(parents=True)
    (version / "saved_model.pb").write_bytes(b"no model")
    seen = []
    monkeypatch.setattr(
        server, "main", lambda arguments: seen.append(parse(arguments)[0].host) or 0
    )
    monkeypatch.chdir(tmp_path)

    def run(*flags: str) -> tuple[str, str]:
        arguments = ["serve", "--root", str(tmp_path), "--port=0", "--rest_api_port=0", *flags]
        assert cli.main(arguments) == 0
        return seen.pop(), capsys.readouterr().out

    return run


def test_loopback_is_the_default(listens):
    """And nothing is said about it."""
    host, output = listens("--engine=embedded")
    assert host == "127.0.0.1" and EVERYWHERE not in output


def test_the_environment_opens_it_and_the_command_says_what_that_means(listens, monkeypatch):
    """As in the image, whose published ports lead to an address that is not loopback."""
    monkeypatch.setenv("SENTIMENT_SERVE_HOST", "0.0.0.0")
    host, output = listens("--engine=auto")
    assert host == "0.0.0.0"
    assert EVERYWHERE in output and "docker run -p 127.0.0.1:8501:8501" in output


def test_a_flag_wins_over_the_environment(listens, monkeypatch):
    """In either order, as it is the last."""
    monkeypatch.setenv("SENTIMENT_SERVE_HOST", "0.0.0.0")
    host, output = listens("--engine=embedded", "--host=127.0.0.1")
    assert host == "127.0.0.1" and EVERYWHERE not in output


@pytest.fixture(scope="module")
def dockerfile() -> str:
    """The Dockerfile, its continued lines joined."""
    return (PROJECT / "Dockerfile").read_text().replace("\\\n", " ")


def volumes_of(dockerfile: str) -> set[str]:
    """The folders that are volumes in an image."""
    return {
        folder
        for line in re.findall(r"^VOLUME (.*)$", dockerfile, re.MULTILINE)
        for folder in line.split()
    }


def test_the_image_sets_what_the_command_reads(dockerfile):
    """Its cache is a volume that any user may write to, its home too; signals reach the command."""
    (line,) = re.findall(r"^ENV PATH=(.*)$", dockerfile, re.MULTILINE)
    variables = dict(pair.split("=") for pair in f"PATH={line}".split())
    settings = read_environment(variables)
    assert settings.serve_host == "0.0.0.0"
    assert settings.cache_dir == Path("/srv/cache/sentiment")
    script = (PROJECT / "docker" / "base").read_text()
    open_to_all = re.search(r"^install --directory --mode 1777 (.*)$", script, re.MULTILINE)
    assert {*volumes_of(dockerfile), variables["HOME"]} == set(open_to_all[1].split())
    assert 'ENTRYPOINT ["sentiment"]' in dockerfile


def test_the_commands_that_the_dockerfile_recommends_fit_it(dockerfile):
    """Volumes and ports are its own; files belong to whoever runs them."""
    commands = re.findall(r"^#   (docker run .*)$", dockerfile, re.MULTILINE)
    assert [command.split()[-2:] for command in commands] == [
        ["sentiment", "run"],
        ["127.0.0.1:8501:8501", "sentiment-server"],
    ]
    exposed = set(re.search(r"^EXPOSE (.*)$", dockerfile, re.MULTILINE)[1].split())
    volumes = volumes_of(dockerfile)
    for command in commands:
        assert '--user "$(id -u):$(id -g)"' in command
        assert {
            part.strip('"').split(":")[1] for part in re.findall(r"-v (\S+)", command)
        } <= volumes
    assert set(re.findall(r"-p 127\.0\.0\.1:(\d+):\1", commands[1])) == exposed


def test_each_script_of_the_folder_is_copied_and_run(dockerfile):
    """RUN runs nothing else, so that what an engine builds is what CI builds."""
    ran = re.findall(r"^RUN (?:--\S+ )*/(\S+)", dockerfile, re.MULTILINE)
    assert len(ran) == len(re.findall(r"^RUN ", dockerfile, re.MULTILINE))
    copied = re.findall(r"docker/\w+", " ".join(re.findall(r"^COPY .*$", dockerfile, re.MULTILINE)))
    assert (
        set(ran) == set(copied) == {f"docker/{one.name}" for one in (PROJECT / "docker").iterdir()}
    )


@pytest.mark.parametrize(
    ("target", "entry_point", "health_check", "ports"),
    [
        ("pipeline", ["sentiment"], [], ["8500", "8501", "50000"]),
        (
            "server",
            ["sentiment", "serve", "--engine=embedded", "--enable_grpc_healthcheck_service"],
            ["sentiment", "status", "--health"],
            ["8500", "8501"],
        ),
    ],
)
def test_ci_reads_all_of_the_dockerfile(tmp_path, target, entry_point, health_check, ports):
    """Where all stages are built already, their instructions are read and nothing is run."""
    builder = runpy.run_path(str(PROJECT / ".ci" / "dockerfile.py"))
    stages = builder["parse"]((PROJECT / "Dockerfile").read_text())
    for name in stages:
        (tmp_path / name).mkdir()
    image = builder["Builder"](stages, tmp_path, tmp_path, None).build(target)
    assert list(image.entry_point) == entry_point
    assert list(image.health_check) == health_check
    assert list(image.ports) == ports
    assert image.user == "sentiment" and image.environment["PATH"].startswith("/app/.venv/bin:/")
    assert image.labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert not any(any(one.iterdir()) for one in tmp_path.iterdir())


def test_versions_are_those_of_the_project(dockerfile):
    """The label's is the package's; uv's is that of `make setup`."""
    project = (PROJECT / "pyproject.toml").read_text()
    version = re.search(r'^version = "(.*)"$', project, re.MULTILINE)[1]
    assert re.findall(r"image\.version=(\S+)", dockerfile) == [version]
    uv = re.search(r"^UV_VERSION=(.*)$", (PROJECT / "scripts" / "setup").read_text(), re.MULTILINE)[
        1
    ]
    assert f"uv=={uv}\n" in (PROJECT / "docker" / "tools").read_text()
