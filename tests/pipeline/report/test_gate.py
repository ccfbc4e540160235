"""What the gate of a recorded run asked for, read back from what TFMA was told."""

from __future__ import annotations

import json

import pytest
from google.protobuf import json_format

from components.evaluator.gate import eval_config
from pipeline.report.gate import gated_slices, read_bounds

ASKED = {"min_accuracy": 0.7, "max_regression": 0.01, "min_lift": 0.0}


@pytest.fixture
def evaluation(tmp_path):
    """Writes an `evaluation` whose gate was told this much; returns its folder."""

    def write(**settings) -> str:
        config = json_format.MessageToDict(eval_config(**{**ASKED, **settings}))
        (tmp_path / "eval_config.json").write_text(json.dumps({"evalConfig": config}))
        return str(tmp_path)

    return write


def test_bounds_on_slices_are_read_back_with_the_slices_that_they_hold_for(evaluation):
    """Those by columns, alone and two together; the others are not held to them."""
    folder = evaluation(
        slice_by=[["product"], ["product", "language"]], min_slice_accuracy=0.75, min_slice_size=40
    )
    bounds = read_bounds(folder)
    assert (bounds.min_slice_accuracy, bounds.min_slice_size) == (0.75, 40)
    assert bounds.min_accuracy == 0.7
    assert gated_slices(folder) == {
        frozenset({"product"}),
        frozenset({"product", "language"}),
    }


def test_without_bounds_on_slices_there_are_none(evaluation):
    """Nor slices that are held to one."""
    folder = evaluation(slice_by=[["product"]])
    assert read_bounds(folder).min_slice_accuracy is None
    assert gated_slices(folder) == frozenset()


def test_an_evaluation_without_its_settings_says_so(tmp_path):
    """The gate is not made up."""
    for read in (read_bounds, gated_slices):
        with pytest.raises(LookupError, match="the gate is not known"):
            read(str(tmp_path))
