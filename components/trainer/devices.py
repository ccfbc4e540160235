"""What a training runs on: the processor, one GPU or several; and in which precision."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence

import keras
import tensorflow as tf

from components.errors import ConfigurationError

# float16 for what layers compute, float32 for their weights (Micikevicius et al., Mixed Precision
# Training, 2018).
MIXED = "mixed_float16"


def gpus() -> list[str]:
    """Returns the names of the GPUs that TensorFlow uses."""
    return [device.name for device in tf.config.list_logical_devices("GPU")]


def strategy_over(devices: Sequence[str]) -> tf.distribute.Strategy:
    """Returns how a step is divided: each of several devices takes its part of a batch.

    The gradients of all are summed before the one step of them all: a step is what it is on one
    device, but for the order of sums.
    """
    if len(devices) > 1:
        return tf.distribute.MirroredStrategy([*devices])
    return tf.distribute.get_strategy()


@contextlib.contextmanager
def precision(is_mixed: bool, devices: Sequence[str]) -> Iterator[None]:
    """Makes models that are built in the `with` block compute in float16 where that was asked for.

    Raises:
      ConfigurationError: There is no GPU: on a processor 16 bits are slower than 32.
    """
    if not is_mixed:
        yield
        return
    if not devices:
        raise ConfigurationError(
            "`mixed_precision` needs a GPU, and TensorFlow finds none. On a processor 16 bits are "
            "slower than 32. Train with `mixed_precision=False`."
        )
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(MIXED)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def refuse_several_workers(environment: Mapping[str, str]) -> None:
    """Refuses to be one of several workers: each would train a model and write over the others'.

    Args:
      environment: Of the process; TF_CONFIG is what cluster managers set.

    Raises:
      ConfigurationError: TF_CONFIG names more than one that trains.
    """
    try:
        cluster = json.loads(environment.get("TF_CONFIG") or "{}").get("cluster", {})
        workers = sum(len(cluster.get(role, ())) for role in ("chief", "master", "worker"))
    except (ValueError, AttributeError, TypeError):
        raise ConfigurationError(
            "The environment variable TF_CONFIG is no JSON object with a cluster. Remove it."
        ) from None
    if workers > 1:
        raise ConfigurationError(
            f"The environment variable TF_CONFIG names {workers} workers, and training runs in one "
            "process, on all GPUs of its machine. Start one worker, without TF_CONFIG."
        )
