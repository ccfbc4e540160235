"""The candidate's answers beside those of a server."""

from __future__ import annotations

import math
import re
import shutil

import pytest
import tensorflow as tf
from tfx.components.infra_validator.error_types import ValidationFailed

from components.infra_validator import answers
from components.infra_validator.answers import EDGE_CASES, Reference, compare, exchanges
from serving.client import Client
from serving.errors import DeadlineExceededError, ResponseError
from serving.predictions import Prediction
from serving.server.flags import Flags
from serving.server.server import Server
from tests.components.infra_validator.conftest import save_of_three
from tests.components.other_trainer import save_other_model


@pytest.fixture
def ask(tmp_path, examples, saved_model):
    """Serves one model and compares its answers over a transport with those of another."""
    started = []

    def run(transport, served, reference, timeout=30.0):
        shutil.copytree(served, tmp_path / "films" / "1")
        base_path = str(tmp_path / "films")
        flags = Flags(port=-1, rest_api_port=-1, model_name="films", model_base_path=base_path)
        server = Server(flags)
        started.append(server)
        server.start()
        address = f"localhost:{server.grpc_port}"
        if transport == "REST":
            address = f"http://localhost:{server.rest_port}"
        with Client(address, model="films", timeout=timeout) as client:
            return compare(client, transport, exchanges(Reference(str(reference)), examples))

    yield run
    for server in started:
        server.stop()


@pytest.mark.parametrize("transport", ["gRPC", "REST"])
def test_the_same_model_agrees_over_both_transports(ask, saved_model, examples, transport):
    """Text, tf.Examples and classes; the edge cases with others and alone."""
    count = ask(transport, saved_model(), saved_model())
    texts = len(examples) + len(EDGE_CASES)
    assert count == texts + len(EDGE_CASES) + len(examples) + texts


@pytest.mark.parametrize("transport", ["gRPC", "REST"])
def test_another_answer_is_refused_and_both_are_told(ask, saved_model, transport):
    """A hundred-thousandth is too much."""
    with pytest.raises(ValidationFailed) as refusal:
        ask(transport, saved_model(shift=1e-5), saved_model())
    assert str(refusal.value) == (
        f"Over {transport}, predict answers 0.9285814 (positive) to 'a great film', where the "
        "export itself answers 0.9285714 (positive); at most 1e-06 may lie between them."
    )


@pytest.mark.parametrize("transport", ["gRPC", "REST"])
def test_a_model_of_many_classes_agrees_over_both_transports(ask, examples, tmp_path, transport):
    """The likeliest class by name, and all scores."""
    saved = save_of_three(tmp_path / "three")
    count = ask(transport, saved, saved)
    texts = len(examples) + len(EDGE_CASES)
    assert count == texts + len(EDGE_CASES) + texts + len(examples) + len(examples)


@pytest.mark.parametrize("change", [{"shift": 1e-5}, {"names": ("a", "b", "d")}])
def test_another_answer_of_many_classes_is_refused(ask, tmp_path, change):
    """Another probability, or the same one of another class."""
    served = save_of_three(tmp_path / "served", **change)
    with pytest.raises(ValidationFailed) as refusal:
        ask("REST", served, save_of_three(tmp_path / "reference"))
    told = "0.9285814 (c)" if "shift" in change else "0.9285714 (d)"
    assert str(refusal.value) == (
        f"Over REST, predict_text answers {told} to 'a great film', where the export itself "
        "answers 0.9285714 (c); at most 1e-06 may lie between them."
    )


def test_of_classes_as_likely_as_each_other_either_may_be_named():
    """A difference that is allowed decides between them."""
    scores = {"a": 0.4, "b": 0.4 - 1e-6, "c": 0.2}
    assert answers._as_likely(scores) == {"a", "b"}


@pytest.fixture(scope="module")
def other_model(tmp_path_factory):
    """Writes another trainer's model."""
    return lambda **options: save_other_model(tmp_path_factory.mktemp("other") / "m", **options)


@pytest.mark.parametrize("takes_text", [False, True])
@pytest.mark.parametrize("transport", ["gRPC", "REST"])
def test_another_trainers_model_is_asked_by_the_signature_that_it_has(
    ask, other_model, examples, transport, takes_text
):
    """All reviews together and the first alone, as texts or as tf.Examples."""
    saved = other_model(takes_text=takes_text)
    (together, alone) = exchanges(Reference(str(saved)), examples)
    assert together.question == ("serving_default", "strings", ("score",))
    assert isinstance(together.values[0], str if takes_text else bytes)
    assert together.expected["score"][0, 0] == pytest.approx(1 / (1 + math.exp(-0.12)), abs=1e-6)
    count = ask(transport, saved, saved)
    assert count == len(together.values) + len(alone.values) == len(examples) + len(EDGE_CASES) + 1


def test_another_answer_of_another_trainers_model_is_refused(ask, other_model):
    """Output, review and both answers are told."""
    with pytest.raises(ValidationFailed) as refusal:
        ask("REST", other_model(bias=0.5), other_model())
    assert re.fullmatch(
        r"Over REST, 'score' of serving_default is \[0\.6502\d+\] for 'a great film', where the "
        r"export itself answers \[0\.5299\d+\]; at most 1e-06 may lie between numbers\.",
        str(refusal.value),
    )


def test_a_model_that_takes_no_strings_is_refused(examples, tmp_path):
    """Its signatures are named: nothing can be asked."""
    module = tf.Module()
    module.double = tf.function(
        lambda x: {"y": 2.0 * x}, input_signature=[tf.TensorSpec([None], tf.float32, name="x")]
    )
    tf.saved_model.save(module, str(tmp_path), signatures={"serving_default": module.double})
    with pytest.raises(ValidationFailed, match=r"None of the export's .* has: serving_default\."):
        exchanges(Reference(str(tmp_path)), examples)


def test_rounding_is_no_difference(ask, saved_model):
    """Up to the tolerance that holds everywhere."""
    assert ask("REST", saved_model(shift=5e-7), saved_model()) > 0


@pytest.mark.parametrize("transport", ["gRPC", "REST"])
def test_a_server_that_answers_nan_gives_no_answer(ask, saved_model, transport):
    """The client takes NaN for no probability."""
    with pytest.raises(ResponseError, match="row 0 of the request has the probability nan"):
        ask(transport, saved_model(shift=math.nan), saved_model())


def test_a_server_that_is_slower_than_the_limit_gives_no_answer(ask, saved_model):
    """The wait ends with the client's timeout."""
    with pytest.raises(DeadlineExceededError) as error:
        ask("gRPC", saved_model(rounds=5_000), saved_model(), timeout=0.3)
    assert answers.explain(error.value, "gRPC").startswith("Over gRPC, the server gave no answer")


def test_an_export_that_answers_nan_is_refused_without_a_server(saved_model, examples):
    """The review is named."""
    with pytest.raises(ValidationFailed, match="The export answers NaN to 'a great film'"):
        exchanges(Reference(str(saved_model(shift=math.nan))), examples)


def test_an_export_without_weights_cannot_be_loaded(saved_model, tmp_path):
    """TensorFlow's own words follow."""
    broken = shutil.copytree(saved_model(), tmp_path / "broken")
    shutil.rmtree(broken / "variables")
    with pytest.raises(ValidationFailed, match=r"The export cannot be loaded: .*variables"):
        Reference(str(broken))


def test_a_sentiment_may_turn_at_the_threshold_alone():
    """Where a difference that is allowed lies on both sides of it."""
    agree = answers._agree
    positive, negative = (0.5000004, "positive"), (0.4999999, "negative")
    assert agree(Prediction(*positive), Prediction(*negative))
    assert not agree(Prediction(0.7, "positive"), Prediction(0.7, "negative"))
    assert agree(Prediction(0.7, "positive"), Prediction(0.7, "negative"), threshold=0.7000005)
    assert not agree(Prediction(*positive), Prediction(*negative), threshold=0.7)
    assert not agree(0.7, math.nan)


def test_examples_are_read_in_order_and_no_more_than_asked_for(tmp_path):
    """From all files of a split."""
    for file, records in (("a-0.gz", [b"1", b"2"]), ("a-1.gz", [b"3", b"4"])):
        with tf.io.TFRecordWriter(str(tmp_path / file), "GZIP") as writer:
            for record in records:
                writer.write(record)
    assert answers.read_examples(str(tmp_path), count=3) == [b"1", b"2", b"3"]
