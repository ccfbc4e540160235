"""`preprocessing_fn`: from raw text to token ids, as part of the graph that is served."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from components import features
from components.transform import normalization

# `>` with a combining stroke through it may be one character or two.
LINE_BREAK = r"<br\s*/?[>\x{226F}]"
# Marks belong to the character before them, be it part of a word or not.
NOT_OF_A_WORD = r"[^\p{L}\p{M}\p{Nd}'][^\p{L}\p{Nd}']*|^\p{M}[^\p{L}\p{Nd}']*"
# Typographic (U+2018, U+2019, U+201B), full-width (U+FF07), and the modifier letter (U+02BC).
APOSTROPHES = r"\x{2018}\x{2019}\x{201B}\x{FF07}\x{2BC}"
# They say how the letters around them are drawn, joined or broken: soft hyphen, grapheme joiner,
# zero-width joiner and non-joiner, word joiner, variation selectors.
INVISIBLE = (
    r"\x{AD}\x{34F}\x{200C}\x{200D}\x{2060}"
    r"\x{180B}-\x{180D}\x{180F}\x{FE00}-\x{FE0F}\x{E0100}-\x{E01EF}"
)
# TensorFlow lowers these, and I and J, by the rules of the machine's language where that is Turkish
# (LANG=tr_TR.UTF-8), Azerbaijani or Lithuanian.
LOWER_CASE = {
    "\u0130": "i\u0307",
    "\u012e": "\u012f",
    "\u00cc": "\u00ec",
    "\u00cd": "\u00ed",
    "\u0128": "\u0129",
}


def preprocessing_fn(inputs: dict[str, Any]) -> dict[str, tf.Tensor]:
    """Learns the vocabulary and turns reviews into token ids.

    TFX's Transform asks for it by the name "components.preprocessing_fn".

    >>> from tfx.types import Channel, standard_artifacts
    >>> from tfx.v1.components import Transform
    >>> transform = Transform(
    ...     preprocessing_fn="components.preprocessing_fn",
    ...     examples=Channel(standard_artifacts.Examples),
    ...     schema=Channel(standard_artifacts.Schema),
    ... )
    >>> tokenize(tf.constant(["Not a GOOD film!<br />"])).to_list()
    [[b'not', b'a', b'good', b'film']]

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
    """Splits texts into lower-case words of letters, combining marks, digits and apostrophes.

    Letters, marks and digits are Unicode's (categories L, M and Nd). HTML line breaks and
    everything else separate words, together with the marks behind them, and so do bytes that are
    not UTF-8. All APOSTROPHES become `'`; INVISIBLE characters are left out. Words are in
    Normalization Form C: texts that are canonically equivalent have the same words.

    Args:
      text: <string>[batch].

    Returns:
      <string>[batch, (words)].
    """
    # tf.strings.lower takes a NUL for the end of the text.
    text = tf.strings.regex_replace(text, r"\x00", " ")
    # ASCII alone, in whatever language.
    text = tf.strings.lower(text)

    def split_all() -> tf.RaggedTensor:
        lower = text
        for upper_letter, lower_letter in LOWER_CASE.items():
            lower = tf.strings.regex_replace(lower, upper_letter, lower_letter)
        lower = tf.strings.lower(lower, encoding="utf-8")
        lower = tf.strings.regex_replace(lower, f"[{INVISIBLE}]+", "")
        words = _split(tf.strings.regex_replace(lower, f"[{APOSTROPHES}]", "'"))
        return words.with_values(normalization.compose(words.values))

    def split_plain() -> tf.RaggedTensor:
        return _split(tf.strings.lower(text, encoding="utf-8"))

    letters = "".join(LOWER_CASE) + APOSTROPHES + INVISIBLE + normalization.unstable_characters()
    return tf.cond(tf.reduce_any(normalization.holds(text, letters)), split_all, split_plain)


def _split(text: tf.Tensor) -> tf.RaggedTensor:
    """Splits lower-case texts <string>[batch] into <string>[batch, (words)]."""
    text = tf.strings.regex_replace(text, LINE_BREAK, " ")
    text = tf.strings.regex_replace(text, NOT_OF_A_WORD, " ")
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
