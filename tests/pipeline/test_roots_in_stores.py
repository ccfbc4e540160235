"""A root in a store: where its metadata, its lock and its logs are, and what is written there."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import pytest

from components.errors import RootBusyError
from components.storage import trial
from components.storage.place import place_of
from pipeline.cli import main
from pipeline.config import PipelineConfig
from pipeline.loading import EnvironmentSettings
from pipeline.metadata.address import SqliteFile, find_address
from pipeline.report.pages import save
from pipeline.resolution import resolve
from pipeline.results import recorded_functions
from pipeline.results.shared_roots import ID_FILE, own_id
from pipeline.root import METADATA_FILE, is_in_use
from pipeline.runners.local import alone_in
from pipeline.session import Session
from tests.stores import no_permission

ROOT = "mem://box/root"


def run_in(root: str, metadata: Path, cache: Path):
    """Returns a resolved run of the sample."""
    config = PipelineConfig(data="sample", root=root, metadata=str(metadata))
    return resolve(config, EnvironmentSettings(None, cache), lambda _: None)


def test_a_root_in_a_store_needs_metadata_elsewhere(mem_store, capsys):
    """Told at once, by the flags, before anything is written."""
    for command in (["run", "--data", "sample"], ["runs"], ["report"]):
        assert main([*command, "--root", ROOT]) == 2
        said = " ".join(capsys.readouterr().err.split())
        assert f"--root is {ROOT}, and ML Metadata's SQLite file cannot be in a store" in said
        assert "expected --metadata with it, a local file such as runs.db, or mysql://" in said
    assert mem_store.below("mem://box") == []


def test_a_file_of_metadata_apart_from_the_root_holds_absolute_paths(tmp_path):
    """The file of the root itself, named by the setting, is the one with relative paths."""
    own = tmp_path / METADATA_FILE
    apart = find_address(str(tmp_path / "runs.db"), "", own, {})
    assert apart == SqliteFile(tmp_path / "runs.db", is_shared=True)
    assert find_address(str(own), "", own, {}) == SqliteFile(own)
    assert str(apart.place("gs://bucket/root/a")) == "gs://bucket/root/a"
    assert apart.place("/elsewhere/a") == Path("/elsewhere/a")


def test_what_a_run_records_names_its_root_in_the_store(mem_store, tmp_path):
    """Artifacts and the served model lie below it, whatever the working folder is."""
    run = run_in(f"{ROOT}/", tmp_path / "runs.db", tmp_path)
    recorded = run.as_recorded()
    assert str(recorded.pipeline_root) == f"{ROOT}/pipelines/sample_sentiment"
    assert str(recorded.serving_directory) == f"{ROOT}/serving_model/sample_sentiment"
    assert run.metadata == SqliteFile(tmp_path / "runs.db", is_shared=True)


def test_the_lock_of_a_root_in_a_store_is_beside_its_metadata(mem_store, tmp_path):
    """One run at a time, also in another root that the same file serves."""
    metadata = SqliteFile(tmp_path / "new" / "runs.db", is_shared=True)
    root, other = place_of(ROOT), place_of("mem://box/other")
    with alone_in(root, metadata=metadata):
        assert is_in_use(root, metadata)
        with (
            pytest.raises(RootBusyError, match=r"is using .*runs\.db\.lock.*a --metadata of its"),
            alone_in(other, metadata=metadata),
        ):
            pass
    assert not is_in_use(root, metadata)
    with alone_in(root, metadata=metadata):
        pass
    assert mem_store.below("mem://box") == []


def test_functions_ids_and_pages_are_written_to_the_store(mem_store, tmp_path):
    """And read back; what cannot be written leaves the run as it is."""
    run = run_in(ROOT, tmp_path / "runs.db", tmp_path)
    mem_store.fail("write", matching="/functions/")
    fingerprint = run.fingerprints["Trainer"]
    recorded_functions.save(run, run.root)
    assert recorded_functions.load(run.root, fingerprint) is None
    recorded_functions.save(run, run.root)
    assert len(mem_store.below(f"{ROOT}/functions")) >= len(run.functions) - 1
    assert recorded_functions.load(run.root, fingerprint) == run.functions["Trainer"]

    assert own_id(run.root) == own_id(run.root)
    assert mem_store.objects[f"{ROOT}/{ID_FILE}"].decode() == f"{own_id(run.root)}\n"

    save("<p>\ud800</p>", run.root / "reports" / "a.html")
    assert mem_store.objects[f"{ROOT}/reports/a.html"] == b"<p>\\ud800</p>"


def test_the_log_of_a_root_in_a_store_is_copied_there(mem_store, tmp_path, monkeypatch, capfd):
    """At the end; where that fails, the command says where it stays, and ends as it ended."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    session = Session.in_root("run", ROOT, debug=False)

    def work(console, log_path):
        logging.warning("what a library says")
        return 3

    assert session.run(work) == 3
    (copy,) = mem_store.below(f"{ROOT}/logs")
    assert b"what a library says" in mem_store.objects[copy]
    mem_store.fail("open", matching="/logs/")
    assert session.run(work) == 3
    said = " ".join(capfd.readouterr().err.split())
    assert f"The log stays in {tmp_path}/sentiment/logs/run-" in said


def test_what_a_store_refuses_is_told_in_one_line_with_the_path(
    mem_store, tmp_path, monkeypatch, capfd
):
    """Errors of `components.storage.files`, and those of libraries that write themselves."""
    import tensorflow as tf

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    refused = tf.errors.PermissionDeniedError(None, None, f"403\n when writing {ROOT}/model")
    for error, expected in (
        (PermissionError(13, "Permission denied", f"{ROOT}/a"), f"Permission denied ({ROOT}/a)."),
        (refused, f"403 when writing {ROOT}/model."),
    ):

        def work(console, log_path, error=error):
            raise RuntimeError("Execution failed") from error

        assert Session.in_root("run", ROOT, debug=False).run(work) == 1
        said = " ".join(capfd.readouterr().err.split())
        assert f"The run could not use the store of {ROOT}: {expected} Mend that" in said
        assert "it goes on from the last finished step" in said


def test_a_comparison_in_a_store_needs_metadata_elsewhere(mem_store, tmp_path, monkeypatch, capfd):
    """As a run does; told at once."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert main(["compare", "--data", "sample", "--models", "linear", "--root", ROOT]) == 2
    assert "expected --metadata with it" in " ".join(capfd.readouterr().err.split())


def test_a_store_that_cannot_be_written_to_ends_a_run_before_it_begins(
    mem_store, tmp_path, monkeypatch, capfd
):
    """The root, and the serving directory, which else would be tried last; nothing is left."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def said(*words: str) -> str:
        assert main(["run", "--data", "sample", "--metadata", "runs.db", *words]) == 2
        return " ".join(capfd.readouterr().err.split())

    assert "--serving-dir is s5://box/served: the installed libraries know no s5://, only" in said(
        "--serving-dir", "s5://box/served"
    )
    for flag, other in (("--root", "--serving-dir"), ("--serving-dir", "--root")):
        mem_store.fail("open", error=no_permission, matching="one")
        told = said(flag, "mem://box/one", other, "mem://box/two")
        assert f"{flag} is mem://box/one; expected a folder that can be made and written" in told
        assert "Permission denied." in told
    monkeypatch.setattr(trial, "SECONDS_TO_WRITE", 0.05)
    mem_store.delay("close", 1.0, matching="one")
    told = said("--root", "mem://box/two", "--serving-dir", "mem://box/one")
    assert "--serving-dir is mem://box/one: the store mem://box does not answer within 0.05" in told
    time.sleep(1.2)
    assert not [path for path in mem_store.below("mem://box") if "/logs/" not in path]
