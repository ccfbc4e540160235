"""Runs what .ci/dockerfile.py built, as `docker run` runs an image; needs root rights.

    python3 .ci/run_image.py [--user UID:GID] [--bind FOLDER:PLACE]... [--instead WORD]
                             FOLDER/TARGET [WORD...]

The words are the image's own command if there are none. `--instead health` runs the health check,
another word takes the place of the entry point. The command is process 1 of its own, as in a
container: a signal that it does not handle does not end it. The network is that of the machine.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

IN_ROOT = Path(__file__).resolve().parent / "in_root"


def command(options: argparse.Namespace) -> list[str]:
    """Returns the command line of .ci/in_root."""
    image = json.loads(Path(f"{options.image}.json").read_text())
    words = [*image["entry_point"], *(options.words or image["command"])]
    if options.instead == "health":
        words = image["health_check"]
    elif options.instead:
        words = [options.instead, *options.words]
    flags = ["--set", f"PWD={image['folder']}"]
    for name, value in image["environment"].items():
        flags += ["--set", f"{name}={value}"]
    for bind in options.bind:
        flags += ["--bind", bind]
    return [str(IN_ROOT), *flags, options.image, options.user or image["user"], *words]


def main() -> None:
    """Takes the place of this process by the command's parent, which ends as the command does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--user", default="")
    parser.add_argument("--bind", action="append", default=[])
    parser.add_argument("--instead", default="")
    parser.add_argument("image")
    parser.add_argument("words", nargs=argparse.REMAINDER)
    own = ["unshare", "--pid", "--fork", "--kill-child"]
    os.execvp(own[0], [*own, *command(parser.parse_args())])


if __name__ == "__main__":
    main()
