"""Every variant's export: nothing random in it, nothing of training, and the model's answers."""

from __future__ import annotations

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from components import features
from components.models.registry import get_variant
from components.trainer import signatures, training
from tests.fresh_process import told_by

from .variants import NAMES

TEXTS = ["a great film", "not good at all. " * 20, "", "zzyzx", "a dull plot, badly acted"]
ONLY_TRAINING = ("Random", "Multinomial", "Shuffle", "Dropout", "Gradient", "Grad", "Apply")


@pytest.fixture(scope="module")
def exports(transform_output, tmp_path_factory):
    """Of a group of variants, by name: the export's folder, and the trained model's answers.

    The weights are random, and large enough for words to make a difference.
    """
    token_ids = transform_output.transform_features_layer()({features.TEXT: tf.constant(TEXTS)})

    def export(name):
        variant = get_variant(name)
        hyperparameters = variant.presets[variant.default_preset]
        model = variant.build(hyperparameters)
        # An optimizer's state must not be exported.
        model.compile(keras.optimizers.Adam(use_ema=True))
        model.optimizer.build(model.trainable_variables)
        generator = np.random.default_rng(8)
        model.set_weights([generator.normal(0, 0.1, weight.shape) for weight in model.weights])
        directory = tmp_path_factory.mktemp(name)
        served = training.build_served_models(variant, hyperparameters, model)
        signatures.export(*served, transform_output, str(directory))
        answers = model(token_ids[features.TOKEN_IDS], training=False).numpy()[:, 0]
        return directory, model.count_params(), answers

    return functools.cache(lambda group: {name: export(name) for name in group})


@pytest.fixture(scope="module")
def answers_of_a_fresh_process(exports):
    """What a group's exports say of TEXTS, by name and signature: nothing is in memory there."""
    script = (
        "import tensorflow as tf\n"
        "from pipeline.results.insight.attributions import explain\n"
        "directories, written = arguments\n"
        "texts = tf.constant(written)\n"
        "answers = {}\n"
        "for name, directory in directories.items():\n"
        "    model = tf.saved_model.load(directory)\n"
        "    served = model.signatures\n"
        "    verdict = served['predict_text'](text=texts)['probability']\n"
        "    last_prediction = served['trace_text'](text=texts)['probability'][:, -1]\n"
        "    answers[name] = [verdict.numpy().tolist(), last_prediction.numpy().tolist()]\n"
        "    labels = [1] * len(written)\n"
        "    told = explain(served['trace_text'], [text.encode() for text in written], labels)\n"
        "    answers[name] += [[[token.change for token in text.tokens] for text in told]]\n"
        "print(json.dumps(answers))\n"
    )

    def answers(group):
        directories = {name: str(directory) for name, (directory, *_) in exports(group).items()}
        return told_by(script, directories, TEXTS)

    return functools.cache(answers)


@pytest.mark.parametrize(("group", "name"), NAMES)
def test_an_export_holds_no_random_op_and_no_state_of_training(exports, group, name):
    """All functions of the SavedModel are walked; its variables are the weights and no more."""
    directory, parameters, _ = exports(group)[name]
    saved = saved_model_pb2.SavedModel.FromString((directory / "saved_model.pb").read_bytes())
    graph = saved.meta_graphs[0].graph_def
    operations = {node.op for node in graph.node}
    for function in graph.library.function:
        operations |= {node.op for node in function.node_def}
    # It says that there is no gradient, and does nothing else.
    operations.discard("StopGradient")
    assert "LookupTableFindV2" in operations
    assert [op for op in operations if any(part in op for part in ONLY_TRAINING)] == []
    variables = tf.train.list_variables(str(directory / "variables" / "variables"))
    shapes = [shape for key, shape in variables if not key.startswith("_CHECKPOINTABLE")]
    assert sum(int(np.prod(shape)) for shape in shapes) == parameters


@pytest.mark.parametrize(("group", "name"), NAMES)
def test_an_export_answers_as_the_trained_model_does(
    exports, answers_of_a_fresh_process, group, name
):
    """To 1e-6, as does the prediction after the last token."""
    _, _, expected = exports(group)[name]
    verdict, last_prediction, _ = answers_of_a_fresh_process(group)[name]
    np.testing.assert_allclose(verdict, expected, atol=1e-6)
    np.testing.assert_allclose(last_prediction, expected, atol=1e-6)
    assert np.std(verdict) > 1e-3


@pytest.mark.parametrize(("group", "name"), NAMES)
def test_what_each_word_did_adds_up_to_the_verdict(
    exports, answers_of_a_fresh_process, group, name
):
    """To the difference of the log odds of the text and of the one without words, to 1e-4."""
    probabilities = exports(group)[name][2].astype(np.float64)
    log_odds = np.log(probabilities) - np.log1p(-probabilities)
    changes = answers_of_a_fresh_process(group)[name][2]
    assert [len(each) for each in changes] == [3, 80, 0, 1, 5]
    sums = [sum(each) for each in changes]
    np.testing.assert_allclose(sums, log_odds - log_odds[TEXTS.index("")], atol=1e-4)


def test_random_ops_are_found_where_there_are_some(tmp_path):
    """The walk sees into functions: Keras' own dropout in training mode does not pass."""
    dropout = keras.layers.Dropout(0.5)
    module = tf.Module()
    module.seed = [variable.value for variable in dropout.variables]
    module.run = tf.function(
        lambda values: dropout(values, training=True),
        input_signature=[tf.TensorSpec([None, 3])],
        autograph=False,
    )
    tf.saved_model.save(module, str(tmp_path))
    saved = saved_model_pb2.SavedModel.FromString((tmp_path / "saved_model.pb").read_bytes())
    operations = {
        node.op
        for function in saved.meta_graphs[0].graph_def.library.function
        for node in function.node_def
    }
    assert [op for op in operations if any(part in op for part in ONLY_TRAINING)]
