"""Loads a version and warms it up before any request can reach it."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import prediction_log_pb2

from serving import folders, model_cards
from serving.datasets import record_dataset
from serving.server.batching import BatchScheduler
from serving.server.batching_parameters import BatchingParameters
from serving.server.inference import Inference
from serving.server.metrics import Metrics
from serving.server.saved_model import SavedModel, status_of
from serving.server.servable import Run, Servable
from serving.server.slicing import DEFAULT_LIMITS, RunLimits, SlicedRun, Turns, limited, row_sizes
from serving.server.text_protos import BatchingParameters as BatchingParametersMessage
from serving.server.text_protos import read_text_proto
from serving.status import Code, StatusError, invalid_argument

_LOG = logging.getLogger(__name__)
WARMUP_FILE = "assets.extra/tf_serving_warmup_requests"
BATCHING_FILE = "batching_params.pbtxt"
_MAX_RECORDS = 1000


class Loader:
    """Turns a version's folder into a servable. Call it as `ModelManager` does."""

    def __init__(
        self,
        metrics: Metrics,
        inference: Inference,
        *,
        session_config: tf.compat.v1.ConfigProto | None = None,
        tags: tuple[str, ...] = ("serve",),
        scheduler: BatchScheduler | None = None,
        is_batched_by_model: bool = False,
        is_warmed_up: bool = True,
        warmup_iterations: int = 1,
        limits: RunLimits = DEFAULT_LIMITS,
    ):
        """Takes what the flags say about loading and running.

        Args:
          metrics: What counts.
          inference: What answers the warm-up's requests.
          session_config: Of TensorFlow's sessions; None for its defaults.
          tags: Which graph of a SavedModel is loaded.
          scheduler: What joins requests into batches; None for no batching.
          is_batched_by_model: A version's own file says how; one without is not batched.
          is_warmed_up: Whether recorded requests are answered before the version serves.
          warmup_iterations: How often each of them is.
          limits: Of one request and one run.
        """
        self._metrics = metrics
        self._inference = inference
        self._session_config = session_config
        self._tags = tags
        self._scheduler = scheduler
        self._is_batched_by_model = is_batched_by_model
        self._is_warmed_up = is_warmed_up
        self._warmup_iterations = warmup_iterations
        self._limits = limits
        self._turns = Turns(len(os.sched_getaffinity(0)))

    def __call__(self, name: str, version: int, folder: str) -> Servable:
        """Loads a version.

        Raises:
          StatusError: It cannot be loaded, or a warm-up request failed.
        """
        status = "fail"
        try:
            model = SavedModel(folder, self._session_config, self._tags)
            status = "success"
        finally:
            self._metrics.load_attempts.add(folder, status)
        try:
            sizes = row_sizes(model.signatures)
            run = self._batched(SlicedRun(model.run, self._limits, self._turns, sizes), folder)
            servable = Servable(name, version, _card_of(folder), model, limited(run, self._limits))
            if self._is_warmed_up:
                self._warm_up(servable, folder)
        except BaseException:
            model.close()
            raise
        return servable

    def _batched(self, run: Run, folder: str) -> Run:
        """Joins requests by the parameters of all models or, if asked, by the version's own.

        A version without a file of its own is not batched then, as in TF-Serving.
        """
        if self._scheduler is None:
            return run
        if not self._is_batched_by_model:
            return self._scheduler.batched(run)
        path = folders.join(folder, BATCHING_FILE)
        if not folders.is_file(path):
            return run
        message = read_text_proto(path, BatchingParametersMessage())
        return self._scheduler.batched(run, BatchingParameters.of(message))

    def _warm_up(self, servable: Servable, folder: str) -> None:
        path = folders.join(folder, WARMUP_FILE)
        if not folders.is_file(path):
            return
        started = time.perf_counter()
        try:
            count = 0
            for record in _read_records(path):
                count += 1
                if count > _MAX_RECORDS:
                    raise invalid_argument(
                        f"Number of warmup records exceeds the maximum ({_MAX_RECORDS}) at {path}"
                    )
                for _ in range(self._warmup_iterations):
                    self._replay(servable, record)
        except StatusError as error:
            elapsed = (time.perf_counter() - started) * 1e6
            self._metrics.warmup_latency.add(elapsed, folder, str(error))
            raise
        elapsed = (time.perf_counter() - started) * 1e6
        self._metrics.warmup_latency.add(elapsed, folder, "OK")
        _LOG.info(
            "Warmed up %s version %d by %d requests in %.0f ms",
            servable.name, servable.version, count, elapsed / 1e3,
        )  # fmt: skip

    def _replay(self, servable: Servable, record: prediction_log_pb2.PredictionLog) -> None:
        kind = record.WhichOneof("log_type")
        replays = {
            "predict_log": self._inference.predict,
            "classify_log": self._inference.classify,
            "regress_log": self._inference.regress,
            "multi_inference_log": self._inference.multi_inference,
        }
        if kind not in replays:
            raise StatusError(Code.UNIMPLEMENTED, f"Unsupported log_type for warmup: {kind}")
        replays[kind](servable, getattr(record, kind).request, None)


def _card_of(folder: str) -> Callable[[], dict[str, Any] | None]:
    """Returns what reads a version's card: a disk when it is asked, a store now.

    A request that waited for a store would hold up others.
    """
    if not folders.is_remote(folder):
        return lambda: model_cards.read(folder)
    card = model_cards.read(folder)
    return lambda: card


def _read_records(path: str) -> Iterator[prediction_log_pb2.PredictionLog]:
    try:
        for record in record_dataset([path]).as_numpy_iterator():
            log = prediction_log_pb2.PredictionLog()
            try:
                log.ParseFromString(record)
            except DecodeError:
                raise invalid_argument(
                    f"Failed to parse warmup record: {record[:100]!r} from {path}"
                ) from None
            yield log
    except tf.errors.DataLossError as error:
        raise StatusError(
            Code.DATA_LOSS,
            f"{error.message}. Please verify your warmup data is in TFRecord format.",
        ) from error
    except tf.errors.OpError as error:
        raise status_of(error) from error
