"""The fields of a serialized message, counted without decoding it."""

from __future__ import annotations

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from tensorflow.core.example import example_pb2
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import classification_pb2, predict_pb2

from serving.server.grpc.message_size import Extent, measure


def _predict() -> predict_pb2.PredictRequest:
    request = predict_pb2.PredictRequest(output_filter=["y", "z"])
    request.model_spec.name = "a" * 300
    request.model_spec.version.value = 2**40
    text = request.inputs["text"]
    text.CopyFrom(tensor_pb2.TensorProto(dtype=7, string_val=[b"", b"b" * 200]))
    text.tensor_shape.dim.add(size=2)
    request.inputs["floats"].float_val.extend([0.5] * 9)
    request.inputs["ids"].int64_val.extend([-1, 5, 2**40])
    request.inputs["any"].variant_val.add(type_name="x").tensors.add(bool_val=[True, False])
    return request


def _classify() -> classification_pb2.ClassificationRequest:
    request = classification_pb2.ClassificationRequest()
    example = example_pb2.Example()
    example.features.feature["text"].bytes_list.value.extend([b"a", b"", b"c" * 1000])
    example.features.feature["stars"].int64_list.value.extend([1, 300])
    example.features.feature["weight"].float_list.value.append(0.5)
    listed = request.input.example_list_with_context
    listed.examples.extend([example, example_pb2.Example()])
    listed.context.CopyFrom(example)
    return request


def _count(message: Message) -> Extent:
    """What `measure` should find, from the message itself."""
    fields = numbers = 0
    for field, value in message.ListFields():
        if field.label != FieldDescriptor.LABEL_REPEATED:
            values = [value]
        elif field.message_type and field.message_type.GetOptions().map_entry:
            values = list(value.values())
            fields += 2 * len(values)  # of each entry: the key, and the value
        elif field.cpp_type in (FieldDescriptor.CPPTYPE_STRING, FieldDescriptor.CPPTYPE_MESSAGE):
            values = list(value)
        else:
            values, numbers = [value], numbers + len(value)
        fields += len(values)
        if field.message_type:
            for inner in map(_count, values):
                fields, numbers = fields + inner.fields, numbers + inner.numbers
    return Extent(fields, numbers)


@pytest.mark.parametrize("message", [_predict(), _classify()], ids=["Predict", "Classify"])
def test_all_fields_and_numbers_are_counted(message):
    """Those of the messages within it, too; up to a limit, and a little further."""
    data, kind = message.SerializeToString(), message.DESCRIPTOR
    assert measure(data, kind, 1000, 1000) == _count(message)
    assert _count(message).fields > 20 and _count(message).numbers > 4
    assert measure(data, kind, 10, 1000).fields == 11
    assert measure(data, kind, 1000, 1).numbers > 1


@pytest.mark.parametrize("message", [_predict(), _classify()], ids=["Predict", "Classify"])
def test_damaged_messages_are_counted_to_where_they_are_damaged(message):
    """Cut anywhere, or with any byte set: never more than there can be, and no error."""
    data, kind = message.SerializeToString(), message.DESCRIPTOR
    whole = measure(data, kind, 10**6, 10**6)
    for at in range(len(data)):
        assert measure(data[:at], kind, 10**6).fields <= whole.fields
        damaged = measure(data[:at] + b"\xff" + data[at + 1 :], kind, 10**6, 10**6)
        assert damaged.fields + damaged.numbers <= 2 * len(data)


def test_fields_that_the_message_does_not_know_are_counted():
    """Numbers, groups, and what has a length; tags of two bytes."""
    unknown = b"\xf8\x07\x96\x01\x7b\x08\x01\x7c\xfa\x07\x03abc\x79" + bytes(8)
    assert measure(unknown, predict_pb2.PredictRequest.DESCRIPTOR, 100) == Extent(6, 0)
    predict_pb2.PredictRequest.FromString(unknown)
