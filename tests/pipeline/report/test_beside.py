"""What is computed in a process beside this one."""

from __future__ import annotations

import os
import sys

import pytest

from pipeline.report.beside import beside


def _described(number: int) -> tuple[int, int, bool]:
    """What a process is, and whether it has loaded TensorFlow."""
    from pipeline.results.insight import label_errors

    assert label_errors.MOST_DOUBTED
    return number, os.getpid(), "tensorflow" in sys.modules


def test_it_is_computed_in_another_process_without_tensorflow():
    """What it raises is raised here."""
    wait, fails = beside(_described, 7), beside(int, "seven")
    number, process, has_tensorflow = wait()
    assert (number, has_tensorflow) == (7, False)
    assert process != os.getpid()
    with pytest.raises(ValueError, match="seven"):
        fails()


def test_a_process_that_ends_early_is_told():
    """With its exit code."""
    with pytest.raises(RuntimeError, match=r"ended with 3; .* too little memory"):
        beside(os._exit, 3)()
