"""`sentiment score`: files, folders, and how it ends."""

from __future__ import annotations

import bz2
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import filelock
import pytest

from pipeline import cli
from pipeline.root import LOCK_FILE


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The current folder, with a version that is there by name only."""
    monkeypatch.chdir(tmp_path)
    version = tmp_path / "artifacts" / "serving_model" / "imdb_sentiment" / "7"
    version.mkdir(parents=True)
    (version / "saved_model.pb").write_bytes(b"half of i")
    return tmp_path


@pytest.fixture(scope="module")
def pushed(brief_is_better) -> Path:
    """Version 7 of the model."""
    return brief_is_better / "serving_model" / "imdb_sentiment" / "7"


@pytest.fixture
def undecided(tmp_path) -> Path:
    """Version 7 of a model whose answer is no number."""
    import tensorflow as tf

    class Undecided(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
        def predict_text(self, text):
            return {
                "probability": tf.fill(tf.shape(text), float("nan")),
                "sentiment": tf.fill(tf.shape(text), "negative"),
            }

    model = Undecided()
    version = tmp_path / "undecided" / "7"
    tf.saved_model.save(model, str(version), signatures={"predict_text": model.predict_text})
    return version


def score(*arguments: str) -> int:
    """Runs the command with a.jsonl and out."""
    return cli.main(["score", "--input", "a.jsonl", "--output", "out", *arguments])


def visible(folder: Path) -> list[str]:
    """Names in a folder, without the lock."""
    return sorted(path.name for path in folder.iterdir() if path.name != LOCK_FILE)


def test_files_are_scored_and_leftovers_removed(folder, pushed, capfd):
    """One bad record is left out, and told; what a killed run left is gone."""
    texts = ["a", "four", "", "seventeen letters"]
    Path("a.jsonl").write_text("".join(f'{{"text": "{text}", "id": 1}}\n' for text in texts))
    (folder / "out" / ".scoring-old").mkdir(parents=True)
    assert score("--model", str(pushed), "--max-bad-records", "0.25") == 0

    output, errors = capfd.readouterr()
    assert errors == ""
    assert "done  " in output and "1 records were left out, e.g. a.jsonl, record 3" in output
    assert visible(folder / "out") == ["a.jsonl"]
    rows = [json.loads(line) for line in Path("out/a.jsonl").read_text().splitlines()]
    assert rows[0] == {
        "text": "a", "id": 1, "probability": 0.5, "sentiment": "positive", "model_version": 7,
    }  # fmt: skip
    assert [row["probability"] for row in rows] == pytest.approx([1 / 2, 1 / 5, 1 / 18])

    assert score("--model", str(pushed)) == 2
    assert "out has a.jsonl already" in capfd.readouterr().err


def test_outputs_are_written_as_their_inputs_are(folder, pushed, capfd):
    """Delimiter, header, brackets and packing are kept; what was found is told."""
    Path("a.csv").write_bytes("a;x;;\r\nfour, yes;é;;\r\n".encode("latin-1"))
    Path("b.json").write_text('[{"text": "a"},\n {"text": "four, yes"}]')
    Path("c.tsv.bz2").write_bytes(bz2.compress(b'text\tn\n" four\t1\n"a" b\t2\n'))
    model = ["--model", str(pushed), "--output", "out"]
    flags = ["--encoding", "latin-1", "--no-header", "--text-column", "1"]
    assert cli.main(["score", "--input", "a.csv", *model, *flags]) == 0
    assert cli.main(["score", "--input", "b.json", *model]) == 0
    assert cli.main(["score", "--input", "c.tsv.bz2", *model]) == 0
    told = capfd.readouterr().out
    assert "a.csv: delimiter ';'" in told and "quotes are characters like any" in told
    first, second = Path("out/a.csv").read_text().splitlines()
    assert first.startswith("a;x;;;0.5;positive;7")
    assert second.startswith("four, yes;é;;;0.1") and second.endswith(";negative;7")
    assert [row["text"] for row in json.loads(Path("out/b.json").read_text())] == ["a", "four, yes"]
    lines = bz2.decompress(Path("out/c.tsv.bz2").read_bytes()).decode().splitlines()
    assert lines[0] == "text\tn\tprobability\tsentiment\tmodel_version"
    assert [line.split("\t")[:2] for line in lines[1:]] == [['" four', "1"], ['"a" b', "2"]]


@pytest.mark.slow
def test_a_run_that_is_killed_leaves_no_output(folder, pushed):
    """Killed once it has begun to write; what it leaves is hidden, and held by nobody."""
    with Path("a.jsonl").open("w") as stream:
        stream.writelines(f'{{"text": "review {number}"}}\n' for number in range(400_000))
    command = [sys.executable, "-m", "pipeline.cli", "score", "--input", "a.jsonl"]
    process = subprocess.Popen(
        [*command, "--output", "out", "--model", str(pushed)],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        stdout=subprocess.DEVNULL,
    )
    while process.poll() is None and not list(folder.glob("out/.scoring-*/*.part")):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL

    (left_over,) = visible(folder / "out")
    assert left_over.startswith(".scoring-")
    with filelock.FileLock(folder / "out" / LOCK_FILE, timeout=0):
        pass


@pytest.mark.parametrize("mode", ["in_memory", "multi_processing"])
def test_an_error_of_ours_is_told_alike_wherever_it_is_raised(folder, undecided, capfd, mode):
    """In this process, or in a worker process, of which Beam passes on text alone."""
    Path("a.jsonl").write_text('{"text": "a film"}\n')
    flags = ("--beam-mode", mode, "--beam-workers", "1")
    assert score("--model", str(undecided), *flags) == 1
    assert capfd.readouterr().err == (
        "sentiment: error: The model answers nan to the review that begins 'a film'. Expected a "
        "probability; choose another version by --model.\n"
    )
    assert visible(folder / "out") == []


def test_bad_records_stop_the_run_before_the_model_is_loaded(folder, capfd):
    """With file, place and the flag that lets them pass; nothing is written."""
    Path("a.jsonl").write_text('{"text": "x"}\n{"text"\n')
    assert score() == 4
    error = capfd.readouterr().err
    assert "1 records could not be read, 50.00% where --max-bad-records allows 0.00%" in error
    assert "a.jsonl, record 2: not JSON" in error
    assert error.endswith("or have them left out by --max-bad-records.\n")
    assert visible(folder / "out") == []


def test_a_folder_in_use_is_refused(folder, capfd):
    """And the flag to change is named."""
    Path("a.jsonl").write_text('{"text": "x"}\n')
    Path("out").mkdir()
    with filelock.FileLock(folder / "out" / LOCK_FILE):
        assert score() == 2
    assert "give this one a --output of its own" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--model", "artifacts/serving_model/imdb_sentiment"], "Try --model artifacts/serving"),
        (["--model-name", "films"], "No version of 'films'"),
        (["--max-bad-records", "2"], "--max-bad-records is 2.0; expected a number"),
        (["--output", "a.jsonl"], "expected a folder that can be made and written to"),
        (["--output", "/proc/x"], "expected a folder that can be made and written to"),
        (["--text-column", "body"], "a.jsonl has no column 'body'"),
    ],
)
def test_wrong_use_is_told_in_a_line(folder, capfd, flags, message):
    """Exit code 2, without a log."""
    Path("a.jsonl").write_text('{"text": "x"}\n')
    assert score(*flags) == 2
    error = capfd.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (folder / "artifacts" / "logs").exists()


def test_a_model_that_cannot_be_loaded_is_named(folder, capfd):
    """In one line, through Beam; and no output appears."""
    Path("a.jsonl").write_text('{"text": "x"}\n')
    assert score() == 2
    error = capfd.readouterr().err
    assert "artifacts/serving_model/imdb_sentiment/7" in error and error.count("\n") == 1
    assert visible(folder / "out") == []
