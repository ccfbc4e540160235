"""IMDB's archive: the one that is named, the one in the cache, or a download; always verified."""

from __future__ import annotations

import hashlib

import pytest

from components import progress
from components.dataset import download, failed_hosts, imdb
from components.dataset.checksum import sha256_of
from components.dataset.download import Download
from components.dataset.resolve import resolve_source
from components.dataset.source import SourceKind
from components.errors import ArchiveError, DownloadError, HostFailedError

from .test_download import answering

CONTENT = b"fifty thousand reviews" * 100_000


@pytest.fixture
def fetched(monkeypatch):
    """Makes CONTENT the official archive, and notes each download of it."""
    official = Download("http://127.0.0.1:1/", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    targets: list[str] = []

    def download(what, target):
        assert what == official
        target.parent.mkdir(parents=True)
        target.write_bytes(CONTENT)
        targets.append(str(target))

    monkeypatch.setattr(imdb, "OFFICIAL", official)
    monkeypatch.setattr(imdb, "download", download)
    return targets


def test_the_sha256_of_a_large_file_is_that_of_all_its_blocks(tmp_path):
    """Read block by block."""
    (tmp_path / "file").write_bytes(CONTENT)
    assert sha256_of(tmp_path / "file") == hashlib.sha256(CONTENT).hexdigest()


def test_without_an_archive_one_is_downloaded_once_into_the_cache(tmp_path, fetched):
    """The next run finds it there."""
    expected = imdb.VerifiedArchive(
        tmp_path / "cache" / "aclImdb_v1.tar.gz", hashlib.sha256(CONTENT).hexdigest()
    )
    assert imdb.find_or_download(None, tmp_path / "cache") == expected
    assert imdb.find_or_download("", tmp_path / "cache") == expected
    assert fetched == [str(expected.path)]


def test_an_archive_that_is_named_goes_before_the_cache(tmp_path, fetched, monkeypatch):
    """Nothing is downloaded; a relative path becomes an absolute one."""
    (tmp_path / "mine.tar.gz").write_bytes(CONTENT)
    monkeypatch.chdir(tmp_path)
    found = imdb.find_or_download("mine.tar.gz", tmp_path / "cache")
    assert found.path == tmp_path / "mine.tar.gz"
    assert fetched == []


def test_the_archive_without_unlabelled_reviews_is_known_too(tmp_path, monkeypatch):
    """By its own checksum."""
    path = tmp_path / "repacked.tar.gz"
    path.write_bytes(b"labelled only")
    digest = hashlib.sha256(b"labelled only").hexdigest()
    monkeypatch.setattr(imdb, "LABELLED_ONLY_SHA256", digest)
    assert imdb.verified(path) == imdb.VerifiedArchive(path, digest)


@pytest.mark.parametrize("content", [b"", CONTENT[:-1], CONTENT + b"x", b"X" + CONTENT[1:]])
def test_a_wrong_checksum_names_what_arrived_and_what_was_expected(tmp_path, fetched, content):
    """In the cache as well; the file is left for its owner to judge."""
    path = tmp_path / "aclImdb_v1.tar.gz"
    path.write_bytes(content)
    for archive in (str(path), None):
        with pytest.raises(ArchiveError) as error:
            imdb.find_or_download(archive, tmp_path)
        assert str(error.value) == (
            f"{path} is not IMDB's archive: it has {len(content):,} bytes and the SHA-256 "
            f"{hashlib.sha256(content).hexdigest()[:12]}..., where 2,200,000 bytes and "
            f"{hashlib.sha256(CONTENT).hexdigest()[:12]}... are expected. It may be truncated or "
            "corrupt: delete it and fetch it again. To use another archive laid out as IMDB's, "
            "pass it as `data='aclImdb_v1.tar.gz'`."
        )
    assert path.read_bytes() == content
    assert fetched == []


@pytest.mark.parametrize(("name", "reason"), [("gone", "No such file"), ("", "Is a directory")])
def test_an_archive_that_cannot_be_read_is_named(tmp_path, name, reason):
    """With the reason, and how to have it downloaded instead."""
    with pytest.raises(ArchiveError) as error:
        imdb.find_or_download(str(tmp_path / name), tmp_path)
    assert str(error.value).startswith(f"{tmp_path / name} cannot be read: {reason}")
    assert str(error.value).endswith("or unset it to have it downloaded.")


def test_the_official_archive_is_the_published_one():
    """Size and checksum as its authors' server gives them."""
    assert (
        Download(
            "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
            84_125_825,
            "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
        )
        == imdb.OFFICIAL
    )


@pytest.fixture
def failing(monkeypatch):
    """Makes the official host one that does not answer, and counts who asks it."""
    asked = []

    def download(what, target):
        asked.append(what.url)
        target.parent.mkdir(parents=True, exist_ok=True)
        raise HostFailedError("It did not answer.")

    monkeypatch.setattr(imdb, "download", download)
    return asked


def test_a_host_that_failed_is_left_alone_for_an_hour(tmp_path, failing, monkeypatch):
    """Where it may be left out; who names IMDB asks each time."""
    monkeypatch.setattr(failed_hosts.time, "time", lambda: 1_000_000.0)
    for _ in range(2):
        with pytest.raises(DownloadError):
            imdb.find_or_download(None, tmp_path, asks_failed_host=False)
    assert len(failing) == 1
    with pytest.raises(DownloadError, match=r"^ai\.stanford\.edu failed at \d\d:\d\d and is left "):
        imdb.find_or_download(None, tmp_path, asks_failed_host=False)
    with pytest.raises(HostFailedError):
        imdb.find_or_download(None, tmp_path)
    assert len(failing) == 2
    monkeypatch.setattr(failed_hosts.time, "time", lambda: 1_003_600.0)
    with pytest.raises(HostFailedError):
        imdb.find_or_download(None, tmp_path, asks_failed_host=False)


def test_where_it_looks_is_said_before_it_looks(tmp_path, failing):
    """A network that hangs must not look like a halt of ours."""
    said = []
    with progress.listening(said.append), pytest.raises(HostFailedError):
        imdb.find_or_download(None, tmp_path)
    assert [report.stage for report in said] == ["Looking for IMDB at ai.stanford.edu"]


@pytest.mark.parametrize("content", ["", "[", "[1]", '{"ai.stanford.edu": "now"}', '{"": 1e300}'])
def test_a_damaged_memory_of_failures_is_none(tmp_path, failing, content):
    """Also one of a clock that was put back."""
    (tmp_path / failed_hosts.FILE_NAME).write_text(content)
    with pytest.raises(HostFailedError):
        imdb.find_or_download(None, tmp_path, asks_failed_host=False)
    assert failed_hosts.recent_failure(tmp_path, "ai.stanford.edu") is not None


def test_a_second_run_on_the_sample_never_waits(tmp_path, monkeypatch):
    """A server accepts and never answers: the first run is told soon, the next asks nobody."""
    monkeypatch.setattr(download, "ANSWER_SECONDS", 0.3)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    notices = []
    with answering([], pause=0.1) as url:
        monkeypatch.setattr(imdb, "OFFICIAL", Download(url, 10, "0" * 64))
        for _ in range(2):
            source = resolve_source(
                "auto", imdb_archive=None, cache_dir=tmp_path, notify=notices.append
            )
            assert source.kind is SourceKind.SAMPLE
    assert f"{url} did not answer within 0.3 s. Set IMDB_ARCHIVE" in notices[0]
    assert "is left alone until" in notices[1]
