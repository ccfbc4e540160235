"""The names of TensorFlow's data types in messages; no TensorFlow is imported."""

from __future__ import annotations


def type_name(dtype: str) -> str:
    """Returns TensorFlow's name of `DT_FLOAT`: `float`."""
    return dtype.removeprefix("DT_").lower()
