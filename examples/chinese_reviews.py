"""Chinese reviews, read by the character: `python examples/chinese_reviews.py FOLDER`."""

import csv
import random
from pathlib import Path

from first_run import main

THINGS = ("这部电影", "这家餐厅", "这本书", "这个酒店", "这款手机", "他们的服务")
PARTS = ("质量", "故事", "环境", "价格", "味道", "设计", "态度")
WHEN = ("昨天", "上个星期", "周末", "第二次来的时候", "和朋友一起的时候")
PRAISE = ("非常好", "令人满意", "很棒", "超出期待", "让我很开心", "值得推荐")
BLAME = ("太差了", "让人失望", "很糟糕", "不值这个价", "让我很生气", "浪费时间")
MIXED = ("还可以", "一般", "没有特别的感觉")


def write_reviews(folder: Path) -> Path:
    """Writes 3,000 reviews, without blanks between words, as a CSV file."""
    draw = random.Random(7)
    path = folder / "reviews.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["review", "sentiment"])
        for number in range(3_000):
            is_positive = draw.random() < 0.5
            verdict = draw.choice(PRAISE if is_positive else BLAME)
            sentences = [
                f"{draw.choice(WHEN)}我觉得{draw.choice(PARTS)}{draw.choice(MIXED)}",
                f"{draw.choice(THINGS)}的{draw.choice(PARTS)}{verdict}",
            ]
            draw.shuffle(sentences)
            text = "，".join(sentences) + f"。第{number + 1}条"
            rows.writerow([text, "positive" if is_positive else "negative"])
    return path


if __name__ == "__main__":
    main(__doc__, write_reviews, ["这部电影的故事很棒", "这家餐厅的味道太差了"])
