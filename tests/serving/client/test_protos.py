"""The client's own messages: the same on the wire as TensorFlow's, and no clash with them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from google.protobuf import any_pb2, wrappers_pb2
from tensorflow.core.example import example_pb2, feature_pb2
from tensorflow.core.framework import tensor_pb2, tensor_shape_pb2, types_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    input_pb2,
    model_pb2,
    predict_pb2,
)

from serving.client import protos

MODULES = (
    any_pb2, wrappers_pb2, example_pb2, feature_pb2, tensor_pb2, tensor_shape_pb2, meta_graph_pb2,
    classification_pb2, get_model_metadata_pb2, get_model_status_pb2, input_pb2, model_pb2,
    predict_pb2,
)  # fmt: skip
ORIGINALS = {
    name: next(
        descriptor
        for module in MODULES
        if (descriptor := module.DESCRIPTOR.message_types_by_name.get(name))
    )
    for name in protos.MESSAGES
    if name not in ("Dim", "StatusProto")
}
VersionStatus = get_model_status_pb2.ModelVersionStatus
StatusProto = VersionStatus.DESCRIPTOR.fields_by_name["status"].message_type
ORIGINALS["StatusProto"] = StatusProto
ORIGINALS["Dim"] = tensor_shape_pb2.TensorShapeProto.Dim.DESCRIPTOR
ORIGINAL_ENUMS = {
    "DataType": types_pb2.DataType.DESCRIPTOR,
    "State": VersionStatus.State.DESCRIPTOR,
    "ErrorCode": StatusProto.fields_by_name["error_code"].enum_type,
}


def wire_format(descriptor, names):
    """Returns number, type, repetition and packing of the fields, and the same of a map's value."""
    fields = {name: descriptor.fields_by_name[name] for name in names}
    return {
        name: (
            field.number,
            field.type,
            field.label,
            field.message_type.name if field.message_type else None,
            field.message_type is not None
            and field.message_type.GetOptions().map_entry
            and wire_format(field.message_type, ("key", "value")),
        )
        for name, field in fields.items()
    }


@pytest.mark.parametrize("name", list(protos.MESSAGES))
def test_fields_have_the_originals_numbers_and_types(name):
    """Every field of the table is a field of TensorFlow's message, the same on the wire."""
    ours = protos.MESSAGE_CLASSES[name].DESCRIPTOR
    names = [field.name for field in ours.fields]
    assert len(names) == len(protos.MESSAGES[name]) >= 1
    assert wire_format(ours, names) == wire_format(ORIGINALS[name], names)


@pytest.mark.parametrize("name", list(protos.ENUMS))
def test_enums_have_the_originals_numbers(name):
    """Every value of the table is a value of TensorFlow's enum."""
    originals = {value.name: value.number for value in ORIGINAL_ENUMS[name].values}
    ours = protos.ENUMS[name]
    assert ours == {value: originals[value] for value in ours}


def test_every_state_of_a_version_has_a_name():
    """No state is left out, so that none is shown as a number."""
    assert set(protos.ENUMS["State"].values()) == {
        value.number for value in ORIGINAL_ENUMS["State"].values
    }


def test_messages_are_read_by_the_originals():
    """A request that the client writes is a request that TF-Serving's own stubs read."""
    ours = protos.PredictRequest(output_filter=["probability"])
    ours.model_spec.name = "m"
    ours.model_spec.version.value = 2**63 - 1
    ours.inputs["text"].dtype = types_pb2.DT_STRING
    ours.inputs["text"].tensor_shape.dim.add(size=2)
    ours.inputs["text"].string_val.extend([b"a", b"\xff"])
    original = predict_pb2.PredictRequest.FromString(ours.SerializeToString())
    assert original.model_spec.version.value == 2**63 - 1
    assert list(original.inputs["text"].string_val) == [b"a", b"\xff"]
    assert protos.PredictRequest.FromString(original.SerializeToString()) == ours


def run_python(code):
    """Runs the code in a process of its own; returns what it printed."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_client_imports_no_large_library():
    """Neither TensorFlow nor TFX nor NumPy is imported by asking over either transport."""
    printed = run_python(
        "import sys\n"
        "from serving.client import AsyncClient, Client, Retries\n"
        "from serving.errors import UnavailableError\n"
        "print('grpc' in sys.modules, 'httpx' in sys.modules)\n"
        "for address in ('localhost:1', 'http://localhost:1'):\n"
        "    AsyncClient(address)\n"
        "    try:\n"
        "        Client(address, retries=Retries(attempts=1)).predict(['a'])\n"
        "    except UnavailableError:\n"
        "        print('asked')\n"
        "print('grpc' in sys.modules, 'httpx' in sys.modules)\n"
        "large = ('tensorflow', 'tensorflow_serving', 'tfx', 'numpy', 'keras', 'components')\n"
        "print([name for name in large if name in sys.modules])\n"
    )
    assert printed == ["False", "False", "asked", "asked", "True", "True", "[]"]


def test_the_client_and_tensorflow_share_a_process():
    """Both register their messages without a clash, in either order, and stay apart."""
    exchange = (
        "ours = protos.PredictRequest(output_filter=['a'])\n"
        "theirs = predict_pb2.PredictRequest.FromString(ours.SerializeToString())\n"
        "print(ours.DESCRIPTOR.full_name, theirs.DESCRIPTOR.full_name, *theirs.output_filter)\n"
    )
    printed = run_python(
        "import sys\n"
        "from serving.client import protos\n"
        "assert 'tensorflow' not in sys.modules\n"
        "import tensorflow\n"
        "from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc\n"
        "from tensorflow_serving.apis import get_model_status_pb2, get_model_metadata_pb2\n"
        + exchange
        # The other order: the client's messages are made anew, after TensorFlow's.
        + "first = protos\n"
        "del sys.modules['serving.client.protos'], sys.modules['serving.client'].protos\n"
        "from serving.client import protos\n"
        "assert protos is not first\n" + exchange
    )
    names = ["sentiment.client.PredictRequest", "tensorflow.serving.PredictRequest", "a"]
    assert printed == names * 2
