"""What the export answers to: raw text and tf.Examples in, probabilities out.

Each signature runs tf.Transform's graph and then the model, so that the same text gives the same
probability wherever the export is loaded.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from components import features
from components.models.decision import Decision
from components.transform import preprocessing
from components.transform.token_settings import IMDB_TOKENS, TokenSettings
from serving import signature_names

EXAMPLES_SPEC = tf.TensorSpec([None], tf.string, name="examples")
INPUTS_SPEC = tf.TensorSpec([None], tf.string, name="inputs")
TEXT_SPEC = tf.TensorSpec([None], tf.string, name="text")


def export(
    model: keras.Model,
    per_token: keras.Model,
    transform_output: tft.TFTransformOutput,
    directory: str,
    classes: Sequence[str] = features.CLASSES,
    tokens: TokenSettings = IMDB_TOKENS,
    decision: Decision = Decision(),
) -> None:
    """Writes a SavedModel with the six signatures of `ServedModel`."""
    served = ServedModel(model, per_token, transform_output, classes, tokens, decision)
    tf.saved_model.save(
        served,
        directory,
        signatures={
            signature_names.SERVING_DEFAULT: served.predict_examples,
            signature_names.PREDICT_TEXT: served.predict_text,
            signature_names.CLASSIFY: served.classify,
            signature_names.TRACE_TEXT: served.trace_text,
            signature_names.TRANSFORM_FEATURES: served.transform_features,
            signature_names.BULK_INFERENCE: served.infer_in_bulk,
        },
        # Layers' own gradients would be saved as functions that nothing calls.
        options=tf.saved_model.SaveOptions(experimental_custom_gradients=False),
    )


class ServedModel(tf.Module):
    """The trained model with the graph that turns text into its token ids.

    Saved are the model's weights and the vocabulary, and nothing that only training needs:
    the Keras models themselves, which hold the optimizer's state, are hidden from
    tf.Module's tracking by the closures around them.

    AutoGraph is off: it would read the source files again at the export, and fail if they were
    edited while the model trained.
    """

    def __init__(
        self,
        model: keras.Model,
        per_token: keras.Model,
        transform_output: tft.TFTransformOutput,
        classes: Sequence[str] = features.CLASSES,
        tokens: TokenSettings = IMDB_TOKENS,
        decision: Decision = Decision(),
    ):
        """Takes a model, and the same variant built with `per_token`; see `registry.Variant`.

        The second one's own weights are not used: it is called with the first one's variables.

        Args:
          model: From token ids to probabilities, see `ModelShape`.
          per_token: The same after each token.
          transform_output: What makes token ids of texts.
          classes: Their names, by label.
          tokens: The settings that `transform_output` was made with.
          decision: From which probability on the second of two classes is decided on.
        """
        super().__init__()
        self._tokens = tokens
        self._threshold = decision.threshold
        is_binary = len(classes) == len(features.CLASSES)

        # Traced once for all signatures, which share it in the saved graph. As an attribute of its
        # own it would be saved as one more function: so another stands before it.
        @tf.function(autograph=False, reduce_retracing=True)
        def shared_probability_of(token_ids: tf.Tensor) -> tf.Tensor:
            probability = model(token_ids, training=False)
            return tf.squeeze(probability, axis=1) if is_binary else probability

        def probability_of(token_ids: tf.Tensor) -> tf.Tensor:
            return shared_probability_of(token_ids)

        def probability_per_token_of(token_ids: tf.Tensor) -> tf.Tensor:
            probability, _ = per_token.stateless_call(
                model.trainable_variables, model.non_trainable_variables, token_ids, training=False
            )
            return tf.squeeze(probability, axis=2) if is_binary else probability

        self._is_binary = is_binary
        # A tuple of strings would be tracked as a list of objects to save.
        self._class_names = np.array(classes, object)
        self._probability_of = probability_of
        self._probability_per_token_of = probability_per_token_of
        self._weights = [weight.value for weight in model.weights]
        # The layer holds the vocabulary's table: it must be an attribute of the saved module.
        # A look-up of our own would save some 30 µs a call: the runtime inlines no function that
        # has a table. But then an edited `preprocessing_fn` would not reach the export.
        self._transform = transform_output.transform_features_layer()

    @tf.function(input_signature=[EXAMPLES_SPEC], autograph=False)
    def predict_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Serialized tf.Examples <string>[batch] -> the outputs of `predict_text`."""
        return self._verdict(self._probability(_text_of(examples)))

    @tf.function(input_signature=[TEXT_SPEC], autograph=False)
    def predict_text(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """Texts <string>[batch] -> a verdict on each.

        Returns:
          `probability`: <float32>[batch], that of the second of two classes, and `sentiment`:
          <string>[batch], the name of the one decided on: the second from 0.5 on, or from the
          threshold that was asked for. With more classes `label`: <string>[batch],
          the likeliest one's name, of equals the first, and `probability`: <float32>[batch], that
          of this one.
        """
        return self._verdict(self._probability(text))

    @tf.function(input_signature=[INPUTS_SPEC], autograph=False)
    def classify(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        """Serialized tf.Examples <string>[batch] -> `classes`, `scores`, both [batch, classes].

        TF-Serving's Classify API asks for one input of this name and for outputs of these.
        """
        probability = self._probability(_text_of(inputs))
        names = tf.constant(self._class_names, tf.string)
        return {
            "classes": tf.tile(names[tf.newaxis], [tf.shape(probability)[0], 1]),
            "scores": tf.stack([1.0 - probability, probability], axis=1)
            if self._is_binary
            else probability,
        }

    @tf.function(input_signature=[TEXT_SPEC], autograph=False)
    def trace_text(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """Texts <string>[batch] -> the probability after each token.

        Returns:
          `tokens`: <string>[batch, max_length], empty where there is padding, and
          `probability`: <float32>[batch, max_length], or with more than two classes
          [batch, max_length, classes].
        """
        tokens = preprocessing.tokenize(text, self._tokens)
        return {
            "tokens": preprocessing.pad_in_front(tokens, b"", self._tokens),
            "probability": self._probability_per_token_of(self._token_ids(text)),
        }

    @tf.function(input_signature=[EXAMPLES_SPEC], autograph=False)
    def transform_features(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Serialized tf.Examples <string>[batch] -> `token_ids` <int64>[batch, max_length]."""
        return {features.TOKEN_IDS: self._token_ids(_text_of(examples))}

    @tf.function(input_signature=[EXAMPLES_SPEC], autograph=False)
    def infer_in_bulk(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Serialized tf.Examples <string>[batch] -> `predict_text`'s outputs, each [batch, 1].

        For TFX's BulkInferrer: tfx_bsl splits each output into rows, and a row of a string [batch]
        is Python's bytes, which have no dtype to write.
        """
        verdict = self.predict_examples(examples)
        return {name: tf.expand_dims(output, axis=1) for name, output in verdict.items()}

    def _token_ids(self, text: tf.Tensor) -> tf.Tensor:
        return self._transform({features.TEXT: text})[features.TOKEN_IDS]

    def _probability(self, text: tf.Tensor) -> tf.Tensor:
        return self._probability_of(self._token_ids(text))

    def _verdict(self, probability: tf.Tensor) -> dict[str, tf.Tensor]:
        names = tf.constant(self._class_names, tf.string)
        if self._is_binary:
            is_positive = tf.cast(probability >= self._threshold, tf.int32)
            return {"probability": probability, "sentiment": tf.gather(names, is_positive)}
        greatest = tf.reduce_max(probability, axis=1)
        # tf.argmax does not promise which of equals it gives.
        labels = tf.range(len(self._class_names))
        is_greatest = probability == greatest[:, tf.newaxis]
        first = tf.reduce_min(tf.where(is_greatest, labels, len(self._class_names) - 1), axis=1)
        return {"label": tf.gather(names, first), "probability": greatest}


def _text_of(examples: tf.Tensor) -> tf.Tensor:
    """Returns the text <string>[batch] of serialized tf.Examples <string>[batch]."""
    specification = {features.TEXT: tf.io.FixedLenFeature([], tf.string)}
    return tf.io.parse_example(examples, specification)[features.TEXT]
