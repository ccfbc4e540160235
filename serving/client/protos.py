"""The messages that cross a gRPC connection, built without TensorFlow.

The stubs of tensorflow-serving-api import TensorFlow, and copies of them would register the same
names a second time in a process that has TensorFlow as well. So the few messages that the client
needs are built from the tables below, in a pool of their own. On the wire only the numbers and
types count; a test compares them with the originals:

  tensorflow_serving/apis/{model,predict,classification,input,get_model_status,status,
                           get_model_metadata}.proto
  tensorflow/core/framework/{tensor,tensor_shape,types}.proto
  tensorflow/core/protobuf/meta_graph.proto, tensorflow/core/example/{example,feature}.proto
  google/protobuf/{any,wrappers}.proto

Fields that the client neither sets nor reads are left out.
"""

from __future__ import annotations

from serving.message_classes import message_classes
from serving.status import Code

PACKAGE = "sentiment.client"

MESSAGES: dict[str, tuple[str, ...]] = {
    # Which model, and what tensors are.
    "Int64Value": ("int64 value = 1",),
    "ModelSpec": (
        "string name = 1",
        "Int64Value version = 2",
        "string signature_name = 3",
        "string version_label = 4",
    ),
    "Dim": ("int64 size = 1",),
    "TensorShapeProto": ("repeated Dim dim = 2", "bool unknown_rank = 3"),
    "TensorProto": (
        "DataType dtype = 1",
        "TensorShapeProto tensor_shape = 2",
        "bytes tensor_content = 4",
        "repeated float float_val = 5",
        "repeated bytes string_val = 8",
    ),
    # PredictionService.Predict
    "PredictRequest": (
        "ModelSpec model_spec = 1",
        "map<string, TensorProto> inputs = 2",
        "repeated string output_filter = 3",
    ),
    "PredictResponse": ("map<string, TensorProto> outputs = 1", "ModelSpec model_spec = 2"),
    # PredictionService.Classify
    "BytesList": ("repeated bytes value = 1",),
    "Feature": ("BytesList bytes_list = 1",),
    "Features": ("map<string, Feature> feature = 1",),
    "Example": ("Features features = 1",),
    "ExampleList": ("repeated Example examples = 1",),
    "Input": ("ExampleList example_list = 1",),
    "ClassificationRequest": ("ModelSpec model_spec = 1", "Input input = 2"),
    "Class": ("string label = 1", "float score = 2"),
    "Classifications": ("repeated Class classes = 1",),
    "ClassificationResult": ("repeated Classifications classifications = 1",),
    "ClassificationResponse": ("ClassificationResult result = 1", "ModelSpec model_spec = 2"),
    # ModelService.GetModelStatus
    "GetModelStatusRequest": ("ModelSpec model_spec = 1",),
    "StatusProto": ("ErrorCode error_code = 1", "string error_message = 2"),
    "ModelVersionStatus": ("int64 version = 1", "State state = 2", "StatusProto status = 3"),
    "GetModelStatusResponse": ("repeated ModelVersionStatus model_version_status = 1",),
    # PredictionService.GetModelMetadata
    "Any": ("string type_url = 1", "bytes value = 2"),
    "TensorInfo": (
        "string name = 1",
        "DataType dtype = 2",
        "TensorShapeProto tensor_shape = 3",
    ),
    "SignatureDef": (
        "map<string, TensorInfo> inputs = 1",
        "map<string, TensorInfo> outputs = 2",
        "string method_name = 3",
    ),
    "SignatureDefMap": ("map<string, SignatureDef> signature_def = 1",),
    "GetModelMetadataRequest": ("ModelSpec model_spec = 1", "repeated string metadata_field = 2"),
    "GetModelMetadataResponse": ("ModelSpec model_spec = 1", "map<string, Any> metadata = 2"),
}

ENUMS: dict[str, dict[str, int]] = {
    "DataType": {
        "DT_INVALID": 0,
        "DT_FLOAT": 1,
        "DT_DOUBLE": 2,
        "DT_INT32": 3,
        "DT_UINT8": 4,
        "DT_INT16": 5,
        "DT_INT8": 6,
        "DT_STRING": 7,
        "DT_COMPLEX64": 8,
        "DT_INT64": 9,
        "DT_BOOL": 10,
        "DT_BFLOAT16": 14,
        "DT_UINT16": 17,
        "DT_COMPLEX128": 18,
        "DT_HALF": 19,
        "DT_RESOURCE": 20,
        "DT_VARIANT": 21,
        "DT_UINT32": 22,
        "DT_UINT64": 23,
    },
    "State": {
        "UNKNOWN": 0,
        "START": 10,
        "LOADING": 20,
        "AVAILABLE": 30,
        "UNLOADING": 40,
        "END": 50,
    },
    "ErrorCode": {code.name: code.value for code in Code},
}

MESSAGE_CLASSES = message_classes(PACKAGE, MESSAGES, ENUMS)

PredictRequest = MESSAGE_CLASSES["PredictRequest"]
PredictResponse = MESSAGE_CLASSES["PredictResponse"]
ClassificationRequest = MESSAGE_CLASSES["ClassificationRequest"]
ClassificationResponse = MESSAGE_CLASSES["ClassificationResponse"]
GetModelStatusRequest = MESSAGE_CLASSES["GetModelStatusRequest"]
GetModelStatusResponse = MESSAGE_CLASSES["GetModelStatusResponse"]
GetModelMetadataRequest = MESSAGE_CLASSES["GetModelMetadataRequest"]
GetModelMetadataResponse = MESSAGE_CLASSES["GetModelMetadataResponse"]
SignatureDefMap = MESSAGE_CLASSES["SignatureDefMap"]
ModelSpec = MESSAGE_CLASSES["ModelSpec"]
TensorProto = MESSAGE_CLASSES["TensorProto"]


def enum_name(enum: str, number: int) -> str:
    """Returns the name of an enum's value; the number itself if it is not in the table."""
    names = {value: name for name, value in ENUMS[enum].items()}
    return names.get(number, str(number))
