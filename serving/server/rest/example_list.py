"""The examples of a `:classify` or `:regress` body -> TensorFlow Serving's Input message."""

from __future__ import annotations

from collections.abc import Mapping

from tensorflow.core.example import example_pb2
from tensorflow_serving.apis import input_pb2

from serving.server.rest.requests import ExamplesBody
from serving.server.valid_utf8 import valid_utf8


def fill_input(body: ExamplesBody, into: input_pb2.Input) -> None:
    """Fills an Input with the examples of a body."""
    if body.context is None:
        examples = into.example_list.examples
    else:
        _fill_example(body.context, into.example_list_with_context.context)
        examples = into.example_list_with_context.examples
    for features in body.examples:
        _fill_example(features, examples.add())


def _fill_example(features: Mapping[str, tuple[str, list]], into: example_pb2.Example) -> None:
    for name, (kind, values) in features.items():
        feature = into.features.feature[valid_utf8(name)]
        if kind:
            getattr(feature, f"{kind}_list").value.extend(values)
