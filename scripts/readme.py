"""Regenerates the parts of README.md and docs/ that are facts about the code or measurements.

    python -m scripts.readme

A block stands between `<!-- name -->` and `<!-- end -->`; `tests/test_docs.py` fails when one is
out of date.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import (
    beam_modes,
    cold_run,
    data_steps,
    latency,
    on_paper,
    recording,
    scaling,
    short_rows,
    summary,
    throughput,
    training,
)
from benchmarks.serving import markdown_table as serving_table
from pipeline.results.markdown import markdown_table as leaderboard_table
from scripts.tables import engines_tables, settings_table

PROJECT = Path(__file__).resolve().parent.parent
README = PROJECT / "README.md"
DOCS = PROJECT / "docs"
RESULTS = PROJECT / "benchmarks" / "results"
# What every layer has is explained by Keras.
_OPTIONS = """\
   :members:
   :exclude-members: build, call, compute_output_shape, from_config, get_config"""
_BLOCK = re.compile(r"(<!-- (?P<name>[^>]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def pages() -> list[Path]:
    """Returns README.md and all pages of docs/."""
    return [README, *sorted(page for page in DOCS.rglob("*.md") if "_build" not in page.parts)]


def _results(name: str) -> dict[str, Any]:
    """Returns the recorded figures of a benchmark."""
    results: dict[str, Any] = json.loads((RESULTS / name).read_text(encoding="utf-8"))
    return results


def _output_of(name: str, lines: int | None = None) -> str:
    """Returns a recorded console output, or its first lines, as a code block."""
    output = (RESULTS / name).read_text(encoding="utf-8").splitlines()
    shown = output[:lines] + (["..."] if lines else [])
    return "\n".join(["```", *shown, "```"])


def _layers() -> str:
    """Returns what Sphinx is told to document of `components.layers`."""
    modules = sorted(file.stem for file in (PROJECT / "components" / "layers").glob("[!_]*.py"))
    described = "\n".join(
        f".. automodule:: components.layers.{module}\n{_OPTIONS}" for module in modules
    )
    return f"```{{eval-rst}}\n{described}\n```"


def _benchmarks() -> dict[str, Callable[[], str]]:
    """Returns the block of each benchmark, by the name of its file."""
    tables: dict[str, recording.Table] = {
        "beam_modes": beam_modes.markdown_table,
        "cold_run": cold_run.markdown_table,
        "data_steps": data_steps.markdown_table,
        "latency": latency.markdown_table,
        "scaling": scaling.markdown_table,
        "short_rows": short_rows.markdown_table,
        "throughput": throughput.markdown_table,
        "training": training.markdown_table,
    }
    return {
        f"benchmark: {name}": functools.partial(recording.table_of, name, table)
        for name, table in tables.items()
    }


BLOCKS: dict[str, Callable[[], str]] = {
    "output: first run": lambda: _output_of("first_run.txt"),
    "output: second run": lambda: _output_of("second_run.txt", lines=13),
    "settings": settings_table,
    "engines": engines_tables,
    "layers": _layers,
    "leaderboard": lambda: leaderboard_table(sorted(RESULTS.glob("leaderboard*.json"))),
    **_benchmarks(),
    "speed": summary.markdown_table,
    "on paper": lambda: on_paper.markdown(recording.recorded("scaling")),
    "serving": lambda: serving_table(_results("serving.json")),
}


def regenerated(text: str) -> str:
    """Returns a page with every block made anew."""
    return _BLOCK.sub(lambda block: f"{block[1]}{BLOCKS[block['name']]()}\n{block[3]}", text)


if __name__ == "__main__":
    for page in pages():
        before = page.read_text(encoding="utf-8")
        if (after := regenerated(before)) != before:
            page.write_text(after, encoding="utf-8")
