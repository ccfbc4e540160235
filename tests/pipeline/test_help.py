"""What `--help` and `--version` print, at any width, and how soon."""

import itertools
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import cli


def test_help_lists_groups_defaults_and_exit_codes(capsys):
    """`--help` has the settings under headings, with defaults, and the exit codes."""
    assert cli.main(["run", "--help"]) == 0

    text = capsys.readouterr().out
    headings = re.findall(r"^(\w+):$", text, re.MULTILINE)
    assert headings == ["options", "data", "tokens", "model", "gate", "pipeline", "output"]
    assert "seed of weights, shuffling and dropout (default: 7)" in " ".join(text.split())
    assert re.findall(r"^  (\d+) ", text, re.MULTILINE) == ["0", "1", "2", "3", "4", "130", "143"]


def test_the_bare_command_prints_help(capsys):
    """And ends as wrong use does, so that a script that lost its command stops."""
    assert cli.main([]) == 2
    output, errors = capsys.readouterr()
    assert output.startswith("usage: sentiment [-h] [--version] COMMAND ...\n")
    assert "score files of reviews" in output
    assert errors == ""


@pytest.mark.parametrize("columns", [60, 80, 200])
@pytest.mark.parametrize(
    "command",
    [
        "",
        "run",
        "runs",
        "runs show",
        "runs diff",
        "inspect",
        "compare",
        "predict",
        "score",
        "serve",
        "status",
    ],
)
def test_help_holds_in_the_terminal(monkeypatch, capsys, command, columns):
    """No line of any help is longer than the terminal is wide."""
    monkeypatch.setenv("COLUMNS", str(columns))
    assert cli.main([*command.split(), "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    long = [line for line in lines if len(line) > columns]
    # A flag of TF-Serving's has a name of 55 letters.
    assert [line for line in long if "force_allow_any_version_labels" not in line] == []


def test_version(capsys):
    """`--version` prints the package's."""
    assert cli.main(["--version"]) == 0
    assert re.fullmatch(r"sentiment \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_help_is_quick():
    """`sentiment --help` takes less than 0.3 s of a processor, the best of five.

    Not of the clock: on a busy machine that measures who else is there.
    """
    command = [Path(sys.executable).with_name("sentiment"), "--help"]
    times = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)

    assert 0.0 < min(times) < 0.3


def test_a_paragraph_below_the_flags_is_wrapped_as_one(capsys, monkeypatch):
    """However its lines stand in the source: each is filled as far as the next word lets it."""
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.main(["score", "--help"]) == 0
    paragraph = capsys.readouterr().out.partition("Each input gives")[2].partition("\n\n")[0]
    lines = f"Each input gives{paragraph}".splitlines()
    assert len(lines) > 3
    for line, following in itertools.pairwise(lines):
        assert len(line) + 1 + len(following.split()[0]) > 78
