"""A comparison with trainings of our own in place of the pipeline."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest

from components.errors import ConfigurationError, DataGateError
from components.hyperparameters import Hyperparameters
from pipeline.compare import isolated
from pipeline.compare.comparison import compare
from pipeline.compare.contenders import Contender, parse_contenders, parse_seeds
from pipeline.config import PipelineConfig
from pipeline.console.terminal import Console
from pipeline.results.leaderboard import Leaderboard, rank
from pipeline.results.markdown import markdown_table, table_of
from scripts.leaderboards import main

CONTENDERS = (Contender("lstm"), Contender("cnn_lstm", "reference"), Contender("bilstm"))
ACCURACIES = {"lstm": (0.86, 0.87, 0.88), "cnn_lstm": (0.88, 0.871, 0.876), "bilstm": (0.7,) * 3}


class Training:
    """Gives figures by variant and seed; `fails` of them raise."""

    def __init__(self, fails: dict | None = None):
        """Takes errors by (variant, seed)."""
        self.fails = fails or {}
        self.asked: list[PipelineConfig] = []

    def __call__(self, config, log, listener):
        """Trains, so to speak."""
        self.asked.append(config)
        listener.attempt_at("Trainer")
        if error := self.fails.get((config.model, config.seed)):
            raise error
        return {
            "accuracy": ACCURACIES[config.model][config.seed - 7],
            "auc": 0.9,
            "log_loss": 0.3,
            "training_seconds": 12.0,
            "parameters": 213_301,
            "bytes": 2_000_000,
            "latency_ms": 1.5,
            "examples": 400,
            "hyperparameters": Hyperparameters().to_config(),
            "is_cached": config.seed == 7,
        }


@pytest.fixture
def compared(tmp_path):
    """Compares with a training of ours; returns the outcome and what the console showed."""

    def run(train, seeds=(7, 8, 9), contenders=CONTENDERS, **settings):
        stream = io.StringIO()
        config = PipelineConfig(**{"data": "sample", "root": str(tmp_path), **settings})
        with Console(stream) as console:
            board = compare(config, contenders, seeds, "ours", "sentiment compare", console, train)
            console.leaderboard(board)
        return board, stream.getvalue()

    return run


def test_a_comparison_leaves_a_page(compared, tmp_path):
    """Beside the table; none where none is wanted, and what is in its way is told in a line."""
    folder = tmp_path / "comparisons" / "ours"
    compared(Training(), report=False)
    assert not (folder / "leaderboard.html").exists()
    _, shown = compared(Training())
    text = (folder / "leaderboard.html").read_text(encoding="utf-8")
    assert "is ahead, but not told apart from" in text
    assert f"note: page: {folder / 'leaderboard.html'}" in " ".join(shown.split())
    (folder / "leaderboard.html").unlink()
    (folder / "leaderboard.html").mkdir()
    board, shown = compared(Training())
    assert len(board.runs) == 9
    assert "The page of this comparison could not be written" in shown


def test_a_comparison_is_kept_in_a_store(compared, tmp_path, mem_store):
    """Outcome, page and the trainings' logs, each whole; a log that cannot be kept is told."""
    logging = Training({("lstm", 7): isolated.AttemptError("Its process was killed.")})

    def train(config, log, listener):
        log.write_text(f"{config.model} begins\n")
        return logging(config, log, listener)

    of_store = {"root": "mem://box/root", "metadata": str(tmp_path / "runs.db")}
    board, shown = compared(train, seeds=(7,), contenders=CONTENDERS[:2], **of_store)
    folder = "mem://box/root/comparisons/ours"
    names = [path.removeprefix(f"{folder}/") for path in mem_store.below(folder)]
    assert names == [
        "leaderboard.html", "leaderboard.json", "leaderboard.md",
        "logs/cnn_lstm-reference-seed-7.log", "logs/lstm-seed-7.log",
    ]  # fmt: skip
    assert mem_store.objects[f"{folder}/logs/lstm-seed-7.log"] == b"lstm begins\n"
    assert board.failures[0].log == f"{folder}/logs/lstm-seed-7.log"
    assert f"note: page: {folder}/leaderboard.html" in " ".join(shown.split())
    mem_store.fail("open", matching="lstm-seed-7.log")
    with pytest.raises(OSError, match="Connection reset"):
        compared(train, seeds=(7,), contenders=CONTENDERS[:1], **of_store)


def test_every_contender_is_trained_with_every_seed_under_the_same_settings(compared):
    """Seeds outside, contenders inside; flags reach all of them."""
    training = Training()
    compared(training, epochs=2)
    assert [(each.model, each.preset, each.seed) for each in training.asked[:4]] == [
        ("lstm", None, 7),
        ("cnn_lstm", "reference", 7),
        ("bilstm", None, 7),
        ("lstm", None, 8),
    ]
    assert len(training.asked) == 9
    assert {each.epochs for each in training.asked} == {2}


def test_a_long_name_is_broken_before_its_preset(compared, monkeypatch):
    """Not within a word."""
    monkeypatch.setitem(ACCURACIES, "cnn_bilstm_linear", ACCURACIES["lstm"])
    _, shown = compared(Training(), contenders=(Contender("cnn_bilstm_linear", "tuned"),))
    first_words = [line.split()[0] for line in shown.splitlines() if line.strip()]
    assert first_words[first_words.index("cnn_bilstm_linear:") + 1] == "tuned"


def test_the_table_fits_80_columns_and_marks_what_is_not_told_apart(compared):
    """The best first; its mean with the interval, in percent."""
    _, shown = compared(Training())
    lines = shown.splitlines()
    table = lines[next(i for i, line in enumerate(lines) if line.startswith("model")) :]
    assert max(map(len, table)) <= 80 and "\x1b" not in shown
    assert sum(line.startswith("cached") for line in lines) == 3
    assert sum(line.startswith("done") for line in lines) == 6
    best, second, last = table[1:4]
    assert best.split()[:4] == ["cnn_lstm:reference", "87.57", "0.45", "86.45-88.69"]
    assert second.split()[:3] == ["lstm", "87.00~", "1.00"]
    assert last.split()[:4] == ["bilstm", "70.00", "0.00", "70.00-70.00"]
    assert "~ is not significantly different from the best" in shown
    assert "Std and interval measure how much the seeds differ, on this test split" in shown


def test_a_failing_variant_does_not_end_the_others(compared):
    """The table of what failed names contender, seed and reason."""
    training = Training({("lstm", 8): isolated.AttemptError("The loss became nan.")})
    board, shown = compared(training)
    assert len(board.runs) == 8
    (failure,) = board.failures
    assert (failure.label, failure.seed, failure.reason) == ("lstm", 8, "The loss became nan.")
    assert failure.log.endswith("comparisons/ours/logs/lstm-seed-8.log")
    table = shown[shown.index("failed") :]
    assert "lstm   8    The loss became nan." in table


def test_when_all_fail_the_outcome_is_saved_still(compared, tmp_path):
    """With no row at all."""
    error = isolated.AttemptError("No memory.")
    board, shown = compared(Training({("lstm", 7): error}), (7,), CONTENDERS[:1])
    assert board.rows == [] and "No memory." in shown
    assert Leaderboard.read(tmp_path / "comparisons/ours/leaderboard.json") == board


def test_bad_data_ends_the_comparison_at_once(compared):
    """No other training could succeed."""
    training = Training({("cnn_lstm", 7): DataGateError("Split 'test' is empty.")})
    with pytest.raises(DataGateError):
        compared(training)
    assert len(training.asked) == 2


def test_a_flag_that_a_contender_lacks_is_refused_before_anything_is_trained(compared):
    """As `sentiment run` refuses it."""
    training = Training()
    with pytest.raises(ConfigurationError, match="`filters`: no hyperparameter of 'lstm'"):
        compared(training, filters=8)
    assert training.asked == []


def test_a_flag_that_all_contenders_have_is_taken(compared):
    """Though the default model, which is none of them, has no such hyperparameter."""
    training = Training()
    compared(training, (7,), (Contender("cnn_lstm"),), filters=8)
    assert [each.filters for each in training.asked] == [8]


def test_runs_that_were_trained_differently_are_no_one_contender(compared):
    """Other seeds make a mean, other epochs do not."""
    board, _ = compared(Training())
    longer = [
        replace(run, seed=run.seed + 9, hyperparameters=run.hyperparameters | {"epochs": 9})
        for run in board.runs
    ]
    with pytest.raises(ConfigurationError, match="'lstm' were trained with different epochs"):
        rank([*board.runs, *longer])


def test_a_record_from_before_a_hyperparameter_is_of_the_same_contender(compared):
    """It was trained with the default: there was no choice."""
    board, _ = compared(Training())
    earlier = []
    for run in board.runs:
        known = {name: value for name, value in run.hyperparameters.items() if name != "ngrams"}
        earlier.append(replace(run, seed=run.seed + 9, hyperparameters=known))
    seeds = len({run.seed for run in board.runs})
    assert {row.seeds for row in rank([*board.runs, *earlier])} == {2 * seeds}


def test_the_outcome_is_recorded_with_what_made_it(compared, tmp_path):
    """JSON holds raw figures, command, stack and machine; Markdown the same table."""
    board, _ = compared(Training())
    folder = tmp_path / "comparisons" / "ours"
    recorded = json.loads((folder / "leaderboard.json").read_text())
    assert recorded["command"] == "sentiment compare"
    assert recorded["runs"][0]["hyperparameters"]["epochs"] == 3
    assert {"python", "tensorflow", "tfx"} <= recorded["stack"].keys()
    assert recorded["machine"]["cpus"] >= 1
    assert recorded["rows"][0]["label"] == "cnn_lstm:reference"
    assert Leaderboard.read(folder / "leaderboard.json") == board
    page = (folder / "leaderboard.md").read_text()
    assert markdown_table([folder / "leaderboard.json"]) in page
    assert "| `lstm` | 3 | 87.00 ~ | 1.00 | 84.52-89.48 | 0.9000 | 0.300 | 12 | 213,301 |" in page


def test_leaderboards_of_one_run_cannot_be_joined_with_themselves(compared, tmp_path, capsys):
    """A run that counts twice would narrow the intervals."""
    compared(Training())
    file = str(tmp_path / "comparisons" / "ours" / "leaderboard.json")
    assert main([file, file]) == 2
    assert "In more than one file: bilstm, seed 7" in capsys.readouterr().err
    assert main([file]) == 0
    assert capsys.readouterr().out.startswith("| model | seeds |")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"rows": [], "runs": 3}'])
def test_what_is_no_leaderboard_is_refused(tmp_path, text):
    """The message names the file and what is expected."""
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=r"x\.json is no leaderboard .* Expected a"):
        Leaderboard.read(path)


def test_models_and_seeds_are_read():
    """Presets behind a colon; seeds count up from the first."""
    assert parse_contenders("lstm, cnn_lstm:reference") == CONTENDERS[:2]
    assert parse_seeds("3", first=11) == (11, 12, 13)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lsmt", r"Unknown model 'lsmt'\. Choose from: .* Did you mean 'lstm'\?"),
        (",", "expected names of variants"),
        ("lstm,lstm", "names lstm twice"),
    ],
)
def test_models_that_cannot_be_compared(text, message):
    """The message says what is wrong."""
    with pytest.raises(ConfigurationError, match=message):
        parse_contenders(text)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "three", "", "1001"])
def test_seeds_out_of_range(text):
    """The message says what is expected."""
    with pytest.raises(ConfigurationError, match=f"--seeds is '{text}'; expected how many seeds"):
        parse_seeds(text, first=7)


def test_a_comparison_of_many_classes_shows_macro_f1(compared):
    """In the column of the AUC, which more than two classes do not have."""

    class OfMany(Training):
        def __call__(self, config, log, listener):
            return {**super().__call__(config, log, listener), "auc": None, "macro_f1": 0.3125}

    board, shown = compared(OfMany())
    assert " F1 " in shown and " 0.312 " in shown and "AUC" not in shown
    assert "F1: the mean over the classes" in " ".join(shown.split())
    assert [row.macro_f1 for row in board.rows] == [0.3125] * 3
    table = table_of(board.runs)
    assert "| macro F1 |" in table and "| 0.3125 |" in table and "AUC" not in table
