"""The lines and the live clock of a run."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TextIO

from components.progress import Progress
from pipeline.console.summary_panel import render_summary
from pipeline.report.summary import RunSummary

_NAME_WIDTH = 19
_MARKS = {
    "done": ("✓", "done"),
    "cached": ("↺", "cached"),
    "failed": ("✗", "FAILED"),
}


class Console:
    """Tells a person what happens: one line a step, and on a terminal a live one below.

    Without a terminal there are no control characters and no bars: each step is one line, at
    its end.
    """

    def __init__(self, stream: TextIO):
        """Writes to `stream`."""
        # Rich takes a tenth of a second to import, which `sentiment --help` does not have.
        from rich.console import Console as RichConsole

        self._rich = RichConsole(file=stream, highlight=False, soft_wrap=True)
        self._is_plain = "utf" not in (getattr(stream, "encoding", "") or "").lower()
        self._live = None
        self._step = ""
        self._since = 0.0

    def __enter__(self) -> Console:
        """Returns itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leaves the terminal as it was."""
        self._stop_live()

    def notice(self, text: str) -> None:
        """Says what must not be missed, between two rules."""
        rule = ("!" if self._is_plain else "━") * 78
        self._print(f"[bold yellow]{rule}[/]")
        self._print(_escape(text), style="bold yellow", soft_wrap=False)
        self._print(f"[bold yellow]{rule}[/]")

    def run_started(self, pipeline_name: str, model: str, data: str, root: str, log: str) -> None:
        """Says what runs, and where its output goes."""
        self._print(
            f"[bold]{_escape(pipeline_name)}[/]: model {_escape(model)}, data {_escape(data)}, "
            f"everything under {_escape(root)}"
        )
        self._print(f"[dim]log: {_escape(log)}[/]")

    def component_started(self, name: str) -> None:
        """A step begins: on a terminal, a clock runs until it ends."""
        self._step, self._since = name, time.monotonic()
        self._start_live(name, total=None)

    def component_cached(self, name: str, reason: str) -> None:
        """A step is taken from the cache."""
        self._end_line("cached", name, "", f"[dim]{_escape(reason)}[/]", "cyan")

    def component_finished(self, name: str, seconds: float, detail: str = "") -> None:
        """A step ended well."""
        self._end_line("done", name, duration(seconds), _escape(detail), "green")

    def component_failed(self, name: str, message: str) -> None:
        """A step did not end well; the error itself is told at the end."""
        seconds = duration(time.monotonic() - self._since)
        self._end_line("failed", name, seconds, _escape(message), "bold red")

    def progress(self, report: Progress) -> None:
        """Moves the bar of the step at hand, or of a download before the first step."""
        if not self._rich.is_terminal:
            return
        if self._live is None:
            self._start_live(self._step or report.stage, total=report.total)
        metrics = " ".join(f"{name} {value:.4f}" for name, value in report.metrics.items())
        shown = report.stage if self._step else ""
        if report.unit == "bytes":
            metrics = f"{report.done / 1e6:.1f} of {(report.total or 0) / 1e6:.1f} MB"
        self._live.update(
            self._task, completed=report.done, total=report.total, detail=f"{shown} {metrics}".strip()
        )

    def summary(self, summary: RunSummary) -> None:
        """Draws the end of a run: the verdict, and what to do next."""
        self._stop_live()
        for line in render_summary(summary, is_plain=self._is_plain):
            self._print(line)

    def _end_line(self, mark: str, name: str, seconds: str, detail: str, style: str) -> None:
        self._stop_live()
        symbol, word = _MARKS[mark]
        symbol = "" if self._is_plain else f"{symbol} "
        self._step = ""
        self._print(
            f"[{style}]{symbol}{word:<6}[/] {name:<{_NAME_WIDTH}} {seconds:>8}  {detail}".rstrip()
        )

    def _print(self, line: str, style: str | None = None, soft_wrap: bool = True) -> None:
        self._rich.print(line, style=style, soft_wrap=soft_wrap)

    def _start_live(self, name: str, total: int | None) -> None:
        if not self._rich.is_terminal:
            return
        from rich import progress as rich_progress

        self._stop_live()
        self._live = rich_progress.Progress(
            rich_progress.SpinnerColumn(),
            rich_progress.TextColumn(f"{name:<{_NAME_WIDTH}}"),
            rich_progress.BarColumn(bar_width=16),
            rich_progress.TimeElapsedColumn(),
            rich_progress.TextColumn("{task.fields[detail]}"),
            console=self._rich,
            transient=True,
            # Rich would redirect sys.stdout and sys.stderr, which go to the log.
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._live.add_task("", total=total, detail="")
        self._live.start()

    def _stop_live(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


def duration(seconds: float) -> str:
    """Returns "4.2 s" or "3 min 07 s"."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s"


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)
