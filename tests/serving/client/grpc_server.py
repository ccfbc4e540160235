"""A gRPC server that speaks TF-Serving's protocol by TensorFlow's own stubs."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from typing import Any

import grpc
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from serving.status import Code
from tests.serving.client import backend as planned


@contextmanager
def grpc_server(
    backend: planned.Backend,
    credentials: grpc.ServerCredentials | None = None,
    port: int = 0,
    most_calls: int | None = None,
) -> Iterator[str]:
    """Serves gRPC on loopback; gives its address. Beyond `most_calls` at a time, gRPC refuses."""
    server = grpc.server(
        futures.ThreadPoolExecutor(most_calls or 4), maximum_concurrent_rpcs=most_calls
    )
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        PredictionService(backend), server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(backend), server)
    if credentials is None:
        port = server.add_insecure_port(f"127.0.0.1:{port}")
    else:
        port = server.add_secure_port(f"127.0.0.1:{port}", credentials)
    server.start()
    try:
        yield f"{planned.CERTIFIED_HOST}:{port}"
    finally:
        server.stop(0).wait()


@contextmanager
def aborts(context: grpc.ServicerContext) -> Iterator[None]:
    try:
        yield
    except planned.PlannedError as failure:
        code = next(one for one in grpc.StatusCode if one.value[0] == failure.code)
        context.abort(code, failure.message)


def version_of(spec: Any) -> int | None:
    return spec.version.value if spec.WhichOneof("version_choice") == "version" else None


def label_of(spec: Any) -> str | None:
    return spec.version_label if spec.WhichOneof("version_choice") == "version_label" else None


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict, Classify and GetModelMetadata, from the backend."""

    def __init__(self, backend: planned.Backend):
        """Takes the model."""
        self.backend = backend

    def Predict(self, request, context):  # noqa: N802 -- the service's name
        """Answers, or aborts with a planned error."""
        spec = request.model_spec
        inputs = {name: list(tf.make_ndarray(one)) for name, one in request.inputs.items()}
        with aborts(context):
            self.backend.begin("predict", len(next(iter(inputs.values()))), version_of(spec))
            version = self.backend.loaded(spec.name, version_of(spec), label_of(spec))
            outputs = self.backend.predict(spec.signature_name, inputs)
        response = predict_pb2.PredictResponse()
        response.model_spec.name = spec.name
        response.model_spec.version.value = version
        for name, value in outputs.items():
            response.outputs[name].CopyFrom(
                tf.make_tensor_proto(value, tf.float32)
                if isinstance(first_of(value), float)
                else tf.make_tensor_proto(value)
            )
        return response

    def Classify(self, request, context):  # noqa: N802
        """Answers, or aborts with a planned error."""
        spec = request.model_spec
        texts = [
            example.features.feature["text"].bytes_list.value[0]
            for example in request.input.example_list.examples
        ]
        with aborts(context):
            self.backend.begin("classify", len(texts), version_of(spec))
            version = self.backend.loaded(spec.name, version_of(spec), label_of(spec))
        response = classification_pb2.ClassificationResponse()
        response.model_spec.version.value = version
        for classes in self.backend.classes(texts):
            row = response.result.classifications.add()
            for label, score in classes:
                row.classes.add(label=label, score=score)
        return response

    def GetModelMetadata(self, request, context):  # noqa: N802
        """Answers, or aborts with a planned error."""
        spec = request.model_spec
        assert list(request.metadata_field) == ["signature_def"]
        with aborts(context):
            self.backend.begin("metadata", None, version_of(spec))
            version = self.backend.loaded(spec.name, version_of(spec), label_of(spec))
        signatures = get_model_metadata_pb2.SignatureDefMap()
        for name, (inputs, outputs) in planned.SIGNATURES.items():
            signature = meta_graph_pb2.SignatureDef(method_name="tensorflow/serving/predict")
            for infos, described in ((signature.inputs, inputs), (signature.outputs, outputs)):
                for alias, shape in described.items():
                    infos[alias].dtype = tf.as_dtype(
                        tf.float32 if planned.dtype_of(alias) == "DT_FLOAT" else tf.string
                    ).as_datatype_enum
                    infos[alias].tensor_shape.CopyFrom(
                        tf.TensorShape([None if n < 0 else n for n in shape]).as_proto()
                    )
            signatures.signature_def[name].CopyFrom(signature)
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.model_spec.version.value = version
        response.metadata["signature_def"].Pack(signatures)
        return response


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """GetModelStatus, from the backend."""

    def __init__(self, backend: planned.Backend):
        """Takes the model."""
        self.backend = backend

    def GetModelStatus(self, request, context):  # noqa: N802
        """Answers, or aborts with a planned error."""
        with aborts(context):
            self.backend.begin("status", None, version_of(request.model_spec))
            versions = planned.statuses(
                self.backend, request.model_spec.name, version_of(request.model_spec)
            )
        response = get_model_status_pb2.GetModelStatusResponse()
        for number, state, code, message in versions:
            one = response.model_version_status.add(version=number)
            one.state = get_model_status_pb2.ModelVersionStatus.State.Value(state)
            one.status.error_code = int(Code[code])
            one.status.error_message = message
        return response


def first_of(value: Any) -> Any:
    while isinstance(value, list) and value:
        value = value[0]
    return value
