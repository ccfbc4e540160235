"""The plan of a run, held to what TFX then does; what the steps write is made up, and written."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from tfx.orchestration.portable import launcher, outputs_utils
from tfx.proto.orchestration import execution_result_pb2

from components.errors import ConfigurationError, RootBusyError
from pipeline.config import PipelineConfig
from pipeline.fingerprint import fingerprint_of
from pipeline.loading import EnvironmentSettings
from pipeline.planning.plan import plan
from pipeline.planning.reason_words import RUNS_EVERY_TIME
from pipeline.resolution import ResolvedRun, resolve
from pipeline.results import recorded_functions
from pipeline.results.run_record import RunRecord
from pipeline.runners.in_root import run_in_root

TOKENIZE = "components.transform.preprocessing.preprocessing_fn"
DATA = ("ReviewExampleGen", "StatisticsGen", "ExampleValidator", "DataGate", "Transform")
MODEL = ("Trainer", "Evaluator", "InfraValidator", "Pusher")


class Steps:
    """Stands for the executors: what a step was told to write is there, and is nothing."""

    def __init__(self, monkeypatch):
        """Takes the place of TFX's executors."""
        self.fails: dict[str, BaseException] = {}
        steps = self

        def run_executor(self, execution_info):
            step = execution_info.pipeline_node.node_info.id
            if step in steps.fails:
                raise steps.fails[step]
            outputs_utils.make_output_dirs(execution_info.output_dict)
            if step == "Trainer":
                _write_model(execution_info.output_dict["model"][0].uri)
            output = execution_result_pb2.ExecutorOutput()
            if step == "Evaluator":
                (blessing,) = execution_info.output_dict["blessing"]
                blessing.set_int_custom_property("blessed", 1)
                (model,) = execution_info.input_dict["model"]
                blessing.set_int_custom_property("current_model_id", model.id)
            return output

        monkeypatch.setattr(launcher.Launcher, "_run_executor", run_executor)


def _write_model(uri: str) -> None:
    export = Path(uri) / "Format-Serving"
    (export / "variables").mkdir(parents=True)
    for part in ("saved_model.pb", "variables/variables.index", "variables/variables.data-0"):
        (export / part).touch()


@pytest.fixture
def steps(monkeypatch):
    """The executors, which do nothing, and fail on demand."""
    return Steps(monkeypatch)


@pytest.fixture
def table(tmp_path):
    """Reviews that are looked at, and not read."""
    path = tmp_path / "reviews.csv"
    rows = [f"a {word} film number {number},{label}"
            for number in range(6) for word, label in (("good", 1), ("bad", 0))]  # fmt: skip
    path.write_text("\n".join(["text,label", *rows, ""]))
    return path


@pytest.fixture
def resolved(tmp_path, table):
    """Resolves a run of some settings."""

    def resolve_(**settings) -> ResolvedRun:
        config = PipelineConfig(
            **{"data": str(table), "model": "linear", "root": str(tmp_path / "root")} | settings
        )
        return resolve(config, EnvironmentSettings(None, tmp_path), print)

    return resolve_


def run_it(run: ResolvedRun) -> set[str]:
    """Runs, and returns the steps that were executed."""
    run.root.mkdir(exist_ok=True)
    recorded_functions.save(run, run.root)
    run_in_root(run, uuid.uuid4().hex)
    record = RunRecord(run.metadata.path, run.pipeline_name)
    return {step.name for step in record.steps if not step.is_cached}


def reasons(run: ResolvedRun) -> dict[str, str]:
    """Returns why each step would be executed, but for those that always are."""
    return {
        each.step: each.reason
        for each in plan(run)
        if each.will_run and each.reason != RUNS_EVERY_TIME
    }


def planned_and_run(run: ResolvedRun) -> dict[str, str]:
    """Plans a run, and runs it; both must agree. Returns the reasons."""
    planned = reasons(run)
    assert run_it(run) - {"LatestBlessedModel"} == planned.keys()
    return planned


def edited(run: ResolvedRun, *names: str, step: str = "Transform") -> ResolvedRun:
    """Returns a run whose functions of these names are others in one step."""
    functions = {**run.functions[step], **dict.fromkeys(names, "0" * 16)}
    return replace(
        run,
        functions={**run.functions, step: functions},
        fingerprints={**run.fingerprints, step: fingerprint_of(functions)},
    )


def files_below(folder: Path) -> dict[str, tuple[int, float]]:
    """Returns each file and folder with its size and time."""
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*")}


@pytest.mark.slow
def test_each_kind_of_change_is_named_and_the_run_does_what_was_planned(
    steps, resolved, table, tmp_path
):
    """Settings, code, data, deleted outputs, failures; then nothing; the root stays as it is."""
    run = resolved()
    assert not run.root.exists()
    assert planned_and_run(run) == dict.fromkeys((*DATA, "SchemaGen", *MODEL), "it never ran")

    before = files_below(run.root)
    assert reasons(run) == {}
    assert {each.reason for each in plan(run)} == {"nothing changed", RUNS_EVERY_TIME}
    assert files_below(run.root) == before
    assert planned_and_run(run) == {}

    assert planned_and_run(resolved(max_bad_records=0.5)) == {
        "DataGate": "--max-bad-records is 0.5, was 0.0"
    }
    assert planned_and_run(resolved(regularization=2.0)) == {
        "Trainer": "--regularization is 2.0, was 10.0",
        "Evaluator": "the output of Trainer is new; the last blessed model is another",
        "InfraValidator": "the output of Evaluator and Trainer is new",
        "Pusher": "the output of Evaluator, InfraValidator and Trainer is new",
    }
    # What an earlier run left for these settings is still there.
    other_model = "another output of Trainer is in the cache"
    assert planned_and_run(run) == {
        "Evaluator": f"the last blessed model is another; {other_model}",
        "InfraValidator": f"the output of Evaluator is new; {other_model}",
        "Pusher": f"the output of Evaluator and InfraValidator is new; {other_model}",
    }

    assert planned_and_run(edited(run, TOKENIZE))["Transform"] == f"{TOKENIZE} was edited"
    shutil.rmtree(next((run.pipeline_root / "StatisticsGen" / "statistics").iterdir()))
    found = planned_and_run(run)
    assert found["StatisticsGen"] == "its outputs were deleted"
    assert found["ExampleValidator"] == "the output of StatisticsGen is new"
    assert "Transform" not in found

    table.write_text(table.read_text() + "another good film,1\n")
    found = planned_and_run(resolved())
    assert found["ReviewExampleGen"] == "the data changed: reviews.csv"
    assert found["Transform"] == "the output of ReviewExampleGen is new"
    assert set(found) == {*DATA, *MODEL}

    # The root may move: what is recorded lies in it.
    moved = run.root.rename(tmp_path / "moved")
    assert reasons(resolved(root=str(moved))) == {}
    moved_run = edited(resolved(root=str(moved)), "components.features", step="Trainer")
    assert reasons(moved_run)["Trainer"] == "components.features was edited"
    assert set(planned_and_run(moved_run)) == set(MODEL)


def test_a_step_that_failed_or_was_interrupted_says_so(steps, resolved):
    """What never began behind it goes by its input; a change of settings comes before."""
    run = resolved()
    steps.fails["Trainer"] = ValueError("no such luck")
    with pytest.raises(ValueError, match="no such luck"):
        run_it(run)
    found = reasons(run)
    assert found == {
        "Trainer": "its last run failed",
        "Evaluator": "it never ran",
        "InfraValidator": "it never ran",
        "Pusher": "it never ran",
    }
    assert [each.seconds_last for each in plan(run) if each.step in found] == [None] * 4

    steps.fails["Trainer"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        run_it(run)
    assert reasons(run)["Trainer"] == "its last run was interrupted"

    steps.fails.clear()
    assert set(planned_and_run(run)) == set(MODEL)
    steps.fails["Trainer"] = ValueError("again")
    with pytest.raises(ValueError, match="again"):
        run_it(resolved(regularization=2.0))
    assert reasons(resolved(regularization=2.0))["Trainer"] == "its last run failed"
    assert reasons(resolved(regularization=3.0))["Trainer"] == "--regularization is 3.0, was 10.0"
    assert reasons(run) == {}


def test_what_cannot_be_named_is_told_without_a_name(steps, resolved):
    """A root of an earlier release has no functions; no setting of Beam is recorded."""
    run = resolved()
    run_it(run)
    shutil.rmtree(run.root / "functions")
    assert reasons(edited(run, TOKENIZE))["Transform"] == "its code changed"
    found = planned_and_run(resolved(beam_mode="multi_processing"))
    assert found["ReviewExampleGen"] == "--beam, --beam-mode or --beam-workers changed"
    assert "SchemaGen" not in found
    everything = set(reasons(resolved(cache=False)).items())
    assert everything == {
        (step, "the cache is off (--no-cache)") for step in (*DATA, "SchemaGen", *MODEL)
    }


def test_what_the_steps_took_is_what_they_took_when_they_were_executed(steps, resolved):
    """A run from the cache does not count."""
    run = resolved()
    run_it(run)
    first = [each.seconds_last for each in plan(run)]
    run_it(run)
    later = [each.seconds_last for each in plan(run) if each.reason != RUNS_EVERY_TIME]
    assert later == [
        took for took, each in zip(first, plan(run), strict=True) if each.reason != RUNS_EVERY_TIME
    ]
    assert all(0 < took < 60 for took in later)


@pytest.mark.slow
def test_metadata_that_cannot_be_read_is_told_in_a_line(resolved):
    """A file that is none of SQLite's is damaged; one that another program locked is in use."""
    run = resolved()
    run.root.mkdir()
    run.metadata.path.write_text("no database, and longer than its head" * 100)
    with pytest.raises(ConfigurationError) as error:
        plan(run)
    assert str(error.value) == (
        f"{run.metadata.path} is damaged: file is not a database. Restore it from a copy, or "
        "choose another --root: without it, all steps run again."
    )
    run.metadata.path.unlink()
    connection = sqlite3.connect(run.metadata.path)
    connection.execute("CREATE TABLE t (x)")
    connection.execute("BEGIN EXCLUSIVE")
    with pytest.raises(RootBusyError, match=r"database is locked\. Another program may"):
        plan(run)
    connection.close()
    message = f"{run.metadata.path} is an SQLite file, but not ML Metadata's"
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        plan(run)


def test_a_run_that_was_killed_while_it_wrote_can_be_planned(steps, resolved):
    """What it had half written is taken back in a copy; its own file stays as it is."""
    run = resolved()
    run_it(run)
    half = (
        "import os, sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1])\n"
        "connection.execute('PRAGMA cache_size = 1')\n"
        "connection.execute('DELETE FROM Event')\n"
        "connection.execute('UPDATE Artifact SET uri = hex(randomblob(9000))')\n"
        "os._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", half, str(run.metadata.path)]).returncode == 9
    assert run.metadata.path.with_name("metadata.db-journal").stat().st_size
    before = files_below(run.root)
    assert reasons(run) == {}
    assert files_below(run.root) == before
