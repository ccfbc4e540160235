"""Requests that TF-Serving replays on a version before the version is available.

https://www.tensorflow.org/tfx/serving/saved_model_warmup
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import tensorflow as tf
from tensorflow_serving.apis import classification_pb2, predict_pb2, prediction_log_pb2

from components import features
from components.infra_validator.served_signatures import Question, is_verdict, questions
from components.transform.token_settings import IMDB_TOKENS, TokenSettings
from serving.signature_names import CLASSIFY, PREDICT_TEXT, SERVING_DEFAULT

# TF-Serving looks for this very file.
FILE = Path("assets.extra") / "tf_serving_warmup_requests"

_WORDS = "this film has a plot that i would call neither great nor bad".split()

Ask = Callable[[Question, Sequence[str | bytes]], object]


def write(version: Path, model_name: str) -> None:
    """Writes the requests into a version's folder.

    Another trainer's model keeps the requests that it came with. If it has none, only requests that
    it answers are written: one that fails would keep a server from loading the version.
    """
    path = version / FILE
    if path.is_file():
        return
    asked = questions(version)
    reviews = reviews_for(TokenSettings.of_model(version) or IMDB_TOKENS)
    logs = requests(model_name, asked, reviews)
    if not logs:
        logs = _requests_of_others(version, model_name, asked, reviews)
    if not logs:
        return
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for log in logs:
            writer.write(log.SerializeToString())


def reviews_for(settings: TokenSettings) -> list[str]:
    """Returns texts for a model: empty, short, usual, as many words as it reads, and more."""
    most = settings.max_length
    return [review(length) for length in sorted({0, 5, 200, most, 2 * most})]


def requests(
    model_name: str, asked: Sequence[Question], reviews: Sequence[str]
) -> list[prediction_log_pb2.PredictionLog]:
    """Returns requests to the verdicts among `asked`: each review alone, and all together."""
    names = {question.signature for question in asked if is_verdict(question)}
    logs = []
    for texts in ([text] for text in reviews), [reviews]:
        for batch in texts:
            examples = [example_of(text) for text in batch]
            serialized = [example.SerializeToString() for example in examples]
            by_name = {
                PREDICT_TEXT: _predict(model_name, PREDICT_TEXT, "text", batch),
                SERVING_DEFAULT: _predict(model_name, SERVING_DEFAULT, "examples", serialized),
                CLASSIFY: _classify(model_name, examples),
            }
            logs += [log for name, log in by_name.items() if name in names]
    return logs


def find_inputs(
    ask: Ask, question: Question, texts: Sequence[str], examples: Sequence[bytes] = ()
) -> Sequence[str | bytes] | None:
    """Returns the inputs that a signature answers to: texts, tf.Examples of them, or `examples`.

    A signature does not say which it takes. One that parses tf.Examples fails on texts, and on
    examples without a feature that it needs.

    Args:
      ask: Calls the model; raises what TensorFlow raises.
      question: The signature.
      texts: What to ask about.
      examples: Serialized tf.Examples with all features that there are.

    Returns:
      One of the three kinds, the first that works; None if none does.
    """
    of_texts = [example_of(text).SerializeToString() for text in texts]
    for values in (texts, of_texts, examples):
        if not values:
            continue
        try:
            ask(question, values)
        except (tf.errors.OpError, TypeError, ValueError):
            continue
        return values
    return None


def review(length: int) -> str:
    """Returns a text of `length` words."""
    return " ".join(_WORDS[place % len(_WORDS)] for place in range(length))


def example_of(text: str) -> tf.train.Example:
    """Returns a tf.Example of a text, as the pipeline's own have it."""
    value = tf.train.Feature(bytes_list=tf.train.BytesList(value=[text.encode()]))
    return tf.train.Example(features=tf.train.Features(feature={features.TEXT: value}))


def _requests_of_others(
    version: Path, model_name: str, asked: Sequence[Question], reviews: Sequence[str]
) -> list[prediction_log_pb2.PredictionLog]:
    if not asked:
        return []
    try:
        model = tf.saved_model.load(str(version))
    except Exception:  # TensorFlow's loader has no error of its own; a server will say it
        return []

    def ask(question: Question, values: Sequence[str | bytes]) -> object:
        tensor = tf.constant(list(values), tf.string)
        return model.signatures[question.signature](**{question.input: tensor})

    logs = []
    for question in asked:
        values = find_inputs(ask, question, reviews)
        if values is not None:
            logs += [
                _predict(model_name, question.signature, question.input, batch)
                for batch in (*([value] for value in values), values)
            ]
    return logs


def _predict(
    model_name: str, signature: str, alias: str, values: Sequence[str | bytes]
) -> prediction_log_pb2.PredictionLog:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model_name
    request.model_spec.signature_name = signature
    request.inputs[alias].CopyFrom(tf.make_tensor_proto(list(values), tf.string))
    return prediction_log_pb2.PredictionLog(
        predict_log=prediction_log_pb2.PredictLog(request=request)
    )


def _classify(
    model_name: str, examples: list[tf.train.Example]
) -> prediction_log_pb2.PredictionLog:
    request = classification_pb2.ClassificationRequest()
    request.model_spec.name = model_name
    request.model_spec.signature_name = CLASSIFY
    request.input.example_list.examples.extend(examples)
    return prediction_log_pb2.PredictionLog(
        classify_log=prediction_log_pb2.ClassifyLog(request=request)
    )
