"""What TFMA hands to a metric, as a label and the model's scores."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from tensorflow_model_analysis.metrics import metric_types, metric_util

# TFMA 0.52 leaves half of these out of its own namespace.
from tensorflow_model_analysis.proto import config_pb2


def labels_and_scores(
    inputs: metric_types.StandardMetricInputs,
    key: metric_types.MetricKey,
    eval_config: config_pb2.EvalConfig | None,
) -> Iterator[tuple[int, np.ndarray]]:
    """Yields label and scores of each review.

    Args:
      inputs: What a metric's combiner is given.
      key: Says which model is measured.
      eval_config: Says where label and scores are.

    Yields:
      The label, and <float>[classes], of two classes <float>[1].
    """
    for label, scores, _ in metric_util.to_label_prediction_example_weight(
        inputs,
        eval_config=eval_config,
        model_name=key.model_name,
        output_name=key.output_name,
        flatten=False,
    ):
        yield int(label.reshape(-1)[0]), scores.reshape(-1)
