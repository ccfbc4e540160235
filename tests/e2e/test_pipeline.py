"""The whole pipeline on a small table, through the command line, in its own process."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from components.dataset.sample import generate_review
from components.pusher.model_card import FILE as CARD
from pipeline.results.run_record import RunRecord
from pipeline.results.runs import list_runs
from tests.e2e.page_numbers import check_numbers
from tests.pipeline.console.summaries import STEPS as STEPS_IN_ORDER
from tests.pipeline.report.test_run_page import Document

from .running import sentiment, start

pytestmark = pytest.mark.e2e

STEPS = set(STEPS_IN_ORDER)
UP_TO_TRANSFORM = STEPS - {
    "Trainer", "LatestBlessedModel", "Evaluator", "InfraValidator", "Pusher",
}  # fmt: skip
# A resolver runs every time.
ALWAYS_EXECUTED = {"LatestBlessedModel"}


def executed(root: Path, pipeline_name: str) -> set[str]:
    """Returns the steps of the latest run that were not taken from the cache."""
    record = RunRecord(root / "metadata.db", pipeline_name)
    return {step.name for step in record.steps if not step.is_cached}


def versions(root: Path, model_name: str) -> list[str]:
    """Returns the pushed versions."""
    return sorted(path.name for path in (root / "serving_model" / model_name).glob("*"))


def end_after(step: str, how: int, *arguments: str, cwd: Path) -> tuple[int, str]:
    """Sends a signal once `step` is done and the next one has begun.

    Returns:
      The exit code and what was printed to standard error.
    """
    with tempfile.TemporaryDirectory() as temporary:
        with start(*arguments, cwd=cwd, temporary=temporary) as process:
            for line in process.stdout:
                if step in line:
                    time.sleep(0.5)
                    process.send_signal(how)
                    break
            _, errors = process.communicate(timeout=120)
        # SIGKILL leaves no time to tidy up.
        assert how == signal.SIGKILL or os.listdir(temporary) == []
    return process.returncode, errors


def ask_server(text: str, *arguments: str) -> dict[str, Any]:
    """Returns what `sentiment serve` answers over REST, and stops it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/v1/models/reviews_sentiment:predict"
    request = json.dumps({"signature_name": "predict_text", "instances": [text]}).encode()
    with start(
        "serve", *arguments, "--port=0", f"--rest_api_port={port}", cwd=Path.cwd()
    ) as server:
        try:
            for line in server.stderr:
                if "Exporting HTTP/REST API" in line:
                    break
            with urllib.request.urlopen(url, request, timeout=60) as response:
                (prediction,) = json.load(response)["predictions"]
        finally:
            server.terminate()
            server.communicate(timeout=60)
    assert server.returncode == 0
    return prediction


def check_page(printed: str, card: dict[str, Any], folder: Path) -> None:
    """Checks the page that the last line names: it is whole, and its numbers are the card's."""
    page = folder / printed.splitlines()[-1].split("page: ")[-1].strip()
    words = Document(page.read_text(encoding="utf-8")).words
    (run,) = (each for each in list_runs(folder / "artifacts") if each.state == "complete")
    check_numbers(page, run, folder / "artifacts" / "pipelines" / run.pipeline_name)
    metrics = card["test_metrics"]
    for number in (
        f"{100 * metrics['accuracy']:.2f} % accuracy", f"{metrics['auc']:.4f} AUC",
        f"{metrics['log_loss']:.4f} log loss", f"{metrics['true_negatives']:,.0f} "
        f"{metrics['false_positives']:,.0f}", f"{metrics['examples']:,.0f} test reviews",
        "gave the model's own answers to 114 reviews",
    ):  # fmt: skip
        assert number in words, number
    for sign in ("could not be", "not there any more", "not recorded", "not known"):
        assert sign not in words, sign


def finished(root: Path, pipeline_name: str) -> set[str]:
    """Returns the steps of the latest run that ended well: executed or taken from the cache."""
    return {step.name for step in RunRecord(root / "metadata.db", pipeline_name).steps}


def check_records(root: Path, version: int, first_executed: set[str]) -> None:
    """Checks what the first five runs recorded: two of them ended well, with that version."""
    recorded = list_runs(root)
    assert [(run.state, run.failed_step) for run in reversed(recorded)] == [
        ("stopped", "Transform"), ("interrupted", "Trainer"), ("interrupted", "Evaluator"),
        ("complete", ""), ("complete", ""),
    ]  # fmt: skip
    assert [run.version for run in recorded[:2]] == [version] * 2
    assert recorded[0].is_live and recorded[0].accuracy == recorded[1].accuracy
    assert {step.name: step.state for step in recorded[0].steps} == {
        step: "done" if step in ALWAYS_EXECUTED else "cached" for step in STEPS
    }
    costs = [step for step in recorded[1].steps if step.state == "done"]
    assert {step.name for step in costs} == first_executed
    assert min(step.peak_memory for step in costs) > 200_000_000
    assert max(step.seconds for step in costs) < recorded[1].seconds


def check_difference(root: Path) -> None:
    """Checks what is said of the latest two runs, which differ in three settings."""
    found = sentiment(
        "runs", "diff", "latest~1", "latest", "--root", str(root), "--json", cwd=root.parent
    )
    changed = json.loads(found.stdout)
    assert changed["settings"] == [
        {"name": "regularization", "before": None, "after": 2.0},
        {"name": "max_regression", "before": None, "after": 1.0},
        {"name": "infra_validation", "before": "embedded", "after": "off"},
    ]
    assert (changed["functions"], changed["data"]) == ([], [])
    sides = changed["sides"]
    assert sides["reviews"] == 96 and len(sides["shown"]) == sides["better"] + sides["worse"]
    assert all(review["text"] for review in sides["shown"])


def steps_to_run(root: Path, *arguments: str) -> dict[str, str]:
    """Returns what `--plan` says of the steps that would run; it writes nothing."""
    before = sorted((path, path.stat().st_mtime_ns) for path in root.rglob("*"))
    plan = sentiment(*arguments, "--root", str(root), "--plan", cwd=root.parent)
    assert (plan.returncode, plan.stderr) == (0, "")
    assert sorted((path, path.stat().st_mtime_ns) for path in root.rglob("*")) == before
    # A reason that does not fit goes on in the next line.
    lines = re.sub(r"\n  (?=\S)", "  ", plan.stdout)
    return dict(re.findall(r"^▶ to run  .{19}  (\w+) (.+)$", lines, re.M))


def check_answers(root: Path) -> None:
    """Checks that `predict` and a server give the same answer."""
    named = ["--root", str(root), "--model-name", "reviews_sentiment"]
    answer = sentiment("predict", *named, "a film", cwd=root.parent)
    assert answer.stderr == ""
    served = ask_server("a film", *named)
    assert served["probability"] == pytest.approx(float(answer.stdout.split()[0]), abs=5e-5)


def run_arguments(small_data: Path, root: Path) -> list[str]:
    """Returns what trains, judges and pushes a model in a few seconds, and tries it in a server."""
    arguments = ["run", "--data", str(small_data), "--model", "linear", "--root", str(root)]
    return [*arguments, *"--min-accuracy 0.2 --min-lift 0 --infra-validation embedded".split()]


def check_a_deleted_version_is_pushed_again(root: Path, version: str, arguments: list[str]) -> None:
    """A plan says so; the version is back afterwards."""
    folder = root / "serving_model/reviews_sentiment" / version
    hidden = folder.rename(root / "hidden")
    plan = steps_to_run(root, *arguments)
    assert plan.keys() - ALWAYS_EXECUTED == {"Pusher"}
    assert "its outputs were deleted" in " ".join(plan["Pusher"].split())
    hidden.rename(folder)


def test_a_run_pushes_a_model_and_a_page(small_data, tmp_path):
    """Every step runs; card and page are of the one version."""
    root = tmp_path / "artifacts"
    run = sentiment(*run_arguments(small_data, root), cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert executed(root, "reviews_sentiment") == STEPS
    (version,) = versions(root, "reviews_sentiment")
    assert f"serving_model/reviews_sentiment/{version}" in run.stdout
    card = json.loads((root / "serving_model/reviews_sentiment" / version / CARD).read_text())
    assert card["infra_validation"] == {"engine": "embedded", "answers": 114}
    check_page(run.stdout, card, tmp_path)


@pytest.mark.slow
def test_a_run_goes_on_after_it_was_ended_and_executes_what_changed(small_data, tmp_path):
    """Killed in Transform, interrupted in Trainer, ended in Evaluator; finished; cached; moved."""
    root = tmp_path / "artifacts"
    arguments = run_arguments(small_data, root)

    assert end_after("DataGate", signal.SIGKILL, *arguments, cwd=tmp_path)[0] == -signal.SIGKILL
    code, errors = end_after("Transform", signal.SIGINT, *arguments, cwd=tmp_path)
    assert code == 130
    assert errors.strip() == "sentiment: interrupted in Trainer; the next run goes on from there."
    assert executed(root, "reviews_sentiment") & UP_TO_TRANSFORM == {"Transform"}
    code, errors = end_after("LatestBlessedModel", signal.SIGTERM, *arguments, cwd=tmp_path)
    assert code == 143
    assert errors == (
        "sentiment: ended by SIGTERM in Evaluator; the next run goes on from there.\n"
    )
    assert not (root / "serving_model").exists()

    first = sentiment(*arguments, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    executed_first = {"Evaluator", "InfraValidator", "Pusher"} | ALWAYS_EXECUTED
    assert executed(root, "reviews_sentiment") == executed_first
    pushed = versions(root, "reviews_sentiment")
    assert len(pushed) == 1
    assert len(first.stdout.splitlines()) <= 40
    assert "\x1b" not in first.stdout
    assert f"serving_model/reviews_sentiment/{pushed[0]}" in first.stdout
    assert "passed the gate and infra validation" in " ".join(first.stdout.split())
    card = json.loads((root / "serving_model/reviews_sentiment" / pushed[0] / CARD).read_text())
    assert card["infra_validation"] == {"engine": "embedded", "answers": 114}
    check_page(first.stdout, card, tmp_path)

    second = sentiment(*arguments, cwd=tmp_path)
    assert second.returncode == 0, second.stderr
    assert executed(root, "reviews_sentiment") == ALWAYS_EXECUTED
    assert finished(root, "reviews_sentiment") == STEPS
    assert versions(root, "reviews_sentiment") == pushed
    check_a_deleted_version_is_pushed_again(root, pushed[0], arguments)
    assert len(re.findall(r"^↺ cached .+  from \d\d \w{3} \d\d:\d\d$", second.stdout, re.M)) == 10

    # A root may move, and what somebody deleted is made anew; all else still is in the cache.
    root = root.rename(tmp_path / "moved")
    check_records(root, int(pushed[0]), executed_first)
    shutil.rmtree(next((root / "pipelines/reviews_sentiment/StatisticsGen/statistics").iterdir()))
    changes = ["--regularization", "2", "--max-regression", "1", "--infra-validation", "off"]
    plan = steps_to_run(root, *arguments, *changes)
    assert "s  --regularization is 2.0, was 10.0" in plan["Trainer"]
    third = sentiment(*arguments, *changes, "--root", str(root), cwd=tmp_path)
    assert third.returncode == 0, third.stderr
    assert executed(root, "reviews_sentiment") == plan.keys() == {
        "StatisticsGen", "ExampleValidator", "DataGate", "Trainer", "Evaluator", "Pusher",
    } | ALWAYS_EXECUTED  # fmt: skip
    assert re.search(r"because\s+--regularization is 2.0,\s+was 10.0", third.stdout)
    assert "last blessed" in third.stdout
    assert len(versions(root, "reviews_sentiment")) == 2
    assert not (tmp_path / "artifacts").exists()
    check_difference(root)

    check_answers(root)


@pytest.mark.slow
def test_shuffled_labels_give_a_model_that_is_refused_with_a_sentence(tmp_path):
    """The gate is real: what cannot be learnt is not pushed, and the exit code is 3."""
    # The folder's name is that of the data: a long one would wrap lines of what is printed.
    folder = tmp_path / "films"
    folder.mkdir()
    path, test = folder / "train.csv", folder / "test.csv"
    for file, parity in ((path, 1), (test, 0)):
        rows = ["text,label"]
        rows += [
            f'"{generate_review(index).text.decode()}",{index // 2 % 2}'
            for index in range(parity, 400, 2)
        ]
        file.write_text("\n".join(rows))
    root = tmp_path / "artifacts"
    run = sentiment(
        "run", "--data", f"{path},{test}", "--epochs", "1", "--root", str(root), "--no-report",
        cwd=tmp_path,
    )  # fmt: skip
    assert not (root / "reports").exists()
    assert run.returncode == 3, run.stderr
    words = " ".join(run.stdout.split())
    assert "is below the gate's 80.00% (--min-accuracy)" in words
    assert "the served model does not change" in words
    # Once when the reviews were read, and once beside the verdict: with both, all is on one screen.
    assert words.count("200 training reviews are few for lstm; try --model linear.") == 2
    assert len(run.stdout.splitlines()) <= 40
    assert "(--min-lift)" in words
    assert "skipped Try it in a server InfraValidator the gate refused the model" in words
    assert "skipped Push the model Pusher the model is not blessed" in words
    assert "done Push" not in words
    assert not (root / "serving_model").exists()


@pytest.mark.slow
def test_unfit_data_stops_the_run_before_transform(tmp_path):
    """Exit code 4, and the record is named at a first look, or the split by the data gate."""
    path = tmp_path / "reviews.csv"
    rows = [f'"{generate_review(index).text.decode()}",{index % 2}' for index in range(60)]
    path.write_text("\n".join(["text,label", *rows, "a fine film,maybe"]))
    root = tmp_path / "artifacts"
    run = sentiment("run", "--data", str(path), "--root", str(root), cwd=tmp_path)
    assert run.returncode == 4, run.stderr
    assert "1 records could not be read" in run.stderr
    assert "reviews.csv, record 61: label 'maybe'" in run.stderr
    assert "Traceback" not in run.stderr + run.stdout
    assert not (root / "pipelines").exists()

    # Of the last rows, the positive ones.
    tested = range(41, 60, 2)
    rows = [f"{row},{'test' if n in tested else 'train'}" for n, row in enumerate(rows)]
    path.write_text("\n".join(["text,label,split", *rows]))
    run = sentiment("run", "--data", str(path), "--root", str(root), cwd=tmp_path)
    assert run.returncode == 4, run.stderr
    assert "The data gate stopped the run. Split 'test' has one class only" in run.stderr
    assert "Traceback" not in run.stderr + run.stdout
    assert not (root / "pipelines" / "reviews_sentiment" / "Transform").exists()
