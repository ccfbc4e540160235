"""The bundled sample: reviews written by a small grammar, the same ones on every machine.

A review says one to four times what its writer thinks: plainly, by negating the opposite, or by
a contrast in which the second half decides; at length, or in a few words. In between stand
sentences without any opinion. The same adjectives therefore occur in both classes, and only word
order tells them apart. A model can learn from it that "not good" is no praise, but nothing about
real reviews with their thousands of words.
"""

from __future__ import annotations

import random

from components import features
from components.dataset.records import Review

SAMPLE_SIZE = 2_000
# Part of the cache's key: raise it with every change to what is written.
SAMPLE_VERSION = "sample-3"

_TEST_EVERY = 5
# Shares no factor with _TEST_EVERY: both splits have long reviews.
_LONG_EVERY = 39

_PRAISE = (
    "good great fine wonderful brilliant moving clever charming gripping superb delightful tender "
    "witty stunning honest warm elegant inspired thrilling touching graceful sharp joyful"
).split()
_BLAME = (
    "bad dull poor dreadful boring clumsy shallow tedious awful lifeless silly bland messy hollow "
    "annoying weak stale pointless noisy muddled lazy ugly predictable"
).split()
_THINGS = (
    "film,story,cast,script,ending,acting,music,pacing,dialogue,camera work,humour,whole thing"
).split(",")
_PLAIN = (
    "the {thing} is {right}",
    "i found the {thing} {right}",
    "what a {right} {thing}",
    "{right} {thing} from start to finish",
    "a {right} {thing}",
    "a {right} one",
    "{right}",
)
_NEGATED = (
    "not {wrong}",
    "not {wrong} at all",
    "not a {wrong} {thing}",
    "the {thing} isn't {wrong}",
    "the {thing} is not {wrong}",
    "the {thing} is never {wrong}",
    "there is nothing {wrong} about the {thing}",
    "nobody could call the {thing} {wrong}",
)
_CONTRASTED = (
    "the {thing} looks {wrong}, but the {other} is {right}",
    "they say the {thing} is {wrong}, yet the {other} is {right}",
    "despite a {wrong} {thing}, the {other} is {right}",
)
_FILLER = (
    "we saw it at the café next to the cinema",
    "my sister bought the popcorn",
    "it runs for about two hours",
    "the plot is set in a small town by the sea",
    "a man comes home after ten years",
    "the director made it in {year}",
    "there were {number} people in the room",
    "it rained when we left",
    "a detective follows a letter to the north",
    "the title refers to a song",
    "most scenes take place at night",
    "two brothers share a farm",
    "it is based on a novel that i have not read",
    "the print was in black and white",
    "i watched it on a “rainy” sunday 🎬",
    "her train leaves before the war begins",
)
_JOINTS = (". ", ". ", ". ", "! ", ".<br /><br />")


def generate_review(index: int) -> Review:
    """Writes the sample's review of that number.

    Args:
      index: From 0 to SAMPLE_SIZE - 1.

    Returns:
      A review with stars; every fifth one belongs to the test split.
    """
    writer = random.Random(f"{SAMPLE_VERSION}/{index}")
    label = features.POSITIVE if writer.random() < 0.5 else features.NEGATIVE
    opinions = [_opinion(writer, label) for _ in range(writer.randint(1, 4))]
    fillers = writer.randint(55, 80) if index % _LONG_EVERY == 0 else writer.randint(0, 12)
    sentences = [_filler(writer) for _ in range(fillers)]
    for opinion in opinions[1:]:
        sentences.insert(writer.randint(0, len(sentences)), opinion)
    # One opinion stands near the end, where it is never truncated.
    sentences.insert(max(0, len(sentences) - writer.randint(0, 2)), opinions[0])
    text = "".join(
        sentence[0].upper() + sentence[1:] + writer.choice(_JOINTS) for sentence in sentences
    )
    stars = writer.randint(7, 10) if label == features.POSITIVE else writer.randint(1, 4)
    return Review(
        text=text.strip().encode(),
        label=label,
        review_id=f"sample:{index:04}".encode(),
        split=features.TEST_SPLIT if index % _TEST_EVERY == 0 else features.TRAIN_SPLIT,
        rating=stars,
    )


def _opinion(writer: random.Random, label: int) -> str:
    right, wrong = (_PRAISE, _BLAME) if label == features.POSITIVE else (_BLAME, _PRAISE)
    (form,) = writer.choices((_PLAIN, _NEGATED, _CONTRASTED), weights=(50, 30, 20))
    thing, other = writer.sample(_THINGS, 2)
    return writer.choice(form).format(
        thing=thing, other=other, right=_adjective(writer, right), wrong=_adjective(writer, wrong)
    )


def _adjective(writer: random.Random, adjectives: list[str]) -> str:
    """Chooses one, and one of the first two in three cases of ten: those are what people say."""
    return writer.choice(adjectives[:2] if writer.random() < 0.3 else adjectives)


def _filler(writer: random.Random) -> str:
    return writer.choice(_FILLER).format(
        year=writer.randint(1930, 2020), number=writer.randint(2, 90)
    )
