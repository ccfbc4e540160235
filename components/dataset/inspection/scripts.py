"""Scripts that texts are written in, by the names of their letters in the Unicode standard."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

HAN, KANA, HANGUL, THAI = "Han", "Kana", "Hangul", "Thai"
# Written without blanks between words.
WITHOUT_BLANKS = (HAN, KANA, THAI, "Lao", "Khmer", "Myanmar")
# The beginning of a text tells its script.
_LOOKED_AT = 1_000
_ASCII_LETTERS = re.compile(r"[A-Za-z]+")
_NAMED = {"CJK": HAN, "HIRAGANA": KANA, "KATAKANA": KANA, "IDEOGRAPHIC": HAN}
# Words before that of the script: FULLWIDTH LATIN SMALL LETTER A, HALFWIDTH KATAKANA LETTER A.
_BEFORE = ("FULLWIDTH", "HALFWIDTH", "MATHEMATICAL", "MODIFIER")


def script_of(text: str) -> str:
    """Returns the script of most letters in a text's beginning, "" if it has none.

    Japanese is Kana where a tenth of its letters are, whatever is Han.
    """
    counts = letters_by_script(text[:_LOOKED_AT])
    if not counts:
        return ""
    if counts[KANA] and 10 * counts[KANA] >= counts.total():
        return KANA
    return counts.most_common(1)[0][0]


def letters_by_script(text: str) -> Counter[str]:
    """Counts letters by script."""
    if text.isascii():
        letters = sum(map(len, _ASCII_LETTERS.findall(text)))
        return Counter({"Latin": letters}) if letters else Counter()
    counts: Counter[str] = Counter()
    for character, count in Counter(text).items():
        if name := _script(character):
            counts[name] += count
    return counts


@lru_cache(maxsize=50_000)
def _script(character: str) -> str:
    """Returns a letter's script; "" for what is no letter."""
    if not character.isalpha():
        return ""
    first, *others = unicodedata.name(character, "").split("-")[0].split()[:2] or [""]
    if first in _BEFORE and others:
        first = others[0]
    return _NAMED.get(first, first.capitalize())
