"""Finds the version that a request asks for, among those that are loaded."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping

from tensorflow_serving.apis import model_pb2

from serving.server.servable import Servable
from serving.status import Code, StatusError, invalid_argument


class Servables:
    """The versions that answer requests, by model and number, and the labels of some of them.

    Requests read without a lock: what they read is replaced, never changed. Threads may share it.
    """

    def __init__(self) -> None:
        """Starts without models."""
        self._available: Mapping[str, Mapping[int, Servable]] = {}
        self._labels: Mapping[str, Mapping[str, int]] = {}
        self._changing = threading.Lock()

    @contextlib.contextmanager
    def acquire(self, spec: model_pb2.ModelSpec) -> Iterator[Servable]:
        """Yields the version that a request asks for, and keeps it until the request is done.

        Raises:
          StatusError: INVALID_ARGUMENT without a name or for an unknown label; NOT_FOUND where no
            such version is loaded.
        """
        servable = self._find(spec)
        try:
            yield servable
        finally:
            servable.release()

    def available(self) -> Mapping[str, Mapping[int, Servable]]:
        """Returns what answers requests now; to look at, not to run."""
        return self._available

    def available_versions(self) -> dict[str, list[int]]:
        """Returns the numbers of the versions that answer requests, by model."""
        return {name: sorted(versions) for name, versions in self._available.items() if versions}

    def labels(self, name: str) -> Mapping[str, int]:
        """Returns the labels of a model, each with its version."""
        return self._labels.get(name, {})

    def publish(self, name: str, servable: Servable) -> None:
        """Lets requests find a version."""
        with self._changing:
            versions = {**self._available.get(name, {}), servable.version: servable}
            self._available = {**self._available, name: versions}

    def withdraw(self, name: str, version: int) -> None:
        """Hides a version from further requests. Requests that have it go on."""
        with self._changing:
            versions = dict(self._available.get(name, {}))
            versions.pop(version, None)
            self._available = {**self._available, name: versions}

    def label(self, labels: Mapping[str, Mapping[str, int]]) -> None:
        """Replaces all labels: versions by label, by model."""
        self._labels = labels

    def _find(self, spec: model_pb2.ModelSpec) -> Servable:
        if not spec.name:
            raise invalid_argument("ModelSpec has no name specified.")
        number = self._number(spec)
        while True:
            available = self._available.get(spec.name, {})
            asked = max(available, default=-1) if number is None else number
            servable = available.get(asked)
            if servable is None:
                raise _not_found(spec.name, number)
            # False when it was retired meanwhile: look again for another one.
            if servable.acquire():
                return servable

    def _number(self, spec: model_pb2.ModelSpec) -> int | None:
        """Returns the version that is asked for by number or label; None for the newest."""
        choice = spec.WhichOneof("version_choice")
        if choice == "version":
            return spec.version.value
        if choice != "version_label":
            return None
        number = self.labels(spec.name).get(spec.version_label)
        if number is None:
            raise invalid_argument(f"Unrecognized servable version label: {spec.version_label}")
        return number


def _not_found(name: str, version: int | None) -> StatusError:
    asked = f"Latest({name})" if version is None else f"Specific({name}, {version})"
    return StatusError(Code.NOT_FOUND, f"Servable not found for request: {asked}")
