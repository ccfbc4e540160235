"""A pushed version, loaded into this process: texts in, predictions out."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.errors import ConfigurationError
from serving.predictions import Prediction
from serving.quiet_start import import_tensorflow
from serving.signature_names import PREDICT_TEXT


class PushedModel:
    """A SavedModel that answers to `predict_text`."""

    def __init__(self, folder: Path):
        """Loads it.

        Raises:
          ConfigurationError: The folder is no SavedModel, or one without the signature.
        """
        # The signature alone would not keep the tables and weights that it reads.
        self._model = _load(folder)
        if PREDICT_TEXT not in self._model.signatures:
            raise ConfigurationError(
                f"{folder} has no signature '{PREDICT_TEXT}'. It has: "
                f"{', '.join(self._model.signatures) or 'none'}. Expected what `sentiment run` "
                "pushes."
            )
        self._signature = self._model.signatures[PREDICT_TEXT]

    def predict(self, texts: Sequence[str] | Sequence[bytes]) -> list[Prediction]:
        """Answers texts <string>[batch], in their order."""
        import tensorflow as tf

        answer = self._signature(text=tf.constant(list(texts), tf.string))
        return [
            Prediction(float(probability), sentiment.decode())
            for probability, sentiment in zip(
                answer["probability"].numpy(), answer["sentiment"].numpy(), strict=True
            )
        ]


def _load(folder: Path) -> Any:
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
