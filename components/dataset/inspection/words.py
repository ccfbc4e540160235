"""Words of a text as the Transform step finds them, in Python: near enough to count them.

The graph is `components.transform.preprocessing`; importing it takes TensorFlow.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache

from components.features import FIRST_WORD_ID

_LINE_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_ASCII_WORD = re.compile(r"[a-z0-9']+")
_PICTURE = re.compile("[\u2764\U0001f1e6-\U0001f1ff\U0001f300-\U0001faff]")
_MARKUP = re.compile(
    r"</?(?!br\b)[a-zA-Z][a-zA-Z0-9]*(\s[^<>]*)?/?>|&(#\d+|#x[0-9a-fA-F]+|[a-z]{2,8});"
)
# The first bytes of letters of two and three bytes, as Latin-1 and Windows-1252 show them, and a
# second one.
_GARBLED = re.compile(
    "[\u00c2-\u00c3\u00d0\u00d1][\u0080-\u00bf\u0152-\u0178\u02c6-\u2122]|\u00e2\u20ac"
)
_APOSTROPHES = str.maketrans(dict.fromkeys("\u2018\u2019\u201b\uff07\u02bc", "'"))


def words_of(text: str) -> list[str]:
    """Returns the words, in lower case: letters, marks, digits and apostrophes."""
    text = _LINE_BREAK.sub(" ", text.lower())
    if text.isascii():
        return _ASCII_WORD.findall(text)
    text = unicodedata.normalize("NFC", text.translate(_APOSTROPHES))
    return _word().findall(text)


def characters_of(text: str) -> list[str]:
    """Returns the characters that are no blanks, as tokens of scripts without blanks."""
    return [character for character in text.lower() if not character.isspace()]


@cache
def _word() -> re.Pattern[str]:
    r"""Python's `\w` lacks combining marks, without which words of Indian scripts fall apart."""
    marks = [
        character
        for character in map(chr, range(min(sys.maxunicode, 0x1FFFF)))
        if unicodedata.category(character).startswith("M")
    ]
    inside = rf"(?:[^\W_]|['{''.join(marks)}])"
    return re.compile(rf"(?:[^\W_]|'){inside}*")


def has_emoji(text: str) -> bool:
    """Says whether a text has any of the pictures that most emoji are."""
    return not text.isascii() and _PICTURE.search(text) is not None


def has_markup(text: str) -> bool:
    """Says whether a text has tags or entities of HTML beside the line breaks of IMDB's reviews."""
    return ("<" in text or "&" in text) and _MARKUP.search(text) is not None


def is_garbled(text: str) -> bool:
    """Says whether a text looks like UTF-8 that was read in a Western encoding: é as Ã and ©."""
    return not text.isascii() and _GARBLED.search(text) is not None


def missed_share(
    learned_on: Iterable[Sequence[str]],
    measured_on: Iterable[Sequence[str]],
    vocabulary_size: int,
) -> float:
    """Returns the share of tokens, 0 to 1, that a vocabulary lacks; NaN without any.

    Args:
      learned_on: Tokens of texts, of which the most frequent are the vocabulary.
      measured_on: Tokens of other texts.
      vocabulary_size: Its token ids, those of padding and of unknown words included.
    """
    counts = Counter(token for tokens in learned_on for token in tokens)
    known = {token for token, _ in counts.most_common(vocabulary_size - FIRST_WORD_ID)}
    total = missed = 0
    for tokens in measured_on:
        total += len(tokens)
        missed += sum(token not in known for token in tokens)
    return missed / total if total else float("nan")
