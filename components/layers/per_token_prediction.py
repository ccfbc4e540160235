"""A model's prediction after each token of a review: on the review truncated there."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

CHUNK = 64


def predict_per_token(model: keras.Model, pad_id: int = 0) -> keras.Model:
    """Returns a model with `model`'s weights that predicts after each token of a review.

    Args:
      model: From <int32>[batch, length] to <float32>[batch, answers]; its input names the length.
      pad_id: The padding's id.

    Returns:
      A model from <int32>[batch, length] to <float32>[batch, length, answers].
    """
    (given,) = model.inputs
    token_ids = keras.Input(given.shape[1:], dtype="int32", name=given.name)
    return keras.Model(
        token_ids, PerTokenPrediction(model, pad_id)(token_ids), name=f"{model.name}_per_token"
    )


@keras.saving.register_keras_serializable(package="sentiment")
class PerTokenPrediction(keras.layers.Layer):
    """Runs a model on every prefix of every review, padded in front as a review of its own.

    For models that give one prediction for the whole review because they look ahead, read
    backwards or pool. A review of n tokens costs n runs of the model, `CHUNK` at a time.

    Args:
      model: From <int32>[batch, length] to <float32>[batch, answers].
      pad_id: The padding's id.
      **options: Those of `keras.layers.Layer`.

    Call arguments:
      token_ids: <int32>[batch, length], padded in front.

    Output:
      <float32>[batch, length, answers]; at padding, the prediction for a review without words.
    """

    def __init__(self, model: keras.Model, pad_id: int = 0, **options: Any):
        """See the class."""
        super().__init__(**options)
        self.model = model
        self.pad_id = pad_id

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments, the model with its layers among them."""
        model = keras.saving.serialize_keras_object(self.model)
        return {**super().get_config(), "model": model, "pad_id": self.pad_id}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> PerTokenPrediction:
        """Makes the layer that `get_config` describes."""
        model = keras.saving.deserialize_keras_object(config["model"])
        return cls(**{**config, "model": model})

    def compute_output_shape(self, token_ids_shape: Any) -> Any:
        """As many numbers a token as the model gives a review."""
        return (*token_ids_shape, self.model.output_shape[-1])

    def call(self, token_ids: tf.Tensor) -> tf.Tensor:
        """See the class."""
        batch, length = tf.shape(token_ids)[0], token_ids.shape[1]
        padded = tf.pad(token_ids, [[0, 0], [length, 0]], constant_values=self.pad_id)
        places = tf.cast(tf.where(tf.not_equal(token_ids, self.pad_id)), tf.int32)
        count = tf.shape(places)[0]
        # The last chunk is filled up with the place (0, 0) if there is any place at all.
        missing = -count % CHUNK
        chunks = tf.reshape(tf.pad(places, [[0, missing], [0, 0]]), [-1, CHUNK, 2])

        def predict(chunk: tf.Tensor) -> tf.Tensor:
            """Index of review and token <int32>[CHUNK, 2] -> <float32>[CHUNK, answers]."""
            # In `padded`, the `length` ids that end at token w begin at w + 1.
            columns = chunk[:, 1:] + 1 + tf.range(length)
            prefixes = tf.gather(tf.gather(padded, chunk[:, 0]), columns, batch_dims=1)
            return self.model(prefixes, training=False)

        size = self.model.output_shape[-1]
        answers = tf.map_fn(predict, chunks, fn_output_signature=tf.TensorSpec([CHUNK, size]))
        no_words = self.model(tf.fill([1, length], self.pad_id), training=False)
        return tf.tensor_scatter_nd_update(
            tf.tile(no_words[:, tf.newaxis], [batch, length, 1]),
            places,
            tf.reshape(answers, [-1, size])[:count],
        )
