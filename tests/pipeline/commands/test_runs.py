"""`sentiment runs`, `runs show` and `runs diff` as a person or a program reads them."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline import cli
from pipeline.console.wrapping import cells
from pipeline.results import run_properties as names
from pipeline.root import METADATA_FILE
from tests.pipeline.report.test_run_page import Document
from tests.pipeline.results.stored import CACHED, DONE, FAILED, multiply, properties_of, store_run

LIVE, FAILURE = "20261126-210857", "20261127-080000"
PROJECT = Path(cli.__file__).parent.parent


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A root with a run whose model is live, one of an earlier release, and one that failed."""
    root = tmp_path_factory.mktemp("runs") / "artifacts"
    root.mkdir()
    store_run(root, "2026-11-25T19:33:03.796003", {}, {"ReviewExampleGen": DONE, "Trainer": 2})
    steps = {"Trainer": {"state": "done", "seconds": 75.0, "peak_memory": 1_118_461_952,
                         "reason": "--model is lstm"}}  # fmt: skip
    slices = [[[["length", "1-100"]], 90, 0.75]]
    store_run(root, LIVE, properties_of(steps=steps, slices=slices), version=5)
    failed = properties_of(
        state=names.FAILED,
        error="The loss is NaN \x1b[2J. Try `learning_rate=0.001`.",
        failed_step="Trainer",
        metrics={},
        settings={"model": "cnn_bilstm_linear", "seed": 7, "positive_label": "yes, always"},
        model="cnn_bilstm_linear",
        data={"name": "a_table_with_a_long_name_of_its_own", "digest": "d1"},
    )
    store_run(root, FAILURE, failed, {"ReviewExampleGen": CACHED, "Trainer": FAILED})
    folder = root / "serving_model/reviews_sentiment/5"
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").touch()
    return root


@pytest.fixture
def runs(root, monkeypatch, capsys):
    """Calls `sentiment runs`; returns exit code, output and errors."""
    monkeypatch.chdir(root.parent)

    def call(*words, columns=80):
        monkeypatch.setenv("COLUMNS", str(columns))
        code = cli.main(["runs", *words])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


def test_the_list_has_a_line_for_each_run(runs):
    """The newest first; what is not known is a dash, and the words are explained."""
    code, output, errors = runs()
    assert (code, errors) == (0, "")
    lines = [line.split() for line in output.splitlines()]
    assert lines[0] == ["run", "data", "model", "accuracy", "%", "outcome", "took"]
    assert lines[1][0] == FAILURE and "failed" in lines[1]
    (live,) = (line for line in lines if line[0] == LIVE)
    assert live == [LIVE, "reviews", "linear", "75.00", "±", "8.55", "live", "1", "min", "08", "s"]
    (older,) = (line for line in lines if line[0] == "2026-11-25T19:33:03")
    assert older[1:] == ["-", "-", "-", "stopped", "-"]
    words = " ".join(output.split())
    assert "live: servers of this root answer by its model" in words
    assert "stopped: its process was killed, or the machine stopped" in words


@pytest.mark.parametrize("words", [[], ["show", LIVE], ["show", FAILURE], ["diff", LIVE, FAILURE]])
@pytest.mark.parametrize("columns", [60, 80, 120])
def test_lines_are_no_longer_than_the_terminal(runs, words, columns):
    """Control characters of what they quote are shown, not sent."""
    _, output, _ = runs(*words, columns=columns)
    assert output and max(map(cells, output.splitlines())) <= columns
    assert "\x1b" not in output


def test_a_wide_terminal_has_pipeline_and_version_too(runs):
    """From 110 columns on."""
    output = runs(columns=120)[1].splitlines()
    assert output[0].split()[:3] == ["run", "pipeline", "data"]
    (live,) = (line for line in output if line.startswith(LIVE))
    assert live.split()[1] == "reviews_sentiment" and " 5 " in live


def test_one_run_is_shown_with_all_that_it_recorded(runs):
    """Where it is served, what each step cost and why it ran, settings, versions, commit."""
    code, output, _ = runs("show", LIVE[:12])
    text = " ".join(output.split())
    assert code == 0
    assert output.startswith(f"{LIVE}  live\n")
    assert "accuracy 75.00% ± 8.55 points (95 %, Wilson) of 96 test reviews" in text
    assert "served from artifacts/serving_model/reviews_sentiment/5" in text
    assert "Trainer done 1 min 15 s 1,118 MB --model is lstm" in text
    assert "settings: --model linear --seed 7" in text
    assert "python 3.10.13, tfx 1.16.0" in text
    assert "commit: 012345678901" in text
    assert f"page: none yet; `sentiment report {LIVE}` writes it" in text


def test_a_failed_run_shows_the_step_and_the_error_first(runs):
    """What the error names can be typed."""
    lines = runs("show", "latest")[1].splitlines()
    assert lines[0] == f"{FAILURE}  failed"
    words = " ".join(" ".join(lines[1:3]).split())
    assert words.startswith(
        r"failed in Trainer: The loss is NaN \x1b[2J. Try --learning-rate 0.001."
    )
    assert "--positive-label 'yes, always'" in " ".join(" ".join(lines).split())


def test_a_run_of_an_earlier_release_says_what_it_did_not_record(runs):
    """Rather than to show nothing there."""
    text = " ".join(runs("show", "2026-11-25")[1].split())
    assert "settings: not recorded: an earlier release ran it" in text
    assert "stopped in Trainer: its process was killed, or the machine stopped" in text


def test_a_difference_is_shown_by_kinds(runs):
    """With flags as they are typed; of what is the same there is nothing."""
    text = runs("diff", LIVE, "latest")[1]
    assert (
        "settings\n  --positive-label: the default -> yes, always\n"
        "  --model: linear -> cnn_bilstm_linear\n"
    ) in text
    assert "train reviews" not in text
    assert "seed" not in text
    assert f"{FAILURE} has no figures: it failed before the Evaluator was done." in " ".join(
        text.split()
    )
    assert "identical: the same run" in runs("diff", "latest", FAILURE)[1]


def test_a_difference_is_a_page_as_well(runs, tmp_path):
    """With what the console prints; nothing of a text is markup, and a folder is refused."""
    page = tmp_path / "new" / "diff.html"
    code, said, _ = runs("diff", LIVE, "latest", "--html", str(page))
    assert (code, said) == (0, f"{page}\n")
    text = page.read_text(encoding="utf-8")
    words = " ".join(Document(text).words.split())
    assert "Settings --positive-label: the default -> yes, always --model: linear -> cnn" in words
    assert f"{FAILURE} has no figures: it failed before the Evaluator was done." in words
    assert 'http-equiv="Content-Security-Policy" content="default-src \'none\'' in text
    runs("diff", FAILURE, FAILURE, "--html", str(page))
    assert "Identical: the same run" in page.read_text(encoding="utf-8")
    code, _, errors = runs("diff", LIVE, "latest", "--html", str(tmp_path))
    assert code != 0 and "is a folder; expected a file's name" in errors


def test_figures_that_differ_a_little_show_where(runs, tmp_path):
    """A difference is never shown as one of 0."""
    for run_id, loss in (("a", 0.298801), ("b", 0.298809)):
        store_run(tmp_path, run_id, properties_of(metrics={"accuracy": 0.75, "log_loss": loss}))
    text = runs("diff", "a", "b", "--root", str(tmp_path))[1]
    assert "  log loss: 0.2988010 -> 0.2988090 (+0.0000080)\n" in text


def test_a_narrow_terminal_leaves_room_for_the_reasons(runs):
    """Memory is left out there."""
    assert "1,118 MB" in runs("show", LIVE)[1]
    assert "1,118 MB" not in runs("show", LIVE, columns=60)[1]


def test_json_is_for_programs(runs):
    """A list of all runs; an object of one, and of a difference."""
    listed = json.loads(runs("--json")[1])
    assert [run["run_id"] for run in listed][:2] == [FAILURE, LIVE]
    assert listed[1]["interval"] == pytest.approx([0.6549, 0.8259], abs=1e-4)
    assert listed[1]["slices"] == [[[["length", "1-100"]], 90, 0.75]]
    assert "functions" not in listed[1]
    assert len(json.loads(runs("--json", "--limit", "1")[1])) == 1
    shown = json.loads(runs("show", LIVE, "--json")[1])
    assert (shown["version"], shown["is_live"], shown["functions"]) == (5, True, {})
    assert shown["folder"].endswith("/5")
    found = json.loads(runs("diff", LIVE, FAILURE, "--json")[1])
    assert {"name": "model", "before": "linear", "after": "cnn_bilstm_linear"} in found["settings"]


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["show"], ["data kritik_f?r_?alle?", "accuracy 75.00% +- 8.55"]),
        (["show", "--json"], ['"kritik_f\\u00fcr_\\u201calle\\u201d"']),
    ],
)
def test_a_terminal_that_knows_ascii_alone_is_no_trouble(tmp_path, words, shown):
    """What it cannot show is replaced, in JSON by an escape."""
    data = {"name": "kritik_für_“alle”", "digest": "d1"}
    store_run(tmp_path, LIVE, properties_of(data=data), {})
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", "runs", *words, LIVE, "--root", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert all(each in done.stdout for each in shown)


def test_flags_may_stand_before_or_behind_show(runs, root):
    """Those of the second place win where both are given."""
    moved = str(root)
    for words in (["--root", moved, "show", LIVE], ["show", LIVE, "--root", moved]):
        assert runs(*words)[0] == 0
    assert runs("show", LIVE, "--root", "/nowhere")[0] == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["show", "20261126-210875"], "Did you mean '20261126-210857'?"),
        (["diff", LIVE, "latest~9"], "has 3 runs; the oldest is latest~2."),
        (["--limit", "many"], "--limit is 'many'; expected a whole number from 0 (all)"),
        (["--pipeline-name", "revews_sentiment"], "Did you mean 'reviews_sentiment'?"),
        (["show", LIVE, "--model-name", "mail"], "No run of the model 'mail' is in artifacts."),
        (["show"], "RUN"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(runs, words, message):
    """With the nearest that there is."""
    code, output, errors = runs(*words)
    assert (code, output) == (2, "")
    assert message in errors and len(errors.splitlines()) == 1


def test_a_root_without_runs_says_how_to_make_one(runs, tmp_path):
    """That is no error; asking for one of them is."""
    code, output, _ = runs("--root", str(tmp_path))
    assert code == 0
    assert f"yet. `sentiment run --data sample --root {tmp_path}` makes one" in output
    assert "as there is no such folder." in runs("--root", str(tmp_path / "tpyo"))[1]
    assert json.loads(runs("--root", str(tmp_path), "--json")[1]) == []
    code, _, errors = runs("show", "latest", "--root", str(tmp_path))
    assert code == 2 and "There are no runs in" in errors


@pytest.mark.parametrize("words", [[], ["show", "latest"], ["diff", "latest", "latest~1"]])
def test_a_root_that_is_a_file_or_holds_a_folder_for_metadata_is_told(runs, tmp_path, words):
    """Neither is a root without runs."""
    (tmp_path / "notes.txt").touch()
    (tmp_path / METADATA_FILE).mkdir()
    code, output, errors = runs(*words, "--root", str(tmp_path / "notes.txt"))
    assert (code, output) == (2, "") and "notes.txt, which is a file; expected the folder" in errors
    code, output, errors = runs(*words, "--root", str(tmp_path))
    assert (code, output) == (2, "") and "metadata.db is a folder or a device; expected" in errors


ODD = {
    names.STATE: ["zebra", 5.0],
    names.STARTED: ["yesterday", 5.0, "2026-99-99"],
    names.SECONDS: ["long", -5.0],
    names.SETTINGS: [[1], {"no_such": 1, "model": ["a"]}],
    names.DATA: [[], {"name": 5, "classes": "ab", "reviews": [1], "digest": 7, "leaks": "two"},
                 {"name": "x\x1b[31m", "classes": ["\x1b[2J"], "reviews": {"train": {"0": "a"}}}],
    names.METRICS: [[1], {"accuracy": "high"}, {"accuracy": 1.5, "examples": 3.0}],
    names.BASELINE: [[2], {"accuracy": "x"}],
    names.SLICES: [{"a": 1}, [[1]], [[["a"], 1, 2]], [[[["a", "b"]], "x", "y"]]],
    names.REFUSALS: ["a text", [1], {"a": 1}],
    names.VERSIONS: [["a"], {"a": 5}],
    names.FINGERPRINTS: [["a"], {"Trainer": 5}, {"Trainer": "../../x"}],
    names.STEPS: [[1], {"Trainer": 5}, {"Trainer": {"seconds": "x", "reason": 5, "state": 7}}],
}  # fmt: skip


def test_what_other_programs_recorded_of_a_run_hides_no_other_run(runs, tmp_path):
    """Each of them is listed, shown and compared, without what has another shape."""
    store_run(tmp_path, LIVE, properties_of())
    odd = [(name, value) for name, values in ODD.items() for value in values]
    ids = [f"odd-{number:03}" for number in range(len(odd))]
    for run_id, (name, value) in zip(ids, odd, strict=True):
        store_run(tmp_path, run_id, properties_of(**{name: value}), {"Trainer": DONE})
    code, output, _ = runs("--root", str(tmp_path), "--limit", "0")
    lines = output.splitlines()
    assert code == 0 and "\x1b" not in output
    assert [line.split()[0] for line in lines[1 : len(odd) + 2]] == [*reversed(ids), LIVE]
    for run_id in ids:
        for words in (["show", run_id], ["diff", LIVE, run_id]):
            code, output, errors = runs(*words, "--root", str(tmp_path))
            assert (code, errors) == (0, "") and run_id in output
    assert len(json.loads(runs("--root", str(tmp_path), "--json")[1])) == len(odd) + 1


def test_a_damaged_file_is_one_line_and_exit_code_2(runs, tmp_path):
    """The name of the file, and what to do."""
    (tmp_path / METADATA_FILE).write_text("these are no tables\n" * 500)
    code, output, errors = runs("--root", str(tmp_path))
    assert (code, output, len(errors.splitlines())) == (2, "", 1)
    assert "metadata.db is damaged (file is not a database). Restore it from a backup" in errors


LISTED = """
import sys
from pipeline import cli
code = cli.main(["runs", *sys.argv[1:]])
heavy = ("tensorflow", "apache_beam", "tfx", "keras", "ml_metadata", "tensorflow_model_analysis")
print([name for name in heavy if name in sys.modules], code, file=sys.stderr)
"""


@pytest.mark.parametrize("words", [["--limit", "0"], ["diff", "latest~199", "latest"]])
def test_two_hundred_runs_take_less_than_a_second(tmp_path, words):
    """Of a processor, from the start of Python to the last line; without TensorFlow."""
    store_run(tmp_path, LIVE, properties_of(), version=5)
    multiply(tmp_path, 200)
    before = os.times()
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", LISTED, *words, "--root", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=PROJECT,
    )
    after = os.times()
    assert done.stderr.splitlines()[-1] == "[] 0"
    seconds = after.children_user - before.children_user
    seconds += after.children_system - before.children_system
    assert seconds < 1, f"{time.monotonic() - began:.1f} s of the clock"
    assert LIVE in done.stdout


def test_commands_in_messages_name_where_the_runs_are_recorded(runs, root, tmp_path):
    """Typed as they stand, they find the same runs."""
    where = ["--root", str(tmp_path / "my root"), "--metadata", str(tmp_path / "my runs.db")]
    shutil.copy(root / METADATA_FILE, where[-1])

    def advised(text: str) -> list[str]:
        return shlex.split(re.search("`sentiment (.*?)`", " ".join(text.split()))[1])

    code, _, errors = runs("show", "latest~9", *where, columns=1_000)
    assert code == 2
    assert advised(errors) == ["runs", *where]
    code, output, _ = runs(*advised(errors)[1:])
    assert code == 0 and LIVE in output
    _, output, _ = runs("show", LIVE, *where, columns=1_000)
    assert advised(output) == ["report", LIVE, *where]
    where[-1] = str(tmp_path / "none.db")
    _, output, _ = runs(*where, columns=1_000)
    assert advised(output) == ["run", "--data", "sample", *where]
