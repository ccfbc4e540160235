"""What to try where reviews are few, or the test split tells little."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from components import features
from components.dataset.source import SourceKind
from components.evaluator.wilson import margin
from components.models.automatic import AUTO, FOR_FEW, NETWORK, NETWORK_FROM
from components.models.registry import get_variant
from pipeline.chosen_settings import INSPECT_SETTINGS, chosen_settings
from pipeline.program import command, flags_of_settings
from pipeline.resolution import ResolvedRun

# One seed, 1,986 test reviews of IMDB, right in %, after so many training reviews:
#             300  1,000  2,000  4,000
#   linear   77.7   83.2   87.5   87.3
#   lstm     49.0   68.3   73.1   80.1
#   cnn_lstm 49.0   49.0   73.8   84.2
FEW_REVIEWS = 5_000
# In all splits. With more, a fifth of them tells an accuracy to 3.5 points, and a training takes
# long enough not to be repeated for nothing.
FOLDS_BELOW = 2_000
# An accuracy that a good model may have, to show how exactly it would be known.
EXAMPLE_ACCURACY = 0.85


def for_few_reviews(run: ResolvedRun, train_reviews: int) -> str:
    """Returns a sentence on a variant that needs more reviews than there are; or nothing.

    Args:
      run: The run. The generated sample is easier than real reviews, and needs no advice.
      train_reviews: How many there are to train on.
    """
    model = run.config.model
    if run.source.kind is SourceKind.SAMPLE or model == AUTO:
        return ""
    if not 0 < train_reviews < FEW_REVIEWS or get_variant(model).solve:
        return ""
    return (
        f"{train_reviews:,} training reviews are few for {model}; try --model linear. (With 300 "
        "of IMDB's, the accuracy of linear is 78 %, that of lstm 49 %.)"
    )


def for_no_lift(run: ResolvedRun, train_reviews: int) -> str:
    """Returns what to try where a model is no better than always saying the larger class.

    Args:
      run: The run.
      train_reviews: How many there are to train on.
    """
    model = run.config.model
    if model == AUTO or get_variant(model).solve:
        if model != FOR_FEW or train_reviews < NETWORK_FROM:
            chosen = chosen_settings(run.config)
            given = {name: chosen[name] for name in chosen if name in INSPECT_SETTINGS}
            inspect = command("inspect", run.config.data, *flags_of_settings(given))
            return (
                "What these texts say may not tell the classes apart, or the labels are wrong: see "
                f"{inspect}."
            )
        return f"A network may find more in {train_reviews:,} reviews: try --model {NETWORK}."
    return (
        f"Try --model {FOR_FEW}: it needs few reviews, and tells in seconds whether the texts tell "
        "the classes apart at all."
    )


def before_training(run: ResolvedRun, split_sizes: Mapping[str, int]) -> Iterator[str]:
    """Yields what the user should know as soon as the numbers of reviews are known.

    Args:
      run: The run.
      split_sizes: Reviews by split.
    """
    if advice := for_few_reviews(run, split_sizes[features.TRAIN_SPLIT]):
        yield advice
    total, test = sum(split_sizes.values()), split_sizes[features.TEST_SPLIT]
    if not test or run.source.kind is SourceKind.SAMPLE:
        return
    exactly = (
        f"{test:,} test reviews tell an accuracy of {EXAMPLE_ACCURACY:.0%} to "
        f"{100 * margin(EXAMPLE_ACCURACY, test):.1f} points either way (95 %)"
    )
    folds = run.config.folds
    if total < FOLDS_BELOW and not folds and not run.is_comparison:
        yield f"{exactly}, a macro F1 less exactly; --folds 5 judges all {total:,}."
    if folds and total >= FOLDS_BELOW:
        yield f"--folds {folds} trains {folds} models more, on {total:,} reviews; {exactly}."
