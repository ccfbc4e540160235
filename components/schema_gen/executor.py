"""ReviewSchemaGen's executor: writes the curated schema, with the classes of the data set."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils

from components import features
from components.dataset.slice_values import feature_of
from components.tfx_base.tfx_adapter import Inputs, Outputs, Parameters

CLASSES = "classes"
SLICE_COLUMNS = "slice_columns"
SCHEMA = "schema"


class Executor(base_executor.BaseExecutor):
    """Reads the curated schema, and sets what depends on the classes."""

    def Do(self, input_dict: Inputs, output_dict: Outputs, exec_properties: Parameters) -> None:
        """Writes `schema.pbtxt`, where TFX's own steps look for it."""
        schema = schema_of(
            json.loads(exec_properties[CLASSES]), json.loads(exec_properties[SLICE_COLUMNS])
        )
        folder = artifact_utils.get_single_uri(output_dict[SCHEMA])
        io_utils.write_pbtxt_file(os.path.join(folder, features.SCHEMA_NAME), schema)


def schema_of(classes: Sequence[str], slice_columns: Sequence[str] = ()) -> schema_pb2.Schema:
    """Returns the schema of tf.Examples with these classes, and columns that slices are by."""
    text = Path(features.schema_file()).read_text(encoding="utf-8")
    schema = text_format.Parse(text, schema_pb2.Schema())
    (label,) = (feature for feature in schema.feature if feature.name == features.LABEL)
    label.int_domain.max = len(classes) - 1
    schema.string_domain.add(name=CLASSES, value=classes)
    for column in slice_columns:
        feature = schema.feature.add(name=feature_of(column), type=schema_pb2.BYTES, shape={})
        feature.presence.min_fraction, feature.presence.min_count = 1.0, 1
    return schema
