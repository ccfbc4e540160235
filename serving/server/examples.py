"""tf.Examples of Classify, Regress and MultiInference, and what their signatures must look like."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from google.protobuf import text_format
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import classification_pb2, input_pb2, regression_pb2

from serving.server.servable import Signature
from serving.server.tensors import dtype_of
from serving.status import StatusError, invalid_argument

INPUTS, OUTPUTS = "inputs", "outputs"
CLASSES, SCORES = "classes", "scores"
CLASSIFY_METHOD = "tensorflow/serving/classify"
REGRESS_METHOD = "tensorflow/serving/regress"


def extent(given: input_pb2.Input) -> tuple[int, int]:
    """Returns how many tf.Examples there are, and the bytes of the context before each."""
    if given.WhichOneof("kind") == "example_list_with_context":
        listed = given.example_list_with_context
        return len(listed.examples), listed.context.ByteSize()
    return len(given.example_list.examples), 0


def serialized(given: input_pb2.Input) -> np.ndarray:
    """Returns serialized tf.Examples <string>[batch], each behind the context if there is one."""
    if given.WhichOneof("kind") == "example_list_with_context":
        context = given.example_list_with_context.context.SerializeToString()
        examples = given.example_list_with_context.examples
    else:
        context, examples = b"", given.example_list.examples
    if not examples:
        raise invalid_argument("Input is empty.")
    array = np.empty(len(examples), object)
    array[:] = [context + example.SerializeToString() for example in examples]
    return array


def classification_fetches(signature: Signature, check_method_name: bool) -> tuple[str, list[str]]:
    """Returns the input's tensor and the aliases to fetch, or says why it cannot classify."""
    _check_method(signature, CLASSIFY_METHOD, "classification", check_method_name)
    if len(signature.inputs) != 1:
        raise invalid_argument("Expected one input Tensor.")
    if len(signature.outputs) not in (1, 2):
        raise invalid_argument(
            f"Expected one or two output Tensors, found {len(signature.outputs)}"
        )
    if INPUTS not in signature.inputs:
        raise _not_found("classification inputs", signature)
    aliases = [alias for alias in (CLASSES, SCORES) if alias in signature.outputs]
    if not aliases:
        raise invalid_argument(
            "Expected classification signature outputs to contain at least one of "
            f'"{CLASSES}" or "{SCORES}". Signature was: {_debug(signature)}'
        )
    return signature.inputs[INPUTS][0], aliases


def regression_fetches(signature: Signature, check_method_name: bool) -> tuple[str, list[str]]:
    """Returns the input's tensor and the aliases to fetch, or says why it cannot regress."""
    _check_method(signature, REGRESS_METHOD, "regression", check_method_name)
    if len(signature.inputs) != 1:
        raise invalid_argument("Expected one input Tensor.")
    if len(signature.outputs) != 1:
        raise invalid_argument("Expected one output Tensor.")
    if INPUTS not in signature.inputs:
        raise _not_found("regression inputs", signature)
    if OUTPUTS not in signature.outputs:
        raise _not_found("regression outputs", signature)
    return signature.inputs[INPUTS][0], [OUTPUTS]


def fill_classifications(
    outputs: Mapping[str, np.ndarray], batch: int, into: classification_pb2.ClassificationResult
) -> None:
    """Turns `classes` and `scores`, [batch, classes] each, into a result."""
    for alias, dtype in ((CLASSES, types_pb2.DT_STRING), (SCORES, types_pb2.DT_FLOAT)):
        if alias in outputs:
            _check_classes(alias, outputs[alias], dtype, batch)
    classes, scores = outputs.get(CLASSES), outputs.get(SCORES)
    widths = [array.shape[1] for array in (classes, scores) if array is not None]
    if len(set(widths)) > 1:
        raise invalid_argument(
            f"Tensors class and score should match in dim_size(1). Got {widths[0]} vs. {widths[1]}"
        )
    for row in range(batch):
        result = into.classifications.add()
        for column in range(widths[0]):
            one = result.classes.add()
            if classes is not None:
                one.label = classes[row, column].decode("utf-8", "replace")
            if scores is not None:
                one.score = scores[row, column]


def fill_regressions(output: np.ndarray, batch: int, into: regression_pb2.RegressionResult) -> None:
    """Turns `outputs`, [batch] or [batch, 1], into a result."""
    if not (output.ndim == 1 or (output.ndim == 2 and output.shape[1] == 1)):
        raise invalid_argument(
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got "
            f"{_shape(output)}"
        )
    if len(output) != batch:
        raise invalid_argument(
            f"Input batch size did not match output batch size: {batch} vs. {len(output)}"
        )
    if output.dtype != np.float32:
        raise invalid_argument(f"Expected output Tensor of DT_FLOAT.  Got: {_dtype(output)}")
    for value in output.reshape(-1).tolist():
        into.regressions.add().value = value


def _check_method(signature: Signature, method: str, kind: str, is_on: bool) -> None:
    arrived = signature.definition.method_name
    if is_on and arrived != method:
        raise invalid_argument(
            f"Expected {kind} signature method_name to be {method}. Was: {arrived}"
        )


def _check_classes(alias: str, array: np.ndarray, dtype: int, batch: int) -> None:
    if array.ndim != 2:
        raise invalid_argument(
            f"Expected Tensor shape: [batch_size num_classes] but got {_shape(array)}"
        )
    if dtype_of(array) != dtype:
        raise invalid_argument(
            f"Expected {alias} Tensor of {types_pb2.DataType.Name(dtype)}. Got: {_dtype(array)}"
        )
    if len(array) != batch:
        raise invalid_argument(f"Expected {alias} output batch size of {batch}. Got: {len(array)}")


def _not_found(what: str, signature: Signature) -> StatusError:
    return invalid_argument(f"No {what} found in SignatureDef: {_debug(signature)}")


def _debug(signature: Signature) -> str:
    return text_format.MessageToString(signature.definition)


def _dtype(array: np.ndarray) -> str:
    return types_pb2.DataType.Name(dtype_of(array))


def _shape(array: np.ndarray) -> str:
    return f"[{','.join(map(str, array.shape))}]"
