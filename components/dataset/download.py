"""Downloads a file once: resumed if broken off, verified, moved into place whole."""

from __future__ import annotations

import contextlib
import errno
import os
import queue
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from components import progress
from components.dataset.checksum import sha256_of
from components.errors import DownloadError, HostFailedError, as_setting

# For the connection, the head of the answer and the first byte of the file, all together.
ANSWER_SECONDS = 10.0
TIMEOUT_SECONDS = 30
# What a span of TIMEOUT_SECONDS must bring.
LEAST_BYTES = 30_000
_BLOCK = 1 << 18
_WAYS_OUT = (
    "Set IMDB_ARCHIVE to an archive that you have, or use the generated sample with "
    f"{as_setting('data', 'sample')}."
)


@dataclass(frozen=True)
class Download:
    """A file on the network, known by its content."""

    url: str
    size: int
    sha256: str


def download(what: Download, target: Path) -> None:
    """Fetches `what` to `target`, unless another process does so first.

    What was fetched so far stays in `target`.part when the connection breaks off; the next call
    goes on from there.

    Raises:
      DownloadError: It could not be fetched whole; says what to do. A HostFailedError if the host
        is at fault.
    """
    # `inspect` reads files without the extra 'pipeline', which brings this.
    import filelock

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(f"{target}.lock"):
            if not target.exists():
                part = target.with_name(f"{target.name}.part")
                _fetch(what, part)
                _verify(what, part)
                os.replace(part, target)
    except urllib.error.HTTPError as error:
        error.close()
        raise HostFailedError(
            f"{what.url} answered {error.code} {error.reason}. {_WAYS_OUT}"
        ) from error
    except urllib.error.URLError as error:
        raise HostFailedError(
            f"{what.url} cannot be reached: {error.reason}. {_WAYS_OUT}"
        ) from error
    except (HTTPException, ConnectionError, TimeoutError) as error:
        raise DownloadError(f"{what.url} broke off: {error!r}. Run again to resume.") from error
    except OSError as error:
        raise DownloadError(_explain(error, what, target)) from error


def _fetch(what: Download, part: Path) -> None:
    """Appends to `part` until it has the size of `what`."""
    done = part.stat().st_size if part.exists() else 0
    if done > what.size:
        part.unlink()
        done = 0
    if done == what.size:
        return
    request = urllib.request.Request(what.url)
    if done:
        request.add_header("Range", f"bytes={done}-")
    response, block = _answered(request)
    with response:
        if not _goes_on_from(done, response):
            done = 0
        with part.open("ab" if done else "wb") as file:
            since, before = time.monotonic(), done
            while done <= what.size and block:
                file.write(block)
                done += len(block)
                progress.report(progress.Progress(done, what.size, "bytes", stage="download"))
                if time.monotonic() - since > TIMEOUT_SECONDS:
                    if done - before < LEAST_BYTES:
                        raise HostFailedError(
                            f"{what.url} is too slow: {done - before:,} bytes in "
                            f"{TIMEOUT_SECONDS:g} s. {_WAYS_OUT}"
                        )
                    since, before = time.monotonic(), done
                block = response.read1(_BLOCK)
            file.flush()
            os.fsync(file.fileno())
    if done < what.size:
        raise DownloadError(
            f"{what.url} broke off after {done:,} of {what.size:,} bytes. Run again to resume."
        )


def _answered(request: urllib.request.Request) -> tuple[HTTPResponse, bytes]:
    """Returns the answer and the first bytes of its body.

    A thread waits for them, as no timeout of Python's holds for all: neither for the look-up of a
    name, nor for a head that arrives byte by byte.

    Raises:
      HostFailedError: They were not here within ANSWER_SECONDS.
      OSError, HTTPException: As urllib does.
    """
    outcome: queue.SimpleQueue[tuple[HTTPResponse, bytes] | Exception] = queue.SimpleQueue()
    is_given_up = threading.Event()

    def ask() -> None:
        try:
            with contextlib.ExitStack() as unless_wanted:
                response = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
                unless_wanted.enter_context(response)
                block = response.read1(_BLOCK)
                if not is_given_up.is_set():
                    unless_wanted.pop_all()
                    outcome.put((response, block))
        except Exception as error:  # raised by who waits
            outcome.put(error)

    threading.Thread(target=ask, name="download", daemon=True).start()
    try:
        answer = outcome.get(timeout=ANSWER_SECONDS)
    except queue.Empty:
        is_given_up.set()
        raise HostFailedError(
            f"{request.full_url} did not answer within {ANSWER_SECONDS:g} s. {_WAYS_OUT}"
        ) from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _goes_on_from(done: int, response: HTTPResponse) -> bool:
    """Says whether the answer is the rest of the file and not the whole of it."""
    is_partial = response.status == HTTPStatus.PARTIAL_CONTENT
    return is_partial and response.headers.get("Content-Range", "").startswith(f"bytes {done}-")


def _verify(what: Download, part: Path) -> None:
    digest = sha256_of(part)
    size = part.stat().st_size
    if digest != what.sha256:
        part.unlink()
        raise HostFailedError(
            f"{what.url} gave another file than expected: {size:,} bytes with the SHA-256 "
            f"{digest[:12]}..., expected {what.size:,} and {what.sha256[:12]}.... It was removed. "
            f"{_WAYS_OUT}"
        )


def _explain(error: OSError, what: Download, target: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"The disk is full: the download needs {what.size / 1e6:.0f} MB in {target.parent}. "
            "Free some space and run again to resume."
        )
    return f"The download to {target} failed: {error.strerror or error}. {_WAYS_OUT}"
