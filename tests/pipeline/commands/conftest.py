"""A pushed model whose answers are known."""

from __future__ import annotations

from pathlib import Path

import pytest

from ...sharing import made_once


@pytest.fixture(scope="session")
def brief_is_better(tmp_path_factory) -> Path:
    """A root with version 7 of a model: the probability is 1 / (1 + bytes of the text)."""

    def save(root: Path) -> None:
        import tensorflow as tf

        class Brevity(tf.Module):
            @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
            def predict_text(self, text):
                probability = 1.0 / (1.0 + tf.cast(tf.strings.length(text), tf.float32))
                names = tf.constant(["negative", "positive"])
                return {
                    "probability": probability,
                    "sentiment": tf.gather(names, tf.cast(probability >= 0.5, tf.int32)),
                }

        model = Brevity()
        folder = root / "serving_model" / "imdb_sentiment" / "7"
        tf.saved_model.save(model, str(folder), signatures={"predict_text": model.predict_text})

    return made_once(tmp_path_factory, "brevity", save)
