"""From flags and presets to the hyperparameters that the Trainer gets."""

from __future__ import annotations

import pytest

from components.errors import ConfigurationError
from components.hyperparameters import Hyperparameters
from components.models.registry import get_variant
from pipeline.config import PipelineConfig, hyperparameters_for
from pipeline.loading import load_config


def of_variant(config, is_sample):
    """Returns the hyperparameters of the one variant that is asked for."""
    (found,) = hyperparameters_for(config, is_sample).values()
    return found


def test_real_reviews_get_the_reference_and_the_generated_ones_their_own():
    """Without a flag, the four are trained to the letter."""
    assert of_variant(PipelineConfig(), is_sample=False) == Hyperparameters()
    sample = of_variant(PipelineConfig(), is_sample=True)
    assert (sample.epochs, sample.batch_size, sample.learning_rate) == (10, 32, 3e-3)


def test_flags_override_the_preset():
    """What is given wins; the preset gives the rest."""
    flags = {"model": "lstm_dropout", "epochs": "5", "dropout": "0.3", "restore_best": True}
    config = load_config(flags | {"validation_fraction": "0.1", "seed": "11"})
    assert of_variant(config, is_sample=False) == Hyperparameters(
        epochs=5, dropout=0.3, restore_best=True, seed=11
    )


def test_the_preset_can_be_chosen():
    """`--preset sample` trains real reviews as the sample is trained."""
    config = PipelineConfig(preset="sample", epochs=2)
    assert of_variant(config, is_sample=False).learning_rate == 3e-3


def test_a_preset_that_the_variant_lacks_is_refused():
    """The message lists those that it has."""
    with pytest.raises(ConfigurationError) as error:
        of_variant(PipelineConfig(preset="refrence"), is_sample=False)
    assert str(error.value) == (
        "`preset` is 'refrence'; 'lstm' has: reference, tuned, sample. Did you mean 'reference'?"
    )


def test_a_hyperparameter_of_another_variant_is_refused():
    """The message names it and lists those that the variant has."""
    config = PipelineConfig(recurrent_dropout=0.1, filters=8)
    with pytest.raises(ConfigurationError) as error:
        of_variant(config, is_sample=False)
    message = str(error.value)
    assert message.startswith(
        "`filters`, `recurrent_dropout`: no hyperparameter of 'lstm' (LSTM(100)). Leave it out, "
        "or choose from: `seed`, `deterministic`, `class_weights`, `epochs`, "
    )
    assert message.endswith("`embedding_units`, `lstm_units`.")


def test_auto_gives_each_of_its_variants_what_that_one_has():
    """`epochs` is the network's alone, `regularization` both's; another variant's is refused."""
    config = PipelineConfig(model="auto", epochs=2, regularization=3.0, class_weights="balanced")
    found = hyperparameters_for(config, is_sample=False)
    assert list(found) == ["linear", "cnn_bilstm_linear"]
    assert [each.regularization for each in found.values()] == [3.0, 3.0]
    assert {each.class_weights for each in found.values()} == {"balanced"}
    tuned = get_variant("linear").presets["tuned"]
    assert found["linear"] == tuned.overridden(regularization=3.0, class_weights="balanced")
    assert found["cnn_bilstm_linear"].epochs == 2
    with pytest.raises(ConfigurationError, match="`recurrent_dropout`: no hyperparameter of"):
        hyperparameters_for(PipelineConfig(model="auto", recurrent_dropout=0.1), is_sample=False)
    with pytest.raises(ConfigurationError, match=r"Unknown model 'aut'.* auto\. Did you mean 'a"):
        PipelineConfig(model="aut")


@pytest.mark.parametrize("setting", [{"early_stopping": 2}, {"restore_best": True}])
def test_a_loss_on_eval_asks_for_an_eval_split(setting):
    """Refused before anything runs; with a split it is fine."""
    with pytest.raises(ConfigurationError, match=r"Try --validation-fraction 0\.1"):
        of_variant(PipelineConfig(**setting), is_sample=False)
    config = PipelineConfig(validation_fraction=0.1, **setting)
    assert of_variant(config, is_sample=False).needs_validation


@pytest.mark.parametrize(
    ("name", "value", "expectation"),
    [
        ("dropout", 1.0, "--dropout is 1.0; expected a number from 0.0 to 0.95."),
        ("schedule", "cosin", "expected one of constant, cosine. Did you mean 'cosine'?"),
        ("early_stopping", -1, "--early-stopping is -1; expected a whole number from 0 to 1,000."),
        ("restore_best", 1, "--restore-best is 1; expected true or false."),
        ("weight_averaging", 1.0, "expected a number from 0.0 to 0.99999."),
        ("deterministic", "yes", "--deterministic is 'yes'; expected true or false."),
    ],
)
def test_hyperparameter_out_of_range(name, value, expectation):
    """The error names the setting, what arrived and what was expected."""
    with pytest.raises(ConfigurationError) as error:
        PipelineConfig(**{name: value})
    assert expectation in str(error.value)


def test_every_hyperparameter_has_a_flag():
    """And travels to the Trainer and back."""
    for name in Hyperparameters.__dataclass_fields__:
        assert hasattr(PipelineConfig(), name), name
    hyperparameters = Hyperparameters(dropout=0.5, schedule="cosine")
    assert Hyperparameters.from_config(hyperparameters.to_config()) == hyperparameters
