"""What is known of a model -> the bodies of TF-Serving's REST responses to GET."""

from __future__ import annotations

import json

from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

from serving.server.saved_model import dtype_name
from serving.server.version_policy import State
from serving.status import Code


def write_status(response: get_model_status_pb2.GetModelStatusResponse) -> str:
    """Writes the states of a model's versions."""
    return _pretty(
        {
            "model_version_status": [
                {
                    "version": str(one.version),
                    "state": State.Name(one.state),
                    "status": {
                        "error_code": Code(one.status.error_code).name,
                        "error_message": one.status.error_message,
                    },
                }
                for one in response.model_version_status
            ]
        }
    )


def write_metadata(response: get_model_metadata_pb2.GetModelMetadataResponse) -> str:
    """Writes the signatures of a version."""
    signatures = get_model_metadata_pb2.SignatureDefMap()
    response.metadata["signature_def"].Unpack(signatures)
    return _pretty(
        {
            "model_spec": {
                "name": response.model_spec.name,
                "signature_name": "",
                "version": str(response.model_spec.version.value),
            },
            "metadata": {
                "signature_def": {
                    "signature_def": {
                        name: _signature_as_json(signatures.signature_def[name])
                        for name in signatures.signature_def
                    }
                }
            },
        }
    )


def _signature_as_json(signature: meta_graph_pb2.SignatureDef) -> dict:
    return {
        "inputs": {alias: _tensor_as_json(signature.inputs[alias]) for alias in signature.inputs},
        "outputs": {
            alias: _tensor_as_json(signature.outputs[alias]) for alias in signature.outputs
        },
        "method_name": signature.method_name,
        "defaults": {},
    }


def _tensor_as_json(info: meta_graph_pb2.TensorInfo) -> dict:
    return {
        "dtype": dtype_name(info.dtype),
        "tensor_shape": {
            "dim": [{"size": str(dim.size), "name": dim.name} for dim in info.tensor_shape.dim],
            "unknown_rank": info.tensor_shape.unknown_rank,
        },
        "name": info.name,
    }


def _pretty(value: dict) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False)
