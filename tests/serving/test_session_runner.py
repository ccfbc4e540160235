"""Runs that go past Session.run: the same values, and the runtime's own refusals."""

from __future__ import annotations

import numpy as np
import pytest

from serving.server.saved_model import SavedModel
from serving.status import Code, StatusError


@pytest.fixture(scope="module")
def half_plus_two(model_directory) -> SavedModel:
    """y = x / 2 + 2."""
    return SavedModel(model_directory / "half" / "1")


@pytest.fixture(scope="module")
def names(half_plus_two) -> tuple[str, str]:
    """The tensors of x and y."""
    signature = half_plus_two.signatures["serving_default"]
    return signature.inputs["x"].name, signature.outputs["y"].name


@pytest.mark.parametrize("timeout", [None, 5.0])
def test_a_tensor_may_be_fetched_twice(half_plus_two, names, timeout):
    """Two aliases may name one output; with a time limit and without."""
    x, y = names
    values = half_plus_two.run({x: np.float32([2, 4])}, [y, y], timeout)
    assert [value.tolist() for value in values] == [[3.0, 4.0], [3.0, 4.0]]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([b"2"], object), "Expects arg[0] to be float but string is provided"),
        (np.float64([2]), "Expects arg[0] to be float but double is provided"),
    ],
)
def test_an_array_of_another_type_is_refused_as_tf_serving_refuses_it(
    half_plus_two, names, array, message
):
    """Session.run would cast what it can, and blame Python's numbers for the rest."""
    x, y = names
    with pytest.raises(StatusError) as refused:
        half_plus_two.run({x: array}, [y], None)
    assert refused.value.code is Code.INVALID_ARGUMENT
    assert message in refused.value.message


def test_a_name_that_is_no_tensor_is_refused(half_plus_two, names):
    """A signature may name what its graph lacks."""
    x, _ = names
    with pytest.raises(StatusError, match="no_such") as refused:
        half_plus_two.run({x: np.float32([2])}, ["no_such:0"], None)
    assert refused.value.code is Code.INVALID_ARGUMENT


def test_a_closed_model_is_unavailable(model_directory, names):
    """Closing twice does no harm."""
    model = SavedModel(model_directory / "half" / "1")
    model.close()
    model.close()
    x, y = names
    with pytest.raises(StatusError) as refused:
        model.run({x: np.float32([2])}, [y], None)
    assert refused.value.code is Code.UNAVAILABLE
