"""Data, root and serving directory of runs in a store that several processes see, see `tests.gcs`.

$FAKE_GCS_SERVER names the store's program, if it is not on PATH.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from tests import gcs

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.skipif(
        gcs.program() is None,
        reason="fake-gcs-server is not installed: `go install` it, or set FAKE_GCS_SERVER",
    ),
]

ROOT = "gs://box/root"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A storage with an empty bucket, `box`."""
    with gcs.running(tmp_path_factory.mktemp("gcs")) as storage:
        storage.make_bucket("box")
        yield storage


@pytest.fixture(scope="module")
def sentiment(store, tmp_path_factory, small_data):
    """Runs a command in a process of its own, whose metadata is a local file."""
    folder = tmp_path_factory.mktemp("here")
    data = store.put("box", "reviews.jsonl", small_data.read_bytes())
    own = {"XDG_CACHE_HOME": str(folder / "cache"), "COLUMNS": "200"}

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pipeline.cli", *words]
        where = ["--root", ROOT, "--metadata", str(folder / "runs.db")]
        if words[0] == "run":
            where += ["--data", data, "--model", "linear", "--model-name", "m"]
            where += ["--min-accuracy", "0.5", "--min-lift", "0"]
        return subprocess.run(
            [*command, *where],
            env={**os.environ, **store.variables, **own},
            capture_output=True,
            text=True,
            timeout=900,
        )

    return call


@pytest.mark.parametrize(
    ("step", "refused"),
    [
        ("Trainer", r"/Trainer/model/\d+/.*saved_model\.pb"),
        ("Evaluator", r"/Evaluator/evaluation/\d+/.*eval"),
        ("Pusher", r"serving_model/m/.*saved_model\.pb"),
    ],
)
def test_a_write_that_is_refused_ends_the_run_in_one_line(store, sentiment, step, refused):
    """The step and the path are named; what came before is taken from the cache by the next run."""
    store.refuse_writes(refused)
    run = sentiment("run")
    store.mend()
    assert run.returncode == 1, run.stdout + run.stderr
    (said,) = [line for line in run.stderr.splitlines() if line.startswith("sentiment: ")]
    assert ROOT in said and ("403" in said or "denied" in said)
    assert "Traceback" not in run.stdout + run.stderr
    assert re.search(rf"FAILED .*{step} ", run.stdout)
    assert not _versions(store)


def test_the_next_run_pushes_and_the_one_after_it_takes_all_from_the_cache(store, sentiment):
    """Nothing half-written was taken: the pushed model answers."""
    run = sentiment("run")
    assert run.returncode == 0, run.stdout + run.stderr
    assert re.search(r"cached .*Trainer ", run.stdout)
    (version,) = _versions(store)
    names = store.names("box", f"root/serving_model/m/{version}/")
    assert f"root/serving_model/m/{version}/saved_model.pb" in names
    assert f"root/serving_model/m/{version}/model_card.json" in names

    again = sentiment("run")
    assert again.returncode == 0, again.stdout + again.stderr
    assert _versions(store) == [version]
    assert not re.search(r"done .*(Trainer|Evaluator|Pusher) ", again.stdout)
    # Beside each page is a table of the labels that are doubted.
    pages = [name for name in store.names("box", "root/reports/") if name.endswith(".html")]
    assert len(pages) == 5
    assert len(store.names("box", "root/logs/run-")) == 5


def test_a_version_that_somebody_removed_is_pushed_again(store, sentiment):
    """From the cache, but for the push."""
    (version,) = _versions(store)
    store.remove("box", f"root/serving_model/m/{version}/")
    run = sentiment("run")
    assert run.returncode == 0, run.stdout + run.stderr
    (pushed,) = _versions(store)
    assert int(pushed) > int(version)
    assert re.search(r"cached .*Trainer ", run.stdout)
    assert re.search(r"done .*Pusher ", run.stdout)


def test_the_runs_of_a_root_in_a_store_are_listed(sentiment):
    """With their outcomes, as their own metadata has them."""
    listed = sentiment("runs", "--json")
    assert listed.returncode == 0, listed.stderr
    assert [run["state"] for run in json.loads(listed.stdout)] == ["complete"] * 3 + ["failed"] * 3


def _versions(store) -> list[str]:
    """Returns the versions that a server would load."""
    found = (
        re.fullmatch(r"root/serving_model/m/(\d+)/saved_model\.pb", name)
        for name in store.names("box", "root/serving_model/m/")
    )
    return [match[1] for match in found if match]
