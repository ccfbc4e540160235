"""Runs models without a server around them, when it is told to; see `DirectModels`.

    python -m benchmarks.direct_model TEXTS NAME=FOLDER ...

TEXTS is a JSON file, a list of reviews. For each line `NAME INDEX` that comes in, the model's
`predict_text` runs on that review alone; a line of JSON goes out, with the milliseconds of the run
and the probability.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from serving.signature_names import PREDICT_TEXT


class DirectModels:
    """The models in a process of their own: of a server's shape, without its ports."""

    def __init__(self, texts: Path, folders: Mapping[str, Path]):
        """Loads the models, by name, and waits until they are there."""
        models = [f"{name}={folder}" for name, folder in folders.items()]
        self._command = [sys.executable, "-m", "benchmarks.direct_model", str(texts), *models]
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=Path(__file__).parents[1],
        )
        for name in folders:
            self.run(name, 0)

    def __enter__(self) -> DirectModels:
        """Returns itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the process."""
        self._process.communicate()

    def run(self, name: str, index: int) -> tuple[float, float]:
        """Returns the milliseconds that a review took, and its probability."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{name} {index}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{' '.join(self._command)} ended; run it to see why")
        milliseconds, probability = json.loads(answer)
        return milliseconds, probability


def main(texts: list[str], folders: Mapping[str, str]) -> None:
    """Answers the lines of standard input."""
    import numpy as np

    from serving.server.saved_model import SavedModel

    models = {name: SavedModel(folder) for name, folder in folders.items()}
    for line in sys.stdin:
        name, index = line.split()
        signature = models[name].signatures[PREDICT_TEXT]
        text = np.array([texts[int(index)].encode()], object)
        feeds = {signature.inputs["text"].name: text}
        fetches = [signature.outputs[alias].name for alias in ("probability", "sentiment")]
        started = time.perf_counter()
        probability, _ = models[name].run(feeds, fetches)
        seconds = time.perf_counter() - started
        print(json.dumps([seconds * 1e3, float(probability[0])]), flush=True)


if __name__ == "__main__":
    main(
        json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")),
        dict(argument.split("=", 1) for argument in sys.argv[2:]),
    )
