"""What the candidate is asked, and whether a server answers as the model itself does."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import tensorflow as tf
from tfx.components.infra_validator import error_types

from components import features
from components.warmup import review
from serving.client import Client
from serving.errors import ServingError

REVIEWS = 16
TOLERANCE = 1e-6

# Each is asked alone as well: a server may pad, cut or batch it in another way.
EDGE_CASES = (
    "",
    review(20_000),
    'Großartig — 素晴らしい映画 🎬 …\n\t"A \\ B" <br /> e\u0301\u0000!',
)


class Answer(NamedTuple):
    """What is said of one review.

    Attributes:
      probability: That it is positive.
      sentiment: One of `features.CLASSES`; None where only scores are asked for.
    """

    probability: float
    sentiment: str | None


class Reference:
    """The exported SavedModel, called directly."""

    def __init__(self, saved_model: str):
        """Loads the model of the folder.

        Raises:
          ValidationFailed: It cannot be loaded.
        """
        try:
            self._signatures = tf.saved_model.load(saved_model).signatures
        except Exception as error:  # TensorFlow's loader has no error of its own
            raise error_types.ValidationFailed(
                f"The export cannot be loaded: {type(error).__name__}: {error}"
            ) from error

    def answer(self, signature: str, input: str, values: Sequence[str | bytes]) -> list[Answer]:
        """Returns the answers to `values`, <string>[batch].

        Raises:
          ValidationFailed: The signature fails, or a probability is none.
        """
        if signature not in self._signatures:
            raise error_types.ValidationFailed(
                f"The export has no signature '{signature}'; it has: "
                f"{', '.join(sorted(self._signatures)) or 'none'}."
            )
        try:
            outputs = self._signatures[signature](**{input: tf.constant(list(values), tf.string)})
        except tf.errors.OpError as error:
            raise error_types.ValidationFailed(
                f"The export's '{signature}' fails: {error.message}"
            ) from error
        answers = [
            Answer(float(probability), sentiment.decode())
            for probability, sentiment in zip(
                outputs["probability"].numpy(), outputs["sentiment"].numpy(), strict=True
            )
        ]
        for value, answer in zip(values, answers, strict=True):
            if not 0 <= answer.probability <= 1:
                raise error_types.ValidationFailed(
                    f"The export answers {_shown(answer.probability)} to {_quoted(value)}; "
                    "expected a probability from 0 to 1."
                )
        return answers


class Exchange(NamedTuple):
    """Requests of one kind and what the model itself answers to them.

    Attributes:
      method: A method of `Client`.
      values: Texts, or serialized tf.Examples.
      expected: An answer for each.
    """

    method: str
    values: Sequence[str | bytes]
    expected: list[Answer]


def exchanges(reference: Reference, examples: Sequence[bytes]) -> list[Exchange]:
    """Returns what to ask a server, with the model's own answers.

    Args:
      reference: The model.
      examples: Serialized tf.Examples with `features.TEXT`.

    Raises:
      ValidationFailed: The model itself does not answer as it should.
    """
    texts = [*map(_text_of, examples), *EDGE_CASES]
    of_texts = reference.answer("predict_text", "text", texts)
    scores = [answer._replace(sentiment=None) for answer in of_texts]
    alone = [
        Exchange("predict", [text], reference.answer("predict_text", "text", [text]))
        for text in EDGE_CASES
    ]
    of_examples = reference.answer("serving_default", "examples", examples)
    return [
        Exchange("predict", texts, of_texts),
        *alone,
        Exchange("predict_examples", examples, of_examples),
        Exchange("classify", texts, scores),
    ]


def compare(client: Client, transport: str, asked: Sequence[Exchange]) -> int:
    """Asks a server; returns how many answers agreed with the model's own.

    Args:
      client: Of the server.
      transport: Its name, for the messages.
      asked: What to ask, one exchange after the other.

    Raises:
      ValidationFailed: An answer is another one; names both, and the review.
      ServingError: There is no answer.
    """
    for exchange in asked:
        answers = list(_ask(client, exchange))
        for value, expected, arrived in zip(
            exchange.values, exchange.expected, answers, strict=True
        ):
            if not _agree(expected, arrived):
                raise error_types.ValidationFailed(
                    f"Over {transport}, {exchange.method} answers {_told(arrived)} to "
                    f"{_quoted(value)}, where the export itself answers {_told(expected)}; at most "
                    f"{TOLERANCE:g} may lie between them."
                )
    return sum(len(exchange.values) for exchange in asked)


def _ask(client: Client, exchange: Exchange) -> Iterator[Answer]:
    for result in getattr(client, exchange.method)(exchange.values):
        if exchange.method == "classify":
            yield Answer(result.scores.get(features.CLASSES[features.POSITIVE], math.nan), None)
        else:
            yield Answer(result.probability, result.sentiment)


def _agree(expected: Answer, arrived: Answer) -> bool:
    # At the threshold a difference that is allowed may turn the sentiment.
    is_at_threshold = abs(expected.probability - features.DECISION_THRESHOLD) <= TOLERANCE
    return abs(expected.probability - arrived.probability) <= TOLERANCE and (
        expected.sentiment == arrived.sentiment or is_at_threshold
    )


def read_examples(folder: str, count: int = REVIEWS) -> list[bytes]:
    """Returns the first serialized tf.Examples of a split's folder of gzipped TFRecords."""
    files = sorted(tf.io.gfile.glob(os.path.join(folder, "*.gz")))
    return [record.numpy() for record in tf.data.TFRecordDataset(files, "GZIP").take(count)]


def explain(error: ServingError, transport: str) -> str:
    """Returns a sentence on a request that a server did not answer."""
    return f"Over {transport}, the server gave no answer that can be used: {error.reason}."


def _text_of(example: bytes) -> str:
    feature = tf.train.Example.FromString(example).features.feature[features.TEXT]
    return feature.bytes_list.value[0].decode()


def _told(answer: Answer) -> str:
    sentiment = f" ({answer.sentiment})" if answer.sentiment else ""
    return f"{_shown(answer.probability)}{sentiment}"


def _shown(probability: float) -> str:
    return "NaN" if math.isnan(probability) else f"{probability:.7f}"


def _quoted(value: str | bytes) -> str:
    text = _text_of(value) if isinstance(value, bytes) else value
    return repr(text if len(text) <= 40 else f"{text[:37]}...")
