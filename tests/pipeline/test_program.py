"""Commands in messages begin as the user's own command did."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from components.storage.place import place_of
from pipeline import program
from pipeline.metadata.address import find_address

SCRIPT = Path(sys.executable).with_name("sentiment")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty current folder, and a PATH that finds nothing of ours."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "path", "shown"),
    [
        (".venv/bin/sentiment", "/bin", ".venv/bin/sentiment"),
        ("./sentiment", "/bin", "./sentiment"),
        ("my env/sentiment", "/bin", "'my env/sentiment'"),
        ("{here}/.venv/bin/sentiment", "{here}/.venv/bin:/bin", "sentiment"),
        # Another program of that name is found first.
        (".venv/bin/sentiment", "{here}/other:{here}/.venv/bin", ".venv/bin/sentiment"),
    ],
)
def test_a_script_is_named_as_it_was_typed(place, monkeypatch, typed, path, shown):
    """By its name alone where a shell finds that very program by it."""
    for folder in (".venv/bin", ".", "my env", "other"):
        (place / folder).mkdir(parents=True, exist_ok=True)
        (place / folder / "sentiment").touch(0o755)
    monkeypatch.setenv("PATH", path.format(here=place))
    monkeypatch.setattr(sys, "argv", [typed.format(here=place)])
    assert program.program() == shown
    assert program.as_typed("Run `sentiment run`, or `sentiment`.") == (
        f"Run `{shown} run`, or `sentiment`."
    )


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ([str(SCRIPT)], str(SCRIPT)),
        ([sys.executable, "-m", "pipeline.cli"], f"{sys.executable} -m pipeline.cli"),
    ],
    ids=["script", "module"],
)
def test_the_advice_of_a_real_command_works_when_it_is_pasted(place, command, shown):
    """In the folder where it was given."""
    errors = subprocess.run([*command, "serve", "--no-such"], capture_output=True, text=True).stderr
    advice = errors.split("Run `")[1].split("`")[0]
    assert advice == f"{shown} run"
    pasted = subprocess.run([*advice.split(), "--help"], capture_output=True, text=True)
    assert pasted.returncode == 0 and pasted.stdout.startswith("usage: sentiment run ")


def test_only_what_is_there_is_recommended(place, monkeypatch):
    """TensorBoard has its place beside Python; without it nothing is said of it."""
    (place / "bin").mkdir()
    monkeypatch.setattr(sys, "executable", str(place / "bin" / "python"))
    assert program.beside_python("tensorboard") is None
    (place / "bin" / "tensorboard").touch(0o755)
    assert program.beside_python("tensorboard") == "bin/tensorboard"
    monkeypatch.setenv("PATH", str(place / "bin") + os.pathsep + "/bin")
    assert program.beside_python("tensorboard") == "tensorboard"


def test_a_command_repeats_what_finds_the_runs(place):
    """The root unless it is the default one, the metadata unless it is the root's own file."""
    (place / "password").write_text("secret")

    def flags(root: str, metadata: str, *of_password, **variables: str) -> list[str]:
        root = place_of(root).absolute()
        address = find_address(metadata, *of_password or [""], root / "metadata.db", variables)
        return program.flags_of_runs(root, address)

    assert flags("artifacts", "") == []
    assert flags("my root", "") == ["--root", "my root"]
    assert flags("artifacts", "artifacts/metadata.db") == []
    assert flags("gs://box/root", "runs.db") == ["--root", "gs://box/root", "--metadata", "runs.db"]
    database = ["--metadata", "mysql://ana@db/runs?socket=/run/my%20sql"]
    assert flags("artifacts", database[1], SENTIMENT_METADATA_PASSWORD="secret") == database
    assert flags("artifacts", database[1], SENTIMENT_METADATA_PASSWORD_FILE="password") == database
    told = flags("artifacts", database[1], "password")
    assert told == [*database, "--metadata-password-file", "password"]


def test_a_command_names_the_folder_of_what_was_pushed(place):
    """In the place of the root, under which it is by default."""
    root = place_of("my root").absolute()
    assert program.flags_of_pushed(root, "gs://box/served") == ["--serving-dir", "gs://box/served"]
    assert program.flags_of_pushed(root, "") == ["--root", "my root"]
