"""The functions of a run are kept in its root, once for each version of the code."""

from __future__ import annotations

import gzip

import pytest

from pipeline.config import PipelineConfig
from pipeline.fingerprint import library_versions
from pipeline.loading import EnvironmentSettings
from pipeline.resolution import resolve
from pipeline.results.recorded_functions import load, recorded, save


@pytest.fixture
def run(tmp_path):
    """A run that was not made."""
    config = PipelineConfig(data="sample", root=str(tmp_path / "root"))
    return resolve(config, EnvironmentSettings(None, tmp_path), print)


def test_functions_are_found_by_the_fingerprint_of_each_step(run, tmp_path):
    """Also when the root has moved, and where more stands behind the fingerprint."""
    save(run, run.root)
    root = run.root.rename(tmp_path / "moved")
    assert " " in run.fingerprints["SchemaGen"]
    for step, fingerprint in run.fingerprints.items():
        assert load(root, fingerprint) == run.functions[step]
    assert "components.transform.preprocessing.preprocessing_fn" in run.functions["Transform"]
    assert recorded(root, run.fingerprints["Trainer"]).libraries == library_versions()


def test_the_same_code_is_recorded_once_and_is_small(run):
    """All steps take less than 100 KB; a second run writes nothing."""
    save(run, run.root)
    files = {path: path.stat().st_mtime_ns for path in (run.root / "functions").iterdir()}
    assert len(files) == len(run.functions)
    assert sum(path.stat().st_size for path in files) < 100_000
    save(run, run.root)
    assert files == {path: path.stat().st_mtime_ns for path in (run.root / "functions").iterdir()}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"[" * 100_000,
        b'{"functions": {}}',
        b'{"functions": [], "libraries": {}, "python": "3"}',
        b'{"functions": {"a": 1}, "libraries": {}, "python": "3"}',
        b'{"functions": {}, "libraries": {}, "python": "3", "more": 1}',
        b" " * 10_000_001,
    ],
    ids=len,
)
@pytest.mark.parametrize(
    "pack", [gzip.compress, lambda content: gzip.compress(content)[:-4], bytes]
)
def test_a_damaged_record_is_none_and_is_written_anew(run, content, pack):
    """Whatever is in it."""
    fingerprint = run.fingerprints["Transform"]
    path = run.root / "functions" / f"{fingerprint}.json.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(pack(content))
    assert load(run.root, fingerprint) is None
    save(run, run.root)
    assert load(run.root, fingerprint) == run.functions["Transform"]


@pytest.mark.parametrize("fingerprint", ["", "a", "../../etc/passwd", "0" * 16])
def test_what_is_not_recorded_is_none(tmp_path, fingerprint):
    """A run of an earlier release, or no fingerprint."""
    assert load(tmp_path, fingerprint) is None


def test_a_root_that_takes_no_file_stops_no_run(run, caplog):
    """The log says so."""
    run.root.mkdir()
    (run.root / "functions").write_text("in the way")
    save(run, run.root)
    assert "The functions of this run are not recorded" in caplog.text
