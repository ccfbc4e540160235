"""`preprocessing_fn`: from raw text to token ids, as part of the graph that is served."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from components import features
from components.transform import emoji, normalization
from components.transform.token_settings import (
    CHARACTER_PAIRS,
    IMDB_TOKENS,
    TOKENS,
    WORDS,
    TokenSettings,
)

# `>` with a combining stroke through it may be one character or two.
LINE_BREAK = r"<br\s*/?[>\x{226F}]"
ASCII_LINE_BREAK = r"<br\s*/?>"
# All other bytes of ASCII stand between words.
_WORD_BYTES = b"'0123456789abcdefghijklmnopqrstuvwxyz"
# Marks belong to the character before them, be it part of a word or not. What is of ASCII, and has
# no mark, is left to `_split`.
NOT_OF_A_WORD = r"(?:[^\p{L}\p{M}\p{Nd}\x00-\x7F]|[^\p{L}\p{M}\p{Nd}']\p{M}|^\p{M})[^\p{L}\p{Nd}']*"
# What one sees as a character of a word: with the marks that belong to it.
CHARACTER = r"[\p{L}\p{Nd}']\p{M}*"
# Typographic (U+2018, U+2019, U+201B), full-width (U+FF07), and the modifier letter (U+02BC).
APOSTROPHES = r"\x{2018}\x{2019}\x{201B}\x{FF07}\x{2BC}"
# So that adding FIRST_WORD_ID makes it OUT_OF_VOCABULARY_ID.
UNKNOWN_RANK = features.OUT_OF_VOCABULARY_ID - features.FIRST_WORD_ID
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


def preprocessing_fn(
    inputs: dict[str, Any], custom_config: dict[str, Any] | None = None
) -> dict[str, tf.Tensor]:
    """Learns the vocabulary and turns reviews into token ids.

    TFX's Transform asks for it by the name "components.preprocessing_fn".

    >>> from tfx.types import Channel, standard_artifacts as artifacts
    >>> from tfx.v1.components import Transform
    >>> examples, schema = Channel(artifacts.Examples), Channel(artifacts.Schema)
    >>> transform = Transform(examples, schema, preprocessing_fn="components.preprocessing_fn")
    >>> tokenize(tf.constant(["Not a GOOD film!<br />"])).to_list()
    [[b'not', b'a', b'good', b'film']]

    Given to Transform and to the Trainer, a `custom_config` of
    {"tokens": {"tokens": "characters", "max_length": 1_000}} makes other tokens:

    >>> [tokens] = tokenize(tf.constant(["很好看"]), TokenSettings(tokens="characters")).to_list()
    >>> [token.decode() for token in tokens]
    ['很', '好', '看']

    Args:
      inputs: `text`: <string>[batch], UTF-8, and `label`: <int64>[batch].
      custom_config: Transform's. It may hold `tokens`: fields of `TokenSettings` by name, which
        the Trainer's must hold as well; by default they are IMDB's.

    Returns:
      `token_ids`: <int64>[batch, max_length], see `pad_in_front`; `label`: <int64>[batch].

    Raises:
      ConfigurationError: `tokens` cannot be used.
    """
    settings = TokenSettings.from_config((custom_config or {}).get(TOKENS, {}))
    words = tokenize(inputs[features.TEXT], settings)
    vocabulary = tft.vocabulary(
        words,
        top_k=settings.vocabulary_size - features.FIRST_WORD_ID,
        # tf.Transform wants no threshold where all pass it.
        frequency_threshold=settings.min_word_count if settings.min_word_count > 1 else None,
        vocab_filename=features.VOCABULARY,
    )
    ranks = tft.apply_vocabulary(words, vocabulary, default_value=UNKNOWN_RANK)
    return {
        features.TOKEN_IDS: token_ids(ranks, settings),
        features.LABEL: inputs[features.LABEL],
    }


def token_ids(ranks: tf.RaggedTensor, settings: TokenSettings = IMDB_TOKENS) -> tf.Tensor:
    """Turns tokens' places in the vocabulary into the ids that a model reads.

    Args:
      ranks: <int64>[batch, (tokens)]: 0 for the most frequent token, UNKNOWN_RANK for unknown ones.
      settings: Of these, `max_length` counts.

    Returns:
      <int64>[batch, max_length], see `pad_in_front`.
    """
    return pad_in_front(ranks + features.FIRST_WORD_ID, features.PAD_ID, settings)


def tokenize(text: tf.Tensor, settings: TokenSettings = IMDB_TOKENS) -> tf.RaggedTensor:
    """Splits texts into tokens: words, their characters, or pairs of these.

    Words are lower-case, of letters, combining marks, digits and apostrophes. Letters, marks and
    digits are Unicode's (categories L, M and Nd). HTML line breaks and everything else separate
    words, together with the marks behind them, and so do bytes that are not UTF-8. All APOSTROPHES
    become `'`; INVISIBLE characters are left out. Words are in Normalization Form C: texts that
    are canonically equivalent have the same words.

    A character is a letter, digit or apostrophe of a word with the marks behind it. Pairs are those
    of neighbours in a word, and overlap; a word of one character is a token as it is.

    With `settings.emoji`, an emoji sequence, see `components.transform.emoji`, is a word and a
    character of its own, without variation selectors.

    Args:
      text: <string>[batch].
      settings: Of these, `tokens` and `emoji` count.

    Returns:
      <string>[batch, (tokens)].
    """
    words = _words(text, settings.emoji)
    if settings.tokens == WORDS:
        return words
    tokens = _characters(words.values, settings.emoji)
    if settings.tokens == CHARACTER_PAIRS:
        tokens = tf.strings.ngrams(tokens, 2, separator="", preserve_short_sequences=True)
    return words.with_values(tokens).merge_dims(1, 2)


def _words(text: tf.Tensor, with_emoji: bool) -> tf.RaggedTensor:
    """Splits texts <string>[batch] into words, and emoji if asked for: [batch, (words)]."""
    # ASCII alone, in whatever language.
    text = tf.strings.lower(text)
    between = rf"{ASCII_LINE_BREAK}|[{emoji.KEYS}]" if with_emoji else ASCII_LINE_BREAK
    plain = tf.strings.regex_replace(text, between, " ")
    is_plain = tf.strings.regex_full_match(text, r"[\x00-\x7F]*")

    def spell_others() -> tf.Tensor:
        places = tf.where(~is_plain)
        spelled = _spelling(with_emoji)(tf.gather_nd(text, places))
        return tf.tensor_scatter_nd_update(plain, places, spelled)

    return _split(tf.cond(tf.reduce_all(is_plain), lambda: plain, spell_others), with_emoji)


@functools.cache
def _spelling(with_emoji: bool) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns `_spell` as a function of the graph.

    It is not inlined: else its hundreds of operations would be walked over, one by one, for texts
    that do without.
    """
    return tf.function(
        functools.partial(_spell, with_emoji=with_emoji),
        input_signature=[tf.TensorSpec([None], tf.string)],
        autograph=False,
        experimental_attributes={"_noinline": True},
    )


def _spell(text: tf.Tensor, with_emoji: bool) -> tf.Tensor:
    """Brings texts <string>[texts] to words as they are spelled, for `_split`."""
    # tf.strings.lower takes a NUL for the end of the text.
    text = tf.strings.regex_replace(text, r"\x00", "\x01")

    def spell_all() -> tf.Tensor:
        lower = text
        for upper_letter, lower_letter in LOWER_CASE.items():
            lower = tf.strings.regex_replace(lower, upper_letter, lower_letter)
        lower = tf.strings.lower(lower, encoding="utf-8")
        if with_emoji:
            lower = emoji.keep_joiners(lower, INVISIBLE)
        lower = tf.strings.regex_replace(lower, f"[{INVISIBLE}]+", "")
        lower = tf.strings.regex_replace(lower, f"[{APOSTROPHES}]", "'")
        words = _split(_set_apart(lower, with_emoji), with_emoji)
        composed = words.with_values(normalization.compose(words.values))
        return tf.strings.reduce_join(composed, axis=1, separator=" ")

    def spell_simply() -> tf.Tensor:
        return _set_apart(tf.strings.lower(text, encoding="utf-8"), with_emoji)

    letters = "".join(LOWER_CASE) + APOSTROPHES + INVISIBLE + normalization.unstable_characters()
    return tf.cond(tf.reduce_any(normalization.holds(text, letters)), spell_all, spell_simply)


def _set_apart(text: tf.Tensor, with_emoji: bool) -> tf.Tensor:
    """Leaves words of lower-case texts <string>[texts], and bytes of ASCII in between."""
    text = tf.strings.regex_replace(text, LINE_BREAK, " ")
    if with_emoji:
        return emoji.set_apart(text)
    return tf.strings.regex_replace(text, NOT_OF_A_WORD, " ")


def _split(text: tf.Tensor, with_emoji: bool) -> tf.RaggedTensor:
    """Splits <string>[batch] into <string>[batch, (words)], at what is of ASCII and of no word."""
    of_words = _WORD_BYTES + (emoji.KEYS.encode() if with_emoji else b"")
    # Each byte of the delimiter is one.
    between = bytes(byte for byte in range(128) if byte not in of_words)
    words = tf.raw_ops.StringSplit(input=text, delimiter=between, skip_empty=True)
    rows = tf.range(tf.size(text, tf.int64) + 1)
    row_splits = tf.raw_ops.LowerBound(
        sorted_inputs=words.indices[tf.newaxis, :, 0], values=rows[tf.newaxis], out_type=tf.int64
    )
    return tf.RaggedTensor.from_row_splits(words.values, row_splits[0], validate=False)


def _characters(words: tf.Tensor, with_emoji: bool) -> tf.RaggedTensor:
    """Splits <string>[words] into <string>[words, (characters)]."""
    character = f"{emoji.SEQUENCE}|{CHARACTER}" if with_emoji else CHARACTER
    return tf.strings.split(tf.strings.regex_replace(words, f"({character})", r"\1 "))


def pad_in_front(
    values: tf.RaggedTensor, padding: Any, settings: TokenSettings = IMDB_TOKENS
) -> tf.Tensor:
    """Keeps each row's last values, and pads in front where there are fewer.

    A review's verdict tends to stand at its end, and an LSTM that ignores masks ends on it.

    Args:
      values: <any>[batch, (tokens)].
      padding: Scalar of the same type.
      settings: Of these, `max_length` counts.

    Returns:
      <any>[batch, max_length].
    """
    # Backwards, the last row's last value first, rows are cut and padded behind.
    backwards = tf.RaggedTensor.from_row_splits(
        tf.reverse(values.values, [0]),
        values.row_splits[-1] - tf.reverse(values.row_splits, [0]),
        validate=False,
    )
    padded = backwards.to_tensor(default_value=padding, shape=[None, settings.max_length])
    return tf.reverse(padded, [0, 1])
