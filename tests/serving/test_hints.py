"""Behind TF-Serving's words for a mistake, what to do instead where the model itself tells."""

from __future__ import annotations

import pytest

from . import models
from .calling import Stubs, ask, predict, predict_request, refusal

HINT = (
    "\nThis signature takes serialized tf.Examples. For raw text, ask for "
    '"signature_name": "predict_text"'
)


@pytest.fixture(scope="module")
def reviews_server(tmp_path_factory, serve):
    """A server of `reviews`, whose `serving_default` takes tf.Examples."""
    base = tmp_path_factory.mktemp("hints") / "reviews"
    models.save_sentiment(base / "1")
    return serve(model_name="reviews", model_base_path=str(base))


@pytest.mark.parametrize("text", ["a great film", "", "awful " * 1000])
def test_raw_text_without_a_signature_is_told_which_one_takes_it(reviews_server, text):
    """Also where the text happens to be a message without a feature; and the advice works."""
    body = {"instances": [text]}
    answer = predict(reviews_server.rest_port, "reviews", body)
    assert answer.status == 400
    assert answer.error.endswith(HINT)
    if text:
        assert answer.error.startswith(f"Could not parse example input, value: '{text}'")
    body["signature_name"] = "predict_text"
    assert predict(reviews_server.rest_port, "reviews", body).status == 200


def test_the_classifiers_signature_has_the_same_hint(reviews_server):
    """Where somebody asks it by `:predict`: its input is serialized as well."""
    body = {"signature_name": "classify", "instances": ["a great film"]}
    answer = predict(reviews_server.rest_port, "reviews", body)
    assert answer.status == 400
    assert answer.error.endswith(HINT)


def test_grpc_has_the_same_hint(reviews_server):
    """As long as it has room for it: it cuts at 1024 characters."""
    call = Stubs(reviews_server.grpc_port).prediction.Predict
    code, message = refusal(call, predict_request("reviews", examples=[b"a great film"]))
    assert code == "INVALID_ARGUMENT"
    assert message.endswith(HINT)


def test_other_errors_and_other_models_have_none(reviews_server, rest):
    """What is wrong there is something else, or there is no such signature."""
    port = reviews_server.rest_port
    wrong = predict(port, "reviews", {"signature_name": "trace_text", "inputs": [[["a"]]]})
    assert wrong.status == 400 and "predict_text" not in wrong.error
    assert "predict_text" not in predict(port, "reviews", {"instances": [1]}).error
    body = {"signature_name": "classify", "instances": ["a great film"]}
    answer = ask(rest, "POST", "/v1/models/examples:predict", body)
    assert answer.status == 400 and "predict_text" not in answer.error
