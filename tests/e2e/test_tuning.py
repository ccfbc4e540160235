"""A search for hyperparameters, and a later run that uses what it found."""

from __future__ import annotations

import json

import pytest

from components.pusher.model_card import FILE as CARD
from pipeline.results.run_record import RunRecord

from .running import sentiment

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_a_later_run_uses_what_was_found_and_the_weights(small_data, tmp_path):
    """All that the best trial was judged with, not only what was searched."""
    root = tmp_path / "artifacts"
    arguments = ["run", "--data", str(small_data), "--root", str(root), "--min-accuracy", "0.2"]
    arguments += ["--max-regression", "1", "--min-lift", "0", "--infra-validation", "off"]
    arguments += ["--validation-fraction", "0.3"]
    searched = ["--tune", "2", "--epochs", "1", "--lstm-units", "8", "--clip-norm", "0.5"]
    later = ["--hyperparameters-from", "tuner", "--warm-start"]
    cards = []
    for more in (searched, later):
        run = sentiment(*arguments, *more, cwd=tmp_path)
        assert run.returncode == 0, run.stderr
        latest = max((root / "serving_model/reviews_sentiment").iterdir())
        cards.append(json.loads((latest / CARD).read_text()))
    first, second = (card["hyperparameters"] for card in cards)
    assert first == second
    assert (first["epochs"], first["lstm_units"], first["clip_norm"]) == (1, 8, 0.5)
    assert first["batch_size"] in (32, 64, 128)

    record = RunRecord(root / "metadata.db", "reviews_sentiment")
    ran = {step.name for step in record.steps if not step.is_cached}
    assert ran == {"WarmStartModel", "Trainer", "LatestBlessedModel", "Evaluator", "Pusher"}
