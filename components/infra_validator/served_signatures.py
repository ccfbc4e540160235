"""What an export can be asked: the signatures of our Trainer, or those of another trainer's model.

Read from the SavedModel's own description, without loading it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from google.protobuf.message import DecodeError
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from components.storage.place import Place, place_of
from serving.signature_names import CLASSIFY, PREDICT_TEXT, SERVING_DEFAULT
from serving.versions import SAVED_MODEL_FILE

_SERVE = "serve"
_INIT_OP = "__saved_model_init_op"

# The output that names the likeliest of more than two classes.
LABEL = "label"
_VERDICT = (frozenset(("probability", "sentiment")), frozenset(("probability", LABEL)))
# Signatures of `components.trainer.signatures` that classify a review: the one
# input, and the outputs of two classes or of more. Its others read the same graph.
VERDICTS: Mapping[str, tuple[str, tuple[frozenset[str], ...]]] = {
    PREDICT_TEXT: ("text", _VERDICT),
    SERVING_DEFAULT: ("examples", _VERDICT),
    CLASSIFY: ("inputs", (frozenset(("classes", "scores")),)),
}


class Question(NamedTuple):
    """A signature that takes a batch of strings: texts, or serialized tf.Examples.

    Attributes:
      signature: Its name.
      input: The one input's name, <string>[batch].
      outputs: The outputs' names; each is <float32> or <string>.
    """

    signature: str
    input: str
    outputs: tuple[str, ...]


def questions(saved_model: str | Place) -> list[Question]:
    """Returns the signatures to ask: those of `VERDICTS` if there are any, else all that suit.

    Empty for a folder that is no SavedModel: loading it gives the error.
    """
    found = [
        Question(name, next(iter(signature.inputs)), tuple(sorted(signature.outputs)))
        for name, signature in sorted(_signatures(place_of(saved_model)).items())
        if name != _INIT_OP and _takes_strings(signature) and _gives_what_clients_read(signature)
    ]
    return [question for question in found if is_verdict(question)] or found


def is_verdict(question: Question) -> bool:
    """Returns whether a signature is one of `VERDICTS`, and not another of the same name."""
    taken, outputs = VERDICTS.get(question.signature, ("", ()))
    return question.input == taken and frozenset(question.outputs) in outputs


def _signatures(folder: Place) -> Mapping[str, meta_graph_pb2.SignatureDef]:
    try:
        content = (folder / SAVED_MODEL_FILE).read_bytes()
        saved_model = saved_model_pb2.SavedModel.FromString(content)
    except (OSError, DecodeError):
        return {}
    for graph in saved_model.meta_graphs:
        if _SERVE in graph.meta_info_def.tags:
            return graph.signature_def
    return {}


def _takes_strings(signature: meta_graph_pb2.SignatureDef) -> bool:
    if len(signature.inputs) != 1:
        return False
    (tensor,) = signature.inputs.values()
    shape = tensor.tensor_shape
    is_batch = shape.unknown_rank or (len(shape.dim) == 1 and shape.dim[0].size == -1)
    return tensor.dtype == types_pb2.DT_STRING and is_batch


def _gives_what_clients_read(signature: meta_graph_pb2.SignatureDef) -> bool:
    kinds = {tensor.dtype for tensor in signature.outputs.values()}
    return bool(kinds) and kinds <= {types_pb2.DT_FLOAT, types_pb2.DT_STRING}
