"""What each call answers, without a transport: messages in, messages out, StatusError otherwise.

gRPC, REST and the warm-up come through here. The order of the checks and every text are
TF-Serving's.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from google.protobuf import any_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    input_pb2,
    model_management_pb2,
    model_pb2,
    predict_pb2,
    regression_pb2,
)

from serving.server import examples, slicing, tensors
from serving.server.admission import LARGE_COUNT, Gate, in_turns
from serving.server.metrics import Metrics
from serving.server.model_store import ModelStore
from serving.server.rest.json_tensors import type_name
from serving.server.saved_model import dtype_name
from serving.server.servable import DEFAULT_SIGNATURE, TEXT_SIGNATURE, Servable, Signature
from serving.status import Code, StatusError, invalid_argument

_METHOD_NAMES = (
    "tensorflow/serving/predict",
    examples.CLASSIFY_METHOD,
    examples.REGRESS_METHOD,
)


# How the inputs of a pushed model's signatures for serialized tf.Examples are called.
_EXAMPLES = ({"examples": "DT_STRING"}, {examples.INPUTS: "DT_STRING"})


class Handlers:
    """Answers requests about the models of a store. Timeouts are in seconds, None for none."""

    def __init__(
        self,
        store: ModelStore,
        metrics: Metrics,
        *,
        check_method_name: bool = False,
        as_tensor_content: bool = False,
        tensor_limits: tensors.TensorLimits = tensors.DEFAULT_LIMITS,
        documents: Gate | None = None,
    ):
        """Takes the models, how strict to be about them, and how to read and write tensors.

        Requests of many strings are read one at a time, in turns at `documents`.
        """
        self.store = store
        self._metrics = metrics
        self._check_method_name = check_method_name
        self._as_tensor_content = as_tensor_content
        self._tensor_limits = tensor_limits
        self._documents = documents or Gate(1)

    def predict(
        self, request: predict_pb2.PredictRequest, timeout: float | None
    ) -> predict_pb2.PredictResponse:
        """Runs a signature on the request's tensors."""
        with self.store.acquire(_spec_of(request)) as servable:
            return self.predict_on(servable, request, timeout)

    def predict_on(
        self, servable: Servable, request: predict_pb2.PredictRequest, timeout: float | None
    ) -> predict_pb2.PredictResponse:
        """Runs a signature of a given version."""
        name = request.model_spec.signature_name or DEFAULT_SIGNATURE
        signature = servable.signatures.get(name)
        if signature is None:
            raise StatusError(
                Code.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.'
            )
        self._check_method_of(signature)
        deadline = None if timeout is None else time.monotonic() + timeout
        strings = sum(tensors.count_strings(tensor) for tensor in request.inputs.values())
        with self._reading(strings, deadline):
            arrays = _read_inputs(signature, request.inputs, self._tensor_limits)
        if deadline is not None:
            timeout = deadline - time.monotonic()
        outputs = self.run(servable, signature, arrays, request.output_filter, timeout)
        response = predict_pb2.PredictResponse()
        _fill_spec(response.model_spec, request.model_spec.name, servable, name)
        for alias, array in outputs.items():
            tensors.write(array, response.outputs[alias], as_content=self._as_tensor_content)
        return response

    def run(
        self,
        servable: Servable,
        signature: Signature,
        arrays: Mapping[str, np.ndarray],
        output_filter: Sequence[str],
        timeout: float | None,
    ) -> dict[str, np.ndarray]:
        """Runs a signature on arrays by alias; `output_filter` empty asks for all outputs."""
        aliases = _filtered(signature, output_filter)
        for index, alias in enumerate(signature.feed_order):
            expected = signature.inputs[alias][1]
            arrived = tensors.dtype_of(arrays[alias])
            if arrived != expected:
                raise invalid_argument(
                    f"Expects arg[{index}] to be {type_name(dtype_name(expected))} but "
                    f"{type_name(dtype_name(arrived))} is provided"
                )
        feeds = {signature.inputs[alias][0]: array for alias, array in arrays.items()}
        fetches = [signature.outputs[alias] for alias in aliases]
        try:
            values = self._timed(servable, "Predict", feeds, fetches, timeout)
        except StatusError as error:
            raise _with_hint(error, servable, signature) from error
        return dict(zip(aliases, values, strict=True))

    def check_arrays(self, signature: Signature, arrays: Mapping[str, np.ndarray]) -> None:
        """Checks the arrays that a REST body held as `predict_on` checks a request's tensors."""
        self._check_method_of(signature)
        _check_count(signature, arrays)

    def classify(
        self, request: classification_pb2.ClassificationRequest, timeout: float | None
    ) -> classification_pb2.ClassificationResponse:
        """Returns labels and scores of tf.Examples."""
        with self.store.acquire(_spec_of(request)) as servable:
            return self.classify_on(servable, request, timeout)

    def classify_on(
        self,
        servable: Servable,
        request: classification_pb2.ClassificationRequest,
        timeout: float | None,
    ) -> classification_pb2.ClassificationResponse:
        """Classifies by a given version."""
        name, signature = _signature(servable, request.model_spec)
        feed, aliases = examples.classification_fetches(signature, self._check_method_name)
        outputs, batch = self._run_examples(
            servable, "Classify", request.input, feed, signature, aliases, timeout
        )
        response = classification_pb2.ClassificationResponse()
        _fill_spec(response.model_spec, request.model_spec.name, servable, name)
        examples.fill_classifications(outputs, batch, response.result)
        return response

    def regress(
        self, request: regression_pb2.RegressionRequest, timeout: float | None
    ) -> regression_pb2.RegressionResponse:
        """Returns a number for each tf.Example."""
        with self.store.acquire(_spec_of(request)) as servable:
            return self.regress_on(servable, request, timeout)

    def regress_on(
        self,
        servable: Servable,
        request: regression_pb2.RegressionRequest,
        timeout: float | None,
    ) -> regression_pb2.RegressionResponse:
        """Regresses by a given version."""
        name, signature = _signature(servable, request.model_spec)
        feed, aliases = examples.regression_fetches(signature, self._check_method_name)
        outputs, batch = self._run_examples(
            servable, "Regress", request.input, feed, signature, aliases, timeout
        )
        response = regression_pb2.RegressionResponse()
        _fill_spec(response.model_spec, request.model_spec.name, servable, name)
        examples.fill_regressions(outputs[examples.OUTPUTS], batch, response.result)
        return response

    def multi_inference(
        self, request: inference_pb2.MultiInferenceRequest, timeout: float | None
    ) -> inference_pb2.MultiInferenceResponse:
        """Runs several signatures on the same tf.Examples."""
        spec = request.tasks[0].model_spec if request.tasks else model_pb2.ModelSpec()
        with self.store.acquire(spec) as servable:
            return self.multi_inference_on(servable, request, timeout)

    def multi_inference_on(
        self,
        servable: Servable,
        request: inference_pb2.MultiInferenceRequest,
        timeout: float | None,
    ) -> inference_pb2.MultiInferenceResponse:
        """Runs several signatures of a given version."""
        inputs, fetches = self._plan_tasks(servable, request)
        batch_of_examples = self._serialized(request.input, timeout)
        feeds = dict.fromkeys(sorted(inputs), batch_of_examples)
        names = sorted(fetches)
        values = self._timed(servable, "MultiInference", feeds, names, timeout)
        self._metrics.count_examples(servable.name, len(batch_of_examples))
        by_tensor = dict(zip(names, values, strict=True))
        response = inference_pb2.MultiInferenceResponse()
        for task in request.tasks:
            name = task.model_spec.signature_name or DEFAULT_SIGNATURE
            signature = servable.signatures[name]
            outputs = {
                alias: by_tensor[tensor]
                for alias, tensor in signature.outputs.items()
                if tensor in by_tensor
            }
            result = response.results.add()
            _fill_spec(result.model_spec, task.model_spec.name, servable, name)
            if task.method_name == examples.CLASSIFY_METHOD:
                examples.fill_classifications(
                    outputs, len(batch_of_examples), result.classification_result
                )
            else:
                examples.fill_regressions(
                    outputs[examples.OUTPUTS], len(batch_of_examples), result.regression_result
                )
        return response

    def _plan_tasks(
        self, servable: Servable, request: inference_pb2.MultiInferenceRequest
    ) -> tuple[set[str], set[str]]:
        """Returns the tensors to feed the examples to, one a signature, and those to fetch."""
        feeds: set[str] = set()
        fetches: set[str] = set()
        seen: set[str] = set()
        for task in request.tasks:
            if not task.model_spec.name:
                raise invalid_argument("Found ModelSpec with an empty model name.")
            if task.model_spec.name != request.tasks[0].model_spec.name:
                raise invalid_argument(
                    "All ModelSpecs in a MultiInferenceRequest must access the same model name."
                )
            name = task.model_spec.signature_name or DEFAULT_SIGNATURE
            if name in seen:
                raise invalid_argument(f"Duplicate evaluation of signature: {name}")
            seen.add(name)
            signature = servable.signatures.get(name)
            if signature is None:
                raise invalid_argument(f"Requested signature not found in model graph: {name}")
            if task.method_name == examples.CLASSIFY_METHOD:
                plan = examples.classification_fetches
            elif task.method_name == examples.REGRESS_METHOD:
                plan = examples.regression_fetches
            else:
                raise StatusError(
                    Code.UNIMPLEMENTED, f"Unsupported signature method_name: {task.method_name}"
                )
            feed, aliases = plan(signature, self._check_method_name)
            feeds.add(feed)
            fetches.update(signature.outputs[alias] for alias in aliases)
        return feeds, fetches

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
        with self.store.acquire(spec) as servable:
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
            model_version_status=self.store.status(spec.name, version)
        )

    def reload(
        self,
        request: model_management_pb2.ReloadConfigRequest,
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> model_management_pb2.ReloadConfigResponse:
        """Serves other models; new ones are awaited for as long as the call is wanted."""
        if request.config.WhichOneof("config") != "model_config_list":
            raise invalid_argument(
                "ServerModelConfig type not supported by HandleReloadConfigRequest. Only "
                "ModelConfigList is currently supported"
            )
        before = self._metrics.values_by_name()
        self.store.configure(request.config, is_wanted)
        after = self._metrics.values_by_name()
        response = model_management_pb2.ReloadConfigResponse()
        response.status.SetInParent()
        for name in getattr(request, "metric_names", ()):
            if name in after:
                response.metric.add(name=name, int64_value_increase=after[name] - before[name])
        return response

    def _run_examples(
        self,
        servable: Servable,
        api: str,
        given: input_pb2.Input,
        feed: str,
        signature: Signature,
        aliases: Sequence[str],
        timeout: float | None,
    ) -> tuple[dict[str, np.ndarray], int]:
        batch = self._serialized(given, timeout)
        fetches = [signature.outputs[alias] for alias in aliases]
        values = self._timed(servable, api, {feed: batch}, fetches, timeout)
        self._metrics.count_examples(servable.name, len(batch))
        return dict(zip(aliases, values, strict=True)), len(batch)

    def _timed(
        self,
        servable: Servable,
        api: str,
        feeds: Mapping[str, np.ndarray],
        fetches: Sequence[str],
        timeout: float | None,
    ) -> list[np.ndarray]:
        started = time.perf_counter()
        values = servable.run(feeds, fetches, timeout)
        elapsed = (time.perf_counter() - started) * 1e6
        self._metrics.runtime_latency.add(elapsed, servable.name, api, "TF1")
        return values

    def _serialized(self, given: input_pb2.Input, timeout: float | None) -> np.ndarray:
        """Returns the tf.Examples of a request, unless they are too many or grow too large."""
        limits = self._tensor_limits
        count, context_size = examples.extent(given)
        slicing.check_rows(count, limits.max_rows_per_request)
        if context_size * count > limits.max_filled_bytes:
            raise StatusError(
                Code.RESOURCE_EXHAUSTED,
                f"A context of {context_size} bytes goes before each of {count} tf.Examples. "
                f"Together they take {context_size * count} bytes, and {limits.max_filled_bytes} "
                "are allowed (--max_filled_bytes). Send fewer tf.Examples at a time",
            )
        with self._reading(count, None if timeout is None else time.monotonic() + timeout):
            return examples.serialized(given)

    @contextlib.contextmanager
    def _reading(self, count: int, deadline: float | None) -> Iterator[None]:
        """Lets many strings be read when it is their turn."""
        if count <= LARGE_COUNT:
            yield
            return
        with self._documents.turn(deadline), in_turns():
            yield

    def _check_method_of(self, signature: Signature) -> None:
        method = signature.definition.method_name
        if self._check_method_name and method not in _METHOD_NAMES:
            raise StatusError(
                Code.INTERNAL,
                "Expected prediction signature method_name to be one of "
                f"{{{', '.join(_METHOD_NAMES)}}}. Was: {method}",
            )


def _spec_of(request: Any) -> model_pb2.ModelSpec:
    if not request.HasField("model_spec"):
        raise invalid_argument("Missing ModelSpec")
    return request.model_spec


def _fill_spec(spec: model_pb2.ModelSpec, name: str, servable: Servable, signature: str) -> None:
    spec.name = name
    spec.version.value = servable.version
    spec.signature_name = signature


def _signature(servable: Servable, spec: model_pb2.ModelSpec) -> tuple[str, Signature]:
    name = spec.signature_name or DEFAULT_SIGNATURE
    if name not in servable.signatures:
        raise invalid_argument(f"No signature was found with the name: {name}")
    return name, servable.signatures[name]


def _with_hint(error: StatusError, servable: Servable, signature: Signature) -> StatusError:
    """Says which signature takes raw text, behind TF-Serving's words for where it went wrong."""
    takes_examples = dict(signature.input_types) in _EXAMPLES
    if (
        error.code is not Code.INVALID_ARGUMENT
        or not takes_examples
        or TEXT_SIGNATURE not in servable.signatures
    ):
        return error
    return invalid_argument(
        f"{error.message}\nThis signature takes serialized tf.Examples. For raw text, ask for "
        f'"signature_name": "{TEXT_SIGNATURE}"'
    )


def _filtered(signature: Signature, output_filter: Sequence[str]) -> list[str]:
    aliases: list[str] = []
    for alias in output_filter:
        if alias not in signature.outputs:
            raise invalid_argument(
                f"output tensor alias not found in signature: {alias} Outputs expected to be in "
                f"the set {_set(signature.outputs)}."
            )
        if alias in aliases:
            raise invalid_argument(f"duplicate output tensor alias: {alias}")
        aliases.append(alias)
    return aliases or list(signature.outputs)


def _check_count(signature: Signature, given: Mapping) -> None:
    defaults = getattr(signature.definition, "defaults", {})
    inputs = signature.inputs
    if len(given) > len(inputs) or (len(given) < len(inputs) and not defaults):
        raise invalid_argument(
            f"input size does not match signature: {len(given)}!={len(inputs)} "
            f"len({_set(given)}) != len({_set(inputs)}). "
            f"Sent extra: {_set(set(given) - set(inputs))}. "
            f"Missing but required: {_set(set(inputs) - set(given))}."
        )


def _read_inputs(
    signature: Signature, given: Mapping, limits: tensors.TensorLimits
) -> dict[str, np.ndarray]:
    """Reads the request's tensors by alias, and the signature's defaults where there are some."""
    _check_count(signature, given)
    defaults = getattr(signature.definition, "defaults", {})
    inputs = signature.inputs
    arrays, used = {}, []
    for alias, (tensor_name, _) in inputs.items():
        if alias in given:
            proto = given[alias]
            used.append(alias)
        elif alias in defaults:
            proto = defaults[alias]
        else:
            raise invalid_argument(
                f"Signature input alias: {alias}(feed name: {tensor_name}) not found in request "
                "and no default value provided. Inputs expected to be in the request "
                f"{_set(given)}, or default input alias set: {','.join(sorted(defaults))}"
            )
        array = tensors.to_array(proto, limits)
        if array is None:
            raise invalid_argument(f"tensor parsing error: {alias}")
        arrays[alias] = array
    if given and len(used) != len(given):
        raise invalid_argument(
            f"Inputs contains invalid name. Used request inputs: {','.join(used)}, request "
            f"input: {','.join(sorted(given))}"
        )
    return arrays


def _set(names: Iterable[str]) -> str:
    return f"{{{','.join(sorted(names))}}}"
