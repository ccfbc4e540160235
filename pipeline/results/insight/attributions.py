"""What each token did to a model's verdict, by the model's own `trace_text` signature.

The model reads a text token by token; a token's share is by how much the log odds of a class change
when it is read. So the shares add up to the difference between the whole text's log odds and the
empty text's. They depend on the order of reading: a token that only makes sense with later ones
has its share counted there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from components import features
from components.transform.token_settings import IMDB_TOKENS, TokenSettings
from pipeline.results.insight.places import MOST_CHARACTERS, Place, places_of
from serving import signature_names

# Texts that are traced at once: some models run once a token.
_BATCH = 4
# A float32 probability cannot be closer to 1, but for being 1; log odds go to 16.6 in both
# directions.
_LEAST = 2.0**-24


@dataclass(frozen=True)
class AttributedToken:
    """A token that the model read.

    Attributes:
      token: As the model reads it.
      change: Of the class's log odds, when it was read.
      place: Where it stands in `AttributedText.text`; None where that cannot be told.
    """

    token: str
    change: float
    place: Place | None


@dataclass(frozen=True)
class AttributedText:
    """A text and what each of its tokens did.

    Attributes:
      text: As it was written, from the first token on that the model read; at most
        MOST_CHARACTERS, of its end.
      unread: Characters in front that are left out.
      tokens: In the order of reading: the last `max_length` ones.
      label: The class whose log odds are told.
      log_odds: Of the class, after the whole text.
      empty_log_odds: Of the class for a text without words.
    """

    text: str
    unread: int
    tokens: tuple[AttributedToken, ...]
    label: int
    log_odds: float
    empty_log_odds: float


@dataclass(frozen=True)
class Attributions:
    """What could be told of some texts.

    Attributes:
      texts: In the order asked for; None where the model cannot tell.
      reason: Why it cannot, in a sentence; "" where it can.
    """

    texts: tuple[AttributedText, ...] | None
    reason: str = ""


def attribute(
    saved_model: str,
    texts: Sequence[bytes],
    labels: Sequence[int],
    settings: TokenSettings | None = None,
) -> Attributions:
    """Asks an exported model what each token of some texts did.

    Args:
      saved_model: Its folder.
      texts: UTF-8.
      labels: For each text the class whose log odds are told; with two classes usually 1.
      settings: What its tokens are; by default what the model's folder says.
    """
    import tensorflow as tf

    try:
        # Must outlive its signatures, which do not hold its variables.
        model = tf.saved_model.load(saved_model)
    except (OSError, ValueError, tf.errors.OpError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return Attributions(None, f"The model cannot be loaded: {reason}")
    trace = model.signatures.get(signature_names.TRACE_TEXT)
    if trace is None:
        return Attributions(
            None,
            f"The model has no signature '{signature_names.TRACE_TEXT}', which tells what it "
            f"believes after each word; it has: {', '.join(sorted(model.signatures)) or 'none'}.",
        )
    if objection := _objection(trace):
        return Attributions(None, objection)
    settings = settings or TokenSettings.of_model(saved_model) or IMDB_TOKENS
    return Attributions(tuple(explain(trace, texts, labels, settings)))


def explain(
    trace: Any,
    texts: Sequence[bytes],
    labels: Sequence[int],
    settings: TokenSettings = IMDB_TOKENS,
) -> Iterator[AttributedText]:
    """Yields what each token of some texts did, by a loaded model's `trace_text`.

    Args:
      trace: The signature.
      texts: UTF-8.
      labels: For each text the class whose log odds are told.
      settings: What the model's tokens are.
    """
    _, probabilities = _traced(trace, [b""])
    empty = probabilities[0, -1]
    for start in range(0, len(texts), _BATCH):
        batch = slice(start, start + _BATCH)
        tokens, probabilities = _traced(trace, texts[batch])
        for each in zip(texts[batch], labels[batch], tokens, probabilities, strict=True):
            yield _attributed(*each, empty, settings)


def log_odds(probabilities: np.ndarray, label: int) -> np.ndarray:
    """Returns the log odds of a class, <float64>[...].

    Args:
      probabilities: <float32>[..., classes].
      label: The class.
    """
    exact = probabilities.astype(np.float64)
    chosen = exact[..., label]
    # The sum of the others is precise where 1 - chosen is nothing but rounding.
    others = np.delete(exact, label, axis=-1).sum(axis=-1)
    return np.log(np.maximum(chosen, _LEAST)) - np.log(np.maximum(others, _LEAST))


def _objection(trace: Any) -> str:
    """Says why a `trace_text` of another trainer's is none that can be read; or nothing."""
    (_, inputs), outputs = trace.structured_input_signature, trace.structured_outputs
    expected = {"tokens": (2,), "probability": (2, 3)}
    is_known = list(inputs) == [features.TEXT] and all(
        name in outputs and outputs[name].shape.rank in ranks for name, ranks in expected.items()
    )
    if is_known:
        return ""
    given = ", ".join(f"{name} {output.shape}" for name, output in sorted(outputs.items()))
    return (
        f"The model's signature '{signature_names.TRACE_TEXT}' gives {given}; expected tokens "
        "[batch, length] and probability [batch, length] or [batch, length, classes] of text."
    )


def _traced(trace: Any, texts: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Returns tokens <object>[texts, length], probabilities <float32>[texts, length, classes]."""
    import tensorflow as tf

    answer = trace(text=tf.constant(list(texts), tf.string))
    probabilities = answer["probability"].numpy()
    if probabilities.ndim == 2:
        probabilities = np.stack([1 - probabilities, probabilities], axis=-1)
    return answer["tokens"].numpy(), probabilities


def _attributed(
    text: bytes,
    label: int,
    tokens: np.ndarray,
    probabilities: np.ndarray,
    empty: np.ndarray,
    settings: TokenSettings,
) -> AttributedText:
    # Padding stands in front.
    is_token = tokens != b""
    read = [token.decode("utf-8", "replace") for token in tokens[is_token]]
    empty_log_odds = float(log_odds(empty, label))
    after = log_odds(probabilities[is_token], label)
    # What a model makes of less padding is the first token's.
    changes = np.diff(after, prepend=empty_log_odds)
    written = text.decode("utf-8", "replace")
    end = written[-MOST_CHARACTERS:]
    places = places_of(end, read, settings)
    cut = next((place.start for place in places if place), 0)
    if len(written) == len(end) and len(read) < len(tokens):
        cut = 0
    moved = [place and Place(place.start - cut, place.stop - cut) for place in places]
    return AttributedText(
        text=end[cut:],
        unread=len(written) - len(end) + cut,
        tokens=tuple(
            AttributedToken(token, float(change), place)
            for token, change, place in zip(read, changes, moved, strict=True)
        ),
        label=label,
        log_odds=float(after[-1]) if len(after) else empty_log_odds,
        empty_log_odds=empty_log_odds,
    )
