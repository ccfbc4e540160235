"""Downloading from a real server: whole, resumed, verified, once, and with nothing lost."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import http.server
import os
import random
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from components import progress
from components.dataset import download as module
from components.dataset.download import Download, download
from components.errors import DownloadError, HostFailedError

CONTENT = random.Random(1).randbytes(1_000_000)
PART = "reviews.tar.gz.part"


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT, and can be told to misbehave.

    Attributes:
      content: What it serves.
      ranges: The Range header of each request, or None.
      ignores_ranges: Whether it answers all requests with the whole.
      breaks_after: Bytes after which it closes the connection, or None.
      announces_length: Whether it says how much will come.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.ranges: list[str | None] = []
        self.ignores_ranges = False
        self.breaks_after: int | None = None
        self.announces_length = True

    @property
    def url(self) -> str:
        """Where the file is."""
        return f"http://127.0.0.1:{self.server_port}/reviews.tar.gz"


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as its server was told to."""

    server: Server

    def do_GET(self) -> None:
        """Sends the file, or its rest."""
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        if self.path != "/reviews.tar.gz":
            self.send_error(404)
            return
        content, start = self.server.content, 0
        if asked and not self.server.ignores_ranges:
            start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1])
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        body = content[start:]
        if self.server.announces_length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.breaks_after])

    def log_message(self, *arguments: object) -> None:
        """Keeps quiet."""


@pytest.fixture
def server():
    """A server in a thread, on loopback."""
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def wanted(server):
    """What the server has."""
    return Download(server.url, len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def target(tmp_path):
    """Where it is to be, in a folder that is not there yet."""
    return tmp_path / "cache" / "reviews.tar.gz"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    """Loopback is never behind a proxy."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def files(target: Path) -> dict[str, int]:
    """Returns the size of each file beside the target, without the lock."""
    return {
        path.name: path.stat().st_size for path in target.parent.iterdir() if path.suffix != ".lock"
    }


def test_a_file_is_fetched_whole_and_progress_is_reported(server, wanted, target):
    """Byte for byte; the last report says that all is there."""
    reports: list[progress.Progress] = []
    with progress.listening(reports.append):
        download(wanted, target)
    assert target.read_bytes() == CONTENT
    assert files(target) == {target.name: len(CONTENT)}
    assert reports[-1] == progress.Progress(len(CONTENT), len(CONTENT), "bytes", "download")
    assert [report.done for report in reports] == sorted(report.done for report in reports)


def test_a_file_that_is_there_is_not_fetched_again(server, wanted, target):
    """Nobody is asked."""
    download(wanted, target)
    download(wanted, target)
    assert server.ranges == [None]


def test_a_part_is_gone_on_with(server, wanted, target):
    """Only the rest is asked for."""
    target.parent.mkdir()
    (target.parent / PART).write_bytes(CONTENT[:400_000])
    reports: list[progress.Progress] = []
    with progress.listening(reports.append):
        download(wanted, target)
    assert server.ranges == ["bytes=400000-"]
    assert target.read_bytes() == CONTENT
    assert reports[0].done > 400_000


def test_a_server_that_cannot_resume_sends_the_whole_anew(server, wanted, target):
    """The part is not put in front of it."""
    server.ignores_ranges = True
    target.parent.mkdir()
    (target.parent / PART).write_bytes(CONTENT[:400_000])
    download(wanted, target)
    assert server.ranges == ["bytes=400000-"]
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("announces_length", [True, False])
def test_a_connection_that_breaks_off_is_resumed_by_the_next_call(
    server, wanted, target, announces_length
):
    """What came so far is kept."""
    server.breaks_after = 300_000
    server.announces_length = announces_length
    with pytest.raises(DownloadError, match=r"broke off.*Run again to resume\.$"):
        download(wanted, target)
    assert files(target) == {PART: 300_000}
    server.breaks_after = None
    download(wanted, target)
    assert server.ranges == [None, "bytes=300000-"]
    assert target.read_bytes() == CONTENT
    assert files(target) == {target.name: len(CONTENT)}


def test_a_part_that_is_complete_is_not_asked_for_again(server, wanted, target):
    """The process died before it was moved into place."""
    target.parent.mkdir()
    (target.parent / PART).write_bytes(CONTENT)
    download(wanted, target)
    assert server.ranges == []
    assert target.read_bytes() == CONTENT


def test_a_part_that_is_too_long_is_started_anew(server, wanted, target):
    """It cannot be the beginning of the file."""
    target.parent.mkdir()
    (target.parent / PART).write_bytes(CONTENT + b"x")
    download(wanted, target)
    assert server.ranges == [None]
    assert target.read_bytes() == CONTENT


def test_another_file_of_the_same_size_is_removed(server, wanted, target):
    """Both checksums are named."""
    server.content = bytes(len(CONTENT))
    with pytest.raises(DownloadError) as error:
        download(wanted, target)
    assert str(error.value) == (
        f"{server.url} gave another file than expected: 1,000,000 bytes with the SHA-256 "
        f"{hashlib.sha256(server.content).hexdigest()[:12]}..., expected 1,000,000 and "
        f"{wanted.sha256[:12]}.... It was removed. Set IMDB_ARCHIVE to an archive that you have, "
        "or use the generated sample with `data='sample'`."
    )
    assert files(target) == {}


def test_a_file_that_is_too_long_is_left_off_and_removed(server, wanted, target):
    """A server that sends without end fills no disk."""
    server.content = CONTENT * 20
    reports: list[progress.Progress] = []
    with (
        progress.listening(reports.append),
        pytest.raises(DownloadError, match="gave another file than expected: 1,"),
    ):
        download(wanted, target)
    assert reports[-1].done < 2 * len(CONTENT)
    assert files(target) == {}


def test_a_page_that_is_not_there_is_named_by_its_code(server, wanted, target):
    """With what to do instead."""
    lost = Download(server.url + "x", wanted.size, wanted.sha256)
    with pytest.raises(DownloadError) as error:
        download(lost, target)
    assert str(error.value) == (
        f"{lost.url} answered 404 Not Found. Set IMDB_ARCHIVE to an archive that you have, or use "
        "the generated sample with `data='sample'`."
    )


def test_a_server_that_cannot_be_reached_is_named(wanted, target):
    """With the reason, and what to do instead."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        with pytest.raises(DownloadError) as error:
            download(Download(url, wanted.size, wanted.sha256), target)
    assert str(error.value).startswith(f"{url} cannot be reached: ")
    assert str(error.value).endswith("use the generated sample with `data='sample'`.")


def test_a_server_that_falls_silent_is_given_up(server, wanted, target, monkeypatch):
    """All that came is kept."""
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.3)
    silence = threading.Event()
    monkeypatch.setattr(Handler, "finish", lambda self: silence.wait(5))
    server.breaks_after = 300_000
    try:
        with pytest.raises(DownloadError, match=r"broke off.*timed out.*Run again to resume\.$"):
            download(wanted, target)
    finally:
        silence.set()
    assert files(target) == {PART: 300_000}


@contextlib.contextmanager
def answering(pieces, pause):
    """A server that accepts, and sends a piece whenever `pause` seconds have passed."""
    over = threading.Event()

    def serve():
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                for piece in pieces:
                    connection.sendall(piece)
                    over.wait(pause)
                over.wait(10)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/reviews"
        over.set()
        thread.join()


HEAD = b"HTTP/1.0 200 OK\r\n\r\n"


@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        ([], "did not answer within 0.5 s"),
        ([HEAD[:1]] * 100, "did not answer within 0.5 s"),
        ([HEAD], "did not answer within 0.5 s"),
        ([HEAD, *[b"x"] * 100], "is too slow: "),
    ],
    ids=["silent", "trickling head", "no first byte", "trickling body"],
)
def test_a_server_that_keeps_one_waiting_is_given_up(
    tmp_path, target, monkeypatch, pieces, message
):
    """Soon, though every single wait is short; and it counts as a host that failed."""
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 1)
    since = time.monotonic()
    with (
        answering(pieces, pause=0.05) as url,
        pytest.raises(HostFailedError, match=re.escape(f"{url} {message}")) as error,
    ):
        download(Download(url, 1_000_000, "0" * 64), target)
    assert str(error.value).endswith("use the generated sample with `data='sample'`.")
    assert time.monotonic() - since < 5


def test_a_disk_that_fills_up_keeps_the_part_and_says_what_is_needed(
    server, wanted, target, monkeypatch
):
    """With space freed, the next call goes on from there."""

    class FullDisk:
        """A file that takes two blocks."""

        def __init__(self, file):
            self._file, self._blocks = file, 2

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self._file.close()

        def write(self, block):
            if not self._blocks:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._blocks -= 1
            return self._file.write(block)

    open_path = Path.open

    def open_on_full_disk(self, mode="r", *arguments):
        file = open_path(self, mode, *arguments)
        return FullDisk(file) if mode in ("ab", "wb") and self.name == PART else file

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", open_on_full_disk)
        with pytest.raises(DownloadError) as error:
            download(wanted, target)
    assert str(error.value) == (
        f"The disk is full: the download needs 1 MB in {target.parent}. Free some space and run "
        "again to resume."
    )
    kept = files(target)[PART]
    assert 0 < kept < len(CONTENT)
    download(wanted, target)
    assert server.ranges == [None, f"bytes={kept}-"]
    assert target.read_bytes() == CONTENT


def test_a_folder_that_cannot_be_made_is_named(wanted, tmp_path):
    """A file is in its place."""
    (tmp_path / "cache").write_text("")
    with pytest.raises(DownloadError, match=r"The download to .*cache/reviews.tar.gz failed: "):
        download(wanted, tmp_path / "cache" / "reviews.tar.gz")


def test_the_target_is_never_there_in_part(server, wanted, target, monkeypatch):
    """It appears by one rename, after it was verified."""
    seen: list[bool] = []
    replace = os.replace
    verify = module._verify

    def watching_verify(what, part):
        seen.append(target.exists())
        verify(what, part)

    def watching_replace(source, destination):
        seen.append(target.exists())
        assert Path(source).read_bytes() == CONTENT
        replace(source, destination)

    monkeypatch.setattr(module, "_verify", watching_verify)
    monkeypatch.setattr(os, "replace", watching_replace)
    download(wanted, target)
    assert seen == [False, False]
    assert target.read_bytes() == CONTENT


def test_several_threads_at_once_download_once(server, wanted, target):
    """The others wait, and find the file."""
    threads = [threading.Thread(target=download, args=(wanted, target)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert server.ranges == [None]
    assert target.read_bytes() == CONTENT


def test_two_processes_at_once_download_once(server, wanted, target):
    """The lock is a file beside the target."""
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from components.dataset.download import Download, download\n"
        "download(Download(sys.argv[1], int(sys.argv[2]), sys.argv[3]), Path(sys.argv[4]))\n"
    )
    arguments = [server.url, str(wanted.size), wanted.sha256, str(target)]
    processes = [subprocess.Popen([sys.executable, "-c", script, *arguments]) for _ in range(2)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0]
    assert server.ranges == [None]
    assert target.read_bytes() == CONTENT
