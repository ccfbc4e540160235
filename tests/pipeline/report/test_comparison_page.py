"""The page of a comparison: who is best, which differences hold, what failed."""

from __future__ import annotations

import dataclasses

from components.hyperparameters import Hyperparameters
from pipeline.report.comparison_page import comparison_page
from pipeline.results.leaderboard import Failure, Leaderboard, Run

from .made_up import HOSTILE
from .test_run_page import Document

ACCURACIES = {
    "linear": ((0.910, 0.9102, 0.9101), 7.8, 0.5),
    "cnn_lstm": ((0.905, 0.912, 0.909), 350.0, 2.4),
    "lstm": ((0.861, 0.858, 0.864), 402.0, 3.9),
}
BOARD = Leaderboard(
    name="films_comparison",
    command="sentiment compare --models linear,cnn_lstm,lstm --data films.csv",
    data={"name": "films", "digest": "3bfbf1fc"},
    stack={"python": "3.10.13", "tfx": "1.16.0"},
    machine={"cpus": 2, "architecture": "x86_64"},
    runs=tuple(
        Run(
            label=label, model=label, seed=7 + number, accuracy=accuracy, examples=2_000,
            hyperparameters=Hyperparameters().to_config(), auc=0.95, macro_f1=0.9, log_loss=0.25,
            training_seconds=seconds, parameters=213_301, bytes=4_500_000, latency_ms=latency,
        )
        for label, (accuracies, seconds, latency) in ACCURACIES.items()
        for number, accuracy in enumerate(accuracies)
    ),
    failures=(Failure("bilstm", 7, "The loss is NaN.", "bilstm-seed-7.log"),),
)  # fmt: skip


def test_it_says_who_is_best_and_which_differences_hold():
    """With the figures of the leaderboard."""
    words = Document(comparison_page(BOARD)).words
    for part in (
        "linear is ahead, but not told apart from cnn_lstm",
        "linear is right about 91.01 % of 2,000 test reviews, the mean of 3 seeds.",
        "Of those that are not told apart, linear trains fastest (7.8 s), and linear answers "
        "fastest (0.5 ms a review).",
        "lstm 3 86.10 % 0.30 85.35-86.85 0.9500 0.250 402 213,301 4.5 3.9",
        "cnn_lstm 0.14 -0.73 to +1.01 not told apart",
        "linear is better",
        "bilstm 7 The loss is NaN.",
        BOARD.command,
    ):
        assert part in words, part


def test_one_seed_tells_no_difference():
    """And says what would."""
    first = tuple(run for run in BOARD.runs if run.seed == 7)
    words = Document(comparison_page(dataclasses.replace(BOARD, runs=first))).words
    assert "With one seed there is no interval, and no difference can be told: --seeds 3" in words


def test_there_is_a_page_where_nothing_was_trained():
    """It has the failures."""
    words = Document(comparison_page(dataclasses.replace(BOARD, runs=()))).words
    assert "Nothing was trained to its end" in words and "The loss is NaN." in words


def test_names_of_others_are_text():
    """Of contenders, commands and reasons."""
    runs = tuple(dataclasses.replace(run, label=f"{run.label}{HOSTILE}") for run in BOARD.runs)
    board = dataclasses.replace(
        BOARD, name=HOSTILE, command=HOSTILE, data={HOSTILE: HOSTILE, "name": HOSTILE}, runs=runs,
        failures=(Failure(HOSTILE, 7, HOSTILE, HOSTILE),), stack={HOSTILE: HOSTILE},
    )  # fmt: skip
    text = comparison_page(board)
    read = Document(text)
    assert read.all("script", "img") == [] and "\x1b" not in text
    assert r"\x1b[31mred\x1b[0m \u202e $x^$ & {{ 7*7 }}" in read.words
    assert "could not be drawn" not in text
