"""What the Evaluator makes of a baseline that holds no model."""

from __future__ import annotations

import pytest
from tfx.components.evaluator import executor as tfx_evaluator
from tfx.types import standard_artifacts

from components.evaluator.executor import Executor


@pytest.mark.parametrize("is_there", [True, False])
def test_a_baseline_without_a_model_is_none(tmp_path, monkeypatch, is_there):
    """An engine whose steps always write their artifacts says so that nothing was pushed before."""
    baseline, evaluation = standard_artifacts.Model(), standard_artifacts.ModelEvaluation()
    baseline.uri, evaluation.uri = str(tmp_path / "baseline"), str(tmp_path)
    variables = tmp_path / "baseline" / "Format-Serving" / "variables"
    variables.mkdir(parents=True)
    if is_there:
        for file in ("../saved_model.pb", "variables.index", "variables.data-00000-of-00001"):
            (variables / file).touch()
    given = []
    monkeypatch.setattr(tfx_evaluator.Executor, "Do", lambda self, *all_: given.append(all_[0]))
    inputs = {"model": [], "baseline_model": [baseline]}
    Executor().Do(inputs, {"evaluation": [evaluation]}, {})
    assert given == [inputs if is_there else {"model": []}]
