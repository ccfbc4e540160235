"""Does something else use the processors? What is measured then is not to be relied on."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import time
from pathlib import Path

# Of all processors together, what others may use: a terminal, a monitor.
QUIET = 0.1
_LOOK_SECONDS = 3.0
_WAIT_SECONDS = 5.0
_PR_SET_CHILD_SUBREAPER = 36
_IDLE, _IOWAIT, _GUEST = 3, 4, 8


class Watch:
    """Tells how much of the processors other processes use, from now on.

    Processes that this one starts are its own once they have ended and were waited for; see
    `adopt_orphans`.
    """

    def __init__(self) -> None:
        """Begins."""
        self._began = time.perf_counter()
        self._all, self._own = _used_by_all(), _used_by_us()

    def others(self) -> float:
        """Returns the share of all processors that others used, from 0 to 1."""
        seconds = time.perf_counter() - self._began
        used = (_used_by_all() - self._all) - (_used_by_us() - self._own)
        return max(used, 0.0) / (max(seconds, 1e-9) * (os.cpu_count() or 1))


def adopt_orphans() -> None:
    """Makes processes whose starter ends before them this one's own; see prctl(2).

    Otherwise they would be init's, and their processor time that of others.
    """
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def bury_orphans() -> None:
    """Takes the processor time of adopted processes that have ended into account.

    No child of this process's own may be running: it would not learn that child's exit code.
    """
    with contextlib.suppress(ChildProcessError):  # there is none
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def wait_until_quiet(most_seconds: float) -> float:
    """Returns the share of the processors that others use, once that is small.

    Args:
      most_seconds: How long to wait for it. It says so when it waits.

    Raises:
      SystemExit: Others still use them.
    """
    until = time.perf_counter() + most_seconds
    is_told = False
    while (others := _look()) > QUIET:
        if time.perf_counter() + _WAIT_SECONDS > until:
            sys.exit(
                f"Others use {others:.0%} of the {os.cpu_count()} processors, after "
                f"{most_seconds:.0f} s of waiting; expected at most {QUIET:.0%}. Wait longer with "
                "--wait MINUTES, or measure all the same with --busy: the figures are printed, "
                "and not recorded."
            )
        if not is_told:
            print(
                f"Others use {others:.0%} of the processors; waiting until they are done, at most "
                f"{most_seconds / 60:.0f} minutes (--wait).",
                file=sys.stderr,
                flush=True,
            )
            is_told = True
        time.sleep(_WAIT_SECONDS)
    return others


def _look() -> float:
    watch = Watch()
    time.sleep(_LOOK_SECONDS)
    return watch.others()


def _used_by_all() -> float:
    """Returns the processor seconds of all processes since the machine started; see proc(5).

    What a host takes away from a virtual machine counts as used.
    """
    first = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
    ticks = [int(number) for number in first.split()[1:]][:_GUEST]
    used = sum(ticks) - ticks[_IDLE] - ticks[_IOWAIT]
    return used / os.sysconf("SC_CLK_TCK")


def _used_by_us() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
