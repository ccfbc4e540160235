"""What differs between two runs, on the console."""

from __future__ import annotations

from rich.text import Text

from pipeline.console.messages import readable
from pipeline.console.printable_console import PrintableConsole
from pipeline.console.runs_table import accuracy_cell
from pipeline.results.diff_lines import sections
from pipeline.results.outcome import outcome
from pipeline.results.run_diff import RunDiff

_INDENT = "  "


def print_diff(console: PrintableConsole, found: RunDiff, *, is_plain: bool = False) -> None:
    """Prints what differs, under a heading for each kind; of what is the same, nothing.

    Args:
      console: Where to.
      found: What differs.
      is_plain: Whether the terminal knows ASCII only.
    """
    first, second = found.first, found.second
    for mark, run in (("A", first), ("B", second)):
        figure = "unknown" if run.accuracy is None else f"{accuracy_cell(run, is_plain)} %"
        model = f"{run.model or 'model unknown'} on {run.data_name or 'unknown data'}"
        console.print_wrapped(f"{mark} {run.run_id}  {model}, accuracy {figure}, {outcome(run)}")
    if found.is_identical:
        same = "the same run" if first.run_id == second.run_id else "all that was compared"
        console.print_wrapped(Text.assemble(("identical", "bold green"), f": {same}"))
    for title, lines in sections(found):
        console.print_wrapped(Text(title, style="bold"))
        for line in lines:
            text = readable(line)
            console.print_wrapped(f"{_INDENT}{text}", indent=f"{_INDENT}  ")
    for note in found.notes:
        console.print_wrapped(readable(note), style="dim")
