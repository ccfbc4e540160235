"""IMDB's layout: every review by value, and no damaged or hostile archive taken for a whole one."""

from __future__ import annotations

import gzip
import io
import os
import random
import tarfile
from pathlib import Path

import pytest

from components.dataset import archive
from components.dataset.archive import (
    labelled_folders,
    objection_to_layout,
    read_archive,
    read_directory,
)
from components.dataset.records import Problem, Review
from components.dataset.resolve import resolve_source
from components.errors import DatasetError

MEMBERS = {
    "aclImdb/README": b"not a review",
    "aclImdb/train/pos/0_9.txt": "Très bon<br />film".encode(),
    "aclImdb/train/neg/1_2.txt": b"dull",
    "aclImdb/train/unsup/2_0.txt": b"nobody labelled this",
    "aclImdb/train/labeledBow.feat": b"9 0:9",
    "aclImdb/test/pos/3_10.txt": b"fine",
    "aclImdb/test/neg/12_1.txt": b"worse",
}
REVIEWS = [
    Review("Très bon<br />film".encode(), 1, b"train/pos/0_9", "train", 9),
    Review(b"dull", 0, b"train/neg/1_2", "train", 2),
    Review(b"fine", 1, b"test/pos/3_10", "test", 10),
    Review(b"worse", 0, b"test/neg/12_1", "test", 1),
]


def member(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    """Describes a member."""
    info = tarfile.TarInfo(name)
    info.size = size
    info.type = kind
    return info


def write_archive(path: Path, members: dict[str, bytes], *extra: tarfile.TarInfo) -> Path:
    """Writes files, and then members that may be anything, each filled with zeros."""
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as file:
        for name, content in members.items():
            file.addfile(member(name, len(content)), io.BytesIO(content))
        for info in extra:
            file.addfile(info, io.BytesIO(bytes(info.size)))
    return path


def refusal(path: Path) -> str:
    """Returns what the one fatal problem, the last record of an archive, says."""
    records = list(read_archive(str(path)))
    fatal = [record for record in records if isinstance(record, Problem) and record.fatal]
    assert fatal == records[-1:]
    assert fatal[0].kind == "unreadable_file"
    assert fatal[0].where == path.name
    return fatal[0].detail


@pytest.mark.parametrize("name", ["imdb.tar.gz", "imdb.tgz", "imdb.tar"])
def test_labelled_reviews_are_read_and_all_else_is_left_aside(tmp_path, name):
    """Label and split by folder, id and stars by name; `unsup` and other files are no reviews."""
    path = write_archive(tmp_path / name, MEMBERS, member("aclImdb/test", kind=tarfile.DIRTYPE))
    assert list(read_archive(str(path))) == REVIEWS


def test_reading_an_archive_writes_nothing_to_disk(tmp_path, monkeypatch):
    """It is read as a stream."""
    path = write_archive(tmp_path / "imdb.tar.gz", MEMBERS)
    monkeypatch.chdir(tmp_path)
    assert len(list(read_archive(str(path)))) == len(REVIEWS)
    assert os.listdir(tmp_path) == ["imdb.tar.gz"]


@pytest.mark.parametrize("name", ["films.tar", "films.tar.gz"])
def test_an_archive_in_another_layout_is_refused_with_what_it_holds(tmp_path, monkeypatch, name):
    """Before a run begins; what is long before its first review is left to the reader."""
    others = {"films/good/1.txt": b"fine", "films/bad/2.txt": b"dull"}
    path = write_archive(tmp_path / name, others)
    with pytest.raises(DatasetError) as refused:
        resolve_source(str(path))
    assert str(refused.value) == (
        f"{name} holds no reviews in the layout of IMDB's archive (train/pos/123_8.txt), but 2 "
        "other files, e.g. films/good/1.txt. Unpack it, and give the files that you mean, or "
        "their folder."
    )
    assert objection_to_layout(str(write_archive(tmp_path / f"own-{name}", MEMBERS))) == ""
    empty = objection_to_layout(str(write_archive(tmp_path / f"no-{name}", {})))
    assert "but 0 other files. Unpack it" in empty
    monkeypatch.setattr(archive, "_LOOKED_AT_BYTES", 7)
    assert objection_to_layout(str(path)) == ""


@pytest.mark.parametrize("name", ["notes.txt", "7.txt", "7_9.html", "._7_9.txt", "7_123.txt"])
def test_a_name_without_id_and_stars_is_counted_and_the_rest_is_read(tmp_path, name):
    """It is a problem of one record, and names the member."""
    path = write_archive(tmp_path / "r.tar", {f"train/pos/{name}": b"x", "train/neg/2_3.txt": b"y"})
    assert list(read_archive(str(path))) == [
        Problem(
            "bad_name",
            f"r.tar, train/pos/{name}",
            "expected a name such as 123_8.txt, id and stars",
            fatal=False,
        ),
        Review(b"y", 0, b"train/neg/2_3", "train", 3),
    ]


def test_a_review_that_is_not_utf8_or_blank_is_counted_and_the_rest_is_read(tmp_path):
    """The first wrong byte is named."""
    path = write_archive(
        tmp_path / "r.tar",
        {
            "train/pos/1_8.txt": b"caf\xe9 noir",
            "train/pos/2_8.txt": b"",
            "train/pos/3_8.txt": " \n\u00a0".encode(),
            "train/pos/4_8.txt": b"good",
        },
    )
    assert list(read_archive(str(path))) == [
        Problem("not_utf8", "train/pos/1_8.txt", "byte 0xe9 at 3 is not UTF-8", fatal=False),
        Problem("empty_text", "train/pos/2_8.txt", "the text is blank", fatal=False),
        Problem("empty_text", "train/pos/3_8.txt", "the text is blank", fatal=False),
        Review(b"good", 1, b"train/pos/4_8", "train", 8),
    ]


@pytest.mark.parametrize("name", ["imdb.tar.gz", "imdb.tar"])
def test_an_archive_that_is_cut_anywhere_is_never_taken_for_a_whole_one(tmp_path, name):
    """Even where a member ends and the next would begin; what was whole before it is read."""
    whole = write_archive(tmp_path / name, MEMBERS).read_bytes()
    # Behind the last member, tar pads its two blocks of zeros up to 20.
    end = len(whole) if name.endswith("gz") else (2 * len(MEMBERS) + 1) * tarfile.BLOCKSIZE
    for size in [0, *range(1, end, 127), end - 1]:
        path = tmp_path / f"cut_{name}"
        path.write_bytes(whole[:size])
        assert refusal(path).startswith("the archive is truncated or corrupt ("), size
        assert refusal(path).endswith(". Fetch it again.")
        read = [record for record in read_archive(str(path)) if isinstance(record, Review)]
        assert read == REVIEWS[: len(read)]


@pytest.mark.parametrize("lost", [bytes(512), b"\xff" * 512])
def test_a_header_that_is_lost_in_the_middle_of_a_tar_is_told(tmp_path, lost):
    """The reviews before it are read, and the last record says that they are not all."""
    whole = write_archive(tmp_path / "imdb.tar", MEMBERS).read_bytes()
    path = tmp_path / "damaged.tar"
    # Each member is a header and a block, and two others are before the third review.
    path.write_bytes(whole[: 5 * 1024] + lost + whole[5 * 1024 + 512 :])
    assert list(read_archive(str(path)))[:-1] == REVIEWS[:2]
    assert refusal(path).startswith("the archive is truncated or corrupt (")


def test_a_sparse_file_is_refused(tmp_path):
    """Its content is not what the archive holds for it."""
    path = write_archive(
        tmp_path / "r.tar", MEMBERS, member("train/pos/1_8.txt", kind=tarfile.GNUTYPE_SPARSE)
    )
    assert refusal(path) == "its member 'train/pos/1_8.txt' is a sparse file; it is refused."


def test_no_flipped_bit_of_a_gzipped_archive_goes_unnoticed(tmp_path):
    """gzip's checksum covers the text as well."""
    generator = random.Random(7)
    texts = {f"train/pos/{i}_8.txt": generator.randbytes(150).hex().encode() for i in range(60)}
    whole = write_archive(tmp_path / "imdb.tar.gz", texts).read_bytes()
    # The first ten bytes, gzip's header, hold a time and a name that mean nothing.
    start = whole.index(b"\0", 10) + 1
    # The last byte before the checksum may end in bits that mean nothing, either.
    positions = [*range(start, len(whole) - 9), *range(len(whole) - 8, len(whole))]
    path = tmp_path / "flipped.tar.gz"
    for position in generator.sample(positions, 150):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << generator.randrange(8)
        path.write_bytes(damaged)
        assert refusal(path)


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    """By the same words as a damaged one."""
    path = tmp_path / "page.tar.gz"
    path.write_bytes(b"<html>Not found</html>" * 100)
    assert refusal(path).startswith("the archive is truncated or corrupt (")


@pytest.mark.parametrize(
    "name", ["../outside.txt", "aclImdb/../../train/pos/1_8.txt", "/etc/passwd"]
)
def test_a_member_that_climbs_out_is_refused(tmp_path, name):
    """Nothing is extracted; an archive that tries is none to trust."""
    path = write_archive(tmp_path / "r.tar.gz", MEMBERS, member(name))
    assert refusal(path) == (
        f"its member '{name}' climbs out of the archive's folder; it is refused."
    )


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE],
)
def test_a_member_that_is_a_link_or_a_device_is_refused(tmp_path, kind):
    """Under a review's name, too."""
    info = member("train/pos/1_8.txt", kind=kind)
    info.linkname = "/etc/passwd"
    path = write_archive(tmp_path / "r.tar.gz", MEMBERS, info)
    assert refusal(path) == ("its member 'train/pos/1_8.txt' is a link or a device; it is refused.")


def test_a_review_of_a_size_that_no_review_has_is_refused_unread(tmp_path):
    """A few KB of gzip can hold megabytes of zeros."""
    path = write_archive(tmp_path / "r.tar.gz", {}, member("train/pos/1_8.txt", (1 << 20) + 1))
    assert path.stat().st_size < 3_000
    assert refusal(path) == (
        "its member 'train/pos/1_8.txt' has 1,048,577 bytes, where a review has at most "
        "1,048,576; it is refused."
    )


@pytest.mark.parametrize("name", ["zeros.bin", "train/unsup/1_0.txt"])
def test_an_archive_that_inflates_without_end_is_refused(tmp_path, monkeypatch, name):
    """Members that are skipped have to be inflated, too."""
    monkeypatch.setattr(archive, "MAX_ARCHIVE_BYTES", 1_000_000)
    path = write_archive(tmp_path / "r.tar.gz", {}, member(name, 5_000_000))
    assert refusal(path) == "it inflates to more than 1,000,000 bytes; it is refused."


def test_zeros_without_end_behind_the_archive_are_refused(tmp_path, monkeypatch):
    """The archive proper is small, and ends as it should."""
    monkeypatch.setattr(archive, "MAX_ARCHIVE_BYTES", 1_000_000)
    content = write_archive(tmp_path / "small.tar", MEMBERS).read_bytes()
    path = tmp_path / "r.tar.gz"
    path.write_bytes(gzip.compress(content + bytes(5_000_000)))
    assert refusal(path) == "it inflates to more than 1,000,000 bytes; it is refused."


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_that_would_fill_the_memory_is_refused(tmp_path, kind):
    """tarfile reads such headers whole."""
    content = member("long", 50_000_000, kind).tobuf(tarfile.USTAR_FORMAT) + bytes(50_000_000)
    path = tmp_path / "r.tar.gz"
    path.write_bytes(gzip.compress(content, 1))
    assert refusal(path) == "one of its headers has 50,000,000 bytes; it is refused."


def write_directory(root: Path, members: dict[str, bytes]) -> Path:
    """Writes files below a folder."""
    for name, content in members.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


@pytest.mark.parametrize("root", ["", "aclImdb"])
def test_a_directory_holds_the_same_reviews_as_the_archive(tmp_path, root):
    """Given as the folder itself or as the one around it."""
    write_directory(tmp_path, MEMBERS)
    folders = labelled_folders(tmp_path / root)
    assert [str(folder.relative_to(tmp_path / "aclImdb")) for folder in folders] == [
        "train/neg",
        "train/pos",
        "test/neg",
        "test/pos",
    ]
    records = [record for folder in folders for record in read_directory(str(folder))]
    assert sorted(records) == sorted(REVIEWS)


def test_a_directory_without_reviews_has_no_labelled_folders(tmp_path):
    """A folder named train alone does not make IMDB's layout."""
    (tmp_path / "train").mkdir()
    assert labelled_folders(tmp_path) == []


def test_problems_in_a_directory_are_named_by_file(tmp_path, monkeypatch):
    """A name without stars is skipped; a file that cannot be a review or be read is fatal."""
    monkeypatch.setattr(archive, "MAX_REVIEW_BYTES", 10)
    folder = (
        write_directory(tmp_path, {"train/pos/1_8.txt": b"good", "train/pos/2_8.txt": b"x" * 11})
        / "train"
        / "pos"
    )
    (folder / "notes.txt").write_text("x")
    assert list(read_directory(str(folder))) == [
        Review(b"good", 1, b"train/pos/1_8", "train", 8),
        Problem(
            "unreadable_file",
            "train/pos/2_8.txt",
            "it has 11 bytes, where a review has at most 10.",
            fatal=True,
        ),
        Problem(
            "bad_name",
            "train/pos/notes.txt",
            "expected a name such as 123_8.txt, id and stars",
            fatal=False,
        ),
    ]


@pytest.mark.imdb
def test_the_real_archive_holds_what_its_authors_and_our_design_say():
    """25,000 reviews a split, half of each label; 123 texts are in both splits."""
    path = os.environ.get("IMDB_ARCHIVE")
    if not path:
        pytest.skip("IMDB_ARCHIVE names no archive")
    reviews = list(read_archive(path))
    assert [record for record in reviews if isinstance(record, Problem)] == []
    counts = {(split, label): 0 for split in ("train", "test") for label in (0, 1)}
    texts: dict[str, set[bytes]] = {"train": set(), "test": set()}
    labels: dict[bytes, set[int]] = {}
    for review in reviews:
        counts[review.split, review.label] += 1
        texts[review.split].add(review.text)
        labels.setdefault(review.text, set()).add(review.label)
    assert counts == dict.fromkeys(counts, 12_500)
    assert len(labels) == 49_582
    assert len(texts["train"]) == 24_904
    assert len(texts["test"]) == 24_801
    assert len(texts["train"] & texts["test"]) == 123
    assert all(len(found) == 1 for found in labels.values())
    assert {review.rating for review in reviews if review.label} == {7, 8, 9, 10}
    assert {review.rating for review in reviews if not review.label} == {1, 2, 3, 4}
    assert len({review.review_id for review in reviews}) == 50_000
