"""Requests that come together run together, and each gets its own rows back."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from serving.server.batching import BatchScheduler
from serving.server.batching_parameters import BatchingParameters
from serving.server.metrics import Metrics
from serving.server.text_protos import BatchingParameters as Message
from serving.server.text_protos import read_text_proto
from serving.status import Code, StatusError

from .calling import floats, predict


class Recorder:
    """Doubles `x`, counts the rows of each run, and can be held up."""

    def __init__(self):
        self.sizes: list[int] = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, feeds, fetches, timeout):
        """Runs as `SavedModel.run` does."""
        self.gate.wait(10)
        self.sizes.append(len(feeds["x"]))
        return [feeds["x"] * 2 for _ in fetches]


@pytest.fixture
def recorder() -> Recorder:
    """What stands in for a model."""
    return Recorder()


def _batched(recorder: Recorder, **parameters):
    scheduler = BatchScheduler(
        BatchingParameters(**{"num_batch_threads": 1, **parameters}), Metrics()
    )
    return scheduler.batched(recorder)


def _together(recorder: Recorder, run, arrays: list[np.ndarray], timeout=None) -> list:
    """Runs arrays while one run holds up the only thread, so that the others gather."""
    recorder.gate.clear()
    with ThreadPoolExecutor(len(arrays) + 1) as pool:
        first = pool.submit(run, {"x": floats(0)}, ["y"], None)
        time.sleep(0.1)
        futures = []
        for array in arrays:
            futures.append(pool.submit(run, {"x": array}, ["y"], timeout))
            time.sleep(0.02)
        if timeout is not None:
            time.sleep(timeout)
        recorder.gate.set()
        first.result()
        return [future.exception() or future.result()[0] for future in futures]


def test_requests_that_wait_are_joined(recorder):
    """Three requests make one run, and their rows come back in order."""
    outputs = _together(recorder, _batched(recorder), [floats(1, 2), floats(3), floats(4, 5)])
    assert recorder.sizes == [1, 5]
    assert [output.tolist() for output in outputs] == [[2, 4], [6], [8, 10]]


def test_a_batch_is_never_larger_than_the_maximum(recorder):
    """The next request opens the next batch."""
    run = _batched(recorder, max_batch_size=4)
    _together(recorder, run, [floats(1, 2, 3), floats(4, 5), floats(6, 7)])
    assert recorder.sizes == [1, 3, 4]
    with pytest.raises(StatusError) as error:
        run({"x": floats(1, 2, 3, 4, 5)}, ["y"], None)
    assert str(error.value) == (
        "INVALID_ARGUMENT: Task size 5 is larger than maximum input batch size 4"
    )


def test_large_requests_are_split_when_asked_for(recorder):
    """And put together again."""
    run = _batched(
        recorder, max_batch_size=8, max_execution_batch_size=2, enable_large_batch_splitting=True
    )
    assert run({"x": floats(1, 2, 3, 4, 5)}, ["y"], None)[0].tolist() == [2, 4, 6, 8, 10]
    assert recorder.sizes == [2, 2, 1]


def test_batches_are_filled_up_to_an_allowed_size(recorder):
    """The filling is cut off again."""
    run = _batched(recorder, max_batch_size=8, allowed_batch_sizes=(4, 8))
    assert run({"x": floats(1, 2, 3)}, ["y"], None)[0].tolist() == [2, 4, 6]
    assert recorder.sizes == [4]


def test_a_full_queue_is_unavailable(recorder):
    """Rather than a wait without end."""
    run = _batched(recorder, max_batch_size=1, max_enqueued_batches=2)
    results = _together(recorder, run, [floats(1), floats(2), floats(3)])
    assert [r.tolist() for r in results[:2]] == [[2], [4]]
    assert results[2].code is Code.UNAVAILABLE
    assert results[2].message.startswith("The batch scheduling queue to which this task was")


def test_rows_of_other_shapes_need_padding(recorder):
    """Off: the text says how to turn it on. On: filled with the first value."""
    rows = [np.ones([1, 2], np.float32), np.ones([1, 3], np.float32)]
    results = _together(recorder, _batched(recorder), rows)
    assert results[0].code is Code.FAILED_PRECONDITION
    assert results[0].message.startswith("Tensors with name 'x' from different tasks have differ")
    results = _together(recorder, _batched(recorder, pad_variable_length_inputs=True), rows)
    assert [result.tolist() for result in results] == [[[2, 2, 2]], [[2, 2, 2]]]


def test_inputs_need_one_first_dimension(recorder):
    """Scalars, and inputs of several lengths, cannot be joined."""
    run = _batched(recorder)
    for feeds, message in (
        ({"x": np.float32(1).reshape(())}, "must have at least one dimension"),
        ({"x": floats(1), "z": floats(1, 2)}, "must have equal 0th-dimension size"),
    ):
        with pytest.raises(StatusError) as error:
            run(feeds, ["y"], None)
        assert error.value.message == f"Batching Run() input tensors {message}"


def test_requests_that_waited_too_long_do_not_run(recorder):
    """Their time was over in the queue."""
    results = _together(recorder, _batched(recorder), [floats(1)], timeout=0.05)
    assert results[0].code is Code.RESOURCE_EXHAUSTED
    assert results[0].message == "Run() timeout exceeded while waiting in batching queue"
    assert recorder.sizes == [1]


def test_a_timeout_gathers_requests(recorder):
    """A batch that is not full waits that long for more."""
    run = _batched(recorder, batch_timeout_micros=300_000)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda value: run({"x": floats(value)}, ["y"], None), (1, 2)))
    assert recorder.sizes == [2]


def test_parameters_are_read_from_text(tmp_path):
    """By TF-Serving's names; what is not set keeps its default."""
    file = tmp_path / "batching.config"
    file.write_text(
        "max_batch_size { value: 8 } batch_timeout_micros { value: 5 } allowed_batch_sizes: 2 "
        "allowed_batch_sizes: 8 pad_variable_length_inputs: true"
    )
    parameters = BatchingParameters.of(read_text_proto(str(file), Message()))
    assert parameters == BatchingParameters(
        max_batch_size=8,
        batch_timeout_micros=5,
        allowed_batch_sizes=(2, 8),
        pad_variable_length_inputs=True,
    )
    assert (parameters.max_enqueued_batches, BatchingParameters().max_batch_size) == (10, 1000)
    file.write_text("max_batch_sise { value: 8 }")
    with pytest.raises(StatusError, match=r"max_batch_sise.*its fields: max_batch_size"):
        read_text_proto(str(file), Message())


def test_a_batching_server_answers_as_any_other(model_directory, serve, tmp_path):
    """Many at once, each with its own numbers; scalars are refused."""
    file = tmp_path / "batching.config"
    file.write_text("max_batch_size { value: 64 } batch_timeout_micros { value: 1000 }")
    server = serve(
        model_name="half",
        model_base_path=str(model_directory / "half"),
        enable_batching=True,
        batching_parameters_file=str(file),
    )

    def ask(number: int):
        return predict(server.rest_port, "half", {"instances": [number, -number]}).json

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(200)))
    assert answers == [{"predictions": [n / 2 + 3, 3 - n / 2]} for n in range(200)]
    answer = predict(server.rest_port, "half", {"inputs": 1})
    assert answer.error == "Batching Run() input tensors must have at least one dimension"


def test_a_version_may_bring_its_own_parameters(model_directory, copy_version, serve, tmp_path):
    """With the flag for it: a version without them is not batched, and wrong ones fail the load."""
    own = copy_version("half/1", tmp_path / "own" / "1")
    (own / "batching_params.pbtxt").write_text("max_batch_size { value: 2 }")
    base = str(tmp_path / "own")

    def answer(server):
        body = {"instances": [1, 2, 3]}
        return predict(server.rest_port, "own", body).json

    fitting = {"predictions": [2.5, 3.0, 3.5]}
    flags = {"model_name": "own", "model_base_path": base, "enable_batching": True}
    assert answer(serve(**flags)) == fitting
    refusal = {"error": "Task size 3 is larger than maximum input batch size 2"}
    server = serve(**flags, enable_per_model_batching_parameters=True)
    assert answer(server) == refusal
    (own / "batching_params.pbtxt").write_text("max_batch_size { value: 0 }")
    retry = {"max_num_load_retries": 0, "enable_per_model_batching_parameters": True}
    with pytest.raises(StatusError, match="max_batch_size must be positive; was 0"):
        serve(**flags, **retry)
    (own / "batching_params.pbtxt").unlink()
    unbatched = serve(**flags, **retry)
    assert answer(unbatched) == fitting
    # What batching refuses goes through where there is none.
    assert predict(unbatched.rest_port, "own", {"inputs": 1}).json == {"outputs": 2.5}


def test_a_parameters_file_needs_the_switch(model_directory, serve):
    """As in TF-Serving, it is an error at the start."""
    with pytest.raises(StatusError, match="--enable_batching is not"):
        serve(model_base_path=str(model_directory / "half"), batching_parameters_file="/x")
