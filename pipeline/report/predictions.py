"""What the predictions of the test reviews show: curves, mistakes, and the last blessed model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from components import features
from components.evaluator.predictions import Predictions, read_predictions
from components.evaluator.significance import Pairs
from pipeline.report.contents import Missing, Mistakes, Piece, Quality, ShownMistake
from pipeline.results.insight import curves

if TYPE_CHECKING:
    from pipeline.results.insight.attributions import AttributedText
    from pipeline.results.insight.mistakes import WorstMistake
    from pipeline.results.insight.reviews import LabelledText

_POSITIVE = 1
# Of a text that cannot be explained, this much of its end is shown.
_MOST_CHARACTERS = 4_000


def quality(evaluation: str, threshold: float | None = None) -> Quality:
    """Returns the curves of two classes.

    Args:
      evaluation: Folder of the Evaluator's `evaluation`.
      threshold: From which probability on the model decides on the second class; if it is not
        known, it is told from the decisions.

    Raises:
      LookupError: It has no predictions, or of more than two classes, or of one alone.
    """
    read = read_predictions(evaluation)
    classes = read.scores.shape[1]
    if classes != len(features.CLASSES):
        raise LookupError(f"Curves and thresholds are of two classes; this model has {classes:,}.")
    is_positive, scores = curves.one_class(read.labels, read.scores, _POSITIVE)
    roc = curves.roc(is_positive, scores)
    precision_recall = curves.precision_recall(is_positive, scores)
    if roc is None or precision_recall is None:
        raise LookupError("All test reviews are of one class: there is nothing to tell apart.")
    own = _threshold(read) if threshold is None else threshold
    return Quality(
        roc=roc,
        precision_recall=precision_recall,
        base_rate=float(is_positive.mean()),
        calibration=curves.calibration(is_positive, scores),
        table=curves.threshold_table(is_positive, scores, own=own),
        threshold=own,
    )


def pairs(evaluation: str) -> Pairs | None:
    """Returns a model and the last blessed one on the same reviews; None if they are not known."""
    try:
        return Pairs.in_predictions(read_predictions(evaluation, with_scores=False))
    except LookupError:
        return None


def mistakes(
    evaluation: str,
    reviews: Callable[[], Iterable[LabelledText]],
    saved_model: str | Missing,
    classes: Sequence[str],
) -> Mistakes:
    """Returns the mistakes that the model is surest about.

    Args:
      evaluation: Folder of the Evaluator's `evaluation`.
      reviews: Gives those of all splits.
      saved_model: Folder of the model, which tells what each word did; or why it is not there.
      classes: Names of the classes, by label.

    Raises:
      LookupError: There are no predictions.
    """
    from pipeline.results.insight.mistakes import worst_mistakes
    from pipeline.results.insight.reviews import texts_of

    read = read_predictions(evaluation)
    total = int(np.sum(~read.is_right))
    worst = worst_mistakes(read.review_ids, read.labels, read.scores, _threshold(read))
    texts = texts_of(reviews(), [each.review_id for each in worst])
    explained, note = _explained(worst, texts, saved_model)
    shown = tuple(
        _shown(each, texts.get(each.review_id, b""), explained.get(each.review_id), classes)
        for each in worst
    )
    return Mistakes(shown, total, note)


def _threshold(read: Predictions) -> float:
    """Returns the probability from which the model decided on the second class.

    It is the least one of those that it did; where it was to be another one, no review lay between.
    """
    if read.scores.shape[1] != len(features.CLASSES):
        return features.DECISION_THRESHOLD
    usual = read.scores[:, _POSITIVE] >= features.DECISION_THRESHOLD
    chosen = read.choices == _POSITIVE
    if np.array_equal(usual, chosen) or not chosen.any():
        return features.DECISION_THRESHOLD
    return float(read.scores[chosen, _POSITIVE].min())


def _explained(
    worst: Sequence[WorstMistake], texts: Mapping[str, bytes], saved_model: str | Missing
) -> tuple[Mapping[str, AttributedText], str]:
    """Returns what each word did, by `review_id`; or nothing, and why."""
    from pipeline.results.insight.attributions import attribute

    if isinstance(saved_model, Missing):
        return {}, f"What each word did is not known: {saved_model.why}"
    known = [each for each in worst if each.review_id in texts]
    if not known:
        return {}, ""
    # Of two classes, all words are coloured by what they do for the second.
    is_binary = all(each.label < 2 and each.taken_for < 2 for each in worst)
    found = attribute(
        saved_model,
        [texts[each.review_id] for each in known],
        [_POSITIVE if is_binary else each.taken_for for each in known],
    )
    if found.texts is None:
        return {}, f"What each word did is not known: {found.reason}"
    return dict(zip((each.review_id for each in known), found.texts, strict=True)), ""


def _shown(
    mistake: WorstMistake, text: bytes, explained: AttributedText | None, classes: Sequence[str]
) -> ShownMistake:
    names = mistake.review_id, classes[mistake.label], classes[mistake.taken_for]
    if explained is None:
        written = text.decode("utf-8", "replace")
        end = written[-_MOST_CHARACTERS:] or "(The text is not there any more.)"
        is_cut = len(written) > len(end)
        return ShownMistake(*names, mistake.confidence, (Piece(end),), is_cut=is_cut)
    return ShownMistake(
        *names,
        mistake.confidence,
        tuple(_pieces(explained)),
        start=explained.empty_log_odds,
        end=explained.log_odds,
        is_cut=explained.unread > 0,
    )


def _pieces(explained: AttributedText) -> list[Piece]:
    """Returns the text in parts: the words that the model read, and what stands between them."""
    pieces, at = [], 0
    for token in explained.tokens:
        if token.place is None:
            continue
        if token.place.start > at:
            pieces.append(Piece(explained.text[at : token.place.start]))
        pieces.append(Piece(explained.text[token.place.start : token.place.stop], token.change))
        at = token.place.stop
    return [*pieces, Piece(explained.text[at:])] if at < len(explained.text) else pieces
