"""Checkpoints of a training on disk, from which a run goes on after one that was killed.

A training has a folder of its own, named by a hash of all that decides its weights: so a run finds
its own checkpoints, and never those of another training. The last two are kept. A checkpoint is
written under another name first, and carries a hash of its content: what was only half written, or
damaged, is not taken.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from tfx.dsl.io import fileio

from components import notices
from components.trainer.position import Position

# Checkpoints of a training that are kept, and trainings of a folder that have some: a training
# that is never finished leaves its own behind.
MOST_KEPT, MOST_TRAININGS = 2, 8
FOLDER = "checkpoints"
# The key of TFX's output beside which `FOLDER` is made: <Trainer>/model_run/<execution>.
_MODEL_RUN = "model_run"
# The time of writing in milliseconds: names stand in the order of time.
_NAME = re.compile(r"checkpoint-(\d{15})")
_PARTIAL = ".partial"
_DIGEST_BYTES = 32
# TFX's file systems are partly Python's and partly TensorFlow's.
_FILE_ERRORS = (OSError, tf.errors.OpError)
_STATE, _ARRAY = "state", "array_"


@dataclass(frozen=True)
class Checkpoint:
    """The state of a training between two steps.

    Attributes:
      position: How far it is.
      seconds: Wall time of the training until then.
      state: What callbacks keep, as JSON has it.
      arrays: Values of variables, by what they are of; each in its own dtype and shape.
    """

    position: Position
    seconds: float
    state: Mapping[str, Any]
    arrays: Mapping[str, Sequence[np.ndarray]]

    def to_bytes(self) -> bytes:
        """Returns a hash, and behind it numpy's archive."""
        state = {
            "epoch": self.position.epoch,
            "step": self.position.step,
            "seconds": self.seconds,
            "state": self.state,
            "counts": {name: len(arrays) for name, arrays in self.arrays.items()},
        }
        packed = {_STATE: np.frombuffer(json.dumps(state).encode(), np.uint8)}
        for arrays in self.arrays.values():
            for array in arrays:
                packed[f"{_ARRAY}{len(packed)}"] = array
        archive = io.BytesIO()
        np.savez(archive, **packed)
        content = archive.getvalue()
        return _digest(content) + content

    @classmethod
    def from_bytes(cls, written: bytes) -> Checkpoint:
        """Reads what `to_bytes` wrote.

        Raises:
          ValueError: It is something else: a part, or damaged.
        """
        digest, content = written[:_DIGEST_BYTES], written[_DIGEST_BYTES:]
        if digest != _digest(content):
            raise ValueError("its content is not what was written")
        with np.load(io.BytesIO(content), allow_pickle=False) as packed:
            state = json.loads(packed[_STATE].tobytes())
            values = (packed[f"{_ARRAY}{number}"] for number in range(1, len(packed.files)))
            arrays = {
                name: [next(values) for _ in range(count)]
                for name, count in state["counts"].items()
            }
        position = Position(state["epoch"], state["step"])
        return cls(position, state["seconds"], state["state"], arrays)


class Checkpoints:
    """The checkpoints of one training.

    Attributes:
      minutes: How long a training goes on without one.
    """

    def __init__(self, parent: str, key: str, minutes: float):
        """Takes the folder of all trainings' checkpoints, and what names this one's.

        Args:
          parent: A path that TFX can write to; it is made where it is missing.
          key: See `key_of`.
          minutes: See the class.
        """
        self.minutes = minutes
        self._parent = parent
        self._folder = os.path.join(parent, key)
        self._fails = False

    def latest(self) -> Checkpoint | None:
        """Returns the last whole checkpoint; tells of all that is not taken."""
        for name in reversed(self._names()):
            path = os.path.join(self._folder, name)
            try:
                if name.endswith(_PARTIAL):
                    raise ValueError("it was being written when the training ended")
                with fileio.open(path, "rb") as file:
                    return Checkpoint.from_bytes(file.read())
            except (ValueError, *_FILE_ERRORS) as error:
                notices.notify(f"The checkpoint {path} is not taken: {error}.")
        return None

    def write(self, checkpoint: Checkpoint) -> None:
        """Writes a checkpoint, and removes those before the last one.

        A failure is told once; training goes on without checkpoints then.
        """
        if self._fails:
            return
        try:
            earlier = self._names()
            if not earlier:
                self._remove_other_trainings()
                fileio.makedirs(self._folder)
            times = [int(_time_of(name)) for name in earlier]
            stamp = max([int(time.time() * 1_000), *(one + 1 for one in times)])
            path = os.path.join(self._folder, f"checkpoint-{stamp:015}")
            with fileio.open(path + _PARTIAL, "wb") as file:
                file.write(checkpoint.to_bytes())
            fileio.rename(path + _PARTIAL, path, overwrite=True)
            whole = [name for name in earlier if not name.endswith(_PARTIAL)]
            for name in {*earlier} - {*whole[-(MOST_KEPT - 1) :]}:
                fileio.remove(os.path.join(self._folder, name))
        except _FILE_ERRORS as error:
            self._fails = True
            # TFX's own errors say nothing; what they come from does.
            reason = getattr(error.__cause__ or error, "strerror", None) or repr(error)
            notices.notify(
                f"No checkpoint can be written to {self._folder}: {reason}. "
                "Training goes on; if it is killed, it begins anew."
            )

    def remove(self) -> None:
        """Removes them all: the training is done."""
        if fileio.exists(self._folder):
            fileio.rmtree(self._folder)
        if fileio.exists(self._parent) and not fileio.listdir(self._parent):
            fileio.rmtree(self._parent)

    def _names(self) -> list[str]:
        """Returns the names of this training's files, in the order of time."""
        return _names_in(self._folder)

    def _remove_other_trainings(self) -> None:
        """Removes the oldest trainings' checkpoints, so that with this one few are left."""
        if not fileio.exists(self._parent):
            return
        folders = [os.path.join(self._parent, name) for name in fileio.listdir(self._parent)]
        folders.sort(key=lambda folder: max(map(_time_of, _names_in(folder)), default=""))
        for folder in folders[: max(len(folders) + 1 - MOST_TRAININGS, 0)]:
            fileio.rmtree(folder)


def default_parent(model_run_dir: str) -> str | None:
    """Returns where a re-run finds the checkpoints; None where that is not known.

    TFX's own runners give an execution the folder <Trainer>/model_run/<number>, a new one each
    time; the folder above is the same for all runs of a pipeline.
    """
    outputs = os.path.dirname(model_run_dir.rstrip("/"))
    if os.path.basename(outputs) != _MODEL_RUN:
        return None
    return os.path.join(os.path.dirname(outputs), FOLDER)


def key_of(decides: Mapping[str, Any]) -> str:
    """Returns a hash of all that decides a training's weights; values are as JSON has them."""
    told = json.dumps(decides, sort_keys=True, default=str)
    return hashlib.blake2b(told.encode(), digest_size=16).hexdigest()


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES).digest()


def _names_in(folder: str) -> list[str]:
    if not fileio.exists(folder) or not fileio.isdir(folder):
        return []
    return sorted(name for name in fileio.listdir(folder) if _NAME.match(name))


def _time_of(name: str) -> str:
    found = _NAME.match(name)
    return found[1] if found else ""
