"""What all benchmarks have in common: flags, a quiet machine, a table, a file of figures."""

from __future__ import annotations

import argparse
import json
import shlex
import signal
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measuring import machine
from benchmarks.quiet import QUIET, Watch, adopt_orphans, bury_orphans, wait_until_quiet

RESULTS = Path(__file__).parent / "results"
OTHERS = "share of the processors that others used"
NOT_MEASURED = "Not measured yet."

Results = Mapping[str, Any]
Table = Callable[[Results], str]


def parser_of(name: str, description: str | None) -> argparse.ArgumentParser:
    """Returns a parser with the flags of every benchmark; `description` begins with its question.

    Args:
      name: The module's; that of its file of figures too.
      description: The module's docstring.
    """
    first = (description or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=first)
    parser.set_defaults(name=name)
    parser.add_argument(
        "--busy", action="store_true", help="measure beside other work; print, and record nothing"
    )
    parser.add_argument(
        "--wait",
        type=float,
        default=10.0,
        metavar="MINUTES",
        help="for how long to wait for a quiet machine; default: %(default)g",
    )
    parser.add_argument(
        "--output",
        type=Path,
        help=f"where the figures are recorded; default: benchmarks/results/{name}.json",
    )
    return parser


def run(
    parser: argparse.ArgumentParser,
    measure: Callable[[argparse.Namespace], Mapping[str, Any]],
    table: Table,
) -> None:
    """Runs a benchmark as the command line says, see `measure_and_record`.

    Args:
      parser: Of `parser_of`, with the benchmark's own flags.
      measure: Returns the figures.
      table: Makes Markdown of the results.
    """
    options = parser.parse_args()
    measure_and_record(options, lambda: measure(options), table)


def measure_and_record(
    options: argparse.Namespace, measure: Callable[[], Mapping[str, Any]], table: Table
) -> None:
    """Waits for a quiet machine, measures, prints the table, and writes the figures as JSON.

    Figures that were taken beside other work are printed alone.

    Args:
      options: Parsed by a parser of `parser_of`.
      measure: Returns the figures.
      table: Makes Markdown of the results.

    Raises:
      SystemExit: The machine is not quiet, or was not while it was measured.
    """
    # As an interrupt does: what was started ends with this process.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if not options.busy:
        wait_until_quiet(options.wait * 60)
    adopt_orphans()
    watch = Watch()
    figures = measure()
    bury_orphans()
    others = watch.others()
    results = {
        "command": _command(options.name),
        "machine": {**machine(), OTHERS: round(others, 3)},
        "figures": figures,
    }
    print(table(results), flush=True)
    if options.busy:
        print(f"\nNot recorded: --busy. Others used {others:.0%} of the processors.")
        return
    if others > QUIET:
        sys.exit(
            f"Not recorded: others used {others:.0%} of the processors in the meantime, expected "
            f"at most {QUIET:.0%}. Measure again when they are done."
        )
    path = options.output or RESULTS / f"{options.name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def recorded(name: str, folder: Path = RESULTS) -> Results | None:
    """Returns what was recorded under a name; None if nothing was."""
    path = folder / f"{name}.json"
    if not path.is_file():
        return None
    results: Results = json.loads(path.read_text(encoding="utf-8"))
    return results


def table_of(name: str, table: Table, folder: Path = RESULTS) -> str:
    """Returns the table of what was recorded under a name, and where the figures are from."""
    results = recorded(name, folder)
    if results is None:
        return NOT_MEASURED
    stack = results["machine"]
    return (
        f"{table(results)}\n\n"
        f"`{results['command']}` on {stack['processors']} processors, Python {stack['python']}, "
        f"TensorFlow {stack['tensorflow']}, Beam {stack['apache-beam']}; others used "
        f"{stack[OTHERS]:.0%} of the processors."
    )


def markdown_of(names: Sequence[str], figures: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns rows as a table of Markdown.

    Args:
      names: Heads of the columns that say what was measured; they are set to the left.
      figures: Heads of the columns behind them, set to the right.
      rows: Cells, as they are printed.
    """
    rule = "|".join(["---"] * len(names) + ["---:"] * len(figures))
    return "\n".join([_line([*names, *figures]), f"|{rule}|", *map(_line, rows)])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def table_with_targets(head: str, shown: Mapping[str, str], targets: Mapping[str, float]) -> str:
    """Returns figures as a table, by name, with the most that each may be where there is a target.

    Args:
      head: Stands above the names.
      shown: The figures as they are printed.
      targets: Of some of them.
    """
    rows = [f"| {head} | | target |", "|---|---:|---|"]
    rows += [
        f"| {name} | {value} | {f'at most {targets[name]:g}' if name in targets else ''} |"
        for name, value in shown.items()
    ]
    return "\n".join(rows)


def _command(name: str) -> str:
    """Returns what was typed, without what only says when to measure and where to write."""
    kept, is_value = [], False
    for word in sys.argv[1:]:
        flag = word.split("=", 1)[0]
        if is_value:
            is_value = False
        elif flag in ("--wait", "--output"):
            is_value = "=" not in word
        elif word != "--busy":
            kept.append(word)
    return shlex.join(["python", "-m", f"benchmarks.{name}", *kept])
