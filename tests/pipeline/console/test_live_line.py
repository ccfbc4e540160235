import io
import re

import pytest

from components.progress import Progress
from pipeline.console.duration import duration
from pipeline.console.live_line import LiveLine
from pipeline.console.printable_console import PrintableConsole
from tests.pipeline.console.pseudo_terminal import in_a_terminal


def live_line(title, seconds, report, *, width, is_plain=False) -> str:
    """Returns what the live line shows after so many seconds, and a report."""
    console = PrintableConsole(file=io.StringIO(), width=width)
    line = LiveLine(console, title, since=0.0, is_plain=is_plain, get_time=lambda: seconds)
    line.show(report)
    return line.get_renderable().plain


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (80, "| Train 1:05  ######......  epoch 2/3  loss 0.311  accuracy 0.871"),
        (50, "| Train 1:05  ######......  epoch 2/3  loss 0.311"),
        (20, "| Train 1:05"),
        (6, "| Trai"),
    ],
)
def test_live_line_fits_the_terminal(width, line):
    """What does not fit is left out from the right."""
    report = Progress(500, 1_000, "steps", "epoch 2/3", {"loss": 0.3111, "accuracy": 0.8712})

    assert live_line("Train", 65.0, report, width=width, is_plain=True) == line


@pytest.mark.parametrize(
    ("report", "rest"),
    [
        (None, ""),
        (Progress(8_000_000, 16_000_000, "bytes"), "  ━━━━━━╌╌╌╌╌╌  8.0 of 16.0 MB"),
        (Progress(8_000_000, None, "bytes"), "  8.0 MB"),
        (Progress(20, 10, "steps"), "  ━━━━━━━━━━━━"),
    ],
)
def test_live_line_of_other_reports(report, rest):
    """Bytes are shown in MB, and there is a bar only where the end is known."""
    assert live_line("Read", 0.0, report, width=80) == f"⠋ Read 0:00{rest}"


def test_live_line_is_safe_and_counts_columns():
    """Control characters are shown by escapes, and a wide character takes two columns."""
    report = Progress(1, 2, "steps", "\x1b[2Jepoch", {})
    assert (
        live_line("映画\n", 0.0, report, width=80) == "⠋ 映画\\n 0:00  ━━━━━━╌╌╌╌╌╌  \\x1b[2Jepoch"
    )
    assert live_line("映画映画", 0.0, None, width=7) == "⠋ 映画 "


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (59.94, "59.9 s"), (59.96, "1 min 00 s"), (187.4, "3 min 07 s")],
)
def test_duration(seconds, text):
    """Durations are in seconds, from a minute on in minutes and seconds."""
    assert duration(seconds) == text


LIVE_RUN = """
    import sys, time
    from components.progress import Progress
    from pipeline.console.terminal import Console

    with Console(sys.stdout) as console:
        console.component_started("Trainer")
        console.progress(Progress(5, 10, "steps", "epoch 1/3", {"loss": 0.25}))
        time.sleep(0.4)
        raise KeyboardInterrupt
"""


def test_live_line_in_a_terminal():
    """A terminal shows the bar, and has its cursor back after an interruption."""
    drawn = in_a_terminal(LIVE_RUN)

    assert re.search(r"Train the model 0:00  ━━━━━━╌╌╌╌╌╌  epoch 1/3  loss 0\.250", drawn)
    assert drawn.count("\x1b[?25l") == drawn.count("\x1b[?25h") == 1
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l")


def test_dumb_terminal_has_no_live_line():
    """A terminal that cannot move its cursor is treated as a pipe."""
    assert in_a_terminal(LIVE_RUN, TERM="dumb") == ""


def test_a_live_line_without_a_console():
    """A terminal shows it and it is taken away; a dumb one, or a pipe, gets nothing."""
    code = """
        import sys, time
        from components.progress import Progress
        from pipeline.console.live_line import live_line

        with live_line(sys.stdout, "Predicting") as show:
            show(Progress(5, 10, "texts", "5 of 10 texts"))
            time.sleep(0.3)
    """
    drawn = in_a_terminal(code)
    assert "Predicting 0:00  ━━━━━━╌╌╌╌╌╌  5 of 10 texts" in drawn
    assert drawn.endswith("\x1b[2K")
    assert in_a_terminal(code, TERM="dumb") == ""
