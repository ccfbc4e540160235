"""Training: what is read, how it is fitted, when it stops."""

from __future__ import annotations

import re
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from components import features, progress, training
from components.errors import TrainingError
from components.hyperparameters import Hyperparameters
from components.training_record import TrainingRecord


def reviews(count):
    """Returns token ids and labels that one word tells apart."""
    generator = np.random.default_rng(1)
    token_ids = np.zeros((count, features.MAX_LENGTH), np.uint16)
    labels = np.arange(count) % 2
    token_ids[:, -8:] = generator.integers(10, 50, size=(count, 8))
    token_ids[:, -1] = 2 + labels
    return token_ids, labels.astype(np.int64)


def tiny_model():
    """Returns a model that trains in a second: embeddings side by side, one unit."""
    return keras.Sequential(
        [
            keras.Input((features.MAX_LENGTH,), dtype="int32"),
            keras.layers.Embedding(features.VOCABULARY_SIZE, 4),
            keras.layers.Flatten(),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )


def written_examples(directory, transform_output, count):
    """Writes transformed examples as Transform does and returns their pattern."""
    path = directory / "transformed_examples-00000-of-00001.gz"
    with tf.io.TFRecordWriter(str(path), options="GZIP") as writer:
        for token_ids, label in zip(*reviews(count), strict=True):
            feature = {
                features.TOKEN_IDS: tf.train.Feature(
                    int64_list=tf.train.Int64List(value=token_ids.astype(int))
                ),
                features.LABEL: tf.train.Feature(
                    int64_list=tf.train.Int64List(value=[int(label)])
                ),
            }
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            writer.write(example.SerializeToString())
    return str(directory / "*.gz")


def test_examples_are_read_as_they_were_written(tmp_path, transform_output):
    """Token ids in two bytes each, labels beside them."""
    pattern = written_examples(tmp_path, transform_output, 5)
    token_ids, labels = training.read_examples([pattern], transform_output)
    expected_ids, expected_labels = reviews(5)
    assert token_ids.dtype == np.uint16
    np.testing.assert_array_equal(token_ids, expected_ids)
    np.testing.assert_array_equal(labels, expected_labels)


def test_fitting_learns_and_reports_every_step(tmp_path):
    """Steps count up over the epochs, with the loss and accuracy so far."""
    keras.utils.set_random_seed(3)
    heard = []
    hyperparameters = Hyperparameters(epochs=40, batch_size=10, learning_rate=0.03)
    model = tiny_model()
    with progress.listening(heard.append):
        training.fit(model, reviews(25), None, hyperparameters, str(tmp_path))
    assert [report.done for report in heard] == list(range(1, 121))
    assert {report.total for report in heard} == {120}
    assert heard[0].stage == "epoch 1/40"
    assert heard[-1].stage == "epoch 40/40"
    assert heard[-1].metrics["accuracy"] == 1.0
    assert heard[-1].metrics["loss"] < heard[0].metrics["loss"]


def test_training_writes_tensorboard_logs(tmp_path):
    """One event file at least, where the model_run artifact is."""
    training.fit(tiny_model(), reviews(4), reviews(4), Hyperparameters(epochs=1), str(tmp_path))
    folders = {path.parent.name for path in tmp_path.rglob("events.out.tfevents.*")}
    assert folders == {"train", "validation"}


def test_a_loss_that_is_not_a_number_names_step_and_cause(tmp_path):
    """The first step's update is infinite, so the second loss is no number."""
    hyperparameters = Hyperparameters(epochs=2, batch_size=4, learning_rate=float("inf"))
    with pytest.raises(TrainingError) as error:
        training.fit(tiny_model(), reviews(16), None, hyperparameters, str(tmp_path))
    assert re.match(
        r"Training diverged: the loss became nan at step 2 of epoch 1\. The likely cause is a "
        r"learning rate of inf with batches of 4: try --learning-rate",
        str(error.value),
    )


def trained_weights(tmp_path, seed):
    """Returns the weights after a short training from that seed."""
    keras.utils.set_random_seed(seed)
    model = tiny_model()
    training.fit(
        model, reviews(20), None, Hyperparameters(epochs=2, batch_size=5, seed=seed), str(tmp_path)
    )
    return np.concatenate([weight.ravel() for weight in model.get_weights()])


def test_the_seed_decides_the_weights(tmp_path):
    """Equal seeds, equal weights; another seed, others."""
    first = trained_weights(tmp_path, 1)
    np.testing.assert_array_equal(first, trained_weights(tmp_path, 1))
    assert np.abs(first - trained_weights(tmp_path, 2)).max() > 1e-3


def test_run_fn_trains_and_exports_the_selected_variant(tmp_path, transform_output):
    """From transformed examples to a SavedModel that answers."""
    pattern = written_examples(tmp_path, transform_output, 8)
    training.run_fn(
        SimpleNamespace(
            custom_config={
                training.MODEL: "lstm",
                training.HYPERPARAMETERS: Hyperparameters(epochs=1, batch_size=8).to_config(),
                training.HAS_VALIDATION: False,
                training.WARM_START: False,
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
    assert 0.0 < float(answer["probability"][0]) < 1.0
    record = TrainingRecord.read(str(tmp_path / "model"))
    assert (record.model, record.hyperparameters.batch_size) == ("lstm", 8)
    assert record.parameters == 213_301 and record.seconds > 0.0


def test_the_export_says_what_was_trained(tmp_path):
    """Variant, hyperparameters, seconds and parameters come back as they were written."""
    record = TrainingRecord("lstm", Hyperparameters(epochs=2), 1.5, 213_301)
    record.write(str(tmp_path))
    assert TrainingRecord.read(str(tmp_path)) == record
