import dataclasses
import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import filelock
import pytest

from components.errors import (
    ConfigurationError,
    DataGateError,
    DatasetError,
    PushError,
    TrainingError,
)
from components.infra_validator.outcome import Outcome
from pipeline import cli
from pipeline.commands import predict
from pipeline.compare import comparison
from pipeline.results.leaderboard import Failure, Leaderboard
from pipeline.root import LOCK_FILE
from pipeline.runners import local
from tests.pipeline.console.summaries import BLESSED, REFUSED

HEAVY = ("tensorflow", "apache_beam", "tfx", "keras", "rich", "numpy", "pyarrow", "absl")


@pytest.fixture
def in_tmp(tmp_path, monkeypatch):
    """The current folder is an empty one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run_that(in_tmp, monkeypatch, capfd):
    """Runs `sentiment run` with a pipeline of our own; returns exit code and standard error."""

    def run(pipeline, *flags: str) -> tuple[int, str]:
        monkeypatch.setattr(local, "run", pipeline)
        code = cli.main(["run", *flags])
        return code, capfd.readouterr().err

    return run


def ends(with_what, step=""):
    """A pipeline that raises, or returns, `with_what`, after it began `step`."""

    def pipeline(config, console, log_path):
        if step:
            console.component_started(step)
        if isinstance(with_what, BaseException):
            raise with_what
        return with_what

    return pipeline


@pytest.mark.parametrize(
    ("outcome", "step", "code"),
    [
        (BLESSED, "", 0),
        (REFUSED, "", 3),
        (
            dataclasses.replace(BLESSED, infra_validation=Outcome("embedded", refusal="No.")),
            "",
            3,
        ),
        (ConfigurationError("names"), "", 2),
        (DatasetError("not found"), "", 2),
        (DatasetError("unreadable"), "ReviewExampleGen", 4),
        (DataGateError("empty"), "DataGate", 4),
        (TrainingError("NaN"), "Trainer", 1),
        (PushError("full"), "Pusher", 1),
        (ZeroDivisionError("oops"), "Trainer", 1),
        (KeyboardInterrupt(), "Trainer", 130),
    ],
)
def test_exit_codes(run_that, outcome, step, code):
    """Each way to end has its exit code."""
    assert run_that(ends(outcome, step))[0] == code


def test_error_of_ours_is_one_line(run_that):
    """An explained error is one line without a traceback."""
    _, errors = run_that(ends(DataGateError("Split 'test' is empty: 0 reviews."), "DataGate"))

    assert errors == "sentiment: error: Split 'test' is empty: 0 reviews.\n"


def test_wrapped_error_is_found(run_that):
    """An error of ours counts even where TFX or Beam wrapped it."""

    def pipeline(config, console, log_path):
        console.component_started("ReviewExampleGen")
        try:
            try:
                raise DatasetError("Bad 'a.csv'.")
            except DatasetError as error:
                # As Beam does: a copy of the error, with the step's name behind its message.
                raise DatasetError(f"{error} [while running 'Read/Parse']") from None
        except DatasetError as error:
            raise RuntimeError("pipeline failed") from error

    assert run_that(pipeline) == (4, "sentiment: error: Bad 'a.csv'.\n")


def test_unexpected_error_names_the_log(run_that, in_tmp):
    """Anything else is told in short, with the log that holds its traceback."""
    _, errors = run_that(ends(ZeroDivisionError("oops\nmore"), "Trainer"))

    (log,) = (in_tmp / "artifacts" / "logs").iterdir()
    assert errors == (
        "sentiment: unexpected error in Trainer: ZeroDivisionError: oops\n"
        f"  The traceback is in {log}; --debug shows it here.\n"
    )
    assert "Traceback (most recent call last)" in log.read_text()


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        # As Beam and TensorFlow pass it on.
        RuntimeError("OSError: [Errno 28] No space left on device [while running 'Write']"),
    ],
)
def test_full_disk(run_that, in_tmp, error):
    """A disk that is full is told in words, wherever a library ran into it."""
    code, errors = run_that(ends(error, "StatisticsGen"))

    assert code == 1
    assert errors == (
        f"sentiment: error: The disk is full: StatisticsGen could not write to {in_tmp}/artifacts. "
        "Free some space and run again; it goes on from the last finished step.\n"
    )


def test_debug_shows_the_traceback(run_that):
    """--debug shows the traceback on the console."""
    _, errors = run_that(ends(DataGateError("empty"), "DataGate"), "--debug")

    assert "Traceback (most recent call last)" in errors
    assert errors.endswith("sentiment: error: empty\n")


@pytest.mark.parametrize("cause", [None, KeyboardInterrupt()])
def test_interruption(run_that, cause):
    """Ctrl-C, also one that a library wrapped, says where the next run goes on."""

    def pipeline(config, console, log_path):
        console.component_started("Trainer")
        if cause:
            raise RuntimeError("worker died") from cause
        raise KeyboardInterrupt

    code, errors = run_that(pipeline)

    assert code == 130
    assert errors == "\nsentiment: interrupted in Trainer; the next run goes on from there.\n"


def test_settings_reach_the_run(run_that, in_tmp):
    """Flags and the TOML file arrive as one checked configuration."""
    (in_tmp / "s.toml").write_text("epochs = 2\nseed = 11\n")
    seen = []

    def pipeline(config, console, log_path):
        seen.append(config)
        return BLESSED

    run_that(pipeline, "--config", "s.toml", "--epochs", "4", "--no-cache", "--root", "r")

    assert (seen[0].epochs, seen[0].seed, seen[0].cache, seen[0].root) == (4, 11, False, "r")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("run --labels -1,1", "A value that begins with a dash is written behind '=': --labels=-"),
        ("run --epoch 3", "unrecognized arguments: --epoch 3. Did you mean '--epochs'?"),
        ("run --epochs three", "--epochs is 'three'; expected a whole number from 1 to 1,000."),
        ("run --model lsmt", "Unknown model 'lsmt'. Choose from: "),
        ("run --config none.toml", "--config none.toml: No such file or directory."),
        ("run --root file", "--root is 'file'; expected a folder that can be made and written to"),
        ("run --data none.csv", "none.csv"),
        ("compare --models lsmt", "Unknown model 'lsmt'. Choose from: "),
        ("compare --models lstm --seeds 0", "--seeds is '0'; expected how many seeds"),
        ("compare --models lstm --model gru", "--model gru. Did you mean '--models'?"),
        ("compare --models lstm --data sample --name a/b", "--name is 'a/b'; expected at most"),
        ("compare --models lstm --data sample --filters 8", "--filters: no hyperparameter of"),
        ("runn", "invalid choice: 'runn'"),
        ("reprot", "Did you mean 'report'?"),
        ("runs --limt 3", "unrecognized arguments: --limt 3. Did you mean '--limit'?"),
        ("runs shw", "Did you mean 'show'?"),
        ("runs diff --htm a b", "arguments: --htm. Did you mean '--html'? See `"),
        ("report --outptu f", "--outptu. Did you mean '--output'?"),
        ("predict --model-name m text", "No version of 'm' is in artifacts/serving_model."),
        ("serve", "No version of 'imdb_sentiment' is in artifacts/serving_model."),
        ("serve --model_name m --root r", "No version of 'm' is in r/serving_model."),
    ],
)
def test_wrong_use(in_tmp, capfd, arguments, message):
    """Wrong use is told in one line, and ends with 2."""
    (in_tmp / "file").touch()

    assert cli.main(arguments.split()) == 2

    errors = capfd.readouterr().err
    assert message in errors
    assert errors.startswith("sentiment: error: ") and errors.count("\n") == 1


DEEP = 100_000
HOSTILE_FILES = {
    "deep.toml": "seed = " + "[" * DEEP,
    "tables.toml": "seed = " + "{a = " * DEEP,
    "key.toml": "a." * DEEP + "a = 1",
    "table.toml": "[" + "a." * DEEP + "a]",
    "digits.toml": "seed = " + "9" * DEEP,
    "deep.json": "[" * DEEP,
    "objects.json": '{"a":' * DEEP,
    "digits.json": '{"epochs": ' + "9" * DEEP + "}",
    "deep.pbtxt": "custom_model_config {[type.googleapis.com/google.protobuf.Any] {" * 5_000,
    "fields.pbtxt": "model_config_list {" * 10_000,
    "digits.pbtxt": "model_config_list {config {model_type: " + "9" * DEEP + "}}",
    "line.pbtxt": "x" * DEEP,
}
SERVER_FLAGS = (
    "model_config_file",
    "batching_parameters_file",
    "monitoring_config_file",
    "ssl_config_file",
)


@pytest.mark.parametrize("name", [*HOSTILE_FILES, "/dev/zero", "silent", ".", "huge"])
def test_hostile_files_of_settings_are_told_at_once(in_tmp, capfd, name):
    """Nested, endless, silent or huge: wrong use, in one line, in the flags that read such files.

    TensorFlow is not imported before.
    """
    if name in HOSTILE_FILES:
        (in_tmp / name).write_text(HOSTILE_FILES[name])
    os.mkfifo(in_tmp / "silent")
    with (in_tmp / "silent").open("rb+", buffering=0), (in_tmp / "huge").open("wb") as huge:
        huge.truncate(1 << 30)
        commands = [
            ["run", "--data", "sample", "--config", name],
            ["run", "--data", "sample", "--hyperparameters", name],
            *(["serve", "--engine=embedded", f"--{flag}={name}"] for flag in SERVER_FLAGS),
        ]
        (in_tmp / "artifacts" / "serving_model" / "m" / "1").mkdir(parents=True)
        for command in commands:
            since = time.process_time()
            assert cli.main(command) == 2, command
            assert time.process_time() - since < 1
            errors = capfd.readouterr().err
            assert errors.startswith("sentiment: error: ") and errors.count("\n") == 1
            assert len(errors) < 1_000


def test_a_model_name_that_is_too_long_is_told(in_tmp, capfd):
    """As wrong use, with what the system says of it."""
    (in_tmp / "artifacts" / "serving_model").mkdir(parents=True)
    assert cli.main(["predict", "--model-name", "longer than file systems allow" * 10, "text"]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("sentiment: error: artifacts/serving_model cannot be read: File")


def test_prediction_that_fails_unexpectedly(in_tmp, capfd, monkeypatch):
    """Anything unexpected is told in one line; --debug adds the traceback."""

    def fail(*_):
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))

    monkeypatch.setattr(predict, "newest_pushed", fail)
    arguments = ["predict", "text"]

    assert cli.main(arguments) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("sentiment: unexpected error: OSError: [Errno 36] File name too long")
    assert line.endswith(" (--debug shows the traceback)")

    assert cli.main([*arguments, "--debug"]) == 1
    assert "Traceback (most recent call last)" in capfd.readouterr().err


@pytest.mark.parametrize(("failures", "code"), [((), 0), ((Failure("lstm", 7, "x", "y"),), 1)])
def test_a_comparison_in_which_something_failed_does_not_exit_with_0(
    in_tmp, monkeypatch, failures, code
):
    """Whatever the others gave."""
    board = Leaderboard("ours", "sentiment compare", {}, {}, {}, (), failures)
    monkeypatch.setattr(comparison, "compare", lambda *_: board)
    assert cli.main(["compare", "--models", "lstm"]) == code


def test_root_in_use(in_tmp, capfd):
    """A second run on the same root is refused at once."""
    (in_tmp / "artifacts").mkdir()
    with filelock.FileLock(in_tmp / "artifacts" / LOCK_FILE):
        assert cli.main(["run", "--data", "sample"]) == 2

    assert "is using" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--data", "nothing.csv"),
            "--data nothing.csv: there is no file or folder 'nothing.csv'.",
        ),
        (("--data", "sample", "--epochs", "none"), "--epochs is 'none'; expected a whole number"),
        (("--data", "sample", "--pln"), "Did you mean '--plan'?"),
    ],
)
def test_a_plan_of_what_would_not_start_is_refused_as_the_run_is(in_tmp, capfd, arguments, message):
    """In the same line, and without making the root."""
    assert cli.main(["run", *arguments, "--plan"]) == 2
    planned = capfd.readouterr()
    assert message in planned.err and planned.out == ""
    assert list(in_tmp.iterdir()) == []
    assert cli.main(["run", *arguments]) == 2
    assert capfd.readouterr().err == planned.err


def test_start_imports_nothing_heavy():
    """The command line starts without the libraries that a run needs."""
    code = f"import sys, pipeline.cli; print([m for m in {HEAVY} if m in sys.modules])"

    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"


def test_entry_point_does_not_wait_for_threads(in_tmp):
    """The process ends though a thread of a library still runs."""
    code = (
        "import sys, threading, time; from pipeline import cli\n"
        "threading.Thread(target=time.sleep, args=(60,)).start()\n"
        "sys.argv = ['sentiment', 'run', '--epochs', '0']; cli.entry_point()"
    )
    start = time.perf_counter()

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert time.perf_counter() - start < 30
    assert result.returncode == 2
    assert result.stderr.startswith("sentiment: error: --epochs is 0; expected")


@pytest.mark.parametrize(("stdout", "code"), [(">&-", 0), ("> /dev/full", 1), ("| true", 0)])
def test_an_output_that_takes_nothing_is_no_traceback(in_tmp, stdout, code):
    """Closed from the start, full, or closed by who reads it."""
    call = "import sys; from pipeline import cli; sys.argv = ['sentiment', 'runs', '--json']; "
    command = f'"{sys.executable}" -c "{call} cli.entry_point()" {stdout}'

    result = subprocess.run(command, shell=True, capture_output=True, text=True)

    assert result.returncode == code
    assert len(result.stderr.splitlines()) == code
    assert ("No space left on device" in result.stderr) is bool(code)


FIRST_LOOK = """
import sys
from pipeline import cli
code = cli.main(sys.argv[1:])
sys.exit(9 if {"tensorflow", "tfx", "apache_beam"} & sys.modules.keys() else code)
"""


def test_data_that_is_not_fit_is_told_before_anything_heavy_is_imported(in_tmp):
    """By all its labels, and flags to type; exit code 4, as from the data gate."""
    rows = "".join(f"text {n},{n % 5 + 1}\n" for n in range(50))
    (in_tmp / "stars.csv").write_text(f"text,stars\n{rows}")
    ended = subprocess.run(
        [sys.executable, "-c", FIRST_LOOK, *"run --data stars.csv --positive-label 5".split()],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert ended.returncode == 4
    assert ended.stderr == (
        "sentiment: error: The data is not fit to train on. Only --positive-label is named, and 4 "
        "other labels occur: '1' (10), '2' (10), '3' (10), '4' (10), '5' (10). Name the other side "
        "as well, e.g. --positive-label 5 --negative-label 1,2,3,4, or with fewer of them. Labels "
        "that are named on neither side are left out.\n"
    )


def test_json_keeps_standard_output_to_itself(tmp_path, capfd):
    """An error is a line on standard error."""
    (tmp_path / "metadata.db").write_text("no database")
    assert cli.main(["runs", "show", "latest", "--json", "--root", str(tmp_path)]) == 2
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("sentiment: error: ") and printed.err.count("\n") == 1
