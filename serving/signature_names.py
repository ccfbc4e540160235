"""The signatures of the models that this project pushes, by name.

  name                  input                          outputs
  SERVING_DEFAULT       examples: tf.Examples          probability, sentiment
  PREDICT_TEXT          text: raw texts                probability, sentiment
  CLASSIFY              inputs: tf.Examples            classes, scores
  TRACE_TEXT            text: raw texts                tokens, probability: one for each word
  TRANSFORM_FEATURES    examples: tf.Examples          token_ids
  BULK_INFERENCE        examples: tf.Examples          probability, sentiment, as columns

Each input is <string>[batch]; tf.Examples are serialized. With more than two classes there is
`label` in the place of `sentiment`, and TRACE_TEXT gives a probability for each word and class.
"""

from __future__ import annotations

# TensorFlow's own name: what a request that names no signature asks for.
SERVING_DEFAULT = "serving_default"
PREDICT_TEXT = "predict_text"
CLASSIFY = "classify"
TRACE_TEXT = "trace_text"
TRANSFORM_FEATURES = "transform_features"
BULK_INFERENCE = "bulk_inference"
