"""How much memory does reading millions of short rows take?

    python -m benchmarks.short_rows [--rows N] [--busy]

A CSV file of rows of six words goes through ReviewExampleGen, in as many processes as there are
processors.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import our_steps, recording
from benchmarks.review_files import write_short_rows

_ROWS = 5_000_000
_TARGETS = {"the largest worker, GB": 1.0}
_STEP = "ReviewExampleGen"


def main() -> None:
    """Measures, prints a table, and records it."""
    parser = recording.parser_of("short_rows", __doc__)
    parser.add_argument("--rows", type=int, default=_ROWS, help="default: %(default)s")
    recording.run(parser, measure, markdown_table)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Returns what reading them took."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "rows.csv"
        write_short_rows(table, options.rows)
        flags = [f"--data={table}", "--beam-mode=multi_processing"]
        taken = our_steps.measured(Path(folder) / "root", [_STEP], *flags)
        return {"rows": options.rows, "bytes": table.stat().st_size, **asdict(taken[_STEP])}


def markdown_table(results: recording.Results) -> str:
    """Returns the figures as a table, with the target next to them."""
    figures = results["figures"]
    shown = {
        "size of the file, MB": f"{figures['bytes'] / 1e6:,.0f}",
        "ReviewExampleGen, s": f"{figures['seconds']:,.1f}",
        "processor time, s": f"{figures['processor']:,.1f}",
        "rows a second": f"{figures['rows'] / figures['seconds']:,.0f}",
        "the main process, GB": f"{figures['main'] / 1e9:.2f}",
        "the largest worker, GB": f"{figures['worker'] / 1e9:.2f}",
        "all processes, GB": f"{figures['peak'] / 1e9:.2f}",
    }
    head = f"{figures['rows']:,} rows of six words"
    return recording.table_with_targets(head, shown, _TARGETS)


if __name__ == "__main__":
    main()
