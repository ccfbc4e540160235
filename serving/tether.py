"""Runs a command that ends with whoever started it, even when that is killed by SIGKILL.

    python -m serving.tether '["docker", "rm", "--force", "name"]' COMMAND ARGUMENT...

The starter holds the other end of standard input. When that is closed, or the starter dies, the
command is killed. Then the first argument, a JSON list, is run as a command: it ends what is not a
child of this process, such as a container. An empty list runs nothing.

The exit code is the command's; if a signal ended the command, it is 128 plus the signal's number,
as in a shell.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence

SIGNAL_BASE = 128
EXIT_NOT_STARTED = 127
_ENDING_SECONDS = 30


def main(arguments: Sequence[str]) -> int:
    """Runs the command until it or standard input ends; returns its exit code."""
    ending, command = json.loads(arguments[0]), list(arguments[1:])
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    except OSError as error:
        print(f"{command[0]} cannot be started: {error.strerror}", file=sys.stderr, flush=True)
        return EXIT_NOT_STARTED
    threading.Thread(target=_end_with_starter, args=(process,), daemon=True).start()
    code = process.wait()
    if ending:
        subprocess.run(
            ending, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=_ENDING_SECONDS
        )
    return SIGNAL_BASE - code if code < 0 else code


def _end_with_starter(process: subprocess.Popen[bytes]) -> None:
    # Not sys.stdin: its lock would be held when the interpreter ends.
    while os.read(0, 4096):
        pass
    process.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
