"""A comparison through the pipeline, on a small table."""

from __future__ import annotations

import json
import re

import pytest

from pipeline.results.run_record import RunRecord

from .running import sentiment

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_a_comparison_shares_the_data_and_pushes_nothing(small_data, tmp_path):
    """The second training takes the data steps from the cache; figures come from real exports.

    A comparison that is asked for again trains nothing.
    """
    root = tmp_path / "artifacts"
    arguments = ["compare", "--models", "linear", "--seeds", "2", "--name", "ours"]
    arguments += ["--data", str(small_data), "--root", str(root)]
    compared = sentiment(*arguments, cwd=tmp_path)
    assert compared.returncode == 0, compared.stderr
    assert len(re.findall(r"done +linear, seed [78] ", compared.stdout)) == 2

    record = RunRecord(root / "metadata.db", "reviews_comparison")
    ran = {step.name for step in record.steps if not step.is_cached}
    assert ran == {"Trainer", "Evaluator"}
    assert not (root / "serving_model").exists()

    again = sentiment(*arguments, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert len(re.findall(r"cached +linear, seed [78] ", again.stdout)) == 2

    board = json.loads((root / "comparisons/ours/leaderboard.json").read_text())
    assert board["command"].startswith("sentiment compare --models linear --seeds 2 --name ours")
    assert [run["seed"] for run in board["runs"]] == [7, 8]
    for run in board["runs"]:
        assert run["accuracy"] > 0.6
        assert run["latency_ms"] > 0.0 and run["bytes"] > 10_000 and run["training_seconds"] > 0.0
