"""The calls of TF-Serving's two services, without a transport: messages in, messages out.

gRPC and REST come through here. Every text is TF-Serving's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf import any_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_pb2,
    predict_pb2,
    regression_pb2,
)

from serving.server.inference import Inference
from serving.server.metrics import Metrics
from serving.server.model_manager import ModelManager
from serving.server.servables import Servables
from serving.status import invalid_argument


class Handlers:
    """Finds the version that a request asks for, and lets it answer.

    Timeouts are in seconds, None for none. Every method raises StatusError for what cannot be
    answered.

    Attributes:
      servables: The versions that answer.
      inference: How they answer.
    """

    def __init__(
        self, servables: Servables, inference: Inference, manager: ModelManager, metrics: Metrics
    ):
        """Takes the parts; `manager` reports states and takes configurations."""
        self.servables = servables
        self.inference = inference
        self._manager = manager
        self._metrics = metrics

    def predict(
        self, request: predict_pb2.PredictRequest, timeout: float | None
    ) -> predict_pb2.PredictResponse:
        """Runs a signature on the request's tensors."""
        with self.servables.acquire(_spec_of(request)) as servable:
            return self.inference.predict(servable, request, timeout)

    def classify(
        self, request: classification_pb2.ClassificationRequest, timeout: float | None
    ) -> classification_pb2.ClassificationResponse:
        """Returns labels and scores of tf.Examples."""
        with self.servables.acquire(_spec_of(request)) as servable:
            return self.inference.classify(servable, request, timeout)

    def regress(
        self, request: regression_pb2.RegressionRequest, timeout: float | None
    ) -> regression_pb2.RegressionResponse:
        """Returns a number for each tf.Example."""
        with self.servables.acquire(_spec_of(request)) as servable:
            return self.inference.regress(servable, request, timeout)

    def multi_inference(
        self, request: inference_pb2.MultiInferenceRequest, timeout: float | None
    ) -> inference_pb2.MultiInferenceResponse:
        """Runs several signatures on the same tf.Examples."""
        spec = request.tasks[0].model_spec if request.tasks else model_pb2.ModelSpec()
        with self.servables.acquire(spec) as servable:
            return self.inference.multi_inference(servable, request, timeout)

    def metadata(
        self, request: get_model_metadata_pb2.GetModelMetadataRequest
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """Returns every signature of a version."""
        spec = _spec_of(request)
        if not request.metadata_field:
            raise invalid_argument(
                "GetModelMetadataRequest must specify at least one metadata_field"
            )
        for field in request.metadata_field:
            if field != "signature_def":
                raise invalid_argument(f"Metadata field {field} is not supported")
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        with self.servables.acquire(spec) as servable:
            signatures = get_model_metadata_pb2.SignatureDefMap()
            for name, definition in servable.model.signatures.items():
                signatures.signature_def[name].CopyFrom(definition)
            response.model_spec.name = spec.name
            response.model_spec.version.value = servable.version
        packed = any_pb2.Any()
        packed.Pack(signatures)
        response.metadata["signature_def"].CopyFrom(packed)
        return response

    def status(
        self, request: get_model_status_pb2.GetModelStatusRequest
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """Lists the states of a model's versions. A label is ignored."""
        spec = _spec_of(request)
        version = spec.version.value if spec.HasField("version") else None
        return get_model_status_pb2.GetModelStatusResponse(
            model_version_status=self._manager.status(spec.name, version)
        )

    def reload(
        self,
        request: model_management_pb2.ReloadConfigRequest,
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> model_management_pb2.ReloadConfigResponse:
        """Serves other models; waits for new ones for as long as `is_wanted` says."""
        if request.config.WhichOneof("config") != "model_config_list":
            raise invalid_argument(
                "ServerModelConfig type not supported by HandleReloadConfigRequest. Only "
                "ModelConfigList is currently supported"
            )
        before = self._metrics.values_by_name()
        self._manager.configure(request.config, is_wanted)
        after = self._metrics.values_by_name()
        response = model_management_pb2.ReloadConfigResponse()
        response.status.SetInParent()
        for name in getattr(request, "metric_names", ()):
            if name in after:
                response.metric.add(name=name, int64_value_increase=after[name] - before[name])
        return response


def _spec_of(request: Any) -> model_pb2.ModelSpec:
    if not request.HasField("model_spec"):
        raise invalid_argument("Missing ModelSpec")
    return request.model_spec
