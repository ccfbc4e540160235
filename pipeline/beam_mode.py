"""Whether Beam runs in one process of this machine or in several, by wish or by measured rates."""

from __future__ import annotations

import os

from pipeline.beam_engines import IN_MEMORY, MULTI_PROCESSING

# All of Beam's steps together, by `benchmarks.beam_modes` with 50,000 and 200,000 reviews of 1.3 KB
# on two processors, means of two measurements. The workers import TensorFlow in each of four steps.
_START_SECONDS = 29.0
# What more data adds, in seconds a byte: in one process, and for each processor of several.
_ALONE = 0.37e-6
_SHARED = 0.45e-6


def choose_mode(asked: str, processes: int, size: int = 0) -> str:
    """Returns IN_MEMORY or MULTI_PROCESSING.

    Args:
      asked: One of them, or "auto".
      processes: How many were asked for; 0 is as many as there are processors.
      size: Bytes of the files.
    """
    if asked != "auto":
        return asked
    several = processes > 1 or (not processes and are_worth_their_start(size))
    return MULTI_PROCESSING if several else IN_MEMORY


def are_worth_their_start(size: int, processors: int = 0) -> bool:
    """Returns whether a process for each processor is expected to be faster than one alone.

    Args:
      size: Bytes of the files.
      processors: How many there are; 0 is as many as this process may use.
    """
    return size >= least_bytes(processors or len(os.sched_getaffinity(0)))


def least_bytes(processors: int) -> float:
    """Returns from how many bytes on they are: infinite where they never catch up."""
    saved = _ALONE - _SHARED / processors
    return _START_SECONDS / saved if saved > 0 else float("inf")
