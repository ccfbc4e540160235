"""What a client is told when it is made."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

# Clocks of operating systems overflow at some number of years; nobody waits for a day.
LONGEST_TIMEOUT = 86_400.0
_BUSY_FACTOR = 3


def timeout_problem(timeout: float) -> str:
    """Returns what is wrong with a timeout, or an empty string."""
    if 0 < timeout <= LONGEST_TIMEOUT:
        return ""
    return f"timeout is {timeout}; give a number of seconds above 0, at most {LONGEST_TIMEOUT:g}"


@dataclass(frozen=True)
class Retries:
    """When a server is unavailable, or has no free thread, ask again, after ever longer waits.

    Every call only reads, so that asking twice does no harm. The waits double, and each is drawn
    from the upper half of its range, so that clients that failed together do not come back
    together.

    Attributes:
      attempts: How often to ask at most; 1 never asks again. A server that answers, but has no
        free thread, is asked again three times as often.
      first_wait: The longest first wait, in seconds.
      longest_wait: No wait is longer, in seconds.
    """

    attempts: int = 4
    first_wait: float = 0.1
    longest_wait: float = 2.0

    def most_attempts(self, *, is_busy: bool) -> int:
        """Returns how often to ask a server that is not there, or one that is busy."""
        return 1 + (_BUSY_FACTOR if is_busy else 1) * (self.attempts - 1)

    def wait_after(self, attempt: int) -> float:
        """Returns the seconds to wait after failed attempt number `attempt`, from 1."""
        longest = min(self.longest_wait, self.first_wait * 2 ** (attempt - 1))
        return random.uniform(longest / 2, longest)


@dataclass(frozen=True)
class Tls:
    """PEM files for an encrypted connection.

    Attributes:
      root_certificates: Who is trusted to vouch for the server; None trusts the system's roots.
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
      batch_size: Larger batches are cut into requests of this many rows.
    """

    timeout: float = 30.0
    batch_size: int = 128
    retries: Retries = field(default_factory=Retries)
