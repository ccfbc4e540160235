"""What a training runs on; GPUs, of which there may be none here, are stood in for by CPUs."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.errors import ConfigurationError
from components.hyperparameters import Hyperparameters
from components.models.registry import SAMPLE, get_variant
from components.models.shape import ModelShape
from components.trainer import custom_config, devices, fit, training


def test_one_device_needs_no_strategy():
    """Nor does none: TensorFlow's default."""
    for few in ([], ["GPU:0"]):
        strategy = devices.strategy_over(few)
        assert strategy.num_replicas_in_sync == 1
        assert not isinstance(strategy, tf.distribute.MirroredStrategy)


def test_mixed_precision_holds_for_models_that_are_built_in_it():
    """A GPU's name is enough to build for it; Keras' policy is what it was afterwards."""
    before = keras.config.dtype_policy().name
    with devices.precision(True, ["GPU:0"]):
        layer = keras.layers.Dense(1)
    assert (layer.compute_dtype, layer.variable_dtype) == ("float16", "float32")
    with devices.precision(False, []):
        assert keras.layers.Dense(1).compute_dtype == "float32"
    assert keras.config.dtype_policy().name == before


def test_mixed_precision_without_a_gpu_is_refused():
    """It names the setting that works."""
    refused = pytest.raises(ConfigurationError, match=r"TensorFlow finds none.*precision=False`")
    with refused, devices.precision(True, []):
        pass


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cnn_lstm", "cnn_bilstm_linear"])
def test_variants_train_in_16_bits(monkeypatch, tmp_path, name):
    """As a GPU's name stands for one, so bfloat16, which a processor has, for float16."""
    monkeypatch.setattr(devices, "MIXED", "mixed_bfloat16")
    variant = get_variant(name)
    hyperparameters = variant.presets[SAMPLE].overridden(
        epochs=1, batch_size=8, embedding_units=4, filters=4, lstm_units=4
    )
    generator = np.random.default_rng(1)
    reviews = generator.integers(0, 60, (16, 20)).astype(np.uint8), generator.integers(0, 2, 16)
    with devices.precision(True, ["GPU:0"]):
        model = variant.build(hyperparameters, shape=ModelShape(60, 20))
    before = [weight.numpy() for weight in model.trainable_weights]
    (_, last) = fit.fit_variant(
        variant, model, reviews, reviews, hyperparameters, str(tmp_path)
    ).curve
    assert 0.0 < last.loss < 2.0 and 0.0 < last.eval_loss < 2.0
    assert "bfloat16" in {layer.compute_dtype for layer in model.layers}
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert model.output.dtype == "float32"
    assert all(np.any(new != old) for new, old in zip(model.trainable_weights, before, strict=True))


@pytest.mark.parametrize(
    "cluster", ["", "{}", '{"cluster": {"chief": ["a:1"]}}', '{"cluster": {"ps": ["a", "b"]}}']
)
def test_one_worker_trains(cluster):
    """With TF_CONFIG or without."""
    devices.refuse_several_workers({"TF_CONFIG": cluster} if cluster else {})


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"cluster": {"worker": ["a:1", "b:1"]}}, "names 2 workers"),
        ({"cluster": {"chief": ["a:1"], "worker": ["b:1", "c:1"]}}, "names 3 workers"),
        ([], "no JSON object"),
    ],
)
def test_several_workers_are_refused_before_anything_is_read(monkeypatch, told, message):
    """Each would write the same export."""
    monkeypatch.setenv("TF_CONFIG", json.dumps(told))
    with pytest.raises(ConfigurationError, match=message):
        training.run_fn(SimpleNamespace())


SCRIPT = """
import sys, tempfile
import keras, numpy as np, tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
from components.hyperparameters import Hyperparameters
from components.models.registry import get_variant
from components.models.shape import ModelShape
from components.trainer import devices, fit
generator = np.random.default_rng(3)
token_ids = np.zeros((300, 20), np.uint8)
for row in token_ids:
    length = generator.integers(1, 20)
    row[-length:] = generator.integers(1, 30, length)
reviews = token_ids, generator.integers(0, 2, 300)
hyperparameters = Hyperparameters(
    epochs=2, batch_size=64, embedding_units=4, lstm_units=4, learning_rate=0.05,
    restore_best=True, weight_averaging=0.5, clip_norm=1.0,
)
found = []
for names in ([], ["CPU:0", "CPU:1"]):
    keras.utils.set_random_seed(7)
    with devices.strategy_over(names).scope():
        model = get_variant("lstm").build(hyperparameters, shape=ModelShape(30, 20))
        validation = reviews[0][:100], reviews[1][:100]
        points = fit.fit(model, reviews, validation, hyperparameters, tempfile.mkdtemp())
    assert model.distribute_strategy.num_replicas_in_sync == max(len(names), 1)
    found.append((points, model.get_weights()))
(one, weights), (two, mirrored) = found
assert len(one) == len(two) == 10
for ours, theirs in zip(two, one):
    assert abs(ours.loss - theirs.loss) < 1e-4, (ours, theirs)
    if theirs.eval_loss is not None:
        assert abs(ours.eval_loss - theirs.eval_loss) < 1e-4, (ours, theirs)
for ours, theirs in zip(mirrored, weights):
    np.testing.assert_allclose(ours, theirs, atol=1e-3)
print("same", one[0].loss, two[0].loss)
"""


@pytest.mark.slow
def test_two_devices_train_as_one_does():
    """Two logical CPUs with half of each batch: losses and weights but for the order of sums."""
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=500
    )
    assert result.returncode == 0, result.stderr[-3_000:]
    assert result.stdout.splitlines()[-1].startswith("same")


@pytest.mark.skipif(
    not tf.config.list_physical_devices("GPU"),
    reason="no GPU is here: float16 cannot be trained with",
)
def test_mixed_precision_trains_on_a_gpu(tmp_path, transform_output):
    """The export is in float32, and answers."""
    from .test_training import written_examples

    pattern = written_examples(tmp_path, transform_output, 8)
    hyperparameters = Hyperparameters(epochs=1, batch_size=4, mixed_precision=True)
    training.run_fn(
        SimpleNamespace(
            custom_config={
                custom_config.MODEL: "cnn_lstm",
                custom_config.HYPERPARAMETERS: hyperparameters.to_config(),
            },
            transform_output=transform_output.transform_savedmodel_dir.rsplit("/", 1)[0],
            train_files=[pattern],
            eval_files=[pattern],
            model_run_dir=str(tmp_path / "run"),
            serving_model_dir=str(tmp_path / "model"),
        )
    )
    served = tf.saved_model.load(str(tmp_path / "model"))
    answer = served.signatures["predict_text"](text=tf.constant(["a great film"]))
    assert answer["probability"].dtype == tf.float32
