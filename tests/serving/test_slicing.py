"""Large batches run in slices: the same answers, and only where that is so."""

from __future__ import annotations

import time

import numpy as np
import pytest
from google.protobuf import text_format
from tensorflow.core.protobuf import meta_graph_pb2

from serving.server.slicing import (
    RowSize,
    RunLimits,
    SlicedRun,
    Turns,
    is_wanted,
    limited,
    row_sizes,
)
from serving.status import Code, StatusError

from .calling import floats


def _texts(*texts: bytes) -> np.ndarray:
    array = np.empty(len(texts), object)
    array[:] = texts
    return array


class Model:
    """Answers with the length of each text, their sum, and a row as wide as its longest text."""

    def __init__(self):
        self.sizes: list[int] = []

    def __call__(self, feeds, fetches, timeout):
        """Runs as `SavedModel.run` does."""
        texts = next(iter(feeds.values()))
        self.sizes.append(len(texts))
        lengths = np.array([len(text) for text in texts.tolist()])
        outputs = {
            "length": lengths,
            "sum": lengths.sum(),
            "wide": np.zeros((len(texts), lengths.max(initial=0))),
            "matrix": np.stack([lengths, -lengths], axis=1),
            "names": np.stack([_texts(*[b"n" * 2**20] * 2)] * len(texts)),
        }
        return [outputs[name] for name in fetches]


@pytest.fixture
def model() -> Model:
    """What stands in for a graph, and counts the rows of each run."""
    return Model()


def _sliced(model: Model, **limits) -> SlicedRun:
    return SlicedRun(model, RunLimits(**{"max_rows_per_run": 100, **limits}), Turns(1))


def test_rows_run_in_slices_of_about_one_size_and_come_back_in_order(model):
    """None is so small that a model would take another way for it."""
    texts = _texts(*(b"a" * (row % 7) for row in range(301)))
    length, matrix = _sliced(model)({"t": texts}, ["length", "matrix"], None)
    assert model.sizes == [76, 76, 76, 73]
    assert length.tolist() == [row % 7 for row in range(301)]
    assert matrix.tolist() == [[row % 7, -(row % 7)] for row in range(301)]


def test_long_texts_run_in_smaller_slices(model):
    """A slice has so many bytes at most, but for one row that is longer by itself."""
    texts = _texts(*[b"a" * 30] * 10, b"a" * 300, b"a" * 10)
    (length,) = _sliced(model, max_bytes_per_run=100)({"t": texts}, ["length"], None)
    assert length.tolist() == [30] * 10 + [300, 10]
    assert model.sizes == [3, 3, 3, 1, 1, 1]
    large = _texts(*[b"a" * 2**18] * 10)
    model.sizes.clear()
    _sliced(model, max_bytes_per_run=2**20)({"t": large}, ["length"], None)
    assert model.sizes == [4, 4, 2]


@pytest.mark.parametrize("fetch", ["sum", "wide"])
def test_what_cannot_be_joined_runs_whole(model, fetch):
    """A sum over the batch; rows as wide as the longest of all. It is found out once."""
    run = _sliced(model)
    texts = _texts(*(b"a" * row for row in range(150)))
    for _ in range(2):
        model.sizes.clear()
        (output,) = run({"t": texts}, [fetch], None)
        assert model.sizes[-1] == 150
        assert output.shape == {"sum": (), "wide": (150, 149)}[fetch]
    assert model.sizes == [150]


def test_numbers_and_inputs_of_several_sizes_run_whole(model):
    """Numbers came over the wire in full; what is no batch is not cut."""
    run = _sliced(model)
    run({"t": _texts(*[b"a"] * 150), "u": _texts(b"b")}, ["length"], None)
    assert model.sizes == [150]
    seen = []

    def identity(feeds, fetches, timeout):
        seen.append(len(feeds["x"]))
        return [feeds["x"]]

    SlicedRun(identity, RunLimits(), Turns(1))({"x": floats(*[1.0] * 1000)}, ["y"], None)
    assert seen == [1000]


def test_zero_runs_whole(model):
    """For a model whose rows depend on each other."""
    _sliced(model, max_rows_per_run=0)({"t": _texts(*[b"a"] * 500)}, ["length"], None)
    assert model.sizes == [500]


def test_a_run_stops_between_two_slices(model):
    """At its deadline, and when its client is gone."""

    def slow(feeds, fetches, timeout):
        assert timeout is None or timeout > 0
        time.sleep(0.05)
        return model(feeds, fetches, timeout)

    run = SlicedRun(slow, RunLimits(max_rows_per_run=10), Turns(1))
    with pytest.raises(StatusError) as error:
        run({"t": _texts(*[b"a"] * 1000)}, ["length"], 0.12)
    assert error.value.code is Code.DEADLINE_EXCEEDED
    assert 2 <= len(model.sizes) <= 3
    token = is_wanted.set(lambda: len(model.sizes) < 10)
    try:
        with pytest.raises(StatusError) as error:
            run({"t": _texts(*[b"a"] * 1000)}, ["length"], None)
    finally:
        is_wanted.reset(token)
    assert error.value.code is Code.CANCELLED
    assert len(model.sizes) == 10


def test_answers_have_a_limit_that_is_found_after_one_slice(model):
    """By what a row gives; with the flag in the text."""
    run = _sliced(model, max_values_per_message=1000)
    with pytest.raises(StatusError) as error:
        run({"t": _texts(*[b"a"] * 400)}, ["matrix", "length"], None)
    assert str(error.value) == (
        "RESOURCE_EXHAUSTED: The answer would hold 1200 values; at most 1000 are sent at a time "
        "(--max_values_per_message). Ask for fewer rows, or fewer outputs"
    )
    assert model.sizes == [100]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (
            [b"a"] * 6,
            "The request has 6 rows; at most 5 are taken at a time (--max_rows_per_request). Send "
            "them in several requests",
        ),
        (
            [b"a", b"a" * 11],
            "The request has a string of 11 bytes; at most 10 are taken (--max_string_bytes). "
            "Shorten it: a model of texts reads a few hundred words",
        ),
    ],
)
def test_what_is_beyond_a_limit_does_not_run(model, texts, message):
    """The text says how much is taken and names the flag; at the limit it runs."""
    run = limited(model, RunLimits(max_rows_per_request=5, max_string_bytes=10))
    with pytest.raises(StatusError) as error:
        run({"t": _texts(*texts)}, ["length"], None)
    assert (error.value.code, error.value.message) == (Code.RESOURCE_EXHAUSTED, message)
    assert model.sizes == []
    assert run({"t": _texts(*[b"a" * 10] * 5)}, ["length"], None)[0].tolist() == [10] * 5


MEGABYTE = 2**20


def test_large_outputs_run_in_smaller_slices(model):
    """Of 16 MB at most, by what the shapes tell before a row was seen; one row may be larger."""
    sizes = {"length": RowSize(1, 2 * MEGABYTE)}
    run = SlicedRun(model, RunLimits(), Turns(1), sizes)
    (length,) = run({"t": _texts(*[b"a"] * 20)}, ["length"], None)
    assert length.tolist() == [1] * 20
    assert model.sizes[0] == 7
    # From then on, by what was seen: 8 bytes a row.
    assert model.sizes[1:] == [13]
    model.sizes.clear()
    huge = {"length": RowSize(1, 99 * MEGABYTE)}
    SlicedRun(model, RunLimits(), Turns(1), huge)({"t": _texts(b"a", b"b")}, ["length"], None)
    assert model.sizes == [1, 1]


def test_strings_are_measured_when_they_are_seen(model):
    """Their lengths are in no shape: the first run has as many rows as their number allows."""
    sizes = {"names": RowSize(2, 2 * 1024)}
    limits = RunLimits(max_values_per_message=0)
    run = SlicedRun(model, limits, Turns(1), sizes)
    (names,) = run({"t": _texts(*[b"a"] * 20)}, ["names"], None)
    assert names.shape == (20, 2)
    assert model.sizes == [20]
    model.sizes.clear()
    run({"t": _texts(*[b"a"] * 20)}, ["names"], None)
    assert model.sizes == [7, 7, 6]


def test_an_answer_that_is_too_large_by_its_shape_does_not_run(model):
    """Nothing of it is computed; where a shape tells less, one slice is."""
    sizes = {"length": RowSize(500_000, 4 * 500_000)}
    run = SlicedRun(model, RunLimits(), Turns(1), sizes)
    with pytest.raises(StatusError, match="would hold 4500000 values; at most 4194304 are sent"):
        run({"t": _texts(*[b"a"] * 9)}, ["length"], None)
    assert model.sizes == []


def test_a_long_string_of_an_answer_counts_as_several_values(model):
    """64 bytes a value, so that names of any length are bounded as well."""
    run = limited(model, RunLimits(max_values_per_message=2**17))
    run({"t": _texts(*[b"a"] * 3)}, ["names"], None)
    with pytest.raises(StatusError) as error:
        run({"t": _texts(*[b"a"] * 4)}, ["names"], None)
    assert "The answer would hold 131080 values" in error.value.message


def test_the_size_of_a_row_is_read_from_the_signatures():
    """Sizes that nobody knows count as 1; what is no batch is left out."""
    definition = text_format.Parse(
        """
        outputs { key: "a" value { name: "a:0" dtype: DT_FLOAT
          tensor_shape { dim { size: -1 } dim { size: 500 } dim { size: 1000 } } } }
        outputs { key: "b" value { name: "b:0" dtype: DT_STRING
          tensor_shape { dim { size: -1 } dim { size: -1 } dim { size: 3 } } } }
        outputs { key: "c" value { name: "c:0" dtype: DT_FLOAT
          tensor_shape { dim { size: 7 } dim { size: 9 } } } }
        outputs { key: "d" value { name: "d:0" dtype: DT_FLOAT
          tensor_shape { unknown_rank: true } } }
        """,
        meta_graph_pb2.SignatureDef(),
    )
    assert row_sizes({"s": definition}) == {
        "a:0": RowSize(500_000, 4_000_000), "b:0": RowSize(3, 3 * (48 + 1024)),
    }  # fmt: skip
