"""Two ways to do the same, measured in turns: what disturbs one disturbs the other."""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

# Load a processor above which figures are not to be relied on.
QUIET = 0.25


@dataclass(frozen=True)
class Times:
    """Seconds of each turn: on the clock, and of all processors."""

    wall: list[float]
    processor: list[float]


def in_turns(ways: Mapping[str, Callable[[int], object]], turns: int) -> dict[str, Times]:
    """Runs each way once a turn, with the number of the turn; who comes first changes."""
    times = {name: Times([], []) for name in ways}
    for turn in range(turns):
        names = list(ways)[:: 1 if turn % 2 else -1]
        for name in names:
            wall, processor = time.perf_counter(), time.process_time()
            ways[name](turn)
            times[name].processor.append(time.process_time() - processor)
            times[name].wall.append(time.perf_counter() - wall)
    return times


def ratios(ours: Times, stock: Times) -> dict[str, float]:
    """Returns medians in milliseconds, and the median ratio ours / stock with its quartiles."""
    figures: dict[str, float] = {}
    for kind in ("wall", "processor"):
        pairs = list(zip(getattr(ours, kind), getattr(stock, kind), strict=True))
        low, middle, high = statistics.quantiles([one / other for one, other in pairs], n=4)
        figures |= {
            f"{kind}: ours, ms": 1e3 * statistics.median(one for one, _ in pairs),
            f"{kind}: stock, ms": 1e3 * statistics.median(other for _, other in pairs),
            f"{kind}: ratio": middle,
            f"{kind}: ratio, lower quartile": low,
            f"{kind}: ratio, upper quartile": high,
        }
    return figures


def shown_ratios(figures: Mapping[str, float]) -> str:
    """Returns two cells of a Markdown table: the ratios of time and of processor time."""
    return " | ".join(
        f"{figures[f'{kind}: ratio']:.2f} ({figures[f'{kind}: ratio, lower quartile']:.2f} to "
        f"{figures[f'{kind}: ratio, upper quartile']:.2f})"
        for kind in ("wall", "processor")
    )


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds what all commands that measure in turns take."""
    parser.add_argument("--busy", action="store_true", help="measure beside other work")
    parser.add_argument("--output", type=Path, help="write the figures to this JSON file")


def check_quiet(is_forced: bool) -> float:
    """Returns the load average; ends the program if the machine has other work to do."""
    load, processors = os.getloadavg()[0], os.cpu_count() or 1
    if load > QUIET * processors and not is_forced:
        sys.exit(
            f"Others use the {processors} processors: the load average is {load:.1f}, expected at "
            f"most {QUIET * processors:.1f}. Wait until they are done, or measure all the same "
            "with --busy: ratios of processor time are roughly right then, and the figures say so."
        )
    return load
