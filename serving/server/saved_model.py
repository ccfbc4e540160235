"""A SavedModel in a session of its own, as TF-Serving runs it.

A session rather than tf.saved_model.load: it takes the feeds and fetches that the signature
names and a time limit for each run, and two versions never share variables or tables.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from serving import folders
from serving.server.session_runner import SessionRunner
from serving.status import Code, StatusError, invalid_argument
from serving.versions import SAVED_MODEL_FILE

_INIT_OP_SIGNATURE = "__saved_model_init_op"
_FIXED_SIZES = {1: 8, 5: 4}
_MAIN_OP_COLLECTIONS = ("saved_model_main_op", "legacy_init_op")


class SavedModel:
    """A loaded model: its signatures, and how to run them. Threads may share it.

    Attributes:
      signatures: Every SignatureDef of the MetaGraphDef, by name.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        session_config: tf.compat.v1.ConfigProto | None = None,
        tags: Sequence[str] = ("serve",),
    ):
        """Loads a version's folder, of this machine or in a store.

        Raises:
          StatusError: What is there is not a SavedModel that this TensorFlow can run.
        """
        directory = os.fspath(folder)
        meta_graph = _read_meta_graph(directory, set(tags))
        self.signatures = _copies(meta_graph.signature_def)
        graph = tf.Graph()
        session = tf.compat.v1.Session(graph=graph, config=session_config)
        self._runner: SessionRunner | None = SessionRunner(session)
        try:
            with graph.as_default():
                _restore(session, _without_feed_shapes(meta_graph), directory)
            graph.finalize()
        except tf.errors.OpError as error:
            self.close()
            raise status_of(error) from error
        except (ValueError, TypeError, KeyError, OSError) as error:
            # What TensorFlow's importer raises for a graph with operations it does not know.
            self.close()
            raise StatusError(Code.INTERNAL, f"{type(error).__name__}: {error}") from error

    def run(
        self,
        feeds: Mapping[str, np.ndarray],
        fetches: Sequence[str],
        timeout: float | None = None,
    ) -> list[np.ndarray]:
        """Runs the graph.

        Args:
          feeds: Arrays by tensor name.
          fetches: Names of tensors.
          timeout: Seconds; None waits as long as it takes.

        Raises:
          StatusError: What an operation raised; DEADLINE_EXCEEDED when the time is over;
            UNAVAILABLE once the model is closed.
        """
        runner = self._runner
        if runner is None:
            raise StatusError(Code.UNAVAILABLE, "The version is unloaded.")
        options = None
        if timeout is not None:
            milliseconds = int(timeout * 1000)
            if milliseconds <= 0:
                raise StatusError(Code.DEADLINE_EXCEEDED, "Timed out waiting for notification")
            options = tf.compat.v1.RunOptions(timeout_in_ms=min(milliseconds, 2**62))
        try:
            values = runner.run(feeds, fetches, options)
        except tf.errors.OpError as error:
            raise status_of(error) from error
        except (KeyError, ValueError, TypeError) as error:
            raise invalid_argument(str(error)) from error
        return [_as_array(value) for value in values]

    def close(self) -> None:
        """Frees the session, its variables and its tables.

        The graph's Python objects refer to each other, so only the garbage collector frees them and
        the runtime's own graph: some 10 MB for each version.
        """
        if self._runner is not None:
            self._runner.close()
        self._runner = None
        gc.collect()


def status_of(error: tf.errors.OpError) -> StatusError:
    """Returns an operation's error as it was raised, without Python's notes about the graph."""
    original = error.__context__ if isinstance(error.__context__, tf.errors.OpError) else error
    return StatusError(Code(original.error_code), str(original.message))


def _read_meta_graph(directory: str, tags: set[str]) -> meta_graph_pb2.MetaGraphDef:
    path = folders.join(directory, SAVED_MODEL_FILE)
    saved_model = saved_model_pb2.SavedModel()
    content = b""
    try:
        content = folders.read_bytes(path)
        saved_model.ParseFromString(content)
    except FileNotFoundError:
        raise StatusError(
            Code.NOT_FOUND,
            "Could not find SavedModel .pb or .pbtxt at supplied export directory path: "
            f"{directory}. Check that the directory exists and that you have the right permissions "
            "for accessing it.",
        ) from None
    except OSError as error:
        raise StatusError(Code.UNKNOWN, f"{path} cannot be read: {error.strerror}") from error
    except DecodeError as error:
        if _is_cut_short(content):
            raise StatusError(
                Code.OUT_OF_RANGE,
                f"Read less bytes than requested: {path} is truncated, or half copied",
            ) from error
        raise StatusError(
            Code.DATA_LOSS, f"Can't parse {path} as binary proto: it is damaged, or half copied"
        ) from error
    for meta_graph in saved_model.meta_graphs:
        if set(meta_graph.meta_info_def.tags) == tags:
            return meta_graph
    found = "; ".join(
        "{ " + ", ".join(graph.meta_info_def.tags) + " }" for graph in saved_model.meta_graphs
    )
    raise StatusError(
        Code.NOT_FOUND,
        f"Could not find meta graph def matching supplied tags: {{ {' '.join(sorted(tags))} }}. To "
        "inspect available tag-sets in the SavedModel, please use the SavedModel CLI: "
        f"`saved_model_cli`. {path} holds: {found or 'none'}",
    )


def _is_cut_short(content: bytes) -> bool:
    """Returns whether a serialized message ends within one of its fields.

    TensorFlow's own reader reports this differently from other damage.
    """
    position = 0
    while position < len(content):
        key, position = _varint(content, position)
        wire_type = key & 7
        if wire_type == 0:
            _, position = _varint(content, position)
        elif wire_type == 2:
            length, position = _varint(content, position)
            position += length
        elif wire_type in _FIXED_SIZES:
            position += _FIXED_SIZES[wire_type]
        else:
            return False
    return position > len(content)


def _varint(content: bytes, position: int) -> tuple[int, int]:
    """Reads a varint; returns it and its end, which is beyond the content if that is too short."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(content):
            return value, len(content) + 1
        byte = content[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
    return value, position


def _copies(
    signatures: Mapping[str, meta_graph_pb2.SignatureDef],
) -> dict[str, meta_graph_pb2.SignatureDef]:
    """Copies the signatures out of the graph: a part of a message keeps all of it in memory."""
    copies = {name: meta_graph_pb2.SignatureDef() for name in signatures}
    for name, copy in copies.items():
        copy.CopyFrom(signatures[name])
    return copies


def _without_feed_shapes(meta_graph: meta_graph_pb2.MetaGraphDef) -> meta_graph_pb2.MetaGraphDef:
    """Lets the inputs take any shape: TF-Serving leaves it to the operations to refuse one."""
    feeds = {
        info.name.partition(":")[0]
        for signature in meta_graph.signature_def.values()
        for info in signature.inputs.values()
    }
    relaxed = meta_graph_pb2.MetaGraphDef()
    relaxed.CopyFrom(meta_graph)
    for node in relaxed.graph_def.node:
        if node.name in feeds and node.op == "Placeholder":
            node.attr["shape"].shape.Clear()
            node.attr["shape"].shape.unknown_rank = True
            node.attr.pop("_output_shapes", None)
    return relaxed


def _restore(
    session: tf.compat.v1.Session, meta_graph: meta_graph_pb2.MetaGraphDef, directory: str
) -> None:
    tf.compat.v1.train.import_meta_graph(meta_graph)
    saver = meta_graph.saver_def
    index = folders.join(directory, "variables", "variables.index")
    if saver.restore_op_name and folders.is_file(index):
        # Not Saver.restore, which reports a missing file as one of another format.
        checkpoint = folders.join(directory, "variables", "variables")
        session.run(saver.restore_op_name, {saver.filename_tensor_name: checkpoint})
    elif saver.restore_op_name and _has_variables(session):
        raise StatusError(
            Code.NOT_FOUND,
            f"{index} is not there, and the graph has variables: the version is half copied",
        )
    assets = {
        asset.tensor_info.name: folders.join(directory, "assets", asset.filename)
        for asset in meta_graph.asset_file_def
    }
    operation = _init_operation(meta_graph)
    if operation:
        session.run(operation, assets)


def _has_variables(session: tf.compat.v1.Session) -> bool:
    return any(
        operation.type in ("VarHandleOp", "VariableV2")
        for operation in session.graph.get_operations()
    )


def _init_operation(meta_graph: meta_graph_pb2.MetaGraphDef) -> str | None:
    if _INIT_OP_SIGNATURE in meta_graph.signature_def:
        outputs = meta_graph.signature_def[_INIT_OP_SIGNATURE].outputs
        return outputs[_INIT_OP_SIGNATURE].name
    for key in _MAIN_OP_COLLECTIONS:
        if key in meta_graph.collection_def and meta_graph.collection_def[key].node_list.value:
            return meta_graph.collection_def[key].node_list.value[0]
    return None


def _as_array(value: object) -> np.ndarray:
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, bytes):  # how a session returns a string without dimensions
        array = np.empty((), object)
        array[()] = value
        return array
    return np.asarray(value)


def dtype_name(dtype: int) -> str:
    """Returns the name of a data type, `DT_FLOAT` for 1; the number as text if it is none."""
    return types_pb2.DataType.Name(dtype) if dtype in types_pb2.DataType.values() else str(dtype)
