"""What a loaded version answers, without a transport: messages in, messages out.

The handlers and the warm-up come through here. The order of the checks and every text are
TF-Serving's.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
from tensorflow_serving.apis import (
    classification_pb2,
    inference_pb2,
    input_pb2,
    model_pb2,
    predict_pb2,
    regression_pb2,
)

from serving.server import examples, slicing, tensors
from serving.server.admission import LARGE_COUNT, Gate, in_turns
from serving.server.metrics import Metrics
from serving.server.saved_model import dtype_name
from serving.server.servable import Servable, Signature
from serving.server.type_names import type_name
from serving.signature_names import PREDICT_TEXT, SERVING_DEFAULT
from serving.status import Code, StatusError, invalid_argument, resource_exhausted

_METHOD_NAMES = (
    "tensorflow/serving/predict",
    examples.CLASSIFY_METHOD,
    examples.REGRESS_METHOD,
)
# The inputs of a pushed model's signatures for serialized tf.Examples.
_EXAMPLES = ({"examples": "DT_STRING"}, {examples.INPUTS: "DT_STRING"})


class Inference:
    """Answers requests by a given version. Timeouts are in seconds, None for none.

    Every method raises StatusError, with TF-Serving's code and text, for what cannot be answered.
    """

    def __init__(
        self,
        metrics: Metrics,
        *,
        check_method_name: bool = False,
        as_tensor_content: bool = False,
        tensor_limits: tensors.TensorLimits = tensors.DEFAULT_LIMITS,
        documents: Gate | None = None,
    ):
        """Takes what the flags say.

        Args:
          metrics: What counts.
          check_method_name: Refuse a signature whose `method_name` is not the call's.
          as_tensor_content: Answer with `tensor_content` instead of the typed fields.
          tensor_limits: Of what a request's tensor may hold.
          documents: The limit on requests of many strings that are read at a time; None: one at
            a time.
        """
        self._metrics = metrics
        self._check_method_name = check_method_name
        self._as_tensor_content = as_tensor_content
        self._tensor_limits = tensor_limits
        self._documents = documents or Gate(1)

    def predict(
        self, servable: Servable, request: predict_pb2.PredictRequest, timeout: float | None
    ) -> predict_pb2.PredictResponse:
        """Runs a signature on the request's tensors."""
        name = request.model_spec.signature_name or SERVING_DEFAULT
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
        """Checks the arrays that a REST body held as `predict` checks a request's tensors."""
        self._check_method_of(signature)
        _check_count(signature, arrays)

    def classify(
        self,
        servable: Servable,
        request: classification_pb2.ClassificationRequest,
        timeout: float | None,
    ) -> classification_pb2.ClassificationResponse:
        """Returns labels and scores of tf.Examples."""
        response = classification_pb2.ClassificationResponse()
        outputs, batch = self._run_examples(
            "Classify", examples.classification_fetches, servable, request, response, timeout
        )
        examples.fill_classifications(outputs, batch, response.result)
        return response

    def regress(
        self, servable: Servable, request: regression_pb2.RegressionRequest, timeout: float | None
    ) -> regression_pb2.RegressionResponse:
        """Returns a number for each tf.Example."""
        response = regression_pb2.RegressionResponse()
        outputs, batch = self._run_examples(
            "Regress", examples.regression_fetches, servable, request, response, timeout
        )
        examples.fill_regressions(outputs[examples.OUTPUTS], batch, response.result)
        return response

    def multi_inference(
        self,
        servable: Servable,
        request: inference_pb2.MultiInferenceRequest,
        timeout: float | None,
    ) -> inference_pb2.MultiInferenceResponse:
        """Runs several signatures on the same tf.Examples."""
        inputs, fetches = self._plan_tasks(servable, request)
        batch_of_examples = self._serialized(request.input, timeout)
        feeds = dict.fromkeys(sorted(inputs), batch_of_examples)
        names = sorted(fetches)
        values = self._timed(servable, "MultiInference", feeds, names, timeout)
        self._metrics.count_examples(servable.name, len(batch_of_examples))
        by_tensor = dict(zip(names, values, strict=True))
        response = inference_pb2.MultiInferenceResponse()
        for task in request.tasks:
            name = task.model_spec.signature_name or SERVING_DEFAULT
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
            name = task.model_spec.signature_name or SERVING_DEFAULT
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

    def _run_examples(
        self,
        api: str,
        plan: Callable[[Signature, bool], tuple[str, list[str]]],
        servable: Servable,
        request: classification_pb2.ClassificationRequest | regression_pb2.RegressionRequest,
        response: classification_pb2.ClassificationResponse | regression_pb2.RegressionResponse,
        timeout: float | None,
    ) -> tuple[dict[str, np.ndarray], int]:
        """Runs a signature on the request's tf.Examples and names it in the response.

        Returns:
          The outputs, each [batch, ...], that `plan` asks for; and the size of the batch.
        """
        name, signature = _signature(servable, request.model_spec)
        feed, aliases = plan(signature, self._check_method_name)
        batch = self._serialized(request.input, timeout)
        fetches = [signature.outputs[alias] for alias in aliases]
        values = self._timed(servable, api, {feed: batch}, fetches, timeout)
        self._metrics.count_examples(servable.name, len(batch))
        _fill_spec(response.model_spec, request.model_spec.name, servable, name)
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
            raise resource_exhausted(
                f"A context of {context_size} bytes goes before each of {count} tf.Examples. "
                f"Together they take {context_size * count} bytes, and {limits.max_filled_bytes} "
                "are allowed (--max_filled_bytes). Send fewer tf.Examples at a time"
            )
        with self._reading(count, None if timeout is None else time.monotonic() + timeout):
            return examples.serialized(given)

    @contextlib.contextmanager
    def _reading(self, count: int, deadline: float | None) -> Iterator[None]:
        """Waits for its turn where a request has many strings to read."""
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


def _fill_spec(spec: model_pb2.ModelSpec, name: str, servable: Servable, signature: str) -> None:
    spec.name = name
    spec.version.value = servable.version
    spec.signature_name = signature


def _signature(servable: Servable, spec: model_pb2.ModelSpec) -> tuple[str, Signature]:
    name = spec.signature_name or SERVING_DEFAULT
    if name not in servable.signatures:
        raise invalid_argument(f"No signature was found with the name: {name}")
    return name, servable.signatures[name]


def _with_hint(error: StatusError, servable: Servable, signature: Signature) -> StatusError:
    """Adds to TF-Serving's error message which signature takes raw text."""
    takes_examples = dict(signature.input_types) in _EXAMPLES
    if (
        error.code is not Code.INVALID_ARGUMENT
        or not takes_examples
        or PREDICT_TEXT not in servable.signatures
    ):
        return error
    return invalid_argument(
        f"{error.message}\nThis signature takes serialized tf.Examples. For raw text, ask for "
        f'"signature_name": "{PREDICT_TEXT}"'
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
