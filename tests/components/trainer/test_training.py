"""Training: how it is fitted, when it stops, what is exported."""

from __future__ import annotations

import re
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from components import features, progress
from components.errors import TrainingError
from components.hyperparameters import Hyperparameters
from components.models.registry import SAMPLE, get_variant
from components.models.training_record import CurvePoint, TrainingRecord
from components.trainer import custom_config, fit, training
from components.transform.token_settings import TokenSettings
from tests.fresh_process import told_by


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


def written_examples(directory, transform_output, count, order=slice(None)):
    """Writes transformed examples as Transform does and returns their pattern."""
    path = directory / "transformed_examples-00000-of-00001.gz"
    with tf.io.TFRecordWriter(str(path), options="GZIP") as writer:
        for token_ids, label in list(zip(*reviews(count), strict=True))[order]:
            feature = {
                features.TOKEN_IDS: tf.train.Feature(
                    int64_list=tf.train.Int64List(value=token_ids.astype(int))
                ),
                features.LABEL: tf.train.Feature(int64_list=tf.train.Int64List(value=[int(label)])),
            }
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            writer.write(example.SerializeToString())
    return str(directory / "*.gz")


def test_fitting_learns_and_reports_every_step(tmp_path):
    """Steps count up over the epochs, with the loss and accuracy so far."""
    keras.utils.set_random_seed(3)
    heard = []
    hyperparameters = Hyperparameters(epochs=40, batch_size=10, learning_rate=0.03)
    model = tiny_model()
    with progress.listening(heard.append):
        fit.fit(model, reviews(25), None, hyperparameters, str(tmp_path))
    assert [report.done for report in heard] == list(range(1, 121))
    assert {report.total for report in heard} == {120}
    assert heard[0].stage == "epoch 1/40"
    assert heard[-1].stage == "epoch 40/40"
    assert heard[-1].metrics["accuracy"] == 1.0
    assert heard[-1].metrics["loss"] < heard[0].metrics["loss"]


def curve(directory, run, tag):
    """Returns the points of a TensorBoard curve: {step: value}."""
    events = EventAccumulator(str(directory / run), size_guidance={"tensors": 0}).Reload()
    return {event.step: float(tf.make_ndarray(event.tensor_proto)) for event in events.Tensors(tag)}


def test_training_writes_a_point_a_step_where_steps_are_few(tmp_path):
    """Each step's own loss, not the mean so far: the epoch's mean follows from them."""
    hyperparameters = Hyperparameters(epochs=2, batch_size=10)
    heard = []
    with progress.listening(heard.append):
        fit.fit(tiny_model(), reviews(25), reviews(4), hyperparameters, str(tmp_path))
    for name in ("loss", "accuracy"):
        points = curve(tmp_path, "train", name)
        assert [*points] == [1, 2, 3, 4, 5, 6]
        for last in (3, 6):
            mean = (10 * points[last - 2] + 10 * points[last - 1] + 5 * points[last]) / 25
            assert mean == pytest.approx(heard[last - 1].metrics[name], rel=1e-4)
            assert curve(tmp_path, "train", f"epoch_{name}")[last] == pytest.approx(mean, rel=1e-4)
        # An eval split of four says nothing between the epochs.
        assert [*curve(tmp_path, "validation", name)] == [3, 6]
        assert curve(tmp_path, "validation", f"epoch_{name}") == curve(tmp_path, "validation", name)


def assert_same_as_tensorboard(directory, points):
    """Checks a curve's points against TensorBoard's: same steps, same values."""
    for name in ("loss", "accuracy"):
        written = curve(directory, "train", name)
        assert [point.step for point in points] == [*written]
        found = [getattr(point, name) for point in points]
        np.testing.assert_allclose(found, [*written.values()], atol=1e-6)


def test_the_curve_has_what_tensorboard_has(tmp_path):
    """Steps count over the epochs; the eval split's values are at the ends of epochs."""
    hyperparameters = Hyperparameters(epochs=2, batch_size=10)
    points = fit.fit(tiny_model(), reviews(25), reviews(4), hyperparameters, str(tmp_path))
    assert_same_as_tensorboard(tmp_path, points)
    assert [point.epoch for point in points] == [1, 1, 1, 2, 2, 2]
    for name in ("loss", "accuracy"):
        measured = {point.step: getattr(point, f"eval_{name}") for point in points}
        written = curve(tmp_path, "validation", name)
        assert [step for step, value in measured.items() if value is not None] == [3, 6]
        assert {step: measured[step] for step in written} == pytest.approx(written, abs=1e-6)


def test_a_training_that_stops_early_has_its_last_steps_in_the_curve(tmp_path):
    """150 epochs of two steps were asked for, a point every third step: the last is shorter."""
    token_ids, labels = reviews(20)
    hyperparameters = Hyperparameters(
        epochs=150, batch_size=10, early_stopping=1, learning_rate=0.05
    )
    model = tiny_model()
    points = fit.fit(
        model, (token_ids, labels), (token_ids, 1 - labels), hyperparameters, str(tmp_path)
    )
    losses = model.history.history["val_loss"]
    assert points[-1].step == 2 * len(losses) < 300
    assert points[-1].eval_loss == pytest.approx(losses[-1], abs=1e-6)
    assert_same_as_tensorboard(tmp_path, points)


def test_a_long_training_has_a_hundred_points_or_some_more_and_looks_at_eval_in_between(tmp_path):
    """318 steps give a point every third; part of eval is looked at four times an epoch."""
    model = tiny_model()
    validation = reviews(120)
    hyperparameters = Hyperparameters(epochs=2, batch_size=64)
    kept = fit.fit(model, reviews(10_176), validation, hyperparameters, str(tmp_path))
    assert_same_as_tensorboard(tmp_path, kept)
    # What is measured between two points is the later one's.
    measured = {point.step: point.eval_accuracy for point in kept if point.eval_accuracy}
    assert [*measured] == [39, 81, 120, 159, 198, 240, 279, 318]
    points = curve(tmp_path, "train", "loss")
    assert [*points] == [*range(3, 319, 3)]
    assert points[318] < 0.5 * points[3]
    looks = [39, 79, 119, 159, 198, 238, 278, 318]
    assert [*curve(tmp_path, "validation", "accuracy")] == looks
    (token_ids, labels), count = validation, 101
    chosen = np.linspace(0, 119, count).astype(int)
    answers = model(token_ids[chosen].astype(np.int32)).numpy()[:, 0]
    exact = -np.mean(np.log(np.where(labels[chosen] == 1, answers, 1 - answers)))
    assert curve(tmp_path, "validation", "loss")[318] == pytest.approx(exact, rel=1e-3)
    assert [*curve(tmp_path, "validation", "epoch_loss")] == [159, 318]


def test_a_model_that_is_solved_has_its_final_points(tmp_path):
    """`linear`: what it says of train and eval once it is fitted."""
    variant = get_variant("linear")
    hyperparameters = variant.presets[SAMPLE]
    model = variant.build(hyperparameters)
    (point,) = fit.fit_variant(
        variant, model, reviews(60), reviews(20), hyperparameters, str(tmp_path)
    ).curve
    assert (point.step, point.epoch, point.accuracy, point.eval_accuracy) == (0, 0, 1.0, 1.0)
    for run, kept in (("train", point.loss), ("validation", point.eval_loss)):
        assert curve(tmp_path, run, "loss") == {0: pytest.approx(kept, abs=1e-6)}
    for run in ("train", "validation"):
        assert curve(tmp_path, run, "accuracy") == {0: 1.0}
        (loss,) = curve(tmp_path, run, "loss").values()
        assert 0.0 < loss < 0.3


def test_a_loss_that_is_not_a_number_names_step_and_cause(tmp_path):
    """The first step's update is infinite, so the second loss is no number."""
    hyperparameters = Hyperparameters(epochs=2, batch_size=4, learning_rate=float("inf"))
    with pytest.raises(TrainingError) as error:
        fit.fit(tiny_model(), reviews(16), None, hyperparameters, str(tmp_path))
    assert re.match(
        r"Training diverged: the loss became nan at step 2 of epoch 1\. The likely cause is a "
        r"learning rate of inf with batches of 4: try `learning_rate=inf`",
        str(error.value),
    )


def fitted(tmp_path, validation=None, **settings):
    """Returns a tiny model after a short training with these hyperparameters."""
    keras.utils.set_random_seed(3)
    model = tiny_model()
    hyperparameters = Hyperparameters(batch_size=5, learning_rate=0.05, **settings)
    fit.fit(model, reviews(20), validation, hyperparameters, str(tmp_path))
    return model


def test_the_reference_is_plain_adam():
    """Constant rate, no clipping, no decay, no averages, and no callback that picks weights."""
    optimizer = fit.optimizer(Hyperparameters(), steps=10).get_config()
    assert optimizer["learning_rate"] == pytest.approx(0.001)
    assert optimizer["global_clipnorm"] is optimizer["weight_decay"] is None
    assert not optimizer["use_ema"]
    assert fit.weight_callbacks(Hyperparameters()) == []


def test_the_cosine_schedule_ends_at_nothing():
    """Half of the rate half-way, none at the end."""
    hyperparameters = Hyperparameters(schedule="cosine", learning_rate=0.02)
    rate = fit.optimizer(hyperparameters, steps=10)._learning_rate
    np.testing.assert_allclose([rate(0), rate(5), rate(10)], [0.02, 0.01, 0.0], atol=1e-8)


def test_the_schedule_is_as_long_as_the_fit(tmp_path):
    """Four steps an epoch, five epochs: the rate is 0 after the last step, and not before."""
    model = fitted(tmp_path, epochs=5, schedule="cosine")
    assert model.optimizer._learning_rate.decay_steps == 20


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The weights of the first layer after four epochs of the plain fit."""
    return fitted(tmp_path_factory.mktemp("plain"), epochs=4).get_weights()[1]


def test_decay_clipping_and_smoothing_reach_the_fit(tmp_path, plain):
    """Each of them gives other weights than the plain fit; decay and smoothing smaller ones."""
    for setting in ({"weight_decay": 0.9}, {"label_smoothing": 0.4}, {"clip_norm": 1e-3}):
        other = fitted(tmp_path, epochs=4, **setting).get_weights()[1]
        assert np.abs(other - plain).max() > 1e-4
        if "clip_norm" not in setting:
            assert np.linalg.norm(other) < np.linalg.norm(plain)


def test_early_stopping_ends_a_training_that_gets_worse(tmp_path):
    """Two epochs after the best one, when eval has the labels turned round."""
    token_ids, labels = reviews(20)
    model = fitted(tmp_path, (token_ids, 1 - labels), epochs=30, early_stopping=2)
    losses = model.history.history["val_loss"]
    assert len(losses) == np.argmin(losses) + 3 < 30


@pytest.mark.parametrize(
    "settings",
    [
        {"restore_best": True},
        {"restore_best": True, "weight_averaging": 0.5},
        {"early_stopping": 2, "weight_averaging": 0.5},
    ],
)
def test_the_best_epoch_is_restored(tmp_path, settings):
    """The model is as good on eval as in its best epoch, averages or not.

    With averages, stopping early means the best epoch's, too: the last step's are no averages.
    """
    token_ids, labels = reviews(20)
    validation = token_ids, 1 - labels
    settings["epochs"] = 6
    model = fitted(tmp_path, validation, **settings)
    losses = model.history.history["val_loss"]
    loss = keras.losses.binary_crossentropy(
        validation[1][:, np.newaxis], model(token_ids.astype(np.int32))
    )
    np.testing.assert_allclose(np.mean(loss), min(losses), rtol=1e-4)
    assert losses[-1] > min(losses)


def test_averaged_weights_move_more_slowly(tmp_path, plain):
    """After a few steps an average with a long memory is nearer to the start."""
    start, averaged = (
        model.get_weights()[1]
        for model in (
            fitted(tmp_path, epochs=1, clip_norm=1e-12),
            fitted(tmp_path, epochs=4, weight_averaging=0.99),
        )
    )
    assert np.linalg.norm(averaged - start) < 0.8 * np.linalg.norm(plain - start)


def trained_weights(tmp_path, seed):
    """Returns the weights after a short training from that seed."""
    keras.utils.set_random_seed(seed)
    model = tiny_model()
    fit.fit(
        model, reviews(20), None, Hyperparameters(epochs=2, batch_size=5, seed=seed), str(tmp_path)
    )
    return np.concatenate([weight.ravel() for weight in model.get_weights()])


def test_the_seed_decides_the_weights(tmp_path):
    """Equal seeds, equal weights; another seed, others."""
    first = trained_weights(tmp_path, 1)
    np.testing.assert_array_equal(first, trained_weights(tmp_path, 1))
    assert np.abs(first - trained_weights(tmp_path, 2)).max() > 1e-3


@pytest.fixture
def trained(tmp_path, transform_output):
    """Has run_fn train, on eight reviews, `lstm` or what is said; returns the export's folder."""

    def train(start, custom=None, **arguments):
        pattern = written_examples(tmp_path, transform_output, 8)
        training.run_fn(
            SimpleNamespace(
                custom_config={
                    custom_config.MODEL: "lstm",
                    custom_config.HYPERPARAMETERS: start.to_config(),
                    custom_config.HAS_VALIDATION: False,
                }
                | (custom or {}),
                transform_output=transform_output.transform_savedmodel_dir.rsplit("/", 1)[0],
                train_files=[pattern],
                eval_files=[pattern],
                model_run_dir=str(tmp_path / "run"),
                serving_model_dir=str(tmp_path / "model"),
                **arguments,
            )
        )
        return str(tmp_path / "model")

    return train


def test_run_fn_trains_and_exports_the_selected_variant(trained):
    """From transformed examples to a SavedModel that answers."""
    exported = trained(Hyperparameters(epochs=1, batch_size=8))
    served = tf.saved_model.load(exported)
    answer = served.signatures["predict_text"](text=tf.constant(["a great film"]))
    assert 0.0 < float(answer["probability"][0]) < 1.0
    record = TrainingRecord.read(exported)
    assert (record.model, record.hyperparameters.batch_size) == ("lstm", 8)
    assert record.parameters == 213_301 and record.seconds > 0.0
    assert [(point.step, point.epoch) for point in record.curve] == [(1, 1)]
    assert 0.0 < record.curve[0].loss < 2.0
    assert TokenSettings.of_model(exported) == TokenSettings()


def test_run_fn_takes_the_tuners_values(trained):
    """They win over those that the search started from."""
    exported = trained(
        Hyperparameters(epochs=1, batch_size=8),
        {custom_config.MODEL: "linear", custom_config.IS_TUNED: True},
        hyperparameters={"values": {"model": "linear", "batch_size": 4, "lstm_units": 5}},
    )
    expected = Hyperparameters(epochs=1, batch_size=4, lstm_units=5)
    assert TrainingRecord.read(exported).hyperparameters == expected


@pytest.mark.slow
def test_run_fn_goes_on_from_an_earlier_model(trained, exported_model):
    """At a rate that moves nothing, what is exported says what the earlier model says."""
    exported = trained(
        Hyperparameters(epochs=1, learning_rate=1e-12),
        {custom_config.WARM_START: True},
        base_model=str(exported_model),
    )
    ask = {"text": tf.constant(["a great film", "dull and far too long"])}
    earlier, later = (
        tf.saved_model.load(str(model)).signatures["predict_text"](**ask)["probability"]
        for model in (exported_model, exported)
    )
    np.testing.assert_allclose(earlier, later, atol=1e-6)


@pytest.mark.slow
def test_a_solved_part_stays_as_it_was_solved_while_the_rest_is_trained(tmp_path):
    """`cnn_bilstm_linear`: the linear part is that of `linear`, and the network has moved."""
    variant, linear = get_variant("cnn_bilstm_linear"), get_variant("linear")
    hyperparameters = variant.presets[SAMPLE].overridden(epochs=1, filters=4, lstm_units=4)
    both, alone = variant.build(hyperparameters), linear.build(hyperparameters)
    before = {weight.path: weight.numpy() for weight in both.trainable_weights}
    fit.fit_variant(variant, both, reviews(20), None, hyperparameters, str(tmp_path))
    linear.solve(alone, reviews(20), hyperparameters)
    for ours, theirs in zip(both.non_trainable_weights, alone.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert all(np.any(weight != before[weight.path]) for weight in both.trainable_weights)


def test_the_export_says_what_was_trained(tmp_path):
    """Variant, hyperparameters, seconds, parameters and curve come back as they were written."""
    curve_points = (CurvePoint(1, 1, 0.7, 0.5), CurvePoint(2, 1, 0.6, 0.75, 0.65, 0.7))
    record = TrainingRecord("lstm", Hyperparameters(epochs=2), 1.5, 213_301, curve=curve_points)
    record.write(str(tmp_path))
    assert TrainingRecord.read(str(tmp_path)) == record


@pytest.mark.slow
def test_a_deterministic_run_gives_the_same_bits_each_time(tmp_path, transform_output):
    """Two processes train a model with dropout; their exports' answers are equal."""
    pattern = written_examples(tmp_path, transform_output, 12)
    hyperparameters = Hyperparameters(epochs=2, batch_size=4, dropout=0.2, deterministic=True)
    script = (
        "from types import SimpleNamespace\n"
        "import tensorflow as tf\n"
        "from components.trainer import training\n"
        "training.run_fn(SimpleNamespace(**arguments[0]))\n"
        "served = tf.saved_model.load(arguments[0]['serving_model_dir'])\n"
        "answer = served.signatures['predict_text'](text=tf.constant(['a great film']))\n"
        "print(json.dumps(answer['probability'].numpy().tobytes().hex()))\n"
    )
    answers = set()
    for run in ("first", "second"):
        arguments = {
            "custom_config": {
                custom_config.MODEL: "lstm_dropout",
                custom_config.HYPERPARAMETERS: hyperparameters.to_config(),
                custom_config.HAS_VALIDATION: False,
            },
            "transform_output": transform_output.transform_savedmodel_dir.rsplit("/", 1)[0],
            "train_files": [pattern],
            "eval_files": [pattern],
            "model_run_dir": str(tmp_path / run / "logs"),
            "serving_model_dir": str(tmp_path / run / "model"),
        }
        answers.add(told_by(script, arguments))
    assert len(answers) == 1
