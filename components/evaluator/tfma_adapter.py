"""What is used of TensorFlow Model Analysis beyond its public names.

Another release may change it without notice.
"""

from __future__ import annotations

from tensorflow_model_analysis.extractors import transformed_features_extractor

LIBRARY = "tensorflow-model-analysis"

# Name of the stage, among TFMA's default extractors, after which a batch has transformed features.
TRANSFORMED_FEATURES_STAGE: str = (
    transformed_features_extractor._TRANSFORMED_FEATURES_EXTRACTOR_STAGE_NAME
)
