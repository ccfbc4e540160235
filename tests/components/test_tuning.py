"""The search for hyperparameters on eval."""

from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from components import features, training, tuning
from components.errors import ConfigurationError
from components.hyperparameters import Hyperparameters
from components.models.registry import get_variant, variant, variant_names
from components.tuned import read_best, tuned_values

from .test_training import written_examples


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


def test_a_search_of_what_a_variant_does_not_take_is_refused():
    """At its registration."""
    presets = {"reference": Hyperparameters()}
    with pytest.raises(ValueError, match=r"'ours' searches \['dropout'\]: not taken"):
        variant("ours", summary="", takes=(), presets=presets, search={"dropout": (0.1, 0.2)})


def test_what_a_flag_fixes_is_not_searched():
    """And when all is fixed, there is nothing to do."""
    lstm = get_variant("lstm")
    space = tuning.search_space(lstm, ["epochs", "seed"])
    assert space.values.keys() == {"model", *lstm.search} - {"epochs"}
    with pytest.raises(ConfigurationError, match="--tune has nothing to search"):
        tuning.search_space(lstm, list(lstm.search))


def test_the_search_tries_and_keeps_what_is_best_on_eval(tmp_path, transform_output):
    """Two trials of the linear model; the result says whose it is."""
    pattern = written_examples(tmp_path, transform_output, 20)
    arguments = SimpleNamespace(
        custom_config={
            training.MODEL: "linear",
            training.HYPERPARAMETERS: Hyperparameters().to_config(),
            tuning.TRIALS: 2,
            tuning.FIXED: [],
        },
        transform_graph_path=transform_output.transform_savedmodel_dir.rsplit("/", 1)[0],
        train_files=[pattern],
        eval_files=[pattern],
        working_dir=str(tmp_path / "work"),
    )
    result = tuning.tuner_fn(arguments)
    result.tuner.search(**result.fit_kwargs)
    scores = {
        trial.hyperparameters.get("regularization"): trial.score
        for trial in result.tuner.oracle.get_best_trials(2)
    }
    assert len(scores) == 2 and all(0.0 < score < 1.0 for score in scores.values())
    best = result.tuner.get_best_hyperparameters()[0].get_config()
    assert best["values"]["model"] == "linear"
    assert tuned_values(best) == {"regularization": min(scores, key=scores.get)}


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
    assert tuning.log_loss(model, token_ids, labels) == pytest.approx(float(expected), rel=1e-5)


def test_the_artifact_is_read_as_tfx_writes_it(tmp_path):
    """One JSON file whose name TFX chose."""
    from tfx.components.tuner import executor
    from tfx.types import standard_artifacts

    best, results = standard_artifacts.HyperParameters(), standard_artifacts.TunerResults()
    best.uri, results.uri = str(tmp_path), str(tmp_path)
    space = tuning.search_space(get_variant("lstm"), ["epochs"])
    tuner = SimpleNamespace(
        get_best_hyperparameters=lambda: [space],
        oracle=SimpleNamespace(max_trials=1, get_best_trials=lambda count: []),
    )
    executor.write_best_hyperparameters(
        tuner, {"best_hyperparameters": [best], "tuner_results": [results]}
    )
    assert tuned_values(read_best(str(tmp_path))) == {"batch_size": 32, "learning_rate": 3e-4}
