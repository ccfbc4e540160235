"""What the candidate is asked, and whether a server answers as the model itself does."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from tfx.components.infra_validator import error_types

from components import features
from components.infra_validator.served_signatures import LABEL, Question, is_verdict, questions
from components.infra_validator.warmup import example_of, find_inputs, review
from components.models.training_record import TrainingRecord
from serving.client import Client
from serving.datasets import record_dataset
from serving.errors import ServingError
from serving.predictions import Prediction
from serving.signature_names import CLASSIFY, PREDICT_TEXT, SERVING_DEFAULT

REVIEWS = 16
TOLERANCE = 1e-6

# Each is asked alone as well: a server may pad, truncate or batch it in another way.
EDGE_CASES = (
    "",
    review(20_000),
    'Großartig — 素晴らしい映画 🎬 …\n\t"A \\ B" <br /> e\u0301\u0000!',
)


class Reference:
    """The exported SavedModel, called directly.

    Attributes:
      questions: What it can be asked.
      threshold: From which probability on it decides on the second of two classes.
    """

    def __init__(self, saved_model: str):
        """Loads the model of the folder.

        Raises:
          ValidationFailed: It cannot be loaded.
        """
        self.questions = questions(saved_model)
        self.threshold = features.DECISION_THRESHOLD
        if TrainingRecord.is_in(saved_model):
            self.threshold = TrainingRecord.read(saved_model).decision.threshold
        try:
            # The signatures alone would not keep the tables and weights that they read.
            self._model = tf.saved_model.load(saved_model)
        except Exception as error:  # TensorFlow's loader has no error of its own
            raise error_types.ValidationFailed(
                f"The export cannot be loaded: {type(error).__name__}: {error}"
            ) from error

    def answer(self, signature: str, input: str, values: Sequence[str | bytes]) -> list[Prediction]:
        """Returns the answers to `values`, <string>[batch].

        Raises:
          ValidationFailed: The signature fails, or a probability is none.
        """
        try:
            outputs = self._call(signature, input, values)
        except tf.errors.OpError as error:
            raise error_types.ValidationFailed(
                f"The export's '{signature}' fails: {error.message}"
            ) from error
        names = outputs[LABEL if LABEL in outputs else "sentiment"]
        answers = [
            Prediction(float(probability), label=name.decode())
            for probability, name in zip(outputs["probability"], names, strict=True)
        ]
        for value, answer in zip(values, answers, strict=True):
            if not 0 <= answer.probability <= 1:
                raise error_types.ValidationFailed(
                    f"The export answers {_shown(answer.probability)} to {_quoted(value)}; "
                    "expected a probability from 0 to 1."
                )
        return answers

    def outputs(self, question: Question, values: Sequence[str | bytes]) -> dict[str, np.ndarray]:
        """Returns the outputs of another trainer's signature, each [values, ...].

        Raises:
          ValueError: An output has other rows than the input.
        """
        outputs = self._call(question.signature, question.input, values)
        if any(output.shape[:1] != (len(values),) for output in outputs.values()):
            raise ValueError(f"'{question.signature}' answers with other rows than it is asked")
        return outputs

    def scores(self, texts: Sequence[str]) -> list[dict[str, float]]:
        """Returns what `classify` answers to texts: by class, its score."""
        serialized = [example_of(text).SerializeToString() for text in texts]
        outputs = self._call(CLASSIFY, "inputs", serialized)
        return [
            dict(zip((name.decode() for name in names), map(float, scores), strict=True))
            for names, scores in zip(outputs["classes"], outputs["scores"], strict=True)
        ]

    @property
    def signature_names(self) -> list[str]:
        """All signatures of the export."""
        return sorted(self._model.signatures)

    def _call(
        self, signature: str, input: str, values: Sequence[str | bytes]
    ) -> dict[str, np.ndarray]:
        tensor = tf.constant(list(values), tf.string)
        outputs = self._model.signatures[signature](**{input: tensor})
        return {name: output.numpy() for name, output in outputs.items()}


class Exchange(NamedTuple):
    """Requests of one kind and what the model itself answers to them.

    Attributes:
      method: A method of `Client`.
      values: Texts, or serialized tf.Examples.
      expected: A prediction for each; of "classify" its probability alone.
      classes: Of "classify", the class of that probability, for each.
      threshold: From which probability on the model decides on the second class.
    """

    method: str
    values: Sequence[str | bytes]
    expected: Sequence[Prediction | float]
    classes: Sequence[str] = ()
    threshold: float = features.DECISION_THRESHOLD


class LabelExchange(NamedTuple):
    """Requests of a model with more than two classes, and what it answers to them itself.

    Attributes:
      question: The signature.
      values: Texts, or serialized tf.Examples.
      expected: The likeliest class and its probability, for each.
      labels: For each, the classes that are as likely, but for TOLERANCE.
    """

    question: Question
    values: Sequence[str | bytes]
    expected: Sequence[Prediction]
    labels: Sequence[frozenset[str]]


class SignatureExchange(NamedTuple):
    """The same of a signature of another trainer's model, whatever its outputs mean.

    Attributes:
      question: The signature.
      values: Texts, or serialized tf.Examples.
      expected: By output, <float32> or <string>[values, ...].
    """

    question: Question
    values: Sequence[str | bytes]
    expected: dict[str, np.ndarray]


AnyExchange = Exchange | SignatureExchange | LabelExchange


def exchanges(reference: Reference, examples: Sequence[bytes]) -> list[AnyExchange]:
    """Returns what to ask a server, with the model's own answers.

    Args:
      reference: The model.
      examples: Serialized tf.Examples with `features.TEXT`.

    Raises:
      ValidationFailed: The model itself does not answer as it should, or to no batch of strings.
    """
    texts = [*map(_text_of, examples), *EDGE_CASES]
    verdicts = {each.signature: each for each in reference.questions if is_verdict(each)}
    if any(LABEL in question.outputs for question in verdicts.values()):
        return list(_exchanges_of_many(reference, verdicts, texts, examples))
    threshold = reference.threshold
    asked: list[AnyExchange] = []
    if PREDICT_TEXT in verdicts:
        of_texts = reference.answer(PREDICT_TEXT, "text", texts)
        asked.append(Exchange("predict", texts, of_texts, threshold=threshold))
        asked += [
            Exchange(
                "predict",
                [text],
                reference.answer(PREDICT_TEXT, "text", [text]),
                threshold=threshold,
            )
            for text in EDGE_CASES
        ]
        if CLASSIFY in verdicts:
            scores = [answer.probability for answer in of_texts]
            second = list(reference.scores(texts[:1])[0])[-1]
            asked.append(Exchange("classify", texts, scores, [second] * len(texts)))
    if SERVING_DEFAULT in verdicts:
        of_examples = reference.answer(SERVING_DEFAULT, "examples", examples)
        asked.append(Exchange("predict_examples", examples, of_examples, threshold=threshold))
    return asked or list(_exchanges_of_others(reference, texts, examples))


def _exchanges_of_many(
    reference: Reference,
    verdicts: Mapping[str, Question],
    texts: Sequence[str],
    examples: Sequence[bytes],
) -> Iterator[AnyExchange]:
    """Yields what to ask a model of more than two classes."""

    def about(question: Question, values: Sequence[Any], of: Sequence[str]) -> LabelExchange:
        expected = reference.answer(question.signature, question.input, values)
        labels = [frozenset((answer.label,)) for answer in expected]
        if CLASSIFY in verdicts:
            labels = [
                of_answer | _as_likely(scores)
                for of_answer, scores in zip(labels, reference.scores(of), strict=True)
            ]
        return LabelExchange(question, values, expected, labels)

    if PREDICT_TEXT in verdicts:
        question = verdicts[PREDICT_TEXT]
        together = about(question, texts, texts)
        yield together
        for text in EDGE_CASES:
            yield about(question, [text], [text])
        if CLASSIFY in verdicts:
            likeliest = [answer.label for answer in together.expected]
            scores = [answer.probability for answer in together.expected]
            yield Exchange("classify", texts, scores, likeliest)
    if CLASSIFY in verdicts:
        question = verdicts[CLASSIFY]
        yield SignatureExchange(question, examples, reference.outputs(question, examples))
    if SERVING_DEFAULT in verdicts:
        yield about(verdicts[SERVING_DEFAULT], examples, [*map(_text_of, examples)])


def _as_likely(scores: Mapping[str, float]) -> frozenset[str]:
    """Returns the classes that a difference which is allowed may make the likeliest."""
    greatest = max(scores.values())
    return frozenset(name for name, score in scores.items() if greatest - score <= 2 * TOLERANCE)


def _exchanges_of_others(
    reference: Reference, texts: Sequence[str], examples: Sequence[bytes]
) -> Iterator[SignatureExchange]:
    """Yields what to ask another trainer's model: all together, and the first alone."""
    is_asked = False
    for question in reference.questions:
        values = find_inputs(reference.outputs, question, texts, examples)
        for batch in () if values is None else (values, values[:1]):
            is_asked = True
            yield SignatureExchange(question, batch, reference.outputs(question, batch))
    if not is_asked:
        raise error_types.ValidationFailed(
            "None of the export's signatures answers to a batch of texts or of serialized "
            "tf.Examples; it has: "
            f"{', '.join(reference.signature_names) or 'none'}."
        )


def compare(client: Client, transport: str, asked: Sequence[AnyExchange]) -> int:
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
        if isinstance(exchange, SignatureExchange):
            _compare_outputs(client, transport, exchange)
            continue
        if isinstance(exchange, LabelExchange):
            _compare_labels(client, transport, exchange)
            continue
        answers = list(_ask(client, exchange))
        for value, expected, arrived in zip(
            exchange.values, exchange.expected, answers, strict=True
        ):
            if not _agree(expected, arrived, exchange.threshold):
                raise error_types.ValidationFailed(
                    f"Over {transport}, {exchange.method} answers {_told(arrived)} to "
                    f"{_quoted(value)}, where the export itself answers {_told(expected)}; at most "
                    f"{TOLERANCE:g} may lie between them."
                )
    return sum(len(exchange.values) for exchange in asked)


def _compare_outputs(client: Client, transport: str, exchange: SignatureExchange) -> None:
    question = exchange.question
    arrived = client.ask_signature(
        question.signature, question.input, exchange.values, question.outputs
    )
    for name, expected in exchange.expected.items():
        rows = zip(exchange.values, arrived[name], expected.tolist(), strict=True)
        for value, of_server, of_export in rows:
            if not _are_equal(of_server, of_export):
                raise error_types.ValidationFailed(
                    f"Over {transport}, '{name}' of {question.signature} is "
                    f"{_shortened(of_server)} for {_quoted(value)}, where the export itself "
                    f"answers {_shortened(of_export)}; at most {TOLERANCE:g} may lie between "
                    "numbers."
                )


def _compare_labels(client: Client, transport: str, exchange: LabelExchange) -> None:
    question = exchange.question
    arrived = client.ask_signature(
        question.signature, question.input, exchange.values, question.outputs
    )
    for value, expected, labels, probability, label in zip(
        exchange.values,
        exchange.expected,
        exchange.labels,
        arrived["probability"],
        arrived[LABEL],
        strict=True,
    ):
        is_near = abs(probability - expected.probability) <= TOLERANCE
        if not is_near or label not in labels:
            raise error_types.ValidationFailed(
                f"Over {transport}, {question.signature} answers "
                f"{_told(Prediction(probability, label=label))} to {_quoted(value)}, where the "
                f"export itself answers {_told(expected)}; at most {TOLERANCE:g} may lie between "
                "them."
            )


def _are_equal(of_server: Any, of_export: Any) -> bool:
    """Compares nested lists of numbers and strings."""
    if isinstance(of_export, list):
        return (
            isinstance(of_server, list)
            and len(of_server) == len(of_export)
            and all(map(_are_equal, of_server, of_export))
        )
    if isinstance(of_export, bytes):
        return bool(of_server == of_export.decode(errors="replace"))
    if math.isnan(of_export):
        return math.isnan(of_server)
    return abs(of_server - of_export) <= TOLERANCE * max(1.0, abs(of_export))


def _ask(client: Client, exchange: Exchange) -> Iterator[Prediction | float]:
    results = getattr(client, exchange.method)(exchange.values)
    if exchange.method != "classify":
        yield from results
        return
    for result, name in zip(results, exchange.classes, strict=True):
        yield result.scores.get(name, math.nan)


def _agree(
    expected: Prediction | float,
    arrived: Prediction | float,
    threshold: float = features.DECISION_THRESHOLD,
) -> bool:
    if not isinstance(expected, Prediction) or not isinstance(arrived, Prediction):
        return abs(_probability(expected) - _probability(arrived)) <= TOLERANCE
    # At the threshold a difference that is allowed may turn the sentiment.
    is_at_threshold = abs(expected.probability - threshold) <= TOLERANCE
    return abs(expected.probability - arrived.probability) <= TOLERANCE and (
        expected.label == arrived.label or is_at_threshold
    )


def _probability(answer: Prediction | float) -> float:
    return answer.probability if isinstance(answer, Prediction) else answer


def read_examples(folder: str, count: int = REVIEWS) -> list[bytes]:
    """Returns the first serialized tf.Examples of a split's folder of gzipped TFRecords."""
    files = sorted(tf.io.gfile.glob(os.path.join(folder, "*.gz")))
    return [record.numpy() for record in record_dataset(files, "GZIP").take(count)]


def explain(error: ServingError, transport: str) -> str:
    """Returns a sentence on a request that a server did not answer."""
    return f"Over {transport}, the server gave no answer that can be used: {error.reason}."


def _text_of(example: bytes) -> str:
    feature = tf.train.Example.FromString(example).features.feature[features.TEXT]
    return feature.bytes_list.value[0].decode()


def _told(answer: Prediction | float) -> str:
    sentiment = f" ({answer.label})" if isinstance(answer, Prediction) else ""
    return f"{_shown(_probability(answer))}{sentiment}"


def _shown(probability: float) -> str:
    return "NaN" if math.isnan(probability) else f"{probability:.7f}"


def _quoted(value: str | bytes) -> str:
    text = _text_of(value) if isinstance(value, bytes) else value
    return repr(text if len(text) <= 40 else f"{text[:37]}...")


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
