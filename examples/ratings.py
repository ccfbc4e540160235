"""Reviews with 1 to 10 stars, laid out as IMDB's files: `python examples/ratings.py FOLDER`."""

import random
from pathlib import Path

from first_run import main

THINGS = ("The plot", "The cast", "The music", "The ending", "The camera", "The dialogue")
# From one star to ten; IMDB's reviews with a label have no 5 and no 6.
VERDICTS = {
    1: ("is an insult", "is the worst of all", "made me leave", "is unwatchable"),
    2: ("is terrible", "is a mess", "is painful", "fails badly"),
    3: ("is poor", "is boring", "is dull", "falls flat"),
    4: ("is below average", "could be better", "is too thin", "lets it down"),
    7: ("is good", "works well", "is pleasant", "keeps one watching"),
    8: ("is very good", "is touching", "is clever", "is well made"),
    9: ("is excellent", "is brilliant", "is gripping", "is a delight"),
    10: ("is perfect", "is a masterpiece", "is beyond praise", "is unforgettable"),
}
STARS = tuple(VERDICTS)


def write_reviews(folder: Path) -> Path:
    """Writes 2,400 reviews to train on and 800 to test, a file each, named ID_STARS.txt."""
    draw = random.Random(7)
    root = folder / "ratings"
    for split, count in {"train": 2_400, "test": 800}.items():
        for number in range(count):
            stars = draw.choice(STARS)
            near = STARS[max(0, min(len(STARS) - 1, STARS.index(stars) + draw.choice((-1, 1))))]
            said = [f"{draw.choice(THINGS)} {draw.choice(VERDICTS[stars])}" for _ in range(4)]
            said.append(f"{draw.choice(THINGS)} {draw.choice(VERDICTS[near])}")
            draw.shuffle(said)
            file = root / split / ("pos" if stars > 5 else "neg") / f"{number}_{stars}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{'. '.join(said)}. Review {split} {number}.", encoding="utf-8")
    return root


if __name__ == "__main__":
    asked = ["The plot is a masterpiece, the cast is perfect", "The music is dull"]
    main(__doc__, write_reviews, asked, "--label-column", "rating")
