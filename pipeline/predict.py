"""Asks a pushed model without a server: loads the SavedModel into this process."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from components.errors import ConfigurationError, did_you_mean


class Verdict(NamedTuple):
    """What the model says of a text.

    Attributes:
      text: The text.
      probability: That it is positive, 0 to 1.
      sentiment: "positive" or "negative".
      model_version: The version that answered.
    """

    text: str
    probability: float
    sentiment: str
    model_version: int | None


def load(root: Path, model_name: str) -> Callable[[Sequence[str]], list[Verdict]]:
    """Returns a function that gives the newest pushed version's verdicts.

    Raises:
      ConfigurationError: No version is there; says what is.
    """
    folder = newest_version(root, model_name)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with warnings.catch_warnings():
        # Libraries warn of the age of Python while TensorFlow imports them.
        warnings.simplefilter("ignore")
        import tensorflow as tf

        # Says of layers' own gradients that a server, which needs none, will not find them.
        tf.get_logger().setLevel(logging.ERROR)
        logging.getLogger("absl").setLevel(logging.ERROR)
        model = tf.saved_model.load(str(folder))

    def predict(texts: Sequence[str]) -> list[Verdict]:
        answer = model.signatures["predict_text"](text=tf.constant(list(texts)))
        return [
            Verdict(text, float(probability), sentiment.decode(), int(folder.name))
            for text, probability, sentiment in zip(
                texts, answer["probability"].numpy(), answer["sentiment"].numpy(), strict=True
            )
        ]

    return predict


def newest_version(root: Path, model_name: str) -> Path:
    """Returns the folder of the version with the largest number.

    Raises:
      ConfigurationError: There is none.
    """
    base = root / "serving_model"
    folder = base / model_name
    children = folder.iterdir() if folder.is_dir() else ()
    versions = [path for path in children if path.name.isdecimal()]
    if not versions:
        pushed = sorted(path.name for path in base.iterdir()) if base.is_dir() else []
        raise ConfigurationError(
            f"No version of '{model_name}' is in {base}. Pushed models: "
            f"{', '.join(pushed) or 'none'}.{did_you_mean(model_name, pushed)} Run "
            "`sentiment run` first, or set --root and --model-name."
        )
    return max(versions, key=lambda path: int(path.name))
