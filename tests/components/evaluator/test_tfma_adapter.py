"""TFMA's private names are there, and mean what the slices and the gate count on."""

from __future__ import annotations

import pytest
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2

from components.evaluator import binary_metrics, class_metrics, tfma_adapter
from tests.canary import canary


def test_the_stage_that_transforms_features_is_among_tfmas_own(tmp_path):
    """After the raw features were extracted, before slices are cut by them."""
    with canary(tfma_adapter.LIBRARY, tfma_adapter.__name__):
        config = config_pb2.EvalConfig(
            model_specs=[config_pb2.ModelSpec(preprocessing_function_names=["transform"])],
            slicing_specs=[config_pb2.SlicingSpec()],
        )
        model = tfma.default_eval_shared_model(str(tmp_path), eval_config=config, tags=["serve"])
        stages = [
            stage.stage_name
            for stage in tfma.default_extractors(eval_shared_model=model, eval_config=config)
        ]
        at = stages.index(tfma_adapter.TRANSFORMED_FEATURES_STAGE)
        assert stages.index("ExtractFeatures") < at < stages.index("ExtractSliceKeys")


@pytest.mark.parametrize(
    ("module", "metric"),
    [
        (binary_metrics, binary_metrics.BinaryMetric),
        (class_metrics, class_metrics.ClassMetric),
    ],
)
def test_metrics_are_derived_from_one_count(module, metric):
    """TFMA drops computations that equal others: one pass over the scores is enough."""
    with canary(tfma_adapter.LIBRARY, module.__name__):
        counts, derived = zip(*(metric(name).computations() for name in module.NAMES), strict=True)
        assert len(set(counts)) == 1
        assert [each.keys[0].name for each in derived] == list(module.NAMES)
