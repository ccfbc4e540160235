"""One version of a model, from START to END, as `model_manager` keeps it and clients are told."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from tensorflow_serving.apis import get_model_status_pb2

from serving import folders
from serving.server import version_policy
from serving.server.servable import Servable
from serving.server.valid_utf8 import valid_utf8
from serving.server.version_policy import END, START
from serving.status import Code, StatusError


@dataclass
class ManagedVersion:
    """One version; what changes it holds the manager's lock.

    Attributes:
      number: Of the version.
      path: Its folder.
      state: A `ModelVersionStatus.State`.
      is_wanted: Whether the model's policy still names it.
      is_busy: Whether it is waiting for its load, loading or unloading.
      attempts: How many loads have failed.
      retry_at: When the next load may begin, by `time.monotonic`.
      loading_since: When its load began, by `time.monotonic`; None if it is not loading.
      error: Of the last load, if that failed.
      servable: What answers requests, once it is loaded.
    """

    number: int
    path: str
    state: int = START
    is_wanted: bool = True
    is_busy: bool = False
    attempts: int = 0
    retry_at: float = 0.0
    loading_since: float | None = None
    error: StatusError | None = None
    servable: Servable | None = None

    def known(self, now: float) -> version_policy.KnownVersion:
        """Returns what the policy needs to know at a time of `time.monotonic`."""
        return version_policy.KnownVersion(
            self.state, self.is_busy, now >= self.retry_at, self.is_wanted
        )

    def is_slow(self, seconds: float) -> bool:
        """Returns whether its load from a store has taken longer than so many seconds."""
        since = self.loading_since
        return (
            since is not None
            and folders.is_remote(self.path)
            and time.monotonic() - since > seconds
        )

    def status(self) -> get_model_status_pb2.ModelVersionStatus:
        """Returns what GetModelStatus answers of it."""
        status = get_model_status_pb2.ModelVersionStatus(version=self.number, state=self.state)
        if self.error is not None and self.state == END:
            status.status.error_code = int(self.error.code)
            status.status.error_message = valid_utf8(self.error.message)
        else:
            status.status.SetInParent()
        return status


def did_not_become_available(
    failed: Sequence[tuple[str, ManagedVersion]], noun: str
) -> StatusError:
    """Returns TensorFlow Serving's error for new models that cannot be loaded.

    Args:
      failed: Names of models, and their versions.
      noun: What they are called, "model" or "servable".
    """
    reasons = "".join(
        f"{{{{name: {name} version: {version.number}}} due to error: {version.error}}}, "
        for name, version in failed
    )
    return StatusError(
        Code.UNKNOWN, f"{len(failed)} {noun}(s) did not become available: {{{reasons}}}"
    )
