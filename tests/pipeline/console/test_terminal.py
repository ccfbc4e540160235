import io
import re
import subprocess
import sys

import pytest

from components.progress import Progress
from pipeline.console.terminal import Console
from tests.pipeline.console.pseudo_terminal import in_a_terminal
from tests.pipeline.console.summaries import BLESSED, REFUSED, text_of, whole_run


def test_a_run_without_a_terminal_is_plain_and_short(stream):
    """A whole run, warned of, takes at most 44 lines, without control characters or bars."""
    with Console(stream) as console:
        console.notice("This is the sample. " * 18)
        whole_run(console)

    lines = text_of(stream).splitlines()
    assert len(lines) <= 44
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text_of(stream))
    assert not any("epoch" in line for line in lines)
    assert all(line == line.rstrip() for line in lines)
    assert [line for line in lines if "Trainer" in line] == [
        "✓ done    Train the model      Trainer                    4.2 s",
        "  tensorboard --logdir '/home/some one/Trainer'",
    ]


@pytest.mark.parametrize(
    ("ended", "step", "why", "line"),
    [
        (
            Console.component_cached,
            "Transform",
            "from [24 Nov] 11:28",
            "↺ cached  Turn text into ids   Transform           from [24 Nov] 11:28\n",
        ),
        (
            Console.component_skipped,
            "Pusher",
            "the model is not blessed",
            "– skipped Push the model       Pusher              the model is not blessed\n",
        ),
    ],
)
def test_a_step_that_did_not_run_says_why(stream, ended, step, why, line):
    """From the cache, or with nothing to do: it is not called done, in the same columns."""
    with Console(stream) as console:
        console.component_started(step)
        ended(console, step, why)

    assert text_of(stream) == line
    assert console.unfinished_step == ""


def test_failed_step(stream):
    """A failed step is one short line: the whole message comes at the end of the run."""
    with Console(stream) as console:
        console.component_started("DataGate")
        console.component_failed("DataGate", "Split [test] is empty, which is bad.\nMore\nlines")

    assert text_of(stream) == ("✗ FAILED  Gate the data        DataGate                   0.0 s\n")
    assert console.unfinished_step == "DataGate"


def test_failed_step_where_there_is_room(stream, monkeypatch):
    """A wide terminal shows the beginning of the message."""
    monkeypatch.setenv("COLUMNS", "100")
    with Console(stream) as console:
        console.component_started("DataGate")
        console.component_failed("DataGate", "Split [test] is empty, which is bad.\nMore\nlines")

    assert text_of(stream) == (
        "✗ FAILED  Gate the data        DataGate                   0.0 s  "
        "Split [test] is empty, which is ...\n"
    )


def test_interrupted_step(stream):
    """Ctrl-C is no failure: it has a word of its own, and the step stays named."""
    with Console(stream) as console:
        console.component_started("Trainer")
        console.component_interrupted("Trainer")

    assert text_of(stream) == (
        "■ halted  Train the model      Trainer                    0.0 s  interrupted\n"
    )
    assert console.unfinished_step == "Trainer"


def test_unknown_step_keeps_its_name(stream):
    """A step that we have no words for is shown as TFX calls it."""
    with Console(stream) as console:
        console.component_finished("Baker", 75.0, "12 trials")

    assert text_of(stream) == (
        "✓ done    Baker                Baker                 1 min 15 s  12 trials\n"
    )


def test_narrow_terminal_leaves_out_the_names_of_components(stream, monkeypatch):
    """At 50 columns a step still fits a line."""
    monkeypatch.setenv("COLUMNS", "50")
    with Console(stream) as console:
        console.component_finished("Trainer", 161.0)

    assert text_of(stream) == "✓ done    Train the model        2 min 41 s\n"


def test_ascii_only(monkeypatch):
    """A stream that is not UTF-8 gets no other character than ASCII."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    with Console(stream) as console:
        console.notice("The sample")
        whole_run(console)

    assert "done    Train the model" in text_of(stream)


def test_notice_marks_each_line(stream):
    """What must not be missed is wrapped, with a mark on every line."""
    with Console(stream) as console:
        console.notice("word " * 30 + "[end]")

    lines = text_of(stream).splitlines()
    assert all(line.startswith("!! ") and len(line) <= 80 for line in lines)
    assert " ".join(line[3:] for line in lines) == "word " * 30 + "[end]"


def test_note_is_told_apart_from_a_notice(stream):
    """What is good to know alarms nobody: one word in front, further lines below it."""
    with Console(stream) as console:
        console.note("word " * 30 + "[end]")

    first, *others = text_of(stream).splitlines()
    assert first.startswith("note: word") and all(len(line) <= 80 for line in (first, *others))
    assert others and all(line.startswith("      ") for line in others)


def test_download_without_a_terminal_is_announced_once(stream):
    """A download is told of before the first step, in a line."""
    with Console(stream) as console:
        for done in (10, 20, 30):
            console.progress(Progress(done, 84_100_000, "bytes", "download"))

    assert text_of(stream) == "download of 84.1 MB ...\n"


# What has no place to be broken at: paths, and a quoted word of a command.
UNBREAKABLE = re.compile(r"\S*/\S*|'.*'|\".*\"")


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_every_line_holds(stream, monkeypatch, columns):
    """Steps, notices, verdicts, charts and commands, at any width; longer are paths alone."""
    monkeypatch.setenv("COLUMNS", str(columns))
    with Console(stream) as console:
        console.notice(f"No reviews at {BLESSED.pushed_to}/{'x' * 200}, said the server. " * 2)
        console.notice("word" * 100)
        whole_run(console)
        console.component_cached("LatestBlessedModel", "from 26 Nov 11:28")
        console.component_failed("LatestBlessedModel", "It failed for a reason. " * 20)
        console.component_interrupted("LatestBlessedModel")
        console.comparison_started("imdb_comparison", "imdb", 27, "artifacts/comparisons/imdb")
        console.attempt_started("cnn_lstm_dropout:reference, seed 7")
        console.attempt_ended("FAILED", "Its process ended with code 3 and without a result. " * 3)
        console.scoring_started("artifacts/serving_model/m/1", "2 files", "scored", "x.log")
        console.summary(REFUSED)

    long = [line for line in text_of(stream).splitlines() if len(line) > columns]
    assert [line for line in long if not UNBREAKABLE.search(line)] == []
    assert all(len(UNBREAKABLE.search(line)[0]) > columns - 16 for line in long)


def test_no_color():
    """NO_COLOR takes the colours away and leaves the words."""
    code = """
        import sys
        from pipeline.console.terminal import Console
        with Console(sys.stdout) as console:
            console.component_finished("Trainer", 1.0)
    """
    colour = re.compile(r"\x1b\[[0-9;]*3[0-7]m")

    assert colour.search(in_a_terminal(code))
    without = in_a_terminal(code, NO_COLOR="1")
    assert "done" in without and not colour.search(without)


def test_rich_is_imported_only_for_a_run():
    """The module is imported without Rich, which takes a tenth of a second."""
    code = "import sys, pipeline.console.terminal; sys.exit('rich' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_plan_shows_what_would_run_and_why():
    """Two lines of a step fit 80 columns; the last line sums up; nothing to run is a sentence."""
    console = Console(stream := io.StringIO())
    console.plan_started("imdb_sentiment", "lstm", "imdb", "artifacts")
    console.step_planned("SchemaGen", False, "nothing changed", 0.2)
    console.step_planned("Transform", True, "components.transform.preprocessing.f was edited", 61.0)
    console.step_planned("Tuner", True, "it never ran", None)
    console.plan_ended(running=2, steps=3, seconds=61.0, unknown=1)
    console.plan_ended(running=0, steps=3, seconds=0.0, unknown=0)
    assert stream.getvalue().splitlines() == [
        "plan of imdb_sentiment: model lstm, data imdb, root artifacts",
        "cached  Import the schema    SchemaGen           nothing changed",
        "to run  Turn text into ids   Transform             1 min 01 s",
        "  components.transform.preprocessing.f was edited",
        "to run  Tune the model       Tuner                             it never ran",
        "2 of 3 steps would run; last time they took 1 min 01 s (1 never ended well).",
        "  Nothing was run.",
        "Nothing changed: every step would come from the cache.",
    ]


def test_a_reason_stands_behind_the_time_of_a_step():
    """Folded like any other line."""
    console = Console(stream := io.StringIO())
    console.component_started("Transform")
    console.component_finished("Transform", 19.8, "because components.a.tokenize was edited")
    assert stream.getvalue().splitlines() == [
        "done    Turn text into ids   Transform                 19.8 s  because",
        "  components.a.tokenize was edited",
    ]
