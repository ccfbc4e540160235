"""Data that trains in seconds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from components.dataset.sample import generate_review


def pytest_itemcollected(item: pytest.Item) -> None:
    """Marks as slow what runs on job servers: each of these tests needs whole runs."""
    if item.get_closest_marker("engines"):
        item.add_marker("slow")


@pytest.fixture(scope="session")
def small_data(tmp_path_factory) -> Path:
    """A quarter of the sample as a table: enough for every step, and soon trained."""
    path = tmp_path_factory.mktemp("data") / "reviews.jsonl"
    reviews = (generate_review(index) for index in range(0, 2_000, 4))
    path.write_text(
        "".join(
            json.dumps({"text": review.text.decode(), "label": review.label}) + "\n"
            for review in reviews
        )
    )
    return path
