"""What a version is, for whoever pushes, serves or asks."""

from __future__ import annotations

import pytest

from pipeline.pushed_versions import newest_version
from serving.versions import look_up, number_of


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("7", 7),
        ("007", 7),
        ("0", 0),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", None),
        ("9" * 250, None),
        ("٣", None),
        ("²", None),
        ("-1", None),
        ("1.0", None),
        (" 1", None),
        ("1\n", None),
        ("", None),
    ],
)
def test_a_version_is_a_number_that_tf_serving_reads(name, number):
    """A signed one of 64 bits in ASCII digits; leading zeros do not count."""
    assert number_of(name) == number


def test_who_asks_takes_the_version_that_is_served(tmp_path):
    """The largest number that is whole; other names and half copies are passed over."""
    base = tmp_path / "serving_model" / "films"
    for name in ("3", "7", "٩", "9223372036854775808", ".incoming-1"):
        (base / name).mkdir(parents=True)
        (base / name / "saved_model.pb").touch()
    (base / "12").mkdir()
    (base / "13").touch()
    found = look_up(base)
    assert found.complete == {3: str(base / "3"), 7: str(base / "7")}
    assert found.incomplete == [12, 13]
    assert newest_version(base.parent, "films") == base / "7"
