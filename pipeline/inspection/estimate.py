"""How long a run takes and how much memory, by a simple model of measured rates: an estimate."""

from __future__ import annotations

import os
from dataclasses import dataclass

from components.models.registry import get_variant
from pipeline.beam_mode import are_worth_their_start

# Measured on 2 cores with IMDB's 50,000 reviews of 230 words, 218 of which are kept: a cold run
# takes 146 s (benchmarks/results/cold_run.json), reading, statistics and Transform 27 of them, the
# evaluation of 25,000 reviews 20.5; `lstm` trains on 1,065 reviews a second.
MEASURED_ON_CORES = 2
_MEASURED_WORDS, _MEASURED_KEPT_WORDS = 230, 218
_FIXED_SECONDS = 28.0
_PREPARED_REVIEWS_A_SECOND = 50_000 / 27.0
_EVALUATED_REVIEWS_A_SECOND = 25_000 / 20.5
_TRAINED_REVIEWS_A_SECOND = 1_065.0
# `linear` is fitted in one go: 25,000 reviews in 8 s.
_SOLVED_REVIEWS_A_SECOND = 25_000 / 8
# To build a model, and to learn a vocabulary.
_FOLD_SECONDS = 1.5
# A review of no word at all takes some time as well.
_LEAST_SHARE = 0.2

# Peaks of the whole run, GB: the sample 1.4 with `linear` and 1.7 with `lstm`, IMDB 1.9 and 2.4;
# two workers of Beam's add 1.4.
_PROCESS_GB, _GRADIENT_GB, _WORKER_GB = 1.4, 0.4, 0.7
_BYTES_OF_REVIEW = 10_000
# The Trainer holds the token ids, two bytes each, and a sorted copy.
_BYTES_OF_TOKEN = 4


@dataclass(frozen=True)
class Estimate:
    """What a first run is expected to take on two cores.

    Attributes:
      minutes: By the clock.
      gigabytes: Of memory, at its peak.
    """

    minutes: float
    gigabytes: float


def estimate(
    *,
    train: int,
    test: int,
    size: int,
    words: float,
    kept_words: float,
    model: str,
    max_length: int,
    folds: int = 0,
) -> Estimate:
    """Returns what a run of a model is expected to take.

    Args:
      train: Reviews to train on.
      test: Reviews to evaluate.
      size: Bytes of the files.
      words: Mean number of words of a review.
      kept_words: The same, once the longest are truncated.
      model: A variant.
      max_length: Tokens that a review is padded to.
      folds: How many models are trained beside it, on as many reviews each.
    """
    variant = get_variant(model)
    by_words = max(words / _MEASURED_WORDS, _LEAST_SHARE)
    by_kept_words = max(kept_words / _MEASURED_KEPT_WORDS, _LEAST_SHARE)
    seconds = _FIXED_SECONDS + (train + test) / _PREPARED_REVIEWS_A_SECOND * by_words
    seconds += test / _EVALUATED_REVIEWS_A_SECOND * by_kept_words
    if variant.uses_gradient_descent:
        epochs = variant.presets[variant.default_preset].epochs
        training = epochs * train / _TRAINED_REVIEWS_A_SECOND * by_kept_words
    else:
        training = train / _SOLVED_REVIEWS_A_SECOND * by_kept_words
    seconds += training + folds * (_FOLD_SECONDS + training)
    gigabytes = _PROCESS_GB + (_GRADIENT_GB if variant.uses_gradient_descent else 0)
    if are_worth_their_start(size):
        gigabytes += _WORKER_GB * len(os.sched_getaffinity(0))
    held = (train + test) * _BYTES_OF_REVIEW + train * max_length * _BYTES_OF_TOKEN
    return Estimate(seconds / 60, gigabytes + held / 2**30)
