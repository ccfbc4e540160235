"""What README and CONTRIBUTING claim holds."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from components.hyperparameters import Hyperparameters
from components.models.registry import get_variant
from pipeline import cli
from pipeline.commands import run
from pipeline.results.leaderboard import Leaderboard
from scripts.readme import README, RESULTS, regenerated

PROJECT = README.parent
TEXT = README.read_text(encoding="utf-8")
RECORDED = [
    run for path in sorted(RESULTS.glob("leaderboard*.json")) for run in Leaderboard.read(path).runs
]


def test_generated_parts_are_up_to_date():
    """Settings, results and recorded output; `python -m scripts.readme` makes them anew."""
    assert regenerated(TEXT) == TEXT


@pytest.mark.parametrize("run", RECORDED, ids=lambda run: f"{run.label}-{run.seed}")
def test_recorded_results_are_those_of_the_variants_as_they_are(run):
    """The same parameters, and a preset's hyperparameters: anybody can train it again."""
    variant = get_variant(run.model)
    _, _, preset = run.label.partition(":")
    used = variant.presets[preset or variant.default_preset].overridden(seed=run.seed)
    assert Hyperparameters.from_config(run.hyperparameters) == used
    assert variant.build(used).count_params() == run.parameters


def test_every_make_target_that_is_named_exists():
    """In README and CONTRIBUTING; and `make help` lists each."""
    listed = subprocess.run(["make", "help"], cwd=PROJECT, capture_output=True, text=True).stdout
    targets = set(re.findall(r"make (\w+)", listed))
    contributing = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:`|^|\n)make (\w+)", TEXT + contributing))
    assert {"setup", "run", "test", "lint", "bench"} <= targets
    assert named <= targets


def test_every_flag_that_is_named_exists(capsys):
    """A reader may type it."""
    commands = ("run", "compare", "predict", "score", "serve", "status")
    for command in commands:
        cli.main([command, "--help"])
    known = set(re.findall(r"--[a-z][a-z-]+", capsys.readouterr().out))
    prose = re.sub(r"^(uv|docker|curl).*?(?<!\\)$", "", TEXT, flags=re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"`?(--[a-z][a-z-]+)", prose)) - known <= {
        "--compile-bytecode",
        "--locked",
        "--rm",
        "--help",
        "--logdir",
    }


def test_exit_codes_are_those_of_the_command():
    """The table has each code once, with the words of `--help`."""
    table = re.findall(r"^\| (\d+) \| (.+) \|$", TEXT, re.MULTILINE)
    assert table == re.findall(r"^  (\d+) +(.+)$", run.EPILOG, re.MULTILINE)


@pytest.mark.parametrize("name", re.findall(r"\]\(([A-Za-z]+(?:\.md)?)\)", TEXT))
def test_files_that_are_linked_exist(name):
    """Relative links lead somewhere."""
    assert Path(PROJECT / name).is_file()
