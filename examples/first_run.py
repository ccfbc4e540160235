"""What a new user does with a data set: look at it, then type the command that is printed."""

import argparse
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

# Beside the Python that runs the example.
SENTIMENT = str(Path(sys.executable).with_name("sentiment"))


def main(
    description: str, write: Callable[[Path], Path], questions: list[str], *flags: str
) -> None:
    """Writes a data set into a folder, trains on it, and asks the model that was pushed.

    Args:
      description: What the example shows.
      write: `write(folder)` makes the data set in the folder and returns its path.
      questions: Texts to ask the pushed model about.
      flags: What else `sentiment inspect` is told.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("folder", type=Path, help="for the data and all that the run writes")
    folder = parser.parse_args().folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    data = write(folder)

    inspected = _sentiment(["inspect", str(data), *flags], stdout=subprocess.PIPE, text=True).stdout
    print(inspected)
    *_, typed = inspected.replace("\\\n", " ").strip().splitlines()
    root = ["--root", str(folder / "artifacts")]
    _sentiment([*shlex.split(typed)[1:], *root])

    (model,) = (folder / "artifacts" / "serving_model").iterdir()
    _sentiment(["predict", *questions, "--model-name", model.name, *root])


def _sentiment(arguments: list[str], **options: object) -> subprocess.CompletedProcess:
    return subprocess.run([SENTIMENT, *arguments], check=True, **options)
