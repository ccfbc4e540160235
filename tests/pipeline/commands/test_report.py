"""`sentiment report`: which page it writes, and what it says where there is little to show."""

from __future__ import annotations

import sqlite3

import pytest

from pipeline import cli
from pipeline.results import run_properties as names
from pipeline.root import METADATA_FILE
from tests.pipeline.report.test_run_page import Document
from tests.pipeline.results.stored import CACHED, FAILED, properties_of, store_run

FAILURE, GONE = "20261127-080000", "20261126-210857"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A root with a run whose files were deleted, and a later one that failed in Trainer."""
    root = tmp_path_factory.mktemp("report") / "artifacts"
    root.mkdir()
    store_run(root, GONE, properties_of(), version=5)
    failed = properties_of(
        state=names.FAILED,
        error="The loss is NaN <b>\x1b[2J. Try `learning_rate=0.001`.",
        failed_step="Trainer",
        metrics={},
    )
    store_run(root, FAILURE, failed, {"ReviewExampleGen": CACHED, "Trainer": FAILED})
    return root


@pytest.fixture
def report(root, monkeypatch, capsys):
    """Calls `sentiment report`; returns exit code, output and errors."""
    monkeypatch.chdir(root.parent)

    def call(*words):
        code = cli.main(["report", *words])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


def page_of(root, run_id: str) -> str:
    """Returns what stands on a written page."""
    path = root / "reports" / "reviews_sentiment" / f"{run_id}.html"
    return Document(path.read_text(encoding="utf-8")).words


def test_the_latest_run_is_reported_how_far_it_came_and_its_error(root, report):
    """By itself the newest; the path is all that is printed. No TensorFlow is needed for that."""
    code, output, errors = report()
    assert (code, errors) == (0, "")
    assert output == f"artifacts/reports/reviews_sentiment/{FAILURE}.html\n"
    words = page_of(root, FAILURE)
    assert "✗ Failed" in words
    assert "The run failed in Trainer" in words
    assert r"The loss is NaN <b>\x1b[2J. Try --learning-rate 0.001." in words
    assert "The run ended too early for: Quality, Training, Slices, Mistakes." in words
    assert "Trainer did not end well, and left no model." in words
    assert "sentiment run --model linear --seed 7" in words


def test_artifacts_that_were_deleted_are_named(root, report):
    """Each part says which folder is gone; what ML Metadata knows is shown."""
    code, _, errors = report("latest~1")
    assert (code, errors) == (0, "")
    words = page_of(root, GONE)
    folder = f"artifacts/pipelines/Evaluator/evaluation/{GONE}"
    assert f"The files of Evaluator's evaluation are not there any more: {folder}" in words
    assert "75.00 % ±" in words  # in the history, from what the run recorded


def test_a_page_goes_where_it_is_told(root, report, tmp_path):
    """Its folder is made."""
    file = tmp_path / "new" / "page.html"
    code, output, _ = report(FAILURE[:12], "--output", str(file))
    assert (code, output.strip()) == (0, str(file))
    assert "NaN" in file.read_text(encoding="utf-8")


def test_what_cannot_be_reported_is_said(root, report, tmp_path):
    """No runs, an unknown one, a folder for a file, a file for a folder, damaged metadata."""
    nothing = tmp_path / "nothing"
    assert report("--root", str(nothing))[0] == 2
    _, _, errors = report("20261127-080001")
    unknown = "There is no run '20261127-080001' in artifacts."
    assert errors == f"sentiment: error: {unknown} Did you mean '{FAILURE}'?\n"
    code, _, errors = report("--output", str(tmp_path))
    assert code == 2 and "is a folder; expected a file's name." in errors
    (tmp_path / "file").touch()
    code, _, errors = report("--output", str(tmp_path / "file" / "page.html"))
    assert code == 2 and "The page cannot be written" in errors and "--output" in errors
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / METADATA_FILE).write_text("This is no database, but a text of some length. " * 50)
    code, _, errors = report("--root", str(damaged))
    assert code == 2 and "damaged" in errors


def test_metadata_that_is_locked_is_said(tmp_path, report):
    """As all commands that read it do."""
    root = tmp_path / "locked"
    root.mkdir()
    store_run(root, GONE, properties_of())
    with sqlite3.connect(root / METADATA_FILE) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        code, _, errors = report("--root", str(root))
        writer.rollback()
    writer.close()
    assert code == 2 and "is locked by another program" in errors
