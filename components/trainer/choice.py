"""Chooses the variant of `model="auto"`: by the number of reviews and, if they are many, a trial.

With fewer than NETWORK_FROM reviews to train on, it is the linear one. With more, each candidate is
fitted to NETWORK_FROM of them, and the one of the least loss on other reviews is chosen: so a trial
takes the same time however many reviews there are. Those are the eval split's, or, without one, a
tenth of train, which the chosen variant is trained on like all others.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from components import progress
from components.models.automatic import FOR_FEW, NETWORK_FROM
from components.models.class_weights import class_weights
from components.models.registry import get_variant
from components.trainer.curves import evaluate
from components.trainer.custom_config import TrainingRequest
from components.trainer.disk_tokens import Reviews
from components.trainer.fit import fit_variant, set_seeds

# Reviews that a trial is judged on, at most, and as a share of train where there is no eval split.
MOST_HELD_OUT, HELD_OUT_SHARE = 5_000, 0.1
_BATCH = 256


def choose_variant(
    request: TrainingRequest, training: Reviews, validation: Reviews | None
) -> TrainingRequest:
    """Returns `request` with the variant that suits the reviews, and why.

    Args:
      request: A training with candidates.
      training: `token_ids` <uint>[reviews, max_length] and `label` <int64>[reviews], in an order
        that means nothing, equal texts side by side; see `read_examples`.
      validation: The same of the eval split, if there is one.
    """
    reviews = len(training[1])
    if reviews < NETWORK_FROM:
        because = f"{reviews:,} reviews to train on; a network needs some {NETWORK_FROM:,}"
        return _with_variant(request, FOR_FEW, because)
    fitted_on, held_out = split_for_trial(training, validation)
    found: dict[str, Mapping[str, float]] = {}
    for place, name in enumerate(request.candidates):
        with progress.part_of(place, len(request.candidates), f"trial of {name}"):
            found[name] = run_trial(request, name, fitted_on, held_out)
    best, *others = sorted(found, key=lambda name: found[name]["loss"])
    told = "; ".join(
        f"{name}'s is {found[name]['loss']:.3f} ({found[name]['accuracy']:.1%})" for name in others
    )
    because = (
        f"in a trial on {len(fitted_on[1]):,} reviews, its log loss on {len(held_out[1]):,} others "
        f"is {found[best]['loss']:.3f} (accuracy {found[best]['accuracy']:.1%}); {told}"
    )
    return _with_variant(request, best, because)


def split_for_trial(training: Reviews, validation: Reviews | None) -> tuple[Reviews, Reviews]:
    """Returns the reviews that a trial is fitted to, and those that it is judged on.

    No text is in both, where they are parts of `training`.
    """
    token_ids, labels = training
    first = 0
    if validation is None:
        first = min(int(len(labels) * HELD_OUT_SHARE), MOST_HELD_OUT)
        while first < len(labels) and np.array_equal(token_ids[first], token_ids[first - 1]):
            first += 1
        validation = token_ids[:first], labels[:first]
    fitted = slice(first, first + NETWORK_FROM)
    held_out = slice(None, MOST_HELD_OUT)
    return (
        (token_ids[fitted], labels[fitted]),
        (validation[0][held_out], validation[1][held_out]),
    )


def run_trial(
    request: TrainingRequest, name: str, fitted_on: Reviews, held_out: Reviews
) -> dict[str, float]:
    """Fits a candidate; returns its `loss` and `accuracy` on the reviews that it did not see."""
    variant, hyperparameters = get_variant(name), request.candidates[name]
    set_seeds(hyperparameters)
    model = variant.build(hyperparameters, shape=request.shape)
    validation = held_out if hyperparameters.needs_validation else None
    with tempfile.TemporaryDirectory() as logs:
        fit_variant(variant, model, fitted_on, validation, hyperparameters, logs)
    weights = class_weights(fitted_on[1], request.shape.classes, hyperparameters.class_weights)
    return evaluate(model, held_out, _BATCH, weights)


def _with_variant(request: TrainingRequest, name: str, because: str) -> TrainingRequest:
    return replace(
        request,
        variant=get_variant(name),
        hyperparameters=request.candidates[name],
        chosen_because=f"{name}: {because}",
    )
