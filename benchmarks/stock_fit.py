"""Fits the yardstick `lstm` as a user of plain Keras would, and prints the seconds of the fit.

    IMDB_ARCHIVE=... python -m benchmarks.stock_fit REVIEWS EPOCHS

REVIEWS training reviews, in batches of 64. Prints a line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from benchmarks.archive import real_reviews
from benchmarks.real_reviews import Vocabulary
from benchmarks.yardstick import stock_model

_BATCH = 64


def main(count: int, epochs: int) -> None:
    """Fits."""
    reviews = [review for review in real_reviews() if review.split == "train"]
    chosen = np.random.default_rng(0).permutation(len(reviews))[:count]
    texts = [reviews[place].text for place in chosen]
    labels = np.array([[reviews[place].label] for place in chosen], np.float32)
    token_ids = Vocabulary(texts).token_ids(tf.constant(texts)).numpy()
    model = stock_model("lstm")
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    started = time.perf_counter()
    model.fit(token_ids, labels, batch_size=_BATCH, epochs=epochs, verbose=0)
    print(json.dumps({"fit, seconds": time.perf_counter() - started, "reviews": len(labels)}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
