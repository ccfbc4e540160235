"""What the export answers to: raw text and tf.Examples in, probabilities out.

Each signature runs tf.Transform's graph and then the model, so that the same text gives the same
probability wherever the export is loaded.
"""

from __future__ import annotations

import keras
import tensorflow as tf
import tensorflow_transform as tft

from components import features
from components.transform import preprocessing
from serving import signature_names

EXAMPLES_SPEC = tf.TensorSpec([None], tf.string, name="examples")
INPUTS_SPEC = tf.TensorSpec([None], tf.string, name="inputs")
TEXT_SPEC = tf.TensorSpec([None], tf.string, name="text")


def export(
    model: keras.Model,
    each_word: keras.Model,
    transform_output: tft.TFTransformOutput,
    directory: str,
) -> None:
    """Writes a SavedModel with the six signatures of `ServedModel`."""
    served = ServedModel(model, each_word, transform_output)
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
    the Keras models themselves, which hold the optimizer's state, are kept out of reach of
    tf.Module's tracking by the closures around them.

    AutoGraph is off: it would read the source files anew at the export, and stumble over what was
    edited while the model trained.
    """

    def __init__(
        self,
        model: keras.Model,
        each_word: keras.Model,
        transform_output: tft.TFTransformOutput,
    ):
        """Takes a model and its each-word twin; see `components.models.registry.Variant`.

        The twin's own weights are not used: it reads the model's variables.
        """
        super().__init__()

        def probability_of(token_ids: tf.Tensor) -> tf.Tensor:
            return tf.squeeze(model(token_ids, training=False), axis=1)

        def belief_of(token_ids: tf.Tensor) -> tf.Tensor:
            belief, _ = each_word.stateless_call(
                model.trainable_variables, model.non_trainable_variables, token_ids, training=False
            )
            return tf.squeeze(belief, axis=2)

        self._probability_of = probability_of
        self._belief_of = belief_of
        self._weights = [weight.value for weight in model.weights]
        # The layer holds the vocabulary's table: it must hang on what is saved.
        self._transform = transform_output.transform_features_layer()

    @tf.function(input_signature=[EXAMPLES_SPEC], autograph=False)
    def predict_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Serialized tf.Examples <string>[batch] -> `probability`, `sentiment`."""
        return self._verdict(self._probability(_text_of(examples)))

    @tf.function(input_signature=[TEXT_SPEC], autograph=False)
    def predict_text(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """Texts <string>[batch] -> `probability` <float32>[batch], `sentiment` <string>[batch]."""
        return self._verdict(self._probability(text))

    @tf.function(input_signature=[INPUTS_SPEC], autograph=False)
    def classify(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        """Serialized tf.Examples <string>[batch] -> `classes`, `scores`, both [batch, 2].

        TF-Serving's Classify API asks for one input of this name and for outputs of these.
        """
        probability = self._probability(_text_of(inputs))
        return {
            "classes": tf.tile([features.CLASSES], [tf.size(probability), 1]),
            "scores": tf.stack([1.0 - probability, probability], axis=1),
        }

    @tf.function(input_signature=[TEXT_SPEC], autograph=False)
    def trace_text(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """Texts <string>[batch] -> what the model believes after each word.

        Returns:
          `tokens`: <string>[batch, MAX_LENGTH], empty where there is padding, and
          `probability`: <float32>[batch, MAX_LENGTH].
        """
        words = preprocessing.keep_last(preprocessing.tokenize(text))
        return {
            "tokens": preprocessing.pad_in_front(words, b""),
            "probability": self._belief_of(self._token_ids(text)),
        }

    @tf.function(input_signature=[EXAMPLES_SPEC], autograph=False)
    def transform_features(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Serialized tf.Examples <string>[batch] -> `token_ids` <int64>[batch, MAX_LENGTH]."""
        return {features.TOKEN_IDS: self._token_ids(_text_of(examples))}

    @tf.function(input_signature=[EXAMPLES_SPEC], autograph=False)
    def infer_in_bulk(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Serialized tf.Examples <string>[batch] -> `probability`, `sentiment`, both [batch, 1].

        For TFX's BulkInferrer: tfx_bsl takes each output apart by rows, and of a string [batch] a
        row is Python's bytes, which have no dtype to write.
        """
        verdict = self.predict_examples(examples)
        return {name: tf.expand_dims(output, axis=1) for name, output in verdict.items()}

    def _token_ids(self, text: tf.Tensor) -> tf.Tensor:
        return self._transform({features.TEXT: text})[features.TOKEN_IDS]

    def _probability(self, text: tf.Tensor) -> tf.Tensor:
        return self._probability_of(self._token_ids(text))

    def _verdict(self, probability: tf.Tensor) -> dict[str, tf.Tensor]:
        is_positive = tf.cast(probability >= features.DECISION_THRESHOLD, tf.int32)
        return {
            "probability": probability,
            "sentiment": tf.gather(tf.constant(features.CLASSES), is_positive),
        }


def _text_of(examples: tf.Tensor) -> tf.Tensor:
    """Returns the text <string>[batch] of serialized tf.Examples <string>[batch]."""
    specification = {features.TEXT: tf.io.FixedLenFeature([], tf.string)}
    return tf.io.parse_example(examples, specification)[features.TEXT]
