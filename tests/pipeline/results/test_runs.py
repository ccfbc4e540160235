"""The runs of a root: what is read of them, how one is named, and what is wrong with a file."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sqlite3
import time
from datetime import timedelta

import filelock
import pytest
from scipy.stats import binomtest

from components.errors import ConfigurationError
from pipeline.results import run_properties as names
from pipeline.results.outcome import outcome
from pipeline.results.run_record import RunRecord
from pipeline.results.runs import find_run, list_runs
from pipeline.root import LOCK_FILE, METADATA_FILE

from .stored import CACHED, DONE, FAILED, RUNNING, STEPS, multiply, properties_of, store_run

UP_TO_TRAINER = {"ReviewExampleGen": DONE, "Trainer": RUNNING}


def push(root, version, **card):
    """Puts a version of `reviews_sentiment` on the disk."""
    folder = root / "serving_model" / "reviews_sentiment" / str(version)
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").touch()
    (folder / "model_card.json").write_text(json.dumps(card))


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A root with a pushed run, a refused one, and a failed one; made once, and only read."""
    root = tmp_path_factory.mktemp("stored")
    store_run(root, "20261126-210857", properties_of(), version=5)
    store_run(root, "20261126-211623", properties_of(refusals=["Too bad."]), blessed=False)
    failed = properties_of(
        state=names.FAILED, error="It diverged.", failed_step="Trainer", metrics={}
    )
    store_run(root, "20261127-080000", failed, {"ReviewExampleGen": CACHED, "Trainer": FAILED})
    push(root, 5)
    return root


@pytest.fixture
def root(stored, tmp_path):
    """A copy of that root."""
    return shutil.copytree(stored, tmp_path / "artifacts")


def test_a_run_is_read_as_it_recorded_itself(stored):
    """With the interval of its accuracy, and what became of its model."""
    failed, refused, live = list_runs(stored)
    assert live.started.isoformat() == "2026-11-26T21:08:57+00:00"
    assert (live.seconds, live.accuracy, live.data_name, live.model) == (
        67.5, 0.75, "reviews", "linear",
    )  # fmt: skip
    of_scipy = binomtest(72, 96).proportion_ci(method="wilson")
    assert live.interval == pytest.approx((of_scipy.low, of_scipy.high), abs=1e-12)
    assert (live.is_blessed, live.version, live.is_live) == (True, 5, True)
    assert (refused.is_blessed, refused.version, refused.refusals) == (False, None, ("Too bad.",))
    assert (failed.is_blessed, failed.error, failed.failed_step) == (
        None,
        "It diverged.",
        "Trainer",
    )
    assert [step.name for step in live.steps] == list(STEPS)
    assert [step.state for step in failed.steps] == ["cached", "failed"]
    assert list(map(outcome, (failed, refused, live))) == ["failed", "refused", "live"]


def test_a_version_that_a_later_one_replaced_is_pushed_and_not_live(root):
    """Servers answer by the version with the largest number, of whatever run."""
    push(root, 6)
    assert outcome(list_runs(root)[-1]) == "pushed"
    shutil.rmtree(root / "serving_model")
    assert list_runs(root)[-1].is_live is False


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("latest", "20261127-080000"),
        ("latest~2", "20261126-210857"),
        ("20261126-211623", "20261126-211623"),
        ("20261126-211", "20261126-211623"),
        ("20261127", "20261127-080000"),
    ],
)
def test_a_run_is_found_by_its_id_its_beginning_or_its_place(stored, name, found):
    """`latest~1` is the one before the latest."""
    assert find_run(stored, name).run_id == found


def test_an_id_that_is_also_a_beginning_is_that_run(tmp_path):
    """Two runs of the same second have a number behind."""
    for run_id in ("20261126-210857", "20261126-210857-2"):
        store_run(tmp_path, run_id, properties_of(), {})
    assert find_run(tmp_path, "20261126-210857").run_id == "20261126-210857"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("20261126-211632", "There is no run '20261126-211632' in .* Did you mean '20261126-2116"),
        ("lastest", "Did you mean 'latest'"),
        ("zebra", "The newest are 20261127-080000, 20261126-211623, 20261126-210857."),
        ("", "There is no run ''"),
        ("20261126", "'20261126' is the beginning of 20261126-211623, 20261126-210857. Give more"),
        ("latest~3", "has 3 runs; the oldest is latest~2"),
    ],
)
def test_an_unknown_run_is_told_with_the_nearest(stored, name, message):
    """The message says what there is."""
    with pytest.raises(ConfigurationError, match=message):
        find_run(stored, name)


def test_runs_of_one_pipeline_or_model_alone(root):
    """Names that no run has are told with those that there are."""
    store_run(root, "20261128-080000", properties_of(model_name="mail"), pipeline="mail_pipeline")
    assert [run.run_id for run in list_runs(root, "mail_pipeline")] == ["20261128-080000"]
    assert len(list_runs(root, model_name="reviews_sentiment")) == 3
    assert find_run(root, "latest", model_name="reviews_sentiment").run_id == "20261127-080000"
    with pytest.raises(ConfigurationError, match="Choose from: mail_pipeline, reviews_sentiment"):
        list_runs(root, "mial_pipeline")
    with pytest.raises(ConfigurationError, match="Did you mean 'mail'"):
        list_runs(root, model_name="mial")


def test_a_run_is_running_only_while_its_process_holds_the_root(tmp_path):
    """Of several that never said how they ended, the newest; without a lock, none."""
    for run_id in ("20261126-210857", "20261126-211623"):
        store_run(tmp_path, run_id, properties_of(state=names.RUNNING, metrics={}), UP_TO_TRAINER)
    assert [run.state for run in list_runs(tmp_path)] == ["stopped", "stopped"]
    with filelock.FileLock(tmp_path / LOCK_FILE):
        newest, killed = list_runs(tmp_path)
    assert (newest.state, newest.steps[-1].state) == ("running", "running")
    assert (killed.state, killed.failed_step, killed.steps[-1].state) == (
        "stopped", "Trainer", "stopped",
    )  # fmt: skip


def test_runs_of_an_earlier_release_are_read_without_what_it_did_not_record(tmp_path):
    """Figures come from the model card of what they pushed; the state from their steps."""
    store_run(tmp_path, "2026-11-26T19:33:03.796003", {}, UP_TO_TRAINER)
    store_run(tmp_path, "2026-11-26T19:34:29.367794", {}, version=5)
    push(tmp_path, 5, test_metrics={"accuracy": 0.5, "examples": 100.0})
    complete, killed = list_runs(tmp_path)
    assert (complete.state, complete.accuracy, complete.is_live) == ("complete", 0.5, True)
    assert (complete.settings, complete.commit, dict(complete.functions)) == ({}, "", {})
    assert complete.model_name == "reviews_sentiment"
    assert complete.seconds is not None and complete.seconds < 10
    assert (killed.state, killed.seconds, killed.accuracy) == ("stopped", None, None)


def test_what_somebody_else_wrote_into_a_property_is_not_trusted(tmp_path):
    """It is as if it had not been recorded."""
    store_run(tmp_path, "20261126-210857", properties_of(data="{", metrics="[1]", slices="no"))
    (run,) = list_runs(tmp_path)
    assert (run.data_name, run.accuracy, run.slices) == ("", None, {})


def test_functions_are_those_of_the_steps_fingerprints(tmp_path):
    """They are read when they are asked for; a step whose functions nobody recorded has none."""
    (tmp_path / "functions").mkdir()
    record = {"functions": {"components.part.f": "aa"}, "libraries": {}, "python": "3.10"}
    file = tmp_path / "functions" / "00112233aabbccdd.json.gz"
    file.write_bytes(gzip.compress(json.dumps(record).encode()))
    known = {"SchemaGen": "00112233aabbccdd 0123", "Pusher": "ffffffffffffffff"}
    store_run(tmp_path, "20261126-210857", properties_of(fingerprints=known), {})
    (run,) = list_runs(tmp_path)
    assert dict(run.functions) == {"SchemaGen": {"components.part.f": "aa"}}
    file.write_bytes(b"damaged")
    assert dict(list_runs(tmp_path)[0].functions) == {}


def test_two_hundred_runs_are_read_in_a_fraction_of_a_second(tmp_path):
    """Each with eleven steps and all that it records; as CPU time, whoever else is busy."""
    steps = dict.fromkeys([*STEPS, *(f"Step{n}" for n in range(7))], DONE)
    slices = [[[["length", f"{n}"]], 10, 0.5] for n in range(30)]
    store_run(tmp_path, "20261126-210857", properties_of(slices=slices), steps, version=5)
    multiply(tmp_path, 200)
    began = time.process_time()
    runs = list_runs(tmp_path)
    assert time.process_time() - began < 0.5
    assert len(runs) == 200 and {len(run.steps) for run in runs} == {11}
    assert {run.version for run in runs} == {5}
    assert runs[0].run_id == "20261126-210857-200" and len(runs[0].slices) == 30


def test_a_run_of_a_pipeline_is_read_by_its_id(stored):
    """The newest by default; of one that there is none, the message says so."""
    path = stored / METADATA_FILE
    assert RunRecord(path, "reviews_sentiment").run_id == "20261127-080000"
    record = RunRecord(path, "reviews_sentiment", "20261126-210857")
    assert [step.name for step in record.steps] == list(STEPS)
    with pytest.raises(LookupError, match="Pipeline 'reviews_sentiment' has no run 'x' in"):
        RunRecord(path, "reviews_sentiment", "x")


def test_a_root_without_metadata_has_no_runs(tmp_path):
    """And asking for one says how to make one."""
    assert list_runs(tmp_path) == []
    with pytest.raises(ConfigurationError, match=r"no runs in .* yet. `sentiment run --data sampl"):
        find_run(tmp_path, "latest")


def damaged(path):
    """Overwrites the middle of the file."""
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))


def no_database(path):
    """Puts something else in its place."""
    path.write_text("these are no tables\n" * 500)


def other_tables(path):
    """Puts another program's file in its place."""
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()


def other_version(path):
    """Says that another release of ML Metadata wrote it."""
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE MLMDEnv SET schema_version = 42")
    connection.close()


def empty(path):
    """Leaves nothing of it."""
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (damaged, r"metadata.db is damaged \(database disk image is malformed\). Restore it"),
        (no_database, r"metadata.db is damaged \(file is not a database\)"),
        (other_tables, "is an SQLite file, but not ML Metadata's"),
        (other_version, "has version 42 of ML Metadata's schema; expected 10"),
        (empty, "metadata.db is empty"),
    ],
)
def test_a_file_that_is_no_metadata_is_told_in_one_line(root, spoil, message):
    """With what to do; never a traceback."""
    spoil(root / METADATA_FILE)
    with pytest.raises(ConfigurationError, match=message) as error:
        list_runs(root)
    assert "\n" not in str(error.value)


def test_a_locked_file_is_told(root, monkeypatch):
    """Another program is in the middle of a transaction."""
    monkeypatch.setattr("pipeline.results.metadata_file._BUSY_SECONDS", 0.1)
    connection = sqlite3.connect(root / METADATA_FILE)
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("BEGIN EXCLUSIVE")
    with pytest.raises(ConfigurationError, match="is locked by another program"):
        list_runs(root)
    connection.rollback()
    connection.close()
    assert len(list_runs(root)) == 3


WRITE_AND_DIE = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN")
connection.execute("DELETE FROM ContextProperty")
connection.execute("UPDATE Context SET name = name || 'x' || hex(zeroblob(9000))")
os.kill(os.getpid(), 9)
"""


def test_what_a_killed_process_half_wrote_is_undone(root, start_python):
    """The file is read as it was before its transaction."""
    start_python(WRITE_AND_DIE, str(root / METADATA_FILE))
    assert os.path.exists(f"{root / METADATA_FILE}-journal")
    assert [run.run_id for run in list_runs(root)][-1] == "20261126-210857"
    assert list_runs(root)[-1].seconds == timedelta(seconds=67.5).total_seconds()
