"""The search for hyperparameters on eval."""

from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from components import features
from components.errors import ConfigurationError, TrainingError
from components.hyperparameters import Hyperparameters
from components.models.registry import get_variant, variant_names
from components.trainer import custom_config
from components.trainer.loss import log_loss
from components.trainer.tuned import read_best, tuned_values
from components.tuner import tuning, variant_tuner
from components.tuner.search_space import search_space
from tests.components.trainer.test_training import written_examples


def test_every_variant_has_a_search_of_its_own_hyperparameters():
    """The values are usable as they stand."""
    for name in variant_names():
        chosen = get_variant(name)
        assert chosen.search, name
        for hyperparameter, values in chosen.search.items():
            assert len(set(values)) > 1
            for value in values:
                chosen.configure(chosen.default_preset, {hyperparameter: value})
    assert "dropout" not in get_variant("lstm").search


def test_a_search_knows_all_that_decides_on_a_trial():
    """What is searched begins with the starting value, which is among the choices."""
    lstm = get_variant("lstm")
    start = Hyperparameters(epochs=4, lstm_units=8, clip_norm=1.0, seed=3)
    space = search_space(lstm, start, ["batch_size", "seed"])
    expected = start.to_config() | {"model": "lstm"}
    assert space.values == {
        name: expected[name]
        for name in {"model", *lstm.takes} - {"seed", "deterministic", "class_weights"}
    }
    choices = {entry.name: entry.values for entry in space.space if hasattr(entry, "ordered")}
    assert choices == {"epochs": [2, 3, 4, 5], "learning_rate": [3e-4, 1e-3, 3e-3]}
    with pytest.raises(ConfigurationError, match="`tune` has nothing to search"):
        search_space(lstm, start, list(lstm.search))


@pytest.fixture
def searched(tmp_path, transform_output):
    """Makes a search over the linear model's regularization, with two trials."""

    def make(start):
        pattern = written_examples(tmp_path, transform_output, 20)
        return tuning.tuner_fn(
            SimpleNamespace(
                custom_config={
                    custom_config.MODEL: "linear",
                    custom_config.HYPERPARAMETERS: start.to_config(),
                    tuning.TRIALS: 2,
                    tuning.SET_BY_USER: [],
                },
                transform_graph_path=transform_output.transform_savedmodel_dir.rsplit("/", 1)[0],
                train_files=[pattern],
                eval_files=[pattern],
                working_dir=str(tmp_path / "work"),
            )
        )

    return make


def test_the_search_tries_and_keeps_what_is_best_on_eval(searched):
    """The first trial is what the search starts from; the result says whose it is."""
    result = searched(Hyperparameters(regularization=0.01))
    result.tuner.search(**result.fit_kwargs)
    trials = result.tuner.oracle.trials
    first, second = (trials[name] for name in result.tuner.oracle.start_order)
    assert first.hyperparameters.get("regularization") == 0.01
    assert second.hyperparameters.get("regularization") in (0.1, 1.0, 10.0)
    # Weights that are held less tell the labels of known reviews apart more clearly.
    assert 0.0 < first.score < second.score < 1.0
    best = result.tuner.get_best_hyperparameters()[0].get_config()
    assert best["values"]["model"] == "linear"
    assert tuned_values(best) == {"regularization": 0.01, "ngrams": 2}


@pytest.mark.parametrize("deterministic", [True, False])
def test_trials_are_as_deterministic_as_the_training(searched, monkeypatch, deterministic):
    """Otherwise a search would end elsewhere each time."""
    called = []
    monkeypatch.setattr(
        tf.config.experimental, "enable_op_determinism", lambda: called.append(True)
    )
    result = searched(Hyperparameters(deterministic=deterministic))
    result.tuner.search(**result.fit_kwargs)
    assert called == [True, True] * deterministic


def test_a_search_in_which_every_trial_fails_has_no_best(searched, monkeypatch):
    """KerasTuner would name the first one."""

    def out_of_memory(*arguments):
        raise MemoryError("no room for the weights")

    result = searched(Hyperparameters())
    monkeypatch.setattr(variant_tuner, "fit_variant", out_of_memory)
    with pytest.raises(TrainingError, match=r"No trial of 2 .* MemoryError: no room for the"):
        result.tuner.search(**result.fit_kwargs)


def test_the_loss_is_that_of_the_probability_of_the_right_class():
    """Against Keras' own."""
    model = keras.Sequential(
        [
            keras.Input((features.MAX_LENGTH,), dtype="int32"),
            keras.layers.Rescaling(0.1),
            keras.layers.Lambda(lambda ids: ids[:, :1]),
        ]
    )
    token_ids = np.zeros((3, features.MAX_LENGTH), np.uint16)
    token_ids[:, 0] = 2, 5, 9
    labels = np.array([0, 1, 1])
    expected = keras.losses.binary_crossentropy(
        labels.astype(np.float32), np.array([0.2, 0.5, 0.9], np.float32)
    )
    assert log_loss(model, token_ids, labels) == pytest.approx(float(expected), rel=1e-5)


def test_the_artifact_is_read_as_tfx_writes_it(tmp_path):
    """One JSON file whose name TFX chose."""
    from tfx.components.tuner import executor
    from tfx.types import standard_artifacts

    best, results = standard_artifacts.HyperParameters(), standard_artifacts.TunerResults()
    best.uri, results.uri = str(tmp_path), str(tmp_path)
    start = Hyperparameters(learning_rate=3e-4)
    space = search_space(get_variant("lstm"), start, ["epochs"])
    tuner = SimpleNamespace(
        get_best_hyperparameters=lambda: [space],
        oracle=SimpleNamespace(max_trials=1, get_best_trials=lambda count: []),
    )
    executor.write_best_hyperparameters(
        tuner, {"best_hyperparameters": [best], "tuner_results": [results]}
    )
    best = tuned_values(read_best(str(tmp_path)))
    assert Hyperparameters().overridden(**best) == start
