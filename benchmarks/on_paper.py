"""What 100 million and 10 billion reviews would take on Dataflow, calculated from measured rates.

Nothing is run. Each table shows its formula, so that a reader may put in other prices, other
workers, or rates of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks import recording
from benchmarks.scaling import FIT, READ

# Of batch jobs in us-central1, in US dollars, as https://cloud.google.com/dataflow/pricing and
# https://cloud.google.com/storage/pricing list them.
VCPU_HOUR = 0.056
MEMORY_GB_HOUR = 0.003557
SHUFFLED_GB = 0.011
STORED_GB_MONTH = 0.020

VCPUS, MEMORY_GB = 4, 16
# What of the workers' time is work: the rest is their start, the last ones' end, and waiting.
EFFICIENCY = 0.7
TEST_SHARE = 0.1
SHUFFLED_BYTES = 2_000
TEXT_BYTES = 1_300

# Seconds of a processor for a million reviews, of the run that README shows: twice the seconds on
# two processors, that is at most, and with the start of all workers in them.
_FIRST_RUN = {
    "ReviewExampleGen": 2 * 11.2 * 1e6 / 50_000,
    "StatisticsGen": 2 * 8.3 * 1e6 / 50_000,
    "Transform": 2 * 20.0 * 1e6 / 25_000,
    "Evaluator": 2 * 24.5 * 1e6 / 25_000,
}
# Seconds for a million training reviews in an epoch of `lstm` on two processors, of that run.
_FIRST_FIT = 126.0 / 3 * 1e6 / 25_000
_FIRST_BYTES = 3_000.0
_KEPT_TIMES = 3


@dataclass(frozen=True)
class Rates:
    """What a million reviews take.

    Attributes:
      processor: By step of Beam's, seconds of a processor for a million reviews that it reads.
      epoch: Seconds of an epoch on a million training reviews, on the machine of the benchmark.
      written: Bytes that all steps together write, a review.
      source: Where they are from.
    """

    processor: Mapping[str, float]
    epoch: float
    written: float
    source: str


def rates(results: recording.Results | None) -> Rates:
    """Returns those of the largest size of `benchmarks.scaling`; if there is none, README's."""
    if results is None:
        source = "the run in the README, as upper bounds: `benchmarks.scaling` is not recorded yet"
        return Rates(_FIRST_RUN, _FIRST_FIT, _FIRST_BYTES, source)
    size: Mapping[str, Any] = list(results["figures"]["sizes"].values())[-1]
    processor = {
        step: 1e6 * size["steps"][step]["processor"] / (READ[step] * size["reviews"])
        for step in _FIRST_RUN
    }
    epoch = 1e6 * size["fit, s"] / (READ[FIT] * size["reviews"])
    written = size["bytes written"] / size["reviews"]
    return Rates(processor, epoch, written, f"`benchmarks.scaling`, {size['reviews']:,} reviews")


@dataclass(frozen=True)
class Plan:
    """So many reviews on so many workers.

    Attributes:
      reviews: All of them; a tenth is test.
      workers: Of VCPUS processors and MEMORY_GB of memory each.
      rates: What a million takes.
    """

    reviews: float
    workers: int
    rates: Rates

    def read(self, step: str) -> float:
        """Returns how many reviews a step reads."""
        shares = {"Transform": 1 - TEST_SHARE, "Evaluator": TEST_SHARE}
        return self.reviews * shares.get(step, 1.0)

    def processor_hours(self, step: str) -> float:
        """Returns the hours of one processor that a step of Beam's takes."""
        return self.rates.processor[step] * self.read(step) / 1e6 / 3_600

    def hours(self, step: str) -> float:
        """Returns how long a step takes on all workers."""
        return self.processor_hours(step) / (self.workers * VCPUS * EFFICIENCY)

    @property
    def all_hours(self) -> float:
        """Returns how long Beam's steps take, one after another."""
        return sum(map(self.hours, self.rates.processor))

    @property
    def worker_price(self) -> float:
        """Returns the price of processors and memory, in dollars."""
        return self.all_hours * self.workers * (VCPUS * VCPU_HOUR + MEMORY_GB * MEMORY_GB_HOUR)

    @property
    def shuffled_gb(self) -> float:
        """Returns the gigabytes that go between workers."""
        return self.reviews * SHUFFLED_BYTES / 1e9

    @property
    def stored_gb(self) -> float:
        """Returns the gigabytes of the texts and of all that the steps write, kept of some runs."""
        return self.reviews * (TEXT_BYTES + _KEPT_TIMES * self.rates.written) / 1e9

    @property
    def epoch_hours(self) -> float:
        """Returns the hours of an epoch on all training reviews, on the benchmark's machine."""
        return self.rates.epoch * self.reviews * (1 - TEST_SHARE) / 1e6 / 3_600


def markdown(results: recording.Results | None) -> str:
    """Returns the calculation as tables."""
    found = rates(results)
    plans = [Plan(1e8, 10, found), Plan(1e10, 500, found)]
    lines = [
        f"Rates: {found.source}.",
        "",
        "| step | processor s per million reviews read | 100 million: processor h | h "
        "| 10 billion: processor h | h |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {step} | {rate:,.0f} | "
        + " | ".join(
            f"{plan.processor_hours(step):,.0f} | {plan.hours(step):,.1f}" for plan in plans
        )
        + " |"
        for step, rate in found.processor.items()
    ]
    shown = {
        "workers": [f"{plan.workers}" for plan in plans],
        "hours of all steps of Beam's": [f"{plan.all_hours:,.1f}" for plan in plans],
        "processors and memory, $": [f"{plan.worker_price:,.0f}" for plan in plans],
        "shuffled, GB": [f"{plan.shuffled_gb:,.0f}" for plan in plans],
        "shuffled, $": [f"{plan.shuffled_gb * SHUFFLED_GB:,.0f}" for plan in plans],
        "stored, GB": [f"{plan.stored_gb:,.0f}" for plan in plans],
        "stored, $ a month": [f"{plan.stored_gb * STORED_GB_MONTH:,.0f}" for plan in plans],
        "an epoch of `lstm` on the benchmark's machine, hours": [
            f"{plan.epoch_hours:,.0f}" for plan in plans
        ],
    }
    lines += ["", "| | 100 million | 10 billion |", "|---|---:|---:|"]
    lines += [f"| {name} | {' | '.join(values)} |" for name, values in shown.items()]
    return "\n".join(lines)
