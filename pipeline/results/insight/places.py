"""Where the tokens that a model read stand in the text as it was written."""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from components.transform.token_settings import CHARACTER_PAIRS, IMDB_TOKENS, WORDS, TokenSettings

# Of a longer text, its end is looked at: what the model reads stands there.
MOST_CHARACTERS = 50_000
# How many words may be in the text or among the tokens alone before both go on together.
_LOOK_AHEAD = 4
_LINE_BREAK = re.compile("<br[ \\t\\n\\f\\r]*/?[>\u226f]", re.IGNORECASE)
_CODE = re.compile(r"\\x\{([0-9A-F]+)\}")


class Place(NamedTuple):
    """Where a token stands: from `start` up to before `stop`, in characters."""

    start: int
    stop: int


def places_of(
    text: str, tokens: Sequence[str], settings: TokenSettings = IMDB_TOKENS
) -> list[Place | None]:
    """Finds tokens in the text that they were made of.

    Of pairs of characters, the first of a word has both its characters, each other one the
    character that it adds; so no two places overlap, and all are in order.

    Args:
      text: As it was written, not longer than MOST_CHARACTERS.
      tokens: As the model read them: its last ones.
      settings: What a token is.

    Returns:
      The place of each token; None of one that cannot be told, as some that the graph spells
      differently.
    """
    written = list(_written(text, settings))
    found: list[Place | None] = [None] * len(tokens)
    at, token = len(written) - 1, len(tokens) - 1
    while at >= 0 and token >= 0:
        skipped = _skipped(written, tokens, at, token)
        at, token = at - skipped[0], token - skipped[1]
        if written[at][0] == tokens[token]:
            found[token] = written[at][1]
        at, token = at - 1, token - 1
    return _with_those_between(text, tokens, found)


def _skipped(
    written: Sequence[tuple[str, Place]], tokens: Sequence[str], at: int, token: int
) -> tuple[int, int]:
    """Returns how many of either are passed over until both say the same; none if they never do."""
    for total in range(_LOOK_AHEAD + 1):
        for of_written in range(total + 1):
            of_tokens = total - of_written
            if at < of_written or token < of_tokens:
                continue
            if written[at - of_written][0] == tokens[token - of_tokens]:
                return of_written, of_tokens
    return 0, 0


def _with_those_between(
    text: str, tokens: Sequence[str], found: list[Place | None]
) -> list[Place | None]:
    """Looks for the others, as emoji, as they are, between the neighbours that were found."""
    ends = [len(text)] * (len(found) + 1)
    for at in range(len(found) - 1, -1, -1):
        place = found[at]
        ends[at] = place.start if place else ends[at + 1]
    begin = 0
    for at, place in enumerate(found):
        if place is None and tokens[at]:
            start = text.find(tokens[at], begin, ends[at])
            if start >= 0:
                found[at] = place = Place(start, start + len(tokens[at]))
        if place:
            begin = place.stop
    return found


def _written(text: str, settings: TokenSettings) -> Iterator[tuple[str, Place]]:
    """Yields the tokens of a text as the model reads them, with their places."""
    for word in _words(text):
        if settings.tokens == WORDS:
            place = Place(word[0].start, word[-1].stop)
            yield _spelled(text[place.start : place.stop]), place
            continue
        spelled = [_spelled(text[start:stop]) for start, stop in word]
        if settings.tokens != CHARACTER_PAIRS or len(word) == 1:
            yield from zip(spelled, word, strict=True)
            continue
        for at in range(1, len(word)):
            start = word[0].start if at == 1 else word[at].start
            yield spelled[at - 1] + spelled[at], Place(start, word[at].stop)


def _words(text: str) -> Iterator[list[Place]]:
    """Yields words as the places of their characters, each with the marks behind it."""
    blank = _LINE_BREAK.sub(lambda found: " " * len(found[0]), text)
    invisible, apostrophes = _special()
    word: list[Place] = []
    for at, character in enumerate(blank):
        category = unicodedata.category(character)
        if word and (character in invisible or category[0] == "M"):
            word[-1] = Place(word[-1].start, at + 1)
        elif category[0] == "L" or category == "Nd" or character in apostrophes:
            word.append(Place(at, at + 1))
        elif word:
            yield word
            word = []
    if word:
        yield word


def _spelled(written: str) -> str:
    """Returns a word as the graph spells it."""
    invisible, apostrophes = _special()
    visible = "".join(character for character in written if character not in invisible)
    lower = unicodedata.normalize("NFC", visible).lower()
    return unicodedata.normalize("NFC", "".join("'" if c in apostrophes else c for c in lower))


@functools.cache
def _special() -> tuple[frozenset[str], frozenset[str]]:
    """Returns the characters that the graph leaves out, and those that it takes for an apostrophe.

    It has them as RE2 writes sets.
    """
    from components.transform import preprocessing

    def characters(of_set: str) -> frozenset[str]:
        codes = [(found.end(), int(found[1], 16)) for found in _CODE.finditer(of_set)]
        single = {chr(code) for _, code in codes}
        for (end, first), (_, last) in itertools.pairwise(codes):
            if of_set[end : end + 1] == "-":
                single |= {chr(code) for code in range(first, last)}
        return frozenset(single)

    return characters(preprocessing.INVISIBLE), characters(preprocessing.APOSTROPHES) | {"'"}
