"""`preprocessing_fn`: from raw text to token ids, as part of the graph that is served."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from components import features

LINE_BREAK = r"<br\s*/?>"
NOT_A_WORD_CHARACTER = r"[^\p{L}\p{Nd}']+"


def preprocessing_fn(inputs: dict[str, Any]) -> dict[str, tf.Tensor]:
    """Learns the vocabulary and turns reviews into token ids.

    Args:
      inputs: `text`: <string>[batch], UTF-8, and `label`: <int64>[batch].

    Returns:
      `token_ids`: <int64>[batch, MAX_LENGTH], see `pad_in_front`; `label`: <int64>[batch].
    """
    words = tokenize(inputs[features.TEXT])
    vocabulary = tft.vocabulary(
        words,
        top_k=features.VOCABULARY_SIZE - features.FIRST_WORD_ID,
        vocab_filename=features.VOCABULARY,
    )
    # Unknown words get -1, so that adding FIRST_WORD_ID makes it OUT_OF_VOCABULARY_ID.
    ranks = tft.apply_vocabulary(
        keep_last(words),
        vocabulary,
        default_value=features.OUT_OF_VOCABULARY_ID - features.FIRST_WORD_ID,
    )
    return {
        features.TOKEN_IDS: pad_in_front(ranks + features.FIRST_WORD_ID, features.PAD_ID),
        features.LABEL: inputs[features.LABEL],
    }


def tokenize(text: tf.Tensor) -> tf.RaggedTensor:
    """Splits texts into lower-case words of letters, digits and apostrophes.

    Letters and digits are Unicode's (categories L and Nd); HTML line breaks and everything
    else separate words. Bytes that are not UTF-8 separate words as well.

    Args:
      text: <string>[batch].

    Returns:
      <string>[batch, (words)].
    """
    # tf.strings.lower takes a NUL for the end of the text.
    text = tf.strings.regex_replace(text, r"\x00", " ")
    text = tf.strings.lower(text, encoding="utf-8")
    text = tf.strings.regex_replace(text, LINE_BREAK, " ")
    text = tf.strings.regex_replace(text, NOT_A_WORD_CHARACTER, " ")
    return tf.strings.split(text)


def keep_last(words: tf.RaggedTensor) -> tf.RaggedTensor:
    """Keeps the last MAX_LENGTH words: a review's verdict tends to stand at its end.

    Args:
      words: <any>[batch, (words)].

    Returns:
      <any>[batch, (at most MAX_LENGTH)].
    """
    return words[:, -features.MAX_LENGTH :]


def pad_in_front(values: tf.RaggedTensor, padding: Any) -> tf.Tensor:
    """Pads rows in front, so that an LSTM which ignores masks still ends on the last word.

    Args:
      values: <any>[batch, (at most MAX_LENGTH)].
      padding: Scalar of the same type.

    Returns:
      <any>[batch, MAX_LENGTH].
    """
    reversed_values = values[:, ::-1].to_tensor(
        default_value=padding, shape=[None, features.MAX_LENGTH]
    )
    return reversed_values[:, ::-1]
