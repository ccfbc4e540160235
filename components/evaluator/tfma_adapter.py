"""What is used of TensorFlow Model Analysis beyond its public names.

Another release may change it without notice.
"""

from __future__ import annotations

from tensorflow_model_analysis.extractors import (
    predictions_extractor,
    transformed_features_extractor,
)

LIBRARY = "tensorflow-model-analysis"

# Name of the stage, among TFMA's default extractors, after which a batch has transformed features.
TRANSFORMED_FEATURES_STAGE: str = (
    transformed_features_extractor._TRANSFORMED_FEATURES_EXTRACTOR_STAGE_NAME
)

# Name of the stage after which it has the models' answers.
PREDICTIONS_STAGE: str = predictions_extractor.PREDICTIONS_EXTRACTOR_STAGE_NAME
