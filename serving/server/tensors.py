"""TensorProto <-> numpy, with TensorFlow's own tolerance.

Not tf.make_ndarray: a typed field may hold fewer values than the shape (the last is repeated) or
more (the rest is dropped), and answers use typed fields, as TF-Serving's do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, types_pb2

from serving.status import resource_exhausted

_FIELDS = {
    types_pb2.DT_FLOAT: "float_val",
    types_pb2.DT_DOUBLE: "double_val",
    types_pb2.DT_INT8: "int_val",
    types_pb2.DT_INT16: "int_val",
    types_pb2.DT_INT32: "int_val",
    types_pb2.DT_UINT8: "int_val",
    types_pb2.DT_UINT16: "int_val",
    types_pb2.DT_UINT32: "uint32_val",
    types_pb2.DT_UINT64: "uint64_val",
    types_pb2.DT_INT64: "int64_val",
    types_pb2.DT_BOOL: "bool_val",
    types_pb2.DT_STRING: "string_val",
    types_pb2.DT_HALF: "half_val",
    types_pb2.DT_BFLOAT16: "half_val",
    types_pb2.DT_COMPLEX64: "scomplex_val",
    types_pb2.DT_COMPLEX128: "dcomplex_val",
}
_AS_BITS = (types_pb2.DT_HALF, types_pb2.DT_BFLOAT16)
_AS_PAIRS = (types_pb2.DT_COMPLEX64, types_pb2.DT_COMPLEX128)
NUMPY_TYPES = {dtype: tf.dtypes.as_dtype(dtype).as_numpy_dtype for dtype in _FIELDS}
_DTYPES = {np.dtype(numpy_type): dtype for dtype, numpy_type in NUMPY_TYPES.items()}

# numpy's limit on every version; a TensorFlow shape may have 254.
_MAX_RANK = 32
# Values that are copied in one call.
_PIECE = 2**14
_MAX_BYTES = 2**31


@dataclass(frozen=True)
class TensorLimits:
    """What a tensor may hold. TF-Serving has no such limits; named after the flags.

    Attributes:
      max_filled_bytes: Size of a tensor that is sent with fewer values than its shape has: they
        cost a caller nothing, and the server several times their size.
      max_values_per_message: Numbers in a typed field; 0 is no limit.
      max_fields_per_message: Strings, however they are sent; 0 is no limit.
      max_rows_per_request: tf.Examples of a request; 0 is no limit.
    """

    max_filled_bytes: int = 2**24
    max_values_per_message: int = 2**22
    max_fields_per_message: int = 2**20
    max_rows_per_request: int = 16_384

    def check_strings(self, count: int) -> None:
        """Refuses a tensor of too many strings.

        Raises:
          StatusError: RESOURCE_EXHAUSTED.
        """
        if 0 < self.max_fields_per_message < count:
            raise resource_exhausted(
                f"A tensor lists {count} strings; at most {self.max_fields_per_message} are taken "
                "at a time (--max_fields_per_message). Send fewer"
            )

    def check_numbers(self, count: int) -> None:
        """Refuses a tensor that lists too many numbers.

        Raises:
          StatusError: RESOURCE_EXHAUSTED.
        """
        if 0 < self.max_values_per_message < count:
            raise resource_exhausted(
                f"A tensor lists {count} values; at most {self.max_values_per_message} are taken "
                "at a time (--max_values_per_message). Send fewer, or as tensor_content"
            )


DEFAULT_LIMITS = TensorLimits()


def to_array(
    proto: tensor_pb2.TensorProto, limits: TensorLimits = DEFAULT_LIMITS
) -> np.ndarray | None:
    """Reads a tensor; None when TensorFlow could not parse it. Strings are objects, bytes.

    Raises:
      StatusError: RESOURCE_EXHAUSTED; it is beyond the limits.
    """
    dtype = proto.dtype
    field = _FIELDS.get(dtype)
    shape = [dimension.size for dimension in proto.tensor_shape.dim]
    if field is None or proto.tensor_shape.unknown_rank or len(shape) > _MAX_RANK:
        return None
    numpy_type = np.dtype(NUMPY_TYPES[dtype])
    count = math.prod(shape)
    # numpy takes a size of 0 for 1 when it looks at its own limit.
    largest = math.prod(max(size, 1) for size in shape) * numpy_type.itemsize
    if any(size < 0 for size in shape) or largest > _MAX_BYTES:
        return None
    if proto.tensor_content:
        if numpy_type.hasobject:
            if count > len(proto.tensor_content):  # each string has a byte for its length
                return None
            limits.check_strings(count)
        return _from_content(proto.tensor_content, numpy_type, count, shape)
    values = getattr(proto, field)
    if numpy_type.hasobject:
        limits.check_strings(len(values))
    else:
        limits.check_numbers(len(values))
    flat = _read_list(values, dtype, numpy_type, count)
    if len(flat) < count:
        filling = flat[-1] if len(flat) else (b"" if dtype == types_pb2.DT_STRING else 0)
        size = numpy_type.itemsize + (len(filling) if isinstance(filling, bytes) else 0)
        if count * size > limits.max_filled_bytes:
            raise resource_exhausted(
                f"A tensor of shape {shape} came with {len(flat)} values. Filling it up takes "
                f"{count * size} bytes, and {limits.max_filled_bytes} are allowed "
                "(--max_filled_bytes). Send all values, or a smaller shape"
            )
        filled = np.full(count, filling, numpy_type)
        filled[: len(flat)] = flat
        flat = filled
    return flat[:count].reshape(shape)


def _read_list(values: Sequence[Any], dtype: int, numpy_type: np.dtype, count: int) -> np.ndarray:
    """Reads a typed field, up to the `count` that its shape has: TensorFlow drops the rest."""
    if dtype in _AS_PAIRS:
        real = np.zeros(1, numpy_type).real.dtype
        return _in_pieces(values, real, min(len(values) // 2, count) * 2).view(numpy_type)
    kept = min(len(values), count)
    if dtype in _AS_BITS:
        return _in_pieces(values, np.dtype(np.int64), kept).astype(np.uint16).view(numpy_type)
    if _FIELDS[dtype] == "int_val":
        return _in_pieces(values, np.dtype(np.int64), kept).astype(numpy_type)
    return _in_pieces(values, numpy_type, kept)


def _in_pieces(values: Sequence[Any], numpy_type: np.dtype, count: int) -> np.ndarray:
    """Reads the first `count` values of a repeated field; each call is a short one.

    Between two of them other threads get their turn: a call of NumPy's that makes numbers of
    Python's objects keeps Python to itself.
    """
    flat = np.empty(count, numpy_type)
    for start in range(0, count, _PIECE):
        stop = min(start + _PIECE, count)
        flat[start:stop] = np.array(values[start:stop], numpy_type)
    return flat


def count_strings(proto: tensor_pb2.TensorProto) -> int:
    """Returns how many strings a tensor lists: what `to_array` makes an object of each."""
    if proto.dtype != types_pb2.DT_STRING:
        return 0
    if not proto.tensor_content:
        return len(proto.string_val)
    shape = [max(dimension.size, 0) for dimension in proto.tensor_shape.dim]
    return min(math.prod(shape), len(proto.tensor_content))


def _from_content(
    content: bytes, numpy_type: np.dtype, count: int, shape: list[int]
) -> np.ndarray | None:
    if numpy_type.hasobject:
        strings = _split_strings(content, count)
        return None if strings is None else _in_pieces(strings, numpy_type, count).reshape(shape)
    if len(content) != count * numpy_type.itemsize:
        return None
    return np.frombuffer(content, numpy_type).reshape(shape)


def _split_strings(content: bytes, count: int) -> list[bytes] | None:
    """Decodes `count` varint lengths and then the strings, as TensorFlow packs them."""
    lengths = []
    position = 0
    for _ in range(count):
        length = shift = 0
        while True:
            if position >= len(content) or shift > 63:
                return None
            byte = content[position]
            position += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        lengths.append(length)
    if position + sum(lengths) != len(content):
        return None
    strings = []
    for length in lengths:
        strings.append(content[position : position + length])
        position += length
    return strings


def write(array: np.ndarray, proto: tensor_pb2.TensorProto, *, as_content: bool = False) -> None:
    """Fills a TensorProto: its typed field, or `tensor_content`."""
    dtype = dtype_of(array)
    proto.dtype = dtype
    # Also set for a scalar: clients expect a shape to be present.
    proto.tensor_shape.SetInParent()
    for size in array.shape:
        proto.tensor_shape.dim.add().size = size
    if as_content and dtype != types_pb2.DT_STRING:
        proto.tensor_content = array.tobytes()
        return
    flat = array.reshape(-1)
    if dtype in _AS_BITS:
        flat = flat.view(np.uint16)
    elif dtype in _AS_PAIRS:
        flat = flat.view(flat.real.dtype)
    values = getattr(proto, _FIELDS[dtype])
    for start in range(0, len(flat), _PIECE):
        values.extend(flat[start : start + _PIECE].tolist())


def dtype_of(array: np.ndarray) -> int:
    """Returns TensorFlow's data type of an array."""
    return types_pb2.DT_STRING if array.dtype == object else _DTYPES[array.dtype]
