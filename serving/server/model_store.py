"""The versions that are served: found on the disk, loaded, swapped and unloaded under load.

One thread looks at the disk and decides; loads and unloads run in threads of their own, and so a
version that takes long, or is broken, never holds up another one.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tensorflow_serving.apis import get_model_status_pb2, model_pb2
from tensorflow_serving.config import model_server_config_pb2

from serving.server import memory, model_config, version_folders
from serving.server.servable import Servable
from serving.status import Code, StatusError, invalid_argument
from serving.versions import look_up

_LOG = logging.getLogger(__name__)
_TICK_SECONDS = 0.1
_REMINDER_SECONDS = 30.0

State = get_model_status_pb2.ModelVersionStatus.State
START, LOADING, AVAILABLE = State.Value("START"), State.Value("LOADING"), State.Value("AVAILABLE")
UNLOADING, END = State.Value("UNLOADING"), State.Value("END")

Load = Callable[[str, int, Path], Servable]


@dataclass(frozen=True)
class StoreSettings:
    """How versions come and go. Named after TF-Serving's flags; seconds throughout.

    Attributes:
      poll_wait_seconds: Between two looks at the disk; 0 looks once, below 0 never.
      max_num_load_retries: Further attempts after the first.
      load_retry_interval_seconds: Between two attempts.
      num_load_threads: Loads at a time.
      allow_labels_for_unavailable: New labels may name a version that is not AVAILABLE.
      force_allow_labels: So may labels that exist.
    """

    poll_wait_seconds: float = 1.0
    max_num_load_retries: int = 5
    load_retry_interval_seconds: float = 1.0
    num_load_threads: int = 1
    allow_labels_for_unavailable: bool = False
    force_allow_labels: bool = False


@dataclass
class _Version:
    """One version's way from START to END."""

    number: int
    path: Path
    state: int = START
    is_aspired: bool = True
    is_busy: bool = False
    attempts: int = 0
    retry_at: float = 0.0
    error: StatusError | None = None
    servable: Servable | None = None


class ModelStore:
    """Keeps the configured models served."""

    def __init__(self, load: Load, settings: StoreSettings = StoreSettings()):
        """Takes what loads and warms up a version: `load(name, version, folder)`."""
        self._load = load
        self._settings = settings
        self._configs: dict[str, model_server_config_pb2.ModelConfig] = {}
        self._versions: dict[str, dict[int, _Version]] = {}
        self._labels: dict[str, dict[str, int]] = {}
        # Replaced whole, so that requests read it without the lock.
        self._available: Mapping[str, Mapping[int, Servable]] = {}
        self._changed = threading.Condition(threading.RLock())
        self._configuring = threading.Lock()
        self._wake = threading.Event()
        self._is_stopping = False
        self._next_look = 0.0
        self._configuration = 0
        self._said: dict[object, tuple[str, float]] = {}
        self._loaders = ThreadPoolExecutor(
            max(settings.num_load_threads, 1), thread_name_prefix="load"
        )
        self._thread = threading.Thread(target=self._manage, name="model-store", daemon=True)

    # Requests.

    @contextlib.contextmanager
    def acquire(self, spec: model_pb2.ModelSpec) -> Iterator[Servable]:
        """Yields the version that a request asks for, and keeps it until the request is done."""
        servable = self._find(spec)
        try:
            yield servable
        finally:
            servable.release()

    def _find(self, spec: model_pb2.ModelSpec) -> Servable:
        if not spec.name:
            raise invalid_argument("ModelSpec has no name specified.")
        choice = spec.WhichOneof("version_choice")
        number = None
        if choice == "version":
            number = spec.version.value
        elif choice == "version_label":
            number = self._labels.get(spec.name, {}).get(spec.version_label)
            if number is None:
                raise invalid_argument(f"Unrecognized servable version label: {spec.version_label}")
        while True:
            available = self._available.get(spec.name, {})
            wanted = max(available, default=-1) if number is None else number
            servable = available.get(wanted)
            if servable is None:
                raise _servable_not_found(spec.name, number)
            if servable.acquire():
                return servable

    def status(
        self, name: str, version: int | None = None
    ) -> list[get_model_status_pb2.ModelVersionStatus]:
        """Lists what became of a model's versions, the largest number first."""
        with self._changed:
            versions = self._versions.get(name, {})
            if version is None:
                chosen = [versions[number] for number in sorted(versions, reverse=True)]
            else:
                chosen = [versions[version]] if version in versions else []
            statuses = [_status_of(one) for one in chosen]
        if not statuses:
            missing = (
                f"Could not find any versions of model {name}"
                if version is None
                else f"Could not find version {version} of model {name}"
            )
            raise StatusError(Code.NOT_FOUND, missing)
        return statuses

    def available_versions(self) -> dict[str, list[int]]:
        """Returns the versions that answer requests, by model."""
        return {name: sorted(versions) for name, versions in self._available.items() if versions}

    def available(self) -> Mapping[str, Mapping[int, Servable]]:
        """Returns what answers requests now; to look at, not to run."""
        return self._available

    # Configuration.

    def start(self) -> None:
        """Starts looking for versions."""
        self._thread.start()

    def stop(self) -> None:
        """Stops looking for versions. What is loaded goes on serving."""
        self._is_stopping = True
        self._wake.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()
        self._loaders.shutdown(wait=False, cancel_futures=True)

    def configure(
        self,
        config: model_server_config_pb2.ModelServerConfig,
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        """Serves other models: new ones are awaited, left out ones are unloaded.

        Args:
          config: The models.
          is_wanted: Asked while waiting; False gives up waiting.

        Raises:
          StatusError: The configuration is refused, or a new model cannot be loaded.
        """
        with self._configuring:
            platforms = {name: model.model_platform for name, model in self._configs.items()}
            models = {model.name: model for model in model_config.check(config, platforms)}
            with self._changed:
                new = [name for name in models if name not in self._configs]
                self._configs = models
                self._configuration += 1
                self._next_look = 0.0
            self._wake.set()
            self._await(new, is_wanted, "model" if platforms else "servable")
            self._assign_labels(models)

    def _await(self, names: Sequence[str], is_wanted: Callable[[], bool], noun: str) -> None:
        with self._changed:
            while not self._is_stopping and is_wanted():
                failed = []
                for name in names:
                    if self._available.get(name):
                        continue
                    aspired = [v for v in self._versions.get(name, {}).values() if v.is_aspired]
                    if not aspired or any(version.state != END for version in aspired):
                        break
                    failed += [(name, version) for version in aspired]
                else:
                    if failed:
                        raise _did_not_become_available(failed, noun)
                    return
                self._changed.wait(_TICK_SECONDS)
        raise StatusError(Code.CANCELLED, "The wait for the new models was given up.")

    def _assign_labels(self, models: Mapping[str, model_server_config_pb2.ModelConfig]) -> None:
        labels: dict[str, dict[str, int]] = {}
        for name, model in models.items():
            before = self._labels.get(name, {})
            for label, version in model.version_labels.items():
                is_allowed = self._settings.force_allow_labels or (
                    self._settings.allow_labels_for_unavailable and label not in before
                )
                if version not in self._available.get(name, {}) and not is_allowed:
                    raise StatusError(
                        Code.FAILED_PRECONDITION,
                        f"Request to assign label to version {version} of model {name}, which is "
                        "not currently available for inference",
                    )
                labels.setdefault(name, {})[label] = version
        self._labels = labels

    # The manager's thread.

    def _manage(self) -> None:
        while not self._is_stopping:
            with self._changed:
                is_due = time.monotonic() >= self._next_look
                configs, configuration = dict(self._configs), self._configuration
            found = {name: self._look_up(configs[name]) for name in configs} if is_due else {}
            with self._changed:
                if is_due:
                    self._plan_next_look(configuration)
                    self._aspire(configs, found)
                for name in list(self._versions):
                    self._act(name)
            self._wake.wait(_TICK_SECONDS)
            self._wake.clear()

    def _plan_next_look(self, configuration: int) -> None:
        wait = self._settings.poll_wait_seconds
        if configuration == self._configuration:
            self._next_look = time.monotonic() + wait if wait > 0 else float("inf")

    def _look_up(self, config: model_server_config_pb2.ModelConfig) -> dict[int, Path] | None:
        """Returns the folders to serve; None when the disk does not tell."""
        name, base_path = config.name, config.base_path
        try:
            folders = look_up(base_path)
        except OSError as error:
            self._say(
                name,
                f"{base_path} cannot be read ({error.strerror}); what is loaded of {name} stays. "
                f"Expected: {base_path}/<number>/saved_model.pb. Still looking",
            )
            return None
        chosen, missing = version_folders.choose(config.model_version_policy, folders.complete)
        for version in missing:
            self._say((name, version), f"Version {version} of {name} is asked for and not there")
        for duplicate in folders.duplicates:
            self._say((name, duplicate), f"{base_path}/{duplicate} is hidden: same number twice")
        if not folders.complete:
            incomplete = ", ".join(map(str, folders.incomplete))
            self._say(
                name,
                f"No versions of servable {name} found under base path {base_path}. Did you "
                "forget to name your leaf directory as a number (eg. '/1/')?"
                + (f" Without saved_model.pb so far: {incomplete}." if incomplete else "")
                + " Still looking",
            )
        return chosen

    def _say(self, key: object, message: str) -> None:
        """Warns, once a while when nothing changes."""
        before, when = self._said.get(key, ("", 0.0))
        now = time.monotonic()
        if message != before or now - when > _REMINDER_SECONDS:
            self._said[key] = (message, now)
            _LOG.warning("%s", message)

    def _aspire(
        self, configs: Mapping[str, object], found: Mapping[str, Mapping[int, Path] | None]
    ) -> None:
        for name, versions in self._versions.items():
            if name not in configs:
                for version in versions.values():
                    version.is_aspired = False
        for name, folders in found.items():
            if folders is None:
                continue
            versions = self._versions.setdefault(name, {})
            for version in versions.values():
                if version.number not in folders:
                    version.is_aspired = False
            for number, path in folders.items():
                known = versions.get(number)
                if known is None or (known.state == END and not known.is_aspired):
                    versions[number] = _Version(number, path)
                else:
                    known.is_aspired = True

    def _act(self, name: str) -> None:
        """Starts what is due; the version that serves stays until another one is ready."""
        versions = self._versions[name]
        is_any_aspired = any(version.is_aspired for version in versions.values())
        is_one_ready = any(v.is_aspired and v.state == AVAILABLE for v in versions.values())
        for number in sorted(versions):
            version = versions[number]
            if version.is_busy:
                continue
            if not version.is_aspired and version.state in (START, LOADING):
                self._set_state(name, version, END)
            may_unload = not version.is_aspired and (is_one_ready or not is_any_aspired)
            if may_unload and version.state == AVAILABLE:
                self._start_unload(name, version)
        for number in sorted(versions, reverse=True):
            version = versions[number]
            is_waiting = version.is_aspired and version.state in (START, LOADING)
            if is_waiting and not version.is_busy and time.monotonic() >= version.retry_at:
                version.is_busy = True
                self._loaders.submit(self._load_version, name, version)

    def _load_version(self, name: str, version: _Version) -> None:
        with self._changed:
            if not version.is_aspired:
                version.is_busy = False
                return
            self._set_state(name, version, LOADING)
        started = time.monotonic()
        try:
            servable = self._load(name, version.number, version.path)
        except StatusError as error:
            self._loading_failed(name, version, error)
        except Exception as error:  # a broken version must not end the thread that loads
            _LOG.debug("Loading failed", exc_info=True)
            self._loading_failed(
                name, version, StatusError(Code.INTERNAL, f"{type(error).__name__}: {error}")
            )
        else:
            with self._changed:
                version.servable, version.error, version.is_busy = servable, None, False
                self._set_state(name, version, AVAILABLE)
            _LOG.info(
                "Serving %s version %d, loaded in %.1f s",
                name, version.number, time.monotonic() - started,
            )  # fmt: skip
        self._wake.set()

    def _loading_failed(self, name: str, version: _Version, error: StatusError) -> None:
        with self._changed:
            version.attempts += 1
            version.is_busy = False
            version.error = error
            left = self._settings.max_num_load_retries + 1 - version.attempts
            if left > 0:
                version.retry_at = time.monotonic() + self._settings.load_retry_interval_seconds
                _LOG.warning(
                    "Loading %s version %d failed, %d attempts left: %s",
                    name, version.number, left, error,
                )  # fmt: skip
            else:
                self._set_state(name, version, END)
                _LOG.error("%s version %d cannot be loaded: %s", name, version.number, error)

    def _start_unload(self, name: str, version: _Version) -> None:
        version.is_busy = True
        self._set_state(name, version, UNLOADING)
        threading.Thread(
            target=self._unload, args=(name, version), name="unload", daemon=True
        ).start()

    def _unload(self, name: str, version: _Version) -> None:
        if version.servable is not None:
            version.servable.retire()
        version.servable = None
        memory.give_back()
        with self._changed:
            version.servable, version.is_busy = None, False
            self._set_state(name, version, END)
        _LOG.info("Unloaded %s version %d", name, version.number)
        self._wake.set()

    def _set_state(self, name: str, version: _Version, state: int) -> None:
        version.state = state
        available = dict(self._available.get(name, {}))
        available.pop(version.number, None)
        if state == AVAILABLE and version.servable is not None:
            available[version.number] = version.servable
        self._available = {**self._available, name: available}
        self._changed.notify_all()


def _status_of(version: _Version) -> get_model_status_pb2.ModelVersionStatus:
    status = get_model_status_pb2.ModelVersionStatus(version=version.number, state=version.state)
    if version.error is not None and version.state == END:
        status.status.error_code = int(version.error.code)
        status.status.error_message = _printable(version.error.message)
    else:
        status.status.SetInParent()
    return status


def _servable_not_found(name: str, version: int | None) -> StatusError:
    asked = f"Latest({name})" if version is None else f"Specific({name}, {version})"
    return StatusError(Code.NOT_FOUND, f"Servable not found for request: {asked}")


def _printable(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _did_not_become_available(failed: Sequence[tuple[str, _Version]], noun: str) -> StatusError:
    reasons = "".join(
        f"{{{{name: {name} version: {version.number}}} due to error: {version.error}}}, "
        for name, version in failed
    )
    return StatusError(
        Code.UNKNOWN, f"{len(failed)} {noun}(s) did not become available: {{{reasons}}}"
    )
