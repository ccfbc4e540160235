"""ReviewSchemaGen: the curated schema, with the classes of a data set."""

from __future__ import annotations

import json
from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.types import standard_artifacts

from components import features
from components.schema_gen.component import ReviewSchemaGen
from components.schema_gen.executor import Executor, schema_of


def test_the_schema_of_two_classes_is_the_curated_one_and_their_names():
    """Nothing else is added or taken away."""
    schema = schema_of(features.CLASSES)
    assert [(each.name, list(each.value)) for each in schema.string_domain] == [
        ("classes", ["negative", "positive"])
    ]
    schema.ClearField("string_domain")
    curated = text_format.Parse(Path(features.schema_file()).read_text(), schema_pb2.Schema())
    assert schema == curated


def test_the_step_writes_the_domain_and_the_names_of_its_classes(tmp_path):
    """Whatever characters the names hold."""
    classes = ["so, so", "très “bien”", 'a/b "c"', "d"]
    parameters = ReviewSchemaGen(classes).exec_properties
    artifact = standard_artifacts.Schema()
    artifact.uri = str(tmp_path / "schema")
    Executor().Do({}, {"schema": [artifact]}, parameters)
    written = (tmp_path / "schema" / "schema.pbtxt").read_text(encoding="utf-8")
    schema = text_format.Parse(written, schema_pb2.Schema())
    label = next(feature for feature in schema.feature if feature.name == "label")
    assert (label.int_domain.min, label.int_domain.max) == (0, 3)
    assert list(schema.string_domain[0].value) == classes == json.loads(parameters["classes"])
