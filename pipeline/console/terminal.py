"""The lines and the live clock of a run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TextIO

from components.progress import Progress
from pipeline.console.duration import duration
from pipeline.console.messages import readable
from pipeline.console.wrapping import INDENT, line_spans
from pipeline.results.step_titles import TITLES
from pipeline.results.summary import RunSummary

if TYPE_CHECKING:
    from rich.text import Text

    from pipeline.console.live_line import LiveLine
    from pipeline.results.leaderboard import Leaderboard

_NOTICE = "!! "
_NOTE = "note: "

_MARKS = {
    "done": "✓",
    "to run": "▶",
    "cached": "↺",
    "skipped": "–",
    "FAILED": "✗",
    "halted": "■",
}
_STYLES = {
    "to run": "bold",
    "done": "green",
    "cached": "cyan",
    "skipped": "yellow",
    "FAILED": "bold red",
    "halted": "yellow",
}
_TITLE_WIDTH = max(map(len, TITLES.values()))
_NAME_WIDTH = max(map(len, TITLES))
_WIDTH_FOR_NAMES = 76
_ATTEMPT_WIDTH = 32
_LEAST_EXCERPT = 20


class Console:
    """Tells a person what happens: one line a step, and on a terminal a live one below.

    Without a terminal there are no control characters and no bars: each step is one line, at
    its end. Every mark has its word, so that nothing depends on colour.
    """

    def __init__(self, stream: TextIO, debug: bool = False):
        """Writes to `stream`; with `debug`, log lines go there too, and no line moves."""
        # Rich takes a tenth of a second to import, which `sentiment --help` does not have.
        from pipeline.console.live_line import can_move, is_plain
        from pipeline.console.printable_console import PrintableConsole

        self._rich = PrintableConsole(file=stream, highlight=False, markup=False, emoji=False)
        self._is_plain = is_plain(stream)
        self._is_live = can_move(self._rich, stream) and not debug
        self._live: LiveLine | None = None
        self._report: Progress | None = None
        self._told_stages: set[str] = set()
        self._stage = ""
        self._since = 0.0
        self.unfinished_step = ""
        """The step that began and did not end well, as TFX calls it; empty if there is none."""

    def __enter__(self) -> Console:
        """Returns itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leaves the terminal as it was."""
        self.close()

    def close(self) -> None:
        """Removes the live line and shows the cursor again."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def notice(self, text: str) -> None:
        """Prints a sentence that the user must not miss: each line is marked and coloured."""
        from rich.text import Text

        self.close()
        text, room = readable(text), self._rich.width - len(_NOTICE)
        for start, end in line_spans(text, room, room):
            self._print(Text(f"{_NOTICE}{text[start:end]}"), style="bold yellow reverse")

    def note(self, text: str) -> None:
        """Prints a sentence that is good to know, e.g. which classes were found."""
        self.close()
        indent = " " * len(_NOTE)
        self._rich.print_wrapped(f"{_NOTE}{readable(text)}", indent=indent)

    def run_started(
        self, pipeline_name: str, model: str, data: str, root: str, log_path: str
    ) -> None:
        """Says what runs, and where its output goes."""
        self.close()
        self._wrapped(f"{pipeline_name}: model {model}, data {data}, all in {root}", style="bold")
        self._wrapped(f"log: {log_path}", style="dim")
        self._since = time.monotonic()
        self._start_live("Load TFX and TensorFlow")

    def plan_started(self, pipeline_name: str, model: str, data: str, root: str) -> None:
        """Says what is planned."""
        self.close()
        self._wrapped(f"plan of {pipeline_name}: model {model}, data {data}, root {root}", "bold")
        self._since = time.monotonic()
        self._start_live("Load TFX and TensorFlow")

    def step_planned(self, name: str, will_run: bool, reason: str, seconds: float | None) -> None:
        """Says what a run would do with a step, and how long it took last time."""
        if will_run:
            took = "" if seconds is None else duration(seconds)
            self._end_step("to run", name, f"{took:>12}  {readable(reason)}")
        else:
            self._end_step("cached", name, readable(reason))

    def plan_ended(self, running: int, steps: int, seconds: float, unknown: int) -> None:
        """Sums up: how many steps would run, and what they took last time."""
        if not running:
            self._wrapped("Nothing changed: every step would come from the cache.")
            return
        took = f"; last time they took {duration(seconds)}" if unknown < running else ""
        never = f" ({unknown} never ended well)" if took and unknown else ""
        self._wrapped(f"{running} of {steps} steps would run{took}{never}. Nothing was run.")

    def component_started(self, name: str) -> None:
        """Starts the clock of a step."""
        self.unfinished_step, self._since = name, time.monotonic()
        self._start_live(TITLES.get(name, name))

    def component_cached(self, name: str, reason: str) -> None:
        """Says why a step was taken from the cache."""
        self._end_step("cached", name, readable(reason))
        self.unfinished_step = ""

    def component_finished(self, name: str, seconds: float, detail: str = "") -> None:
        """Says that a step ended well."""
        self._end_step("done", name, f"{duration(seconds):>12}  {detail}".rstrip())
        self.unfinished_step = ""

    def component_skipped(self, name: str, reason: str) -> None:
        """Says why a step ended well without doing what its title says."""
        self._end_step("skipped", name, readable(reason))
        self.unfinished_step = ""

    def component_failed(self, name: str, message: str) -> None:
        """Says that a step did not end well; the whole message is for the end of the run."""
        seconds = time.monotonic() - self._since if self.unfinished_step else 0.0
        line = readable((message.strip().splitlines() or [""])[0])
        room = self._rich.width - _TITLE_WIDTH - _NAME_WIDTH - 28
        short = line if len(line) <= room else f"{line[: room - 3]}..."
        if room < _LEAST_EXCERPT:
            short = ""
        self._end_step("FAILED", name, f"{duration(seconds):>12}  {short}".rstrip())
        self.unfinished_step = name

    def component_interrupted(self, name: str) -> None:
        """Says that the user ended the run in the middle of a step."""
        seconds = time.monotonic() - self._since if self.unfinished_step else 0.0
        self._end_step("halted", name, f"{duration(seconds):>12}  interrupted")
        self.unfinished_step = name

    def comparison_started(self, name: str, data: str, attempts: int, folder: str) -> None:
        """Says what is compared, and where the outcome goes."""
        self.close()
        self._wrapped(f"{name}: {attempts} trainings on {data}, outcome in {folder}", style="bold")

    def attempt_started(self, title: str) -> None:
        """Starts the clock of one training of a comparison."""
        self.unfinished_step, self._since = title, time.monotonic()
        self._start_live(title)

    def attempt_at(self, step: str) -> None:
        """Says which step of the current training began."""
        self._start_live(f"{self.unfinished_step}: {TITLES.get(step, step)}")

    def attempt_ended(self, word: str, detail: str) -> None:
        """Says how the current training ended; `word` is done, cached or FAILED."""
        seconds = time.monotonic() - self._since
        title = f"{self.unfinished_step:<{_ATTEMPT_WIDTH}}"
        self._end(word, title, f"{duration(seconds):>12}  {readable(detail)}")
        self.unfinished_step = ""

    def scoring_started(self, model: str, files: str, folder: str, log_path: str) -> None:
        """Says what is scored by which model, and where the outcome goes."""
        self.close()
        self._wrapped(f"score: {files} by {model}, outcome in {folder}", style="bold")
        self._wrapped(f"log: {log_path}", style="dim")

    def task_started(self, title: str) -> None:
        """Starts the clock of a part of the work that is not a step of TFX."""
        self.unfinished_step, self._since = title, time.monotonic()
        self._start_live(title)

    def task_finished(self, detail: str) -> None:
        """Says that it ended well."""
        seconds = time.monotonic() - self._since
        title = f"{self.unfinished_step:<{_TITLE_WIDTH}}"
        self._end("done", title, f"{duration(seconds):>12}  {detail}")
        self.unfinished_step = ""

    def leaderboard(self, board: Leaderboard) -> None:
        """Shows the outcome of a comparison: who is best, and what failed."""
        from pipeline.console.leaderboard_table import print_leaderboard

        self.close()
        print_leaderboard(self._rich, board, is_plain=self._is_plain)

    def progress(self, report: Progress) -> None:
        """Moves the bar of the current step, or of what comes before the first step."""
        # Before the first step, only the size of a download is shown.
        is_shown = bool(self.unfinished_step) or report.unit == "bytes"
        self._report = report if is_shown else None
        if self._live is not None:
            self._live.show(self._report)
        if self.unfinished_step:
            return
        if self._is_live:
            if self._live is None or report.stage != self._stage:
                self._since = time.monotonic()
                self._stage = report.stage
                self._start_live(report.stage, self._report)
        elif report.stage not in self._told_stages:
            # A download may take minutes: the user must see that something happens.
            self._told_stages.add(report.stage)
            size = f" of {report.total / 1e6:.1f} MB" if report.total else ""
            self._wrapped(f"{report.stage}{size if report.unit == 'bytes' else ''} ...")

    def summary(self, summary: RunSummary) -> None:
        """Shows the outcome of a run: the verdict, and what to do next."""
        from pipeline.console.summary_panel import print_summary

        self.close()
        print_summary(self._rich, summary, is_plain=self._is_plain)

    def _end_step(self, word: str, name: str, rest: str) -> None:
        title = f"{TITLES.get(name, name):<{_TITLE_WIDTH}}"
        in_tfx = f"{name:<{_NAME_WIDTH}}  " if self._rich.width >= _WIDTH_FOR_NAMES else ""
        self._end(word, title, rest, dim=in_tfx)

    def _end(self, word: str, title: str, rest: str, dim: str = "") -> None:
        from rich.text import Text

        self.close()
        mark = f"{word:<8}" if self._is_plain else f"{_MARKS[word]} {word:<8}"
        line = Text.assemble((mark, _STYLES[word]), f"{title}  ", (dim, "dim"), rest)
        line.rstrip()
        self._wrapped(line)

    def _wrapped(self, line: str | Text, style: str | None = None) -> None:
        self._rich.print_wrapped(line, indent=INDENT, style=style)

    def _print(self, line: str | Text, style: str | None = None) -> None:
        self._rich.print(line, style=style, soft_wrap=True)

    def _start_live(self, title: str, report: Progress | None = None) -> None:
        self.close()
        self._report = report
        if not self._is_live:
            return
        from pipeline.console.live_line import LiveLine

        self._live = LiveLine(self._rich, title, since=self._since, is_plain=self._is_plain)
        self._live.show(report)
        self._live.start()
