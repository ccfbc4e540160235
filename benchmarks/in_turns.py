"""Two ways to do the same, measured in turns: what disturbs one disturbs the other."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


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
        low, middle, high = _quartiles([one / other for one, other in pairs])
        figures |= {
            f"{kind}: ours, ms": 1e3 * statistics.median(one for one, _ in pairs),
            f"{kind}: stock, ms": 1e3 * statistics.median(other for _, other in pairs),
            f"{kind}: ratio": middle,
            f"{kind}: ratio, lower quartile": low,
            f"{kind}: ratio, upper quartile": high,
        }
    return figures


def shown_ratios(figures: Mapping[str, float]) -> list[str]:
    """Returns two cells of a table: the ratios of time and of processor time."""
    return [
        f"{figures[f'{kind}: ratio']:.2f} ({figures[f'{kind}: ratio, lower quartile']:.2f} to "
        f"{figures[f'{kind}: ratio, upper quartile']:.2f})"
        for kind in ("wall", "processor")
    ]


def _quartiles(values: list[float]) -> list[float]:
    """Returns three numbers between the least and the largest value; of one value, that."""
    return statistics.quantiles(values * (1 + (len(values) == 1)), n=4, method="inclusive")
