"""A training that was killed goes on from its last checkpoint, as if nothing had happened."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from components import notices, progress
from components.hyperparameters import Hyperparameters
from components.models.registry import SAMPLE, get_variant
from components.trainer import checkpoints, custom_config, fit
from components.trainer.checkpoints import Checkpoint, Checkpoints, default_parent, key_of
from components.trainer.position import Position

from .test_training import curve, reviews, tiny_model, written_examples

STEPS = 4  # of an epoch: 20 reviews, 5 to a batch


class KilledError(Exception):
    """Ends a training between two steps."""


class Tiny:
    """A variant of the tiny model, for `fit_variant`."""

    solve = None
    uses_gradient_descent = True


def train(folder, log_dir, minutes=1e-9, kill_after=None, **settings):
    """Trains a tiny model with a checkpoint each step; returns its weights, losses and curve."""
    hyperparameters = Hyperparameters(batch_size=5, learning_rate=0.05, **settings)
    keras.utils.set_random_seed(hyperparameters.seed)
    model = tiny_model()
    token_ids, labels = reviews(20)
    validation = (token_ids, 1 - labels) if hyperparameters.needs_validation else None
    heard = []

    def hear(report):
        heard.append(report.done)
        if kill_after and len(heard) == kill_after:
            raise KilledError

    with progress.listening(hear):
        fitted = fit.fit_variant(
            Tiny,
            model,
            (token_ids, labels),
            validation,
            hyperparameters,
            str(log_dir),
            Checkpoints(str(folder), "key", minutes) if folder else None,
        )
    return model.get_weights(), heard, fitted


SETTINGS = {
    "plain": {"epochs": 2, "schedule": "cosine", "clip_norm": 0.5, "class_weights": "balanced"},
    "choosing": {"epochs": 6, "restore_best": True, "early_stopping": 3, "weight_averaging": 0.5},
}


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """By the name of its settings, what a training comes to that nobody ends, and its logs."""
    found = {}
    for name, settings in SETTINGS.items():
        logs = tmp_path_factory.mktemp(name)
        found[name] = (*train(None, logs, **settings), logs)
    return found


@pytest.mark.parametrize(
    ("name", "kill_after"), [("plain", 3), ("plain", 5), ("choosing", 5), ("choosing", 6)]
)
def test_a_training_that_goes_on_comes_to_the_same_weights(tmp_path, unbroken, name, kill_after):
    """To the bit, from the middle of an epoch and from its border; so does its curve."""
    settings = SETTINGS[name]
    expected, every, whole, logs = unbroken[name]
    with pytest.raises(KilledError):
        train(tmp_path / "kept", tmp_path / "first", kill_after=kill_after, **settings)
    told = []
    with notices.listening(told.append):
        found, heard, fitted = train(tmp_path / "kept", tmp_path / "second", **settings)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    # The step during which it was killed is done once more.
    assert heard == [*range(kill_after, every[-1] + 1)]
    epoch, step = divmod(kill_after - 1, STEPS)
    (text,) = told
    assert re.fullmatch(
        rf"Training goes on from a checkpoint of a run that was stopped: epoch {epoch + 1} of "
        rf"{settings['epochs']}, after step {step} of 4; \d+ s of training are not repeated\.",
        text,
    )
    for ours, theirs in zip(fitted.curve, whole.curve, strict=True):
        assert (ours.step, ours.epoch) == (theirs.step, theirs.epoch)
        assert ours.loss == pytest.approx(theirs.loss, abs=1e-5)
        assert ours.eval_loss == (theirs.eval_loss and pytest.approx(theirs.eval_loss, abs=1e-5))
    for tag in ("loss", "epoch_loss", "epoch_accuracy"):
        ours, theirs = (curve(folder, "train", tag) for folder in (tmp_path / "second", logs))
        assert ours == pytest.approx(theirs, abs=1e-5)


@pytest.mark.slow
def test_a_model_with_dropout_and_a_solved_part_goes_on(tmp_path):
    """`cnn_bilstm_linear`: the states of random numbers are kept, and what the solver found."""
    variant = get_variant("cnn_bilstm_linear")
    hyperparameters = variant.presets[SAMPLE].overridden(
        epochs=2, batch_size=10, filters=4, lstm_units=4, embedding_units=4
    )

    def trained(kept, kill_after=None):
        keras.utils.set_random_seed(3)
        model = variant.build(hyperparameters)

        def hear(report):
            if kill_after and report.unit == "steps" and report.stage == "epoch 2/2":
                raise KilledError

        with progress.listening(hear):
            fit.fit_variant(
                variant,
                model,
                reviews(40),
                None,
                hyperparameters,
                str(tmp_path / "logs"),
                kept and Checkpoints(str(kept), "key", 1e-9),
            )
        return model.get_weights()

    expected = trained(None)
    with pytest.raises(KilledError):
        trained(tmp_path / "kept", kill_after=1)
    for ours, theirs in zip(trained(tmp_path / "kept"), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_checkpoints_wait_for_their_minutes(tmp_path):
    """An hour has not passed: there is none, and no folder."""
    with pytest.raises(KilledError):
        train(tmp_path / "kept", tmp_path / "logs", minutes=60, kill_after=6, epochs=2)
    assert not (tmp_path / "kept").exists()


def some_checkpoint(step=5):
    """A checkpoint of three arrays of different kinds."""
    arrays = {
        "model": [np.arange(6, dtype=np.float32).reshape(2, 3), np.array(7, np.int64)],
        "optimizer": [np.zeros(0, np.float16)],
    }
    return Checkpoint(Position(2, step), 12.5, {"curves": {"step": 9}}, arrays)


def assert_equal(found, expected):
    """Checks all of a checkpoint."""
    assert (found.position, found.seconds) == (expected.position, expected.seconds)
    assert found.state == expected.state and [*found.arrays] == [*expected.arrays]
    for name, arrays in expected.arrays.items():
        for ours, theirs in zip(found.arrays[name], arrays, strict=True):
            assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
            np.testing.assert_array_equal(ours, theirs)


def test_the_latest_checkpoint_is_read_as_it_was_written(tmp_path):
    """The last two are kept; `remove` leaves nothing, nor the folder of all trainings."""
    kept = Checkpoints(str(tmp_path / "all"), "key", 10)
    assert kept.latest() is None
    for step in (1, 2, 3):
        kept.write(some_checkpoint(step))
    assert_equal(kept.latest(), some_checkpoint(3))
    assert len([*(tmp_path / "all" / "key").iterdir()]) == 2
    kept.remove()
    assert [*tmp_path.iterdir()] == []


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def changed(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def emptied(path):
    path.write_bytes(b"")


def half_written(path):
    path.rename(f"{path}.partial")


@pytest.mark.parametrize("damage", [cut, changed, emptied, half_written])
def test_a_damaged_checkpoint_is_told_and_the_one_before_is_taken(tmp_path, damage):
    """One after the other: without a whole one, training begins anew."""
    kept = Checkpoints(str(tmp_path), "key", 10)
    for step in (1, 2):
        kept.write(some_checkpoint(step))
    first, second = sorted((tmp_path / "key").iterdir())
    damage(second)
    told = []
    with notices.listening(told.append):
        assert_equal(kept.latest(), some_checkpoint(1))
        assert len(told) == 1 and f"The checkpoint {second}" in told[0] and "not taken" in told[0]
        damage(first)
        assert kept.latest() is None
    assert len(told) == 3
    kept.write(some_checkpoint(9))
    assert_equal(kept.latest(), some_checkpoint(9))


def test_a_folder_that_cannot_be_written_does_not_end_training(tmp_path):
    """It is told once."""
    (tmp_path / "file").write_text("")
    kept, told = Checkpoints(str(tmp_path / "file"), "key", 10), []
    with notices.listening(told.append):
        kept.write(some_checkpoint())
        kept.write(some_checkpoint())
    (text,) = told
    folder = tmp_path / "file" / "key"
    assert re.match(f"No checkpoint can be written to {folder}: (Not a|Could not find) dir", text)


def test_checkpoints_of_trainings_that_were_given_up_go_in_time(tmp_path):
    """The oldest ones, when there are more than a few."""
    for number in range(checkpoints.MOST_TRAININGS + 3):
        Checkpoints(str(tmp_path), f"key{number}", 10).write(some_checkpoint())
        time.sleep(0.002)  # their times are milliseconds
    found = {folder.name for folder in tmp_path.iterdir()}
    assert found == {f"key{number}" for number in range(3, checkpoints.MOST_TRAININGS + 3)}


def test_another_training_has_another_key():
    """Order of keys plays no part, any value does."""
    assert key_of({"a": 1, "b": (2, 3)}) == key_of({"b": [2, 3], "a": 1})
    assert key_of({"a": 1}) != key_of({"a": 2})


@pytest.mark.parametrize(
    ("model_run_dir", "parent"),
    [
        ("artifacts/imdb/Trainer/model_run/12", "artifacts/imdb/Trainer/checkpoints"),
        ("gs://bucket/Trainer/model_run/12/", "gs://bucket/Trainer/checkpoints"),
        ("/tmp/run", None),
    ],
)
def test_a_re_run_finds_the_folder(model_run_dir, parent):
    """By TFX's names of outputs; without them none is known."""
    assert default_parent(model_run_dir) == parent


SCRIPT = """
import hashlib, json, os, signal, sys
from types import SimpleNamespace
import tensorflow as tf
from components import notices, progress
from components.trainer import training
arguments, kill_at = json.loads(sys.argv[1]), int(sys.argv[2])
def hear(report):
    if report.unit == "steps" and report.done == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)
with progress.listening(hear), notices.listening(lambda text: print("told:", text)):
    training.run_fn(SimpleNamespace(**arguments))
found = hashlib.sha256()
path = arguments["serving_model_dir"] + "/variables/variables"
for name, _ in sorted(tf.train.list_variables(path)):
    if not name.startswith("_"):
        found.update(tf.train.load_variable(path, name).tobytes())
print(found.hexdigest())
"""


@pytest.mark.slow
def test_a_killed_trainer_goes_on_to_the_same_weights(tmp_path, transform_output):
    """`kill -9` at the fifth of six steps; the next execution has another folder, as in TFX."""
    pattern = written_examples(tmp_path, transform_output, 12)
    hyperparameters = {
        "epochs": 2,
        "batch_size": 4,
        "dropout": 0.2,
        "embedding_units": 4,
        "lstm_units": 4,
        "deterministic": True,
    }

    def run(node, execution, kill_at):
        arguments = {
            "custom_config": {
                custom_config.MODEL: "lstm_dropout",
                custom_config.HYPERPARAMETERS: hyperparameters,
                custom_config.CHECKPOINT_MINUTES: 1e-9,
            },
            "transform_output": transform_output.transform_savedmodel_dir.rsplit("/", 1)[0],
            "train_files": [pattern],
            "eval_files": [pattern],
            "model_run_dir": str(tmp_path / node / "model_run" / execution),
            "serving_model_dir": str(tmp_path / node / "model" / execution / "Format-Serving"),
        }
        return subprocess.run(
            [sys.executable, "-c", SCRIPT, json.dumps(arguments), str(kill_at)],
            capture_output=True,
            text=True,
            timeout=300,
        )

    unbroken = run("unbroken", "1", 0)
    assert run("killed", "1", 5).returncode == -signal.SIGKILL
    kept = tmp_path / "killed" / "checkpoints"
    assert len([*kept.glob("*/checkpoint-*")]) == 2
    again = run("killed", "2", 0)
    assert again.returncode == unbroken.returncode == 0, again.stderr + unbroken.stderr
    assert "epoch 2 of 2, after step 1 of 3" in again.stdout and "told" not in unbroken.stdout
    assert again.stdout.splitlines()[-1] == unbroken.stdout.splitlines()[-1]
    assert not kept.exists()
