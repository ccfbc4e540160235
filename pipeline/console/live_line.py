"""The one line that moves while a step runs: Rich's progress display, as wide as the terminal."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TextIO

from rich import progress
from rich.text import Text

from components.progress import Progress
from pipeline.console.printable_console import PrintableConsole
from serving.printable import printable

_ASCII_FRAMES = "|/-\\"
_BAR_WIDTH = 12
_GAP = "  "
_REFRESH_PER_SECOND = 8


class LiveLine(progress.Progress):
    """Spinner, title, clock and, once there is a report, a bar with its figures."""

    def __init__(
        self,
        console: PrintableConsole,
        title: str,
        *,
        since: float,
        is_plain: bool = False,
        get_time: Callable[[], float] = time.monotonic,
    ):
        """Draws on `console` once it is started.

        Args:
          console: What does not fit its width is left out from the right.
          title: What is going on.
          since: When it began, as `get_time` tells time.
          is_plain: Whether the terminal knows ASCII only.
          get_time: Returns seconds.
        """
        self._head, self._bar, self._figures = _Head(is_plain), _Bar(is_plain), _Figures()
        super().__init__(
            self._head,
            self._bar,
            self._figures,
            console=console,
            refresh_per_second=_REFRESH_PER_SECOND,
            transient=True,
            # Rich would redirect sys.stdout and sys.stderr, which go to the log.
            redirect_stdout=False,
            redirect_stderr=False,
            get_time=get_time,
        )
        self._task_id = self.add_task(title, total=None, report=None)
        self.tasks[0].start_time = since

    def show(self, report: Progress | None) -> None:
        """Shows a report; None removes the bar and its figures."""
        self.update(self._task_id, report=report)

    def get_renderable(self) -> Text:
        """Returns the line, no longer than the terminal is wide."""
        line = Text(no_wrap=True)
        if not self.tasks:  # Rich asks for the line before there is anything to show.
            return line
        (task,), width = self.tasks, self.console.width
        columns = (self._head.render(task), self._bar.render(task), self._figures.render(task))
        for part in Text(_GAP).join(filter(None, columns)).split(_GAP):
            if line and line.cell_len + len(_GAP) + part.cell_len > width:
                break
            line = Text.assemble(line, _GAP if line else "", part, no_wrap=True)
        line.truncate(width)
        return line


class _Head(progress.SpinnerColumn):
    """Spinner, title and clock; the spinner turns until the line is removed."""

    def __init__(self, is_plain: bool):
        super().__init__("line" if is_plain else "dots", style=None)
        if is_plain:
            self.spinner.frames = list(_ASCII_FRAMES)

    def render(self, task: progress.Task) -> Text:
        minutes, seconds = divmod(int(task.elapsed or 0), 60)
        frame = self.spinner.render(task.get_time())
        assert isinstance(frame, Text)
        return Text.assemble(frame, f" {printable(task.description)} {minutes}:{seconds:02}")


class _Bar(progress.ProgressColumn):
    """A bar that needs no colours; Rich's own shows what is left by a colour alone."""

    def __init__(self, is_plain: bool):
        super().__init__()
        self._full, self._empty = ("#", ".") if is_plain else ("━", "╌")

    def render(self, task: progress.Task) -> Text:
        report: Progress | None = task.fields["report"]
        if not report or not report.total:
            return Text()
        cells = min(round(report.done / report.total * _BAR_WIDTH), _BAR_WIDTH)
        return Text(self._full * cells + self._empty * (_BAR_WIDTH - cells))


class _Figures(progress.ProgressColumn):
    """Megabytes, or the stage of the step and its metrics."""

    def render(self, task: progress.Task) -> Text:
        report: Progress | None = task.fields["report"]
        return Text(printable(_GAP.join(_figures(report)) if report else ""))


def _figures(report: Progress) -> list[str]:
    if report.unit == "bytes":
        total = f" of {report.total / 1e6:.1f}" if report.total else ""
        return [f"{report.done / 1e6:.1f}{total} MB"]
    stage = [report.stage] if report.stage else []
    return stage + [f"{name} {value:.3f}" for name, value in report.metrics.items()]


@contextlib.contextmanager
def live_line(stream: TextIO, title: str) -> Iterator[Callable[[Progress], None]]:
    """Shows a line while the block runs, and yields what its reports are told to.

    Where `stream` is no terminal, or one that cannot move its cursor, nothing is shown.
    """
    console = PrintableConsole(file=stream, highlight=False, markup=False, emoji=False)
    line = LiveLine(console, title, since=time.monotonic(), is_plain=is_plain(stream))
    with line if can_move(console, stream) else contextlib.nullcontext():
        yield line.show


def is_plain(stream: TextIO) -> bool:
    """Whether a stream knows ASCII only."""
    return "utf" not in (getattr(stream, "encoding", None) or "").lower()


def can_move(console: PrintableConsole, stream: TextIO) -> bool:
    """Whether a line can be removed again.

    Rich takes a pipe for a terminal where FORCE_COLOR is set; a bar still has no place there.
    """
    return stream.isatty() and console.is_interactive
