"""The extra `client` by itself: what of the command works with it, and what names the other one."""

from __future__ import annotations

import gzip
import subprocess
import venv
from collections.abc import Callable
from importlib.metadata import PackagePath, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.serving.client.backend import probability_of

PROJECT = Path(__file__).parents[3]


def required(package: str, extra: str) -> set[str]:
    """Returns the packages that an extra of a package brings, by themselves and by others."""
    found = set()
    for line in distribution(package).requires or ():
        requirement = Requirement(line)
        needed = requirement.marker is None or requirement.marker.evaluate({"extra": extra})
        if needed and requirement.name not in found:
            found.add(requirement.name)
            for its_extra in requirement.extras or {""}:
                found |= required(requirement.name, its_extra)
    return found


def top_of(file: PackagePath) -> Path:
    """Returns what has to be linked for a file of a package to be there."""
    # Several packages share this folder.
    return Path(*file.parts[:2] if file.parts[0] == "google" else file.parts[:1])


@pytest.fixture(scope="session")
def with_client_alone(tmp_path_factory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `sentiment` in an environment that has what the extra asks for, and nothing else."""
    folder = tmp_path_factory.mktemp("client")
    venv.create(folder / "venv", with_pip=False)
    (packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
    packages.joinpath("sentiment.pth").write_text(f"{PROJECT}\n")
    names = required("sentiment", "client")
    assert {"grpcio", "protobuf", "httpx"} <= names
    for name in ("sentiment", *names):
        files = [file for file in distribution(name).files or () if file.parts[0] != ".."]
        for top in {top_of(file) for file in files if file.suffix != ".pth"}:
            if top.parent.name != "__pycache__" and not (packages / top).exists():
                (packages / top).parent.mkdir(exist_ok=True)
                (packages / top).symlink_to(distribution(name).locate_file(top))

    def run(*arguments: str, cwd: Path = folder) -> subprocess.CompletedProcess[str]:
        python = folder / "venv" / "bin" / "python"
        code = "from pipeline.cli import entry_point; entry_point()"
        return subprocess.run(
            [python, "-I", "-c", code, *arguments], capture_output=True, text=True, cwd=cwd
        )

    return run


def test_a_server_is_asked_by_the_command(with_client_alone, address):
    """Over gRPC and over REST."""
    asked = with_client_alone("predict", "a great film", "--server", address, "--format", "csv")
    assert (asked.returncode, asked.stderr) == (0, "")
    header, answer = asked.stdout.splitlines()
    assert header == "text,probability,sentiment,model_version"
    assert answer.startswith("a great film,") and answer.endswith(",7")
    assert float(answer.split(",")[1]) == pytest.approx(probability_of(b"a great film"))
    status = with_client_alone("status", "--server", address)
    line = "7  AVAILABLE  2 classes: negative, positive\n"
    assert (status.returncode, status.stdout, status.stderr) == (0, line, "")


@pytest.mark.parametrize("name", ["r.csv", "r.tsv", "r.jsonl", "r.json", "r.txt", "r.csv.gz"])
def test_a_file_is_asked_about(with_client_alone, address, tmp_path, name):
    """Every format of text; none of them needs the pipeline's libraries."""
    content = b"text\na great film\na dull one\n"
    if "json" in name:
        content = b'{"text": "a great film"}\n{"text": "a dull one"}\n'
    if name == "r.txt":
        content = content.removeprefix(b"text\n")
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    arguments = ("predict", "--file", name, "--server", address, "--format", "csv")
    asked = with_client_alone(*arguments, cwd=tmp_path)
    assert (asked.returncode, asked.stderr) == (0, "")
    texts = [line.split(",")[0] for line in asked.stdout.splitlines()]
    assert texts == ["text", "a great film", "a dull one"]


def test_a_parquet_file_says_what_it_needs(with_client_alone, address, tmp_path):
    """Only for that is pyarrow looked for."""
    (tmp_path / "r.parquet").write_bytes(b"PAR1")
    asked = with_client_alone("predict", "--file", "r.parquet", "--server", address, cwd=tmp_path)
    assert (asked.returncode, asked.stdout) == (2, "")
    assert "This needs pyarrow, which is not installed." in asked.stderr


def test_data_is_inspected(with_client_alone, tmp_path):
    """Which needs none of the pipeline's libraries, up to the command that a run takes."""
    rows = "".join(f"text number {n},{('bad', 'good')[n % 2]}\n" for n in range(40))
    (tmp_path / "r.csv").write_text(f"text,label\n{rows}")
    result = with_client_alone("inspect", "r.csv", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert "run --data r.csv" in result.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    "arguments",
    ["--help", "--version", "run --help", "predict --help", "serve --help", "inspect --help"],
)
def test_help_is_there(with_client_alone, arguments):
    """For all commands: it says what the whole of it could do."""
    result = with_client_alone(*arguments.split())
    assert (result.returncode, result.stderr) == (0, "")
    assert "sentiment" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "library", "extra"),
    [
        ("run --data sample", "tfx", "pipeline"),
        ("compare --models lstm", "tfx", "pipeline"),
        ("score --input a.csv --output b", "tfx", "pipeline"),
        ("predict text", "tfx", "pipeline"),
        ("serve", "tensorflow", "server"),
        ("serve --engine embedded", "tensorflow", "server"),
        ("run --config none.toml", "tfx", "pipeline"),
    ],
)
def test_what_needs_more_than_the_client_says_so(
    with_client_alone, tmp_path, arguments, library, extra
):
    """In one line, as wrong use; nothing is written."""
    result = with_client_alone(*arguments.split(), cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    command = arguments.split()[0] + (" without --server" if "predict" in arguments else "")
    assert result.stderr == (
        f"sentiment: error: {command} needs {library}, which is not installed. It comes with the "
        f"extra '{extra}': pip install 'sentiment[{extra}]' (uv pip install is quicker; in a "
        "checkout, `make setup`).\n"
    )
    assert list(tmp_path.iterdir()) == []
