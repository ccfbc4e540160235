"""ReviewSchemaGen: what the step takes, what it writes, and its place in a pipeline."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components import features
from components.schema_gen.executor import CLASSES, SCHEMA, SLICE_COLUMNS, Executor
from components.tfx_base.step import Step


class ReviewSchemaGenSpec(ComponentSpec):
    """Parameters and outputs of ReviewSchemaGen."""

    PARAMETERS = {
        CLASSES: ExecutionParameter(type=str),
        SLICE_COLUMNS: ExecutionParameter(type=str),
    }
    INPUTS: dict[str, ChannelParameter] = {}
    OUTPUTS = {SCHEMA: ChannelParameter(type=standard_artifacts.Schema)}


class ReviewSchemaGen(Step, spec=ReviewSchemaGenSpec, executor=Executor):
    """Imports the schema of what ReviewExampleGen writes; it is written by hand, not inferred.

    The domain of `label` is set to the classes: from 0 to their number less 1. A domain of strings
    named "classes" has their names, in the order of the label. Each column that slices are by has
    a feature, see `slice_values.feature_of`.

    Outputs:
      schema: Schema.

    >>> from components import ReviewSchemaGen, resolve_source
    >>> schema_gen = ReviewSchemaGen(resolve_source("sample").classes)
    >>> sorted(schema_gen.outputs)
    ['schema']
    """

    def __init__(
        self, classes: Sequence[str] = features.CLASSES, slice_columns: Sequence[str] = ()
    ):
        """Describes the step.

        Args:
          classes: Names of the classes, by label: `ReviewSource.classes`.
          slice_columns: Columns that slices are by: `ReviewSource.slice_columns`.
        """
        super().__init__(
            classes=json.dumps(list(classes)),
            slice_columns=json.dumps(list(slice_columns)),
        )
