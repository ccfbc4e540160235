"""Finds versions on the disk, loads and unloads them, while requests go on.

One thread looks at the disk and does what `version_policy` decides. Loads, unloads and looks at
stores run in threads of their own, so that what takes long, or is broken, never delays another one.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from tensorflow_serving.apis import get_model_status_pb2
from tensorflow_serving.config import model_server_config_pb2

from serving import folders
from serving.server import memory, model_config, version_folders, version_policy
from serving.server.load_turns import LoadTurns
from serving.server.managed_version import ManagedVersion, did_not_become_available
from serving.server.servable import Servable
from serving.server.servables import Servables
from serving.server.store_looks import LONG_SECONDS, StoreLooks
from serving.server.version_policy import AVAILABLE, END, LOADING, UNLOADING, Kind
from serving.status import Code, StatusError
from serving.versions import VersionFolders, look_up

_LOG = logging.getLogger(__name__)
_TICK_SECONDS = 0.1
_REMINDER_SECONDS = 30.0
# How long one store may keep others waiting: a load there keeps its turn no longer, and a server
# that has another model to serve waits no longer for a new one.
STORE_SECONDS = 120.0

Load = Callable[[str, int, str], Servable]


@dataclass(frozen=True)
class VersionSettings:
    """How versions come and go. Named after TF-Serving's flags; seconds throughout.

    Attributes:
      poll_wait_seconds: Between two looks at the disk; 0 looks once, below 0 never.
      max_num_load_retries: Further attempts after the first.
      load_retry_interval_seconds: Between two attempts.
      num_load_threads: Loads at a time from the disk, and from each store.
      allow_labels_for_unavailable: New labels may name a version that is not AVAILABLE.
      force_allow_labels: So may labels that exist.
    """

    poll_wait_seconds: float = 1.0
    max_num_load_retries: int = 5
    load_retry_interval_seconds: float = 1.0
    num_load_threads: int = 1
    allow_labels_for_unavailable: bool = False
    force_allow_labels: bool = False


class ModelManager:
    """Keeps the versions of the configured models loaded, and tells `Servables` which those are."""

    def __init__(
        self, load: Load, servables: Servables, settings: VersionSettings = VersionSettings()
    ):
        """Starts nothing yet.

        Args:
          load: Loads and warms up a version: `load(name, version, folder)`.
          servables: Where requests find the versions that are loaded.
          settings: How versions come and go.
        """
        self._load = load
        self._servables = servables
        self._settings = settings
        self._configs: dict[str, model_server_config_pb2.ModelConfig] = {}
        # What the last look at the disk found, by model and number; a failed look changes nothing.
        self._wanted: dict[str, Mapping[int, str]] = {}
        self._versions: dict[str, dict[int, ManagedVersion]] = {}
        self._changed = threading.Condition(threading.RLock())
        self._configuring = threading.Lock()
        self._wake = threading.Event()
        self._is_stopping = False
        self._looks = StoreLooks(look_up, self._wake.set)
        self._next_look = 0.0
        self._configuration = 0
        self._warned: dict[object, tuple[str, float]] = {}
        self._turns = LoadTurns(max(settings.num_load_threads, 1), STORE_SECONDS)
        self._thread = threading.Thread(target=self._manage, name="model-manager", daemon=True)

    def status(
        self, name: str, version: int | None = None
    ) -> list[get_model_status_pb2.ModelVersionStatus]:
        """Returns the state of a model's versions, the largest number first.

        Args:
          name: The model.
          version: The only one to return; None for all that were wanted at some time.

        Raises:
          StatusError: NOT_FOUND.
        """
        with self._changed:
            versions = self._versions.get(name, {})
            if version is None:
                chosen = [versions[number] for number in sorted(versions, reverse=True)]
            else:
                chosen = [versions[version]] if version in versions else []
            statuses = [one.status() for one in chosen]
        if not statuses:
            missing = (
                f"Could not find any versions of model {name}"
                if version is None
                else f"Could not find version {version} of model {name}"
            )
            raise StatusError(Code.NOT_FOUND, missing)
        return statuses

    def start(self) -> None:
        """Starts looking for versions."""
        self._thread.start()

    def stop(self) -> None:
        """Stops looking for versions. What is loaded still answers requests."""
        self._is_stopping = True
        self._wake.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def configure(
        self,
        config: model_server_config_pb2.ModelServerConfig,
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        """Serves other models: waits for new ones, unloads those that are left out.

        For a new one in a store that is silent it waits STORE_SECONDS, if there is another model to
        serve; it serves that one as well once the store has answered.

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
            silent = self._await(new, is_wanted, "model" if platforms else "servable")
            self._assign_labels(models, silent)

    def _await(
        self, names: Sequence[str], is_wanted: Callable[[], bool], noun: str
    ) -> Collection[str]:
        """Waits for new models; returns those whose stores are silent."""
        with self._changed:
            while not self._is_stopping and is_wanted():
                failed = []
                available = self._servables.available()
                silent = self._silent(names) if any(available.values()) else set()
                for name in names:
                    if available.get(name) or name in silent:
                        continue
                    wanted = [v for v in self._versions.get(name, {}).values() if v.is_wanted]
                    if not wanted or any(version.state != END for version in wanted):
                        break
                    failed += [(name, version) for version in wanted]
                else:
                    if failed:
                        raise did_not_become_available(failed, noun)
                    return silent
                self._changed.wait(_TICK_SECONDS)
        raise StatusError(Code.CANCELLED, "The caller no longer waits for the new models.")

    def _silent(self, names: Sequence[str]) -> set[str]:
        """Returns the models of which a look or a load has taken longer than STORE_SECONDS."""
        return {
            name
            for name in names
            if self._looks.seconds_of(self._configs[name].base_path) > STORE_SECONDS
            or any(each.is_slow(STORE_SECONDS) for each in self._versions.get(name, {}).values())
        }

    def _assign_labels(
        self,
        models: Mapping[str, model_server_config_pb2.ModelConfig],
        silent: Collection[str],
    ) -> None:
        labels: dict[str, dict[str, int]] = {}
        for name, model in models.items():
            before = self._servables.labels(name)
            available = self._servables.available().get(name, {})
            for label, version in model.version_labels.items():
                is_allowed = (
                    name in silent
                    or self._settings.force_allow_labels
                    or (self._settings.allow_labels_for_unavailable and label not in before)
                )
                if version not in available and not is_allowed:
                    raise StatusError(
                        Code.FAILED_PRECONDITION,
                        f"Request to assign label to version {version} of model {name}, which is "
                        "not currently available for inference",
                    )
                labels.setdefault(name, {})[label] = version
        self._servables.label(labels)

    # The manager's thread.

    def _manage(self) -> None:
        while not self._is_stopping:
            with self._changed:
                is_due = time.monotonic() >= self._next_look
                configs, configuration = dict(self._configs), self._configuration
            found = {name: self._look_up(configs[name]) for name in configs} if is_due else {}
            found |= self._answers_of_stores(configs)
            with self._changed:
                if is_due:
                    self._plan_next_look(configuration)
                self._set_wanted(configs, found)
                for name in self._wanted:
                    self._act(name)
            self._wake.wait(_TICK_SECONDS)
            self._wake.clear()

    def _plan_next_look(self, configuration: int) -> None:
        wait = self._settings.poll_wait_seconds
        if configuration == self._configuration:
            self._next_look = time.monotonic() + wait if wait > 0 else float("inf")

    def _look_up(self, config: model_server_config_pb2.ModelConfig) -> dict[int, str] | None:
        """Returns the folders to serve, by version; None when there is no answer, or none yet."""
        if folders.is_remote(config.base_path):
            if self._looks.seconds_of(config.base_path) > LONG_SECONDS:
                self._warn(
                    config.name,
                    f"{config.base_path} has not answered for more than {LONG_SECONDS:.0f} s; "
                    f"loaded versions of {config.name} still serve. Still looking",
                )
            self._looks.start(config.base_path)
            return None
        try:
            return self._chosen(config, look_up(config.base_path))
        except OSError as error:
            return self._chosen(config, error)

    def _answers_of_stores(
        self, configs: Mapping[str, model_server_config_pb2.ModelConfig]
    ) -> dict[str, dict[int, str] | None]:
        answers = self._looks.answers()
        return {
            name: self._chosen(config, answers[config.base_path])
            for name, config in configs.items()
            if config.base_path in answers
        }

    def _chosen(
        self, config: model_server_config_pb2.ModelConfig, found: VersionFolders | OSError
    ) -> dict[int, str] | None:
        """Returns the folders to serve, by version; None when they cannot be listed."""
        name, base_path = config.name, config.base_path
        if isinstance(found, OSError):
            self._warn(
                name,
                f"{base_path} cannot be read ({found.strerror}); loaded versions of {name} still "
                f"serve. Expected: {base_path}/<number>/saved_model.pb. Still looking",
            )
            return None
        chosen, missing = version_folders.choose(config.model_version_policy, found.complete)
        for version in missing:
            self._warn(
                (name, version), f"Version {version} of {name} is configured, but has no folder"
            )
        for duplicate in found.duplicates:
            self._warn(
                (name, duplicate),
                f"{base_path}/{duplicate} is ignored: another folder has its number",
            )
        if not found.complete:
            incomplete = ", ".join(map(str, found.incomplete))
            self._warn(
                name,
                f"No versions of servable {name} found under base path {base_path}. Did you "
                "forget to name your leaf directory as a number (eg. '/1/')?"
                + (f" Without saved_model.pb so far: {incomplete}." if incomplete else "")
                + " Still looking",
            )
        return chosen

    def _warn(self, key: object, message: str) -> None:
        """Logs a warning; the same one again only after some time."""
        before, when = self._warned.get(key, ("", 0.0))
        now = time.monotonic()
        if message != before or now - when > _REMINDER_SECONDS:
            self._warned[key] = (message, now)
            _LOG.warning("%s", message)

    def _set_wanted(
        self, configs: Mapping[str, object], found: Mapping[str, Mapping[int, str] | None]
    ) -> None:
        for name in self._wanted:
            if name not in configs:
                self._wanted[name] = {}
        for name, wanted in found.items():
            if wanted is not None:
                self._wanted[name] = wanted

    def _act(self, name: str) -> None:
        """Does what is to be done now about a model."""
        wanted, versions = self._wanted[name], self._versions.setdefault(name, {})
        now = time.monotonic()
        self._warn_of_slow(name, versions)
        known = {number: version.known(now) for number, version in versions.items()}
        actions = version_policy.decide(wanted, known)
        for number, version in versions.items():
            version.is_wanted = number in wanted
        for kind, number in actions:
            if kind is Kind.END:
                self._set_state(name, versions[number], END)
            elif kind is Kind.UNLOAD:
                self._start_unload(name, versions[number])
            else:
                if version_policy.is_new(known.get(number)):
                    versions[number] = ManagedVersion(number, wanted[number])
                versions[number].is_busy = True
                # A daemon: the process may end while a store is silent.
                arguments = name, versions[number]
                threading.Thread(
                    target=self._load_in_turn, args=arguments, name="load", daemon=True
                ).start()

    def _warn_of_slow(self, name: str, versions: Mapping[int, ManagedVersion]) -> None:
        for version in versions.values():
            if version.is_slow(STORE_SECONDS):
                self._warn(
                    (name, version.number),
                    f"Loading {name} version {version.number} from {version.path} has taken more "
                    f"than {STORE_SECONDS:.0f} s. Other models are loaded and served meanwhile. "
                    "Still loading",
                )

    def _load_in_turn(self, name: str, version: ManagedVersion) -> None:
        with self._turns.turn(folders.store_of(version.path)):
            self._load_version(name, version)

    def _load_version(self, name: str, version: ManagedVersion) -> None:
        started = time.monotonic()
        with self._changed:
            if not version.is_wanted or self._is_stopping:
                version.is_busy = False
                return
            version.loading_since = started
            self._set_state(name, version, LOADING)
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
        finally:
            version.loading_since = None
        self._wake.set()

    def _loading_failed(self, name: str, version: ManagedVersion, error: StatusError) -> None:
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

    def _start_unload(self, name: str, version: ManagedVersion) -> None:
        version.is_busy = True
        self._set_state(name, version, UNLOADING)
        threading.Thread(
            target=self._unload, args=(name, version), name="unload", daemon=True
        ).start()

    def _unload(self, name: str, version: ManagedVersion) -> None:
        if version.servable is not None:
            version.servable.retire()
        version.servable = None
        memory.give_back()
        with self._changed:
            version.servable, version.is_busy = None, False
            self._set_state(name, version, END)
        _LOG.info("Unloaded %s version %d", name, version.number)
        self._wake.set()

    def _set_state(self, name: str, version: ManagedVersion, state: int) -> None:
        version.state = state
        if state == AVAILABLE and version.servable is not None:
            self._servables.publish(name, version.servable)
        else:
            self._servables.withdraw(name, version.number)
        self._changed.notify_all()
