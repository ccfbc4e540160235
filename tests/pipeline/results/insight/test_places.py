"""Where tokens stand in texts as they were written, against the graph's own tokens."""

from __future__ import annotations

import itertools

import pytest
import tensorflow as tf

from components.transform.preprocessing import tokenize
from components.transform.token_settings import TokenSettings
from pipeline.results.insight.places import places_of

WORDS, PAIRS = TokenSettings(), TokenSettings(tokens="character_pairs")
CHARACTERS = TokenSettings(tokens="characters")


def _as_written(text: str, settings: TokenSettings, last: int = 1_000) -> list[str | None]:
    tokens = tokenize(tf.constant([text.encode()]), settings).to_list()[0][-last:]
    places = places_of(text, [token.decode() for token in tokens], settings)
    return [place and text[place.start : place.stop] for place in places]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Not a GOOD film!<br />At all.", ["Not", "a", "GOOD", "film", "At", "all"]),
        ("Don’t\u0301 — “quote” me", ["Don’t\u0301", "quote", "me"]),
        ("E\u0301te\u0301 soft\u00adhyphen ÉTÉ", ["E\u0301te\u0301", "soft\u00adhyphen", "ÉTÉ"]),
        ("3.5/10 <b>bold</b> a_b", ["3", "5", "10", "b", "bold", "b", "a", "b"]),
        ("İstanbul ΟΔΟΣ", ["İstanbul", "ΟΔΟΣ"]),
        ("", []),
    ],
)
def test_words_are_found_as_they_were_written(text, expected):
    """With case, marks and characters that are not seen; punctuation is of no word."""
    assert _as_written(text, WORDS) == expected


def test_characters_and_pairs_do_not_overlap():
    """Of pairs the first has two characters, each other one that which it adds."""
    assert _as_written("很好看 Ab", CHARACTERS) == ["很", "好", "看", "A", "b"]
    assert _as_written("很好看的 x Ab", PAIRS) == ["很好", "看", "的", "x", "Ab"]


def test_of_a_long_text_the_last_words_are_found():
    """The same word before what the model read is another one."""
    text = "good " * 10 + "bad good"
    tokens = ["good", "bad", "good"]
    assert [place.start for place in places_of(text, tokens)] == [45, 50, 54]


def test_emoji_are_found_between_words():
    """They are tokens where the settings say so."""
    settings = TokenSettings(emoji=True)
    assert _as_written("So good 😀😀 again 👍🏽!", settings) == [
        *("So", "good", "😀", "😀", "again", "👍🏽")
    ]


def test_a_token_that_is_not_there_has_no_place():
    """The words around it have theirs, and so it is with words that are no tokens."""
    places = places_of("one two three four", ["one", "TWO!", "three", "four"])
    assert [place and place.start for place in places] == [0, None, 8, 14]
    places = places_of("one two three four", ["one", "four"])
    assert [place and place.start for place in places] == [0, 14]
    assert places_of("", ["one"]) == [None]


def test_reviews_have_a_place_for_every_token(sample_texts):
    """In order, and spelled as the token but for the case."""
    for text in sample_texts[:50]:
        tokens = [t.decode() for t in tokenize(tf.constant([text.encode()])).to_list()[0]]
        places = places_of(text, tokens)
        assert [text[place.start : place.stop].lower() for place in places] == tokens
        assert all(one.stop <= other.start for one, other in itertools.pairwise(places))
