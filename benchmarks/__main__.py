"""Runs benchmarks one after another, then writes the pages' tables anew.

    IMDB_ARCHIVE=... python -m benchmarks [PART ...] [flags of the parts]

Without a part all are run, in this order. Flags go to each part; `--busy` and `--wait` are known to
all. A part that finds the machine busy records nothing, and the next one is tried.
"""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import time

from benchmarks.archive import archive_path
from benchmarks.recording import RESULTS

# Minutes on two quiet processors, estimated. What most people ask for first; the longest last.
PARTS = {
    "training": 2,
    "latency": 1,
    "throughput": 2,
    "data_steps": 6,
    "cold_run": 8,
    "tokenizing": 3,
    "short_rows": 6,
    "beam_modes": 8,
    "scaling": 45,
}


def main() -> int:
    """Runs the parts; returns the exit code."""
    words = sys.argv[1:]
    if {"-h", "--help"} & set(words):
        minutes = ", ".join(f"{part} ({minutes})" for part, minutes in PARTS.items())
        print(f"{__doc__}\nParts, and about how many minutes each takes: {minutes}.")
        return 0
    asked = list(itertools.takewhile(lambda word: not word.startswith("-"), words))
    flags = words[len(asked) :]
    if wrong := [part for part in asked if part not in PARTS]:
        print(f"Unknown part {wrong[0]!r}. Choose from: {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    archive_path()
    # As an interrupt does: the part that runs ends too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    failed = [part for part in asked or PARTS if not _succeeds(part, flags)]
    subprocess.run([sys.executable, "-m", "scripts.readme"], check=True, cwd=RESULTS.parents[1])
    if failed:
        print(f"Without new figures: {', '.join(failed)}.", file=sys.stderr)
    return 1 if failed else 0


def _succeeds(part: str, flags: list[str]) -> bool:
    print(f"\n{part}, about {PARTS[part]} min\n", flush=True)
    started = time.perf_counter()
    command = [sys.executable, "-m", f"benchmarks.{part}", *flags]
    with subprocess.Popen(command, cwd=RESULTS.parents[1]) as process:
        try:
            code = process.wait()
        except BaseException:
            process.terminate()
            raise
    print(f"\n{part}: {time.perf_counter() - started:.0f} s", flush=True)
    return code == 0


if __name__ == "__main__":
    sys.exit(main())
