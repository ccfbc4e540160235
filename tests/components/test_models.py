"""The registry and its variants."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from components.errors import ConfigurationError
from components.hyperparameters import Hyperparameters
from components.models.registry import get_variant, variant_names


def test_the_lstm_has_the_parameters_of_the_reference():
    """Embedding 160,000, LSTM 53,200, output 101."""
    assert get_variant("lstm").build(Hyperparameters()).count_params() == 213_301


def test_the_reference_hyperparameters_are_the_texts():
    """Three epochs of batches of 64, Adam at its default rate."""
    reference = get_variant("lstm").reference
    assert (reference.epochs, reference.batch_size, reference.learning_rate) == (3, 64, 0.001)


def test_the_each_word_twin_has_the_same_weights_in_the_same_order():
    """So that it can read the model's variables."""
    variant = get_variant("lstm")
    model = variant.build(Hyperparameters())
    twin = variant.build(Hyperparameters(), each_word=True)
    assert [weight.shape for weight in twin.weights] == [weight.shape for weight in model.weights]
    twin.set_weights(model.get_weights())
    token_ids = np.arange(1_000).reshape(2, 500)
    np.testing.assert_allclose(twin(token_ids)[:, -1], model(token_ids), atol=1e-6)


def test_an_unknown_model_lists_the_choices_and_names_the_nearest():
    """A typing error costs one look."""
    with pytest.raises(ConfigurationError) as error:
        get_variant("lsmt")
    assert str(error.value) == (
        f"Unknown model 'lsmt'. Choose from: {', '.join(variant_names())}. Did you mean 'lstm'?"
    )


def test_listing_the_variants_imports_no_library():
    """The command line lists them before TensorFlow is needed."""
    script = (
        "import sys\n"
        "from components.models.registry import variant_names\n"
        "variant_names()\n"
        "print({'keras', 'tensorflow', 'numpy'} & set(sys.modules))\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.stdout == "set()\n"
