"""`claim_version`: pushes at the same time write to different versions, and clean up after them.

A claim is a small file beside the versions. Who has written one, and sees no other of the same
number afterwards, has that number for itself: of two pushes, the one that wrote its claim later
sees the other's. That needs no rename and no lock, only a store that lists what was written before,
as Google's, Amazon's and Microsoft's do, and disks.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import socket
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from components.errors import PushError
from components.notices import notify
from components.storage import files
from serving.versions import LARGEST, SAVED_MODEL_FILE, number_of

# TF-Serving only looks at folders whose names are numbers.
INCOMING_PREFIX = ".incoming-"
_CLAIM = re.compile(r"\.pushing-([0-9]{1,19})-([0-9a-f]{32})")
_ATTEMPTS = 20
_MOST_PAUSE_SECONDS = 0.5
# A push of another machine may go on for as long as this; what is older was killed.
LONGEST_PUSH_SECONDS = 24 * 3600.0
# Names of the pushes that go on in this process.
_OWN: set[str] = set()


@dataclass
class Claim:
    """A version's number, for one push alone.

    Attributes:
      base: What TF-Serving watches.
      number: The version's.
      name: Of this push.
      left: Paths of what could not be removed after a failure.
      has_begun: Whether the push has written to the version's folder.
    """

    base: str
    number: int
    name: str
    left: list[str] = field(default_factory=list)
    has_begun: bool = False

    @property
    def path(self) -> str:
        """Where the claim is."""
        return files.join(self.base, f".pushing-{self.number}-{self.name}")

    @property
    def version(self) -> str:
        """The version's folder."""
        return files.join(self.base, str(self.number))

    @property
    def incoming(self) -> str:
        """A folder for what becomes the version by a rename."""
        return files.join(self.base, f"{INCOMING_PREFIX}{self.number}-{self.name}")

    def check(self) -> None:
        """Returns if the version still is for this push alone.

        Raises:
          PushError: Another push took this one for dead, and removed what it wrote.
        """
        if not files.exists(self.path):
            raise PushError(
                f"The model could not be pushed to {self.base}: another push took this one, which "
                "had been going on for long, for one that was killed. Run again: every step before "
                "the push is taken from the cache."
            )

    def clear(self) -> None:
        """Removes the claim, once nothing else is left but a version. Fills `left`."""
        _tried(self.left, self.incoming, files.remove_folder)
        if not self.left:
            _tried(self.left, self.path, _remove_file)

    def withdraw(self) -> None:
        """Removes the version, first what makes a server load it, and the claim. Fills `left`."""
        if self.has_begun:
            _tried(self.left, files.join(self.version, SAVED_MODEL_FILE), _remove_file)
            _tried(self.left, self.version, files.remove_folder)
        self.clear()


@contextlib.contextmanager
def claim_version(base: str, graph_bytes: int, left: list[str]) -> Iterator[Claim]:
    """Claims the number of a new version, until the block ends.

    It is the time in seconds, and always larger than those of the versions that are there, and of
    those that are being written: servers serve the largest. What pushes that were killed left is
    removed first.

    Args:
      base: What TF-Serving watches; made if it is not there.
      graph_bytes: Size of the file that is written last, by which a whole version is known.
      left: Takes the paths of what could not be removed after a failure.

    Raises:
      PushError: There is no larger number, or too many pushes at the same time.
      OSError: It cannot be listed, or the claim not written.
    """
    files.make_folder(base)
    # A server that has tried what is removed now would not try the same number again.
    above = _latest(base)
    _remove_left_over(base)
    claim = _claim(base, above, graph_bytes, left)
    _OWN.add(claim.name)
    try:
        yield claim
    except BaseException:
        claim.withdraw()
        raise
    finally:
        _OWN.discard(claim.name)
    claim.clear()
    for path in left:
        notify(f"The model was pushed; {path}, which is of no more use, could not be removed.")


def _claim(base: str, above: int, graph_bytes: int, left: list[str]) -> Claim:
    told = {
        "host": socket.gethostname(),
        "process": os.getpid(),
        "started": time.time(),
        "graph_bytes": graph_bytes,
    }
    for _ in range(_ATTEMPTS):
        claim = Claim(base, _next_number(base, above), uuid.uuid4().hex, left)
        try:
            with files.opened(claim.path, "wb") as file:
                file.write(json.dumps(told).encode())
            taken = [number for number, path in _claims(base) if path != claim.path]
            if claim.number not in (*taken, *_numbers(base)):
                return claim
        except BaseException:
            _tried(left, claim.path, _remove_file)
            raise
        _remove_file(claim.path)
        # The other one withdraws as well, if it saw this one's.
        time.sleep(random.uniform(0, _MOST_PAUSE_SECONDS))
    raise PushError(
        f"The model could not be pushed to {base}: {_ATTEMPTS} times, another push wanted the "
        "same number. Run again once those have ended: every step before the push is taken from "
        "the cache."
    )


def _latest(base: str) -> int:
    return max([0, *_numbers(base), *(number for number, _ in _claims(base))])


def _next_number(base: str, above: int) -> int:
    latest = max(above, _latest(base))
    if latest >= LARGEST:
        raise PushError(
            f"The model could not be pushed: {files.join(base, str(LARGEST))} has the largest "
            "number that a server reads, and a new version needs a larger one. Rename or remove "
            "that folder and run again: every step before the push is taken from the cache."
        )
    return max(int(time.time()), latest + 1)


def _numbers(base: str) -> list[int]:
    numbers = (number_of(name) for name in files.names_in(base))
    return [number for number in numbers if number is not None]


def _claims(base: str) -> list[tuple[int, str]]:
    found = (_CLAIM.fullmatch(name) for name in files.names_in(base))
    return [(int(name[1]), files.join(base, name[0])) for name in found if name]


def _remove_left_over(base: str) -> None:
    """Removes what pushes that were killed left."""
    left: list[str] = []
    # Listed before the claims, each of which is written before its folder.
    names = files.names_in(base)
    going_on = set()
    for number, path in _claims(base):
        claim = Claim(base, number, _name_in(path), left)
        told = _told_by(path)
        if told is None or not _is_dead(number, claim.name, told):
            going_on.add(claim.incoming)
            continue
        claim.has_begun = not _is_whole(claim.version, told)
        claim.withdraw()
    for name in names:
        path = files.join(base, name)
        if name.startswith(INCOMING_PREFIX) and path not in going_on:
            _tried(left, path, files.remove_folder)
    for path in left:
        notify(f"What a push that did not end left could not be removed: {path}. Remove it.")


def _told_by(claim: str) -> dict[str, Any] | None:
    """Returns what a claim tells; None of one that is gone, or for others to read."""
    try:
        told = json.loads(files.read_bytes(claim))
    except OSError:
        return None
    except ValueError:  # it may be half written
        return {}
    is_right = isinstance(told, dict) and {name: type(value) for name, value in told.items()} == {
        "host": str,
        "process": int,
        "started": float,
        "graph_bytes": int,
    }
    return told if is_right else {}


def _is_dead(number: int, name: str, told: Mapping[str, Any]) -> bool:
    """Returns whether the push of a claim ended without removing it."""
    if time.time() - told.get("started", number) > LONGEST_PUSH_SECONDS:
        return True
    if told.get("host") != socket.gethostname():
        return False
    process = told["process"]
    return name not in _OWN if process == os.getpid() else not _runs(process)


def _is_whole(version: str, told: Mapping[str, Any]) -> bool:
    """Returns whether the file of a version that is written last is there to its end."""
    try:
        size = files.size_of(files.join(version, SAVED_MODEL_FILE))
    except FileNotFoundError:
        return False
    return size == told.get("graph_bytes", size)


def _name_in(claim: str) -> str:
    return claim.rpartition("-")[2]


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _tried(left: list[str], path: str, remove: Callable[[str], None]) -> None:
    try:
        remove(path)
    except OSError:
        left.append(path)


def _remove_file(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        files.remove_file(path)
