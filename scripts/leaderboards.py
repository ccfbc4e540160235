"""Prints recorded leaderboards as one table in Markdown.

python -m scripts.leaderboards FILE...
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from components.errors import SentimentError
from pipeline.console.messages import tell
from pipeline.results.markdown import markdown_table
from serving.printable import printable_lines


def main(arguments: Sequence[str]) -> int:
    """Prints the table of the files named; returns the exit code."""
    if not arguments:
        tell("Usage: python -m scripts.leaderboards FILE...")
        return 2
    try:
        print(printable_lines(markdown_table([Path(argument) for argument in arguments])))
    except SentimentError as error:
        tell(f"leaderboards: error: {error}")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
