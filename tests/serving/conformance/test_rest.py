"""REST answers as TF-Serving's does: the specification's tables against a real server."""

from __future__ import annotations

import base64
import json

import pytest

from ..calling import ask, predict


@pytest.mark.parametrize(
    ("method", "target", "body", "status", "message"),
    [
        ("GET", "/v1/models", None, 400, "Missing model name in request."),
        ("GET", "/v1/models/no", None, 404, "Could not find any versions of model no"),
        ("GET", "/v1/models/half/versions/9", None, 404, "Could not find version 9 of model half"),
        ("GET", "/v1/models/half?x=1", None, 404, "Could not find any versions of model half?x=1"),
        ("GET", "/v1/models/half#x", None, 404, "Could not find any versions of model half#x"),
        ("GET", "/v1/models/a%20b", None, 404, "Could not find any versions of model a b"),
        ("GET", "/v1/models/no/metadata", None, 404, "Servable not found for request: Latest(no)"),
        (
            "GET", "/v1/models/half/labels/no/metadata", None, 400,
            "Unrecognized servable version label: no",
        ),
        ("POST", "/v1/models/no:predict", "{}", 404, "Servable not found for request: Latest(no)"),
        (
            "POST", "/v1/models/half/versions/9:predict", "{}", 404,
            "Servable not found for request: Specific(half, 9)",
        ),
        (
            "POST", "/v1/models/no/labels/x:predict", "{}", 400,
            "Unrecognized servable version label: x",
        ),
        (
            "POST", "/v1/models/half:predict", '{"signature_name":"no"}', 400,
            'Serving signature name: "no" not found in signature def',
        ),
        (
            "POST", "/v1/models/half:predict", '{"signature_name":5}', 400,
            'JSON Value: {\n    "signature_name": 5\n} not formatted correctly. '
            "'signature_name' key must be a string value.",
        ),
        ("POST", "/v1/models/half:predict", "{}", 400, "Missing 'inputs' or 'instances' key"),
        ("POST", "/v1/models/half:predict", "", 400, "JSON Parse error: The document is empty"),
        (
            "POST", "/v1/models/no:predict", "nonsense", 400,
            "JSON Parse error: Invalid value. at offset: 1",
        ),
        ("POST", "/v1/models/half:predict", "[1,2]", 400, "JSON Value: [1, 2] Is not object"),
        ("POST", "/v1/models/half:predict", "5", 400, "JSON Value: 5 Is not object"),
        ("POST", "/v1/models/no:classify", "{", 400,
         "JSON Parse error: Missing a name for object member. at offset: 1"),
    ],
)  # fmt: skip
def test_look_up_and_document_errors(rest, spelt, method, target, body, status, message):
    """The order is: JSON, signature_name, model, signature."""
    answer = ask(rest, method, target, body)
    assert (answer.status, spelt(answer.error)) == (status, spelt(message))


@pytest.mark.parametrize(
    ("model", "body", "status", "message"),
    [
        (
            "half", {"inputs": [1], "instances": [1]}, 400,
            'JSON Value: {\n    "inputs": [1],\n    "instances": [1]\n} Not formatted correctly '
            "expecting only one of 'inputs' or 'instances' keys to exist ",
        ),
        (
            "half", {"instances": 5}, 400,
            "JSON Value: {\n    \"instances\": 5\n} Expecting 'instances' to be an list/array",
        ),
        (
            "half", {"instances": []}, 400,
            "JSON Value: {\n    \"instances\": []\n} No values in 'instances' array",
        ),
        (
            "two", {"instances": [1, 2]}, 400,
            "instances is a plain list, but expecting list of objects as multiple input tensors "
            "required as per tensorinfo_map",
        ),
        (
            "half", {"instances": [1, {"x": 2}]}, 400,
            "Expecting value/list but got object at item 1 of input list",
        ),
        (
            "half", {"instances": [{"x": 2}, 1]}, 400,
            "Expecting object but got list at item 1 of input list",
        ),
        (
            "half", {"instances": [1, "a"]}, 400,
            "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: JSON "
            'Value: "a" Type: String is not of expected type: float',
        ),
        (
            "half", {"instances": [{"x": None}]}, 400,
            "Failed to process element: 0 key: x of 'instances' list. Error: INVALID_ARGUMENT: "
            "JSON Value: null Type: Null is not of expected type: float",
        ),
        (
            "half", {"instances": [{"z": 1}]}, 400,
            "Failed to process element: 0 key: z of 'instances' list. Error: INVALID_ARGUMENT: "
            "JSON object: does not have named input: z",
        ),
        (
            "two", {"instances": [{"a": 1, "b": 2}, {"a": 1}]}, 400,
            "Failed to process element: 1 of 'instances' list. JSON object: {\n    \"a\": 1\n} "
            "keys must be equal to: a,b",
        ),
        (
            "half", {"instances": [[1, 2], [3]]}, 400,
            "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: "
            "Expecting tensor size: 2 but got: 1",
        ),
        (
            "half", {"instances": [[[1, 2]], [[3], [4]]]}, 400,
            "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: "
            "Expecting shape [1,2] but got: [2,1]",
        ),
        (
            "half", {"inputs": [[1], [[2]]]}, 400,
            "Encountered list at unexpected level: 2 expected < 2",
        ),
        (
            "half", {"inputs": [[1, 2], [3]]}, 400,
            "Encountered list at unexpected size: 1 at level: 1 expected size: 2",
        ),
        ("two", {"inputs": [1]}, 400,
         "inputs is a plain value/list, but expecting an object as multiple input tensors "
         "required as per tensorinfo_map"),
        ("two", {"inputs": {"a": [1]}}, 400, "Missing named input: b in 'inputs' object."),
        (
            "echo", {"inputs": {"text": [{"b64": "?"}]}}, 400, "Unable to base64 decode",
        ),
        (
            "echo", {"inputs": {"text": [{"b64": 1}]}}, 400,
            "JSON Value: {\n    \"b64\": 1\n} not formatted correctly for base64 data",
        ),
        (
            "types", {"signature_name": "int32", "inputs": [1.0]}, 400,
            "JSON Value: 1.0 Type: Number is not of expected type: int32",
        ),
        (
            "types", {"signature_name": "int32", "inputs": [2147483648]}, 400,
            "JSON Value: 2147483648 Type: Number is not of expected type: int32",
        ),
        (
            "types", {"signature_name": "uint64", "inputs": [-1]}, 400,
            "JSON Value: -1 Type: Number is not of expected type: uint64",
        ),
        (
            "types", {"signature_name": "bool", "inputs": [1]}, 400,
            "JSON Value: 1 Type: Number is not of expected type: bool",
        ),
        (
            "types", {"signature_name": "float32", "inputs": [True]}, 400,
            "JSON Value: true Type: True is not of expected type: float",
        ),
        (
            "types", {"signature_name": "float16", "inputs": [1]}, 501,
            "Conversion of JSON Value: 1 to type: half",
        ),
        (
            "types", {"signature_name": "float16", "instances": [1]}, 400,
            "Failed to process element: 0 of 'instances' list. Error: UNIMPLEMENTED: Conversion "
            "of JSON Value: 1 to type: half",
        ),
        (
            "two", {"signature_name": "scalar", "instances": [{"a": 1, "b": 2}]}, 400,
            "Tensor name: none has no shape information ",
        ),
    ],
)  # fmt: skip
def test_predict_errors(rest, spelt, model, body, status, message):
    """Each thing that can be wrong with instances and inputs has its text."""
    answer = predict(rest, model, body)
    assert (answer.status, spelt(answer.error)) == (status, spelt(message))


def test_rows_of_different_numbers_are_no_predictions(rest):
    """Which output is named depends on the order in which a map has them."""
    body = {"signature_name": "mixed", "instances": [{"a": 1, "b": 2}]}
    answer = predict(rest, "two", body)
    assert answer.status == 400
    assert answer.error in (
        "Tensor name: twice has inconsistent batch size: 2 expecting: 1",
        "Tensor name: rows has inconsistent batch size: 1 expecting: 2",
    )


@pytest.mark.parametrize(
    ("model", "body", "returned"),
    [
        ("half", '{"instances": [0], "instances": [2]}', {"predictions": [3.0]}),
        ("half", '{"inputs": [0], "inputs": {"x": [2]}}', {"outputs": [3.0]}),
        ("half", '{"instances": [{"x": 0, "x": 2}]}', {"predictions": [3.0]}),
        ("half", '{"inputs": {"x": [0], "x": [2]}}', {"outputs": [3.0]}),
        (
            "types", '{"signature_name": "int8", "signature_name": "no", "instances": [7]}',
            {"predictions": [7]},
        ),
        ("types", '{"instances": [{"x": 1, "x": 2}], "n": "\\ud83d\\ude00"}', {"predictions": [1]}),
    ],
)  # fmt: skip
def test_of_a_key_that_comes_twice_the_first_counts(rest, model, body, returned):
    """At the top and inside an instance, however the rest of the document is read."""
    assert predict(rest, model, body).json == returned


def test_of_a_feature_that_comes_twice_the_last_counts(rest):
    """An example's features are taken in their order, and each overwrites the one before."""
    body = '{"signature_name": "regress", "examples": [{"x": 1.0, "x": 3.0}]}'
    assert ask(rest, "POST", "/v1/models/examples:regress", body).json == {"results": [6.0]}


@pytest.mark.parametrize("character", ["\n", "\t", "\x01", "\x1f"])
def test_control_characters_are_not_read_raw(rest, character):
    """The error says where in the document one stands."""
    answer = predict(rest, "echo", f'{{"instances": ["a{character}b"]}}')
    assert (answer.status, answer.error) == (
        400, "JSON Parse error: Invalid encoding in string. at offset: 17",
    )  # fmt: skip


def test_rows_and_columns(rest):
    """Rows come back as predictions, columns as outputs, in the specified layout."""
    rows = predict(rest, "half", {"instances": [1, 2.5, -3]})
    assert rows.body == b'{\n    "predictions": [3.5, 4.25, 1.5\n    ]\n}'
    columns = predict(rest, "half", {"inputs": {"x": [1.0], "ignored": 3}})
    assert columns.json == {"outputs": [3.5]}
    assert predict(rest, "two", {"instances": [{"a": 3, "b": 1}]}).json == {
        "predictions": [{"difference": 2.0, "sum": 4.0}]
    }
    assert predict(rest, "two", {"inputs": {"a": [3], "b": [1]}}).json == {
        "outputs": {"difference": [2.0], "sum": [4.0]}
    }


def test_shapes_are_left_to_the_graph(rest):
    """A rank that the signature does not announce is run all the same."""
    assert predict(rest, "half", {"instances": [[1, 3], [5, 7]]}).json == {
        "predictions": [[3.5, 4.5], [5.5, 6.5]]
    }
    assert predict(rest, "half", {"inputs": 1}).json == {"outputs": 3.5}
    assert predict(rest, "half", {"inputs": []}).json == {"outputs": []}


def test_versions_and_labels_choose_who_answers(rest):
    """The largest number answers by default; leading zeros do not count; case is ignored."""
    body = {"instances": [0]}
    for target, value in {
        "/v1/models/half:predict": 3.0,
        "/V1/Models/half:predict": 3.0,
        "/v1/models/half/versions/1:predict": 2.0,
        "/v1/models/half/versions/0001:predict": 2.0,
        "/v1/models/half/versions/123:predict": 3.0,
        "/v1/models/half/labels/stable:predict": 2.0,
        "/v1/models/h%61lf:predict": 3.0,
    }.items():
        assert ask(rest, "POST", target, body).json == {"predictions": [value]}, target


@pytest.mark.parametrize("version", [str(2**63), "1" * 5000])
def test_a_version_beyond_int64_has_an_empty_answer(rest, version):
    """400 and nothing more, under the headers of JSON."""
    for method in ("GET", "POST"):
        suffix = ":predict" if method == "POST" else ""
        answer = ask(rest, method, f"/v1/models/half/versions/{version}{suffix}", b"{}")
        assert (answer.status, answer.body) == (400, b"")
        assert answer.headers["content-type"] == "application/json"


def test_strings_and_bytes(rest):
    """Strings go in raw or as b64; outputs named `_bytes` come back as b64."""
    encoded = base64.b64encode(b"\xff\x00").decode()
    answer = predict(rest, "echo", {"signature_name": "both", "inputs": ["é", {"b64": encoded}]})
    assert b'"text": [\n            "\xc3\xa9",\n            "\xff\\u0000"' in answer.body
    raw = json.loads(answer.body.decode("utf-8", "surrogateescape"))["outputs"]["raw_bytes"]
    assert [base64.b64decode(value["b64"]) for value in raw] == ["é".encode(), b"\xff\x00"]
    lone = predict(rest, "echo", {"instances": [{"b64": encoded[:3]}, {"b64": "YQ=="}]})
    assert lone.body.endswith(b'"a"\n    ]\n}')


@pytest.mark.parametrize(
    ("signature", "given", "returned"),
    [
        ("bool", "[true, false]", "[true, false"),
        ("int8", "[300, -1]", "[44, -1"),
        ("uint8", "[256, 255]", "[0, 255"),
        ("int32", "[-2147483648]", "[-2147483648"),
        ("int64", "[9223372036854775807]", "[9223372036854775807"),
        ("uint64", "[18446744073709551615]", "[18446744073709551615"),
        ("float32", "[0.2, 1e10, 1e22, -0.0, 123456.703, 1, 1e-5]",
         "[0.2, 1e+10, 1e+22, -0.0, 123456.703, 1.0, 1e-05"),
        ("float32", "[NaN, Infinity, -Infinity, Inf, 1e300]",
         "[NaN, Infinity, -Infinity, Infinity, Infinity"),
        ("float64", "[0.1, 1e300, 0.30000000000000004]",
         "[0.1, 1e+300, 0.30000000000000004"),
    ],
)  # fmt: skip
def test_numbers_come_back_as_they_were(rest, signature, given, returned):
    """Integers wrap or are exact, floats take the fewest digits that bring them back."""
    answer = predict(rest, "types", f'{{"signature_name":"{signature}","instances":{given}}}')
    assert answer.body.decode() == f'{{\n    "predictions": {returned}\n    ]\n}}'


def test_trailing_bytes_are_ignored(rest, since_2_18):
    """The parser stops behind the first document."""
    assert predict(rest, "half", '{"instances":[0]} and more').json == {"predictions": [3.0]}


def test_long_echoes_are_cut(rest, since_2_18):
    """An error echoes at most the tokens that begin within 256 bytes."""
    message = predict(rest, "half", {"instances": 5, "more": list(range(1000))}).error
    assert message.endswith(" 57, 58 Expecting 'instances' to be an list/array")


@pytest.mark.parametrize("method", ["classify", "regress"])
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            {},
            "JSON Value: {} When method is classify, key 'examples' is expected and was not found",
        ),
        (
            {"examples": 1},
            "JSON Value: {\n    \"examples\": 1\n} Expecting 'examples' value to be an list/array",
        ),
        (
            {"examples": []},
            "JSON Value: {\n    \"examples\": []\n} 'examples' value is an empty array",
        ),
        ({"examples": [1]}, "Example must be JSON object but got JSON Number"),
        (
            {"signature_name": "no", "examples": [{"x": 1.0}]},
            "No signature was found with the name: no",
        ),
        *(
            ({"examples": [{"x": value}]}, message)
            for value, message in (
                (None, "Feature: x has element with unexpected JSON type: Null"),
                ({"y": 1}, "Feature: x has element with unexpected JSON type: Object"),
                ([[1]], "Feature: x has element with unexpected JSON type: Array"),
                ([1, 1.5], "Unexpected element type in feature: x expecting type: int64"),
                (["a", 1], "Unexpected element type in feature: x expecting type: bytes"),
                ([1.5, True], "Unexpected element type in feature: x expecting type: float"),
                (2**63, "Feature: x has uint64_t element. Only int64_t is supported."),
            )
        ),
    ],
)
def test_examples_errors(rest, spelt, method, body, message):
    """Classify and regress share their texts."""
    answer = ask(rest, "POST", f"/v1/models/examples:{method}", body)
    assert (answer.status, spelt(answer.error)) == (400, spelt(message))


def test_classify_and_regress(rest):
    """Labels with scores, and numbers; a context is put before each example."""
    body = {"signature_name": "classify", "examples": [{"x": 0.25}, {"x": 1.0}]}
    assert ask(rest, "POST", "/v1/models/examples:classify", body).json == {
        "results": [[["small", 0.75], ["large", 0.25]], [["small", 0.0], ["large", 1.0]]]
    }
    body = {"signature_name": "scores_only", "context": {"x": 0.5}, "examples": [{}]}
    assert ask(rest, "POST", "/v1/models/examples:classify", body).json == {
        "results": [[["", 0.5], ["", 0.5]]]
    }
    body = {"signature_name": "regress", "examples": [{"x": 0.25}, {"x": [2.5]}]}
    assert ask(rest, "POST", "/v1/models/examples:regress", body).json == {"results": [0.5, 5.0]}


def test_a_signature_of_other_names_cannot_classify(rest):
    """The only input must be called `inputs`."""
    body = {"examples": [{"x": 1.0}]}
    for verb, kind in (("classify", "classification"), ("regress", "regression")):
        answer = ask(rest, "POST", f"/v1/models/examples:{verb}", body)
        assert answer.status == 400
        assert answer.error.startswith(f"No {kind} inputs found in SignatureDef: ")


def test_status_lists_all_versions_in_descending_order(rest):
    """A label is ignored, a version is not, and `metadata` is what it is in lower case alone."""
    fine = {"error_code": "OK", "error_message": ""}
    both = [
        {"version": "123", "state": "AVAILABLE", "status": fine},
        {"version": "1", "state": "AVAILABLE", "status": fine},
    ]
    for target, expected in {
        "/v1/models/half": both,
        "/v1/models/half/labels/anything": both,
        "/v1/models/half/versions/1": both[1:],
        "/v1/models/half/METADATA": both,
        "/v1/models/half/versions/1/Metadata": both[1:],
    }.items():
        assert ask(rest, "GET", target).json == {"model_version_status": expected}


def test_metadata_shows_every_signature(rest):
    """Also that of the initialisation, which tf.saved_model.save adds."""
    answer = ask(rest, "GET", "/v1/models/half/labels/stable/metadata").json
    assert answer["model_spec"] == {"name": "half", "signature_name": "", "version": "1"}
    signatures = answer["metadata"]["signature_def"]["signature_def"]
    assert set(signatures) == {"__saved_model_init_op", "serving_default"}
    assert signatures["serving_default"]["inputs"]["x"] == {
        "dtype": "DT_FLOAT",
        "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False},
        "name": "serving_default_x:0",
    }
    assert signatures["serving_default"]["method_name"] == "tensorflow/serving/predict"
