"""Looks at stores, each in a thread of its own: one that does not answer holds up nobody."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from serving.versions import VersionFolders

# A store that takes no longer is not worth a word.
LONG_SECONDS = 10.0


class StoreLooks:
    """At most one look at each base path goes on, so there are no more threads than models."""

    def __init__(self, look: Callable[[str], VersionFolders], told: Callable[[], None]):
        """Starts nothing yet.

        Args:
          look: Lists the versions below a base path; raises OSError.
          told: Called when there is an answer.
        """
        self._look = look
        self._told = told
        self._since: dict[str, float] = {}
        self._answers: dict[str, VersionFolders | OSError] = {}
        self._lock = threading.Lock()

    def start(self, base_path: str) -> None:
        """Starts a look, unless one goes on."""
        with self._lock:
            if base_path in self._since:
                return
            self._since[base_path] = time.monotonic()
        # A daemon: the process may end while a store is silent.
        threading.Thread(
            target=self._ask, args=[base_path], name=f"look at {base_path}", daemon=True
        ).start()

    def seconds_of(self, base_path: str) -> float:
        """Returns for how long the look that goes on has had no answer; 0 if none goes on."""
        with self._lock:
            since = self._since.get(base_path)
        return 0.0 if since is None else time.monotonic() - since

    def answers(self) -> dict[str, VersionFolders | OSError]:
        """Returns what stores have answered since the last call, by base path."""
        with self._lock:
            answers, self._answers = self._answers, {}
            return answers

    def _ask(self, base_path: str) -> None:
        answer: VersionFolders | OSError
        try:
            answer = self._look(base_path)
        except OSError as error:
            answer = error
        except Exception as error:  # without an answer, nobody would look again
            answer = OSError(None, f"{type(error).__name__}: {error}", base_path)
        with self._lock:
            del self._since[base_path]
            self._answers[base_path] = answer
        self._told()
