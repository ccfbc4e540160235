"""The options of a client."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

# A day, in seconds: the clocks of operating systems overflow at some number of years.
LONGEST_TIMEOUT = 86_400.0
_BUSY_FACTOR = 3


def timeout_problem(timeout: float) -> str:
    """Returns what is wrong with a timeout, or an empty string."""
    if 0 < timeout <= LONGEST_TIMEOUT:
        return ""
    return f"timeout is {timeout}; give a number of seconds above 0, at most {LONGEST_TIMEOUT:g}"


@dataclass(frozen=True)
class Retries:
    """How to ask again when a server is unavailable or has no free thread: exponential backoff.

    Every call only reads, so asking twice does no harm. The waits double, and each is drawn at
    random from the upper half of its range (jitter), so that clients that failed at the same time
    do not all return at the same time.

    Attributes:
      attempts: The most requests for one answer; 1 never asks again. A server that answers, but
        has no free thread, is asked again three times as often.
      first_wait: The longest first wait, in seconds.
      longest_wait: No wait is longer, in seconds.
    """

    attempts: int = 4
    first_wait: float = 0.1
    longest_wait: float = 2.0

    def most_attempts(self, *, is_busy: bool) -> int:
        """Returns how often to ask a server that is unavailable, or one that is busy."""
        return 1 + (_BUSY_FACTOR if is_busy else 1) * (self.attempts - 1)

    def wait_after(self, attempt: int) -> float:
        """Returns the seconds to wait after failed attempt number `attempt`, from 1."""
        longest = min(self.longest_wait, self.first_wait * 2 ** (attempt - 1))
        return random.uniform(longest / 2, longest)


@dataclass(frozen=True)
class Tls:
    """PEM files for an encrypted connection.

    Attributes:
      root_certificates: The certificate authorities that are trusted; None for the system's.
      client_certificate: Shown to a server that asks for one; goes with `client_key`.
      client_key: The private key of `client_certificate`.
    """

    root_certificates: str | Path | None = None
    client_certificate: str | Path | None = None
    client_key: str | Path | None = None


@dataclass(frozen=True)
class Settings:
    """How a client asks.

    Attributes:
      timeout: Seconds for one request to the server, its retries and their waits included.
      batch_size: Rows of one request; larger batches are divided.
      retries: When and how often to ask again.
    """

    timeout: float = 30.0
    batch_size: int = 128
    retries: Retries = field(default_factory=Retries)

    @property
    def problem(self) -> str:
        """What cannot be used and what can, or an empty string."""
        if problem := timeout_problem(self.timeout):
            return problem
        if self.batch_size < 1:
            return f"batch_size is {self.batch_size}; give a number of rows, 1 or more"
        if self.retries.attempts < 1:
            return f"retries.attempts is {self.retries.attempts}; give 1, or more to ask again"
        return ""
