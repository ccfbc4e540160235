"""How long one review takes: a fresh process loads an export and asks it, one at a time.

    python -m pipeline.compare.latency SAVED_MODEL EXAMPLES COUNT

Prints a JSON object in one line. It does not run in the process that trained
the model: the memory of that one still holds variables that the export may lack.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time

from serving import start
from serving.signature_names import PREDICT_TEXT

WARM_UP = 10
REVIEWS = 200
TIMEOUT_SECONDS = 300


def measure_in_a_fresh_process(saved_model: str, examples: str) -> float:
    """Returns the median milliseconds that a review of the split in `examples` takes."""
    answer = subprocess.run(
        [*start.command(__name__), saved_model, examples, str(REVIEWS)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    if answer.returncode:
        raise RuntimeError(
            f"The export could not be loaded and asked in a new process:\n{answer.stderr}"
        )
    return float(json.loads(answer.stdout.splitlines()[-1])["median_ms"])


def measure(saved_model: str, examples: str, count: int) -> dict[str, float]:
    """Asks the export's `predict_text` for each of the first `count` reviews, one at a time.

    Args:
      saved_model: Folder of the export.
      examples: Folder of a split's gzipped tf.Examples.
      count: How many reviews; all when there are fewer.
    """
    import tensorflow as tf

    from components import features
    from serving.datasets import record_dataset

    files = tf.io.gfile.glob(os.path.join(examples, "*.gz"))
    specification = {features.TEXT: tf.io.FixedLenFeature([], tf.string)}
    texts = [
        tf.io.parse_single_example(record, specification)[features.TEXT][tf.newaxis]
        for record in record_dataset(sorted(files), "GZIP").take(count)
    ]
    predict = tf.saved_model.load(saved_model).signatures[PREDICT_TEXT]
    for text in texts[:WARM_UP]:
        predict(text=text)
    times = []
    for text in texts:
        start = time.perf_counter()
        predict(text=text)["probability"].numpy()
        times.append(time.perf_counter() - start)
    return {"median_ms": statistics.median(times) * 1e3, "reviews": len(texts)}


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
