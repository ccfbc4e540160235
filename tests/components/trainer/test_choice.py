"""`model="auto"`: which variant is trained, and what is said of it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from components import progress
from components.errors import ConfigurationError
from components.models.training_record import TrainingRecord
from components.trainer import choice, custom_config, training
from components.trainer.custom_config import TrainingRequest

from .test_class_weights import SHAPE, skewed
from .test_training import written_examples

SMALL_NETWORK = {
    "epochs": 1, "embedding_units": 4, "lstm_units": 4, "filters": 8, "weight_decay": 0.0
}  # fmt: skip


@pytest.fixture
def asked():
    """A choice between the linear model and a small network, for texts of twelve words."""
    config = {
        custom_config.MODEL: "auto",
        custom_config.CANDIDATES: {"cnn_bilstm_linear": SMALL_NETWORK},
        custom_config.TOKENS: {
            "vocabulary_size": SHAPE.vocabulary_size,
            "max_length": SHAPE.max_length,
        },
    }
    return TrainingRequest.from_fn_args(SimpleNamespace(custom_config=config))


def test_few_reviews_get_the_linear_model(asked):
    """Without a trial, and the record says why in a line."""
    token_ids, labels = skewed(704, (1, 1))
    found = choice.choose_variant(asked, (token_ids, labels), None)
    assert found.variant.name == "linear"
    assert found.hyperparameters == found.variant.presets["tuned"]
    assert found.chosen_because == (
        "linear: 704 reviews to train on; a network needs some 10,000"
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("best", ["cnn_bilstm_linear", "linear"])
def test_of_many_reviews_a_trial_decides(asked, monkeypatch, best):
    """The candidate of the least loss on reviews that it did not see is trained; both are told."""
    monkeypatch.setattr(choice, "NETWORK_FROM", 300)
    seen = {}
    real = choice.run_trial

    def trial(asked, name, fitted_on, held_out):
        seen[name] = fitted_on, held_out
        measured = real(asked, name, fitted_on, held_out)
        return measured | {"loss": 0.25 if name == best else 0.5}

    monkeypatch.setattr(choice, "run_trial", trial)
    heard = []
    with progress.listening(heard.append):
        found = choice.choose_variant(asked, skewed(400, (1, 1)), None)
    assert found.variant.name == best
    assert found.hyperparameters == asked.candidates[best]
    (fitted_on, labels), (held_out, _) = seen[best]
    assert len(labels) == 300 and len(held_out) == 40
    assert not {row.tobytes() for row in fitted_on} & {row.tobytes() for row in held_out}
    assert found.chosen_because.startswith(
        f"{best}: in a trial on 300 reviews, its log loss on 40 others is 0.250 (accuracy "
    )
    assert "'s is 0.500 (" in found.chosen_because
    assert heard[0].stage == "trial of linear, counting words and pairs"
    assert heard[-1].stage == "trial of cnn_bilstm_linear, epoch 1/1"
    assert heard[-1].done == heard[-1].total


def test_equal_texts_are_on_one_side_of_a_trial():
    """Sorted by content they are neighbours, and the border goes behind the last of them."""
    token_ids = np.repeat(np.arange(30, dtype=np.uint8), 7)[:, np.newaxis]
    fitted_on, held_out = choice.split_for_trial((token_ids, np.zeros(210, int)), None)
    assert held_out[0][:, 0].tolist() == [0] * 7 + [1] * 7 + [2] * 7
    assert fitted_on[0].min() == 3


def test_run_fn_records_the_variant_that_it_trained(tmp_path, transform_output):
    """So the card, the panel and a later comparison name it."""
    pattern = written_examples(tmp_path, transform_output, 40)
    fn_args = SimpleNamespace(
        custom_config={custom_config.MODEL: "auto"},
        transform_output=transform_output.transform_savedmodel_dir.rsplit("/", 1)[0],
        train_files=[pattern],
        eval_files=[pattern],
        model_run_dir=str(tmp_path / "logs"),
        serving_model_dir=str(tmp_path / "export"),
        base_model=None,
        hyperparameters=None,
    )
    training.run_fn(fn_args)
    record = TrainingRecord.read(fn_args.serving_model_dir)
    assert record.model == "linear"
    assert record.chosen_because.startswith("linear: 40 reviews to train on")


def test_an_unknown_model_is_refused_with_auto_among_the_choices():
    """By the components too."""
    with pytest.raises(ConfigurationError, match="cnn_bilstm_linear, auto"):
        TrainingRequest.from_fn_args(SimpleNamespace(custom_config={custom_config.MODEL: "best"}))
