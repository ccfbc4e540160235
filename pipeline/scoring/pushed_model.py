"""A pushed version, loaded into this process: texts in, predictions out."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from components.errors import ConfigurationError
from components.storage.place import Place, place_of
from serving.predictions import Classification, Prediction
from serving.quiet_start import import_tensorflow
from serving.signature_names import CLASSIFY, PREDICT_TEXT
from serving.versions import number_of


class PushedModel:
    """A SavedModel that answers to `predict_text`, and perhaps to `classify`.

    Attributes:
      outputs: The names of the outputs, by signature.
    """

    def __init__(self, folder: Place | str):
        """Loads it, from a disk or a store.

        Raises:
          ConfigurationError: The folder is no SavedModel, or one without the signature.
        """
        self._folder = folder = place_of(folder)
        self._version = number_of(folder.name)
        # The signature alone would not keep the tables and weights that it reads.
        self._model = _load(folder)
        self.outputs: Mapping[str, frozenset[str]] = {
            name: frozenset(signature.structured_outputs)
            for name, signature in self._model.signatures.items()
        }
        self._signature = self._found(PREDICT_TEXT)

    @property
    def has_two_classes(self) -> bool:
        """Whether it answers a `sentiment`; else it answers a `label`."""
        return "sentiment" in self.outputs[PREDICT_TEXT]

    def predict(self, texts: Sequence[str] | Sequence[bytes]) -> list[Prediction]:
        """Answers texts <string>[batch], in their order."""
        import tensorflow as tf

        answer = self._signature(text=tf.constant(list(texts), tf.string))
        name = "sentiment" if self.has_two_classes else "label"
        return [
            Prediction(
                float(probability),
                label.decode() if self.has_two_classes else None,
                self._version,
                text if isinstance(text, str) else None,
                label.decode(),
            )
            for text, probability, label in zip(
                texts, answer["probability"].numpy(), answer[name].numpy(), strict=True
            )
        ]

    def classify(self, texts: Sequence[str] | Sequence[bytes]) -> list[Classification]:
        """Answers texts <string>[batch] with the probability of each class, in their order.

        Raises:
          ConfigurationError: The model cannot tell them.
        """
        import tensorflow as tf

        signature = self._found(CLASSIFY)
        if not self.outputs[CLASSIFY] >= {"classes", "scores"}:
            raise ConfigurationError(
                f"{self._folder}: '{CLASSIFY}' answers {', '.join(self.outputs[CLASSIFY])}; "
                "expected classes and scores. Ask without the scores."
            )
        if not texts:
            return []
        examples = [_example(text) for text in texts]
        answer = signature(inputs=tf.constant(examples, tf.string))
        # They are the same in every row.
        names = [name.decode() for name in answer["classes"].numpy()[0]]
        rows = answer["scores"].numpy().tolist()
        return [
            Classification(text, dict(zip(names, row, strict=True)), self._version)
            for text, row in zip(map(_decoded, texts), rows, strict=True)
        ]

    def _found(self, signature: str) -> Any:
        if signature not in self.outputs:
            raise ConfigurationError(
                f"{self._folder} has no signature '{signature}'. It has: "
                f"{', '.join(self.outputs) or 'none'}. Expected what `sentiment run` pushes."
            )
        return self._model.signatures[signature]


def _decoded(text: str | bytes) -> str:
    return text if isinstance(text, str) else text.decode(errors="replace")


def _example(text: str | bytes) -> bytes:
    """Returns a text as a serialized tf.Example."""
    import tensorflow as tf

    value = text.encode() if isinstance(text, str) else text
    feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
    features = tf.train.Features(feature={"text": feature})
    return bytes(tf.train.Example(features=features).SerializeToString())


def _load(folder: Place) -> Any:
    import_tensorflow()
    import tensorflow as tf

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Says of layers' own gradients that a server, which needs none, will not find them.
        tf.get_logger().setLevel(logging.ERROR)
        logging.getLogger("absl").setLevel(logging.ERROR)
        try:
            return tf.saved_model.load(str(folder))
        except (OSError, ValueError, RuntimeError, tf.errors.OpError) as error:
            raise ConfigurationError(
                f"{folder} cannot be loaded as a model: {str(error).splitlines()[0]}. It may be "
                "half copied; push it again by `sentiment run`."
            ) from error
