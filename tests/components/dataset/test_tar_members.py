"""The walk over a tar archive: what tarfile writes, by value, and nothing lost in silence."""

from __future__ import annotations

import io
import random
import tarfile

import pytest

from components.dataset.tar_members import FILE, FOLDER, TarMembers
from components.errors import ArchiveError

FORMATS = {
    "ustar": tarfile.USTAR_FORMAT,
    "gnu": tarfile.GNU_FORMAT,
    "pax": tarfile.PAX_FORMAT,
}
BLOCK = tarfile.BLOCKSIZE
LONG = "/".join(["folder"] * 20)
NAMES = {
    "ustar": ["train/pos/0_9.txt", f"{'p' * 90}/{'n' * 90}", "empty"],
    "gnu": ["train/pos/0_9.txt", f"{LONG}/0_9.txt", "é" * 70, "empty"],
    "pax": ["train/pos/0_9.txt", f"{LONG}/0_9.txt", "é.txt", "é" * 70, "empty"],
}


def info(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, **fields) -> tarfile.TarInfo:
    """Describes a member."""
    member = tarfile.TarInfo(name)
    member.size, member.type = size, kind
    for field, value in fields.items():
        setattr(member, field, value)
    return member


def written(form: str, members: list[tuple[tarfile.TarInfo, bytes]], **options) -> bytes:
    """Returns the archive that tarfile makes, without the zeros that fill its last 10 KB."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=FORMATS[form], **options) as archive:
        for member, content in members:
            archive.addfile(member, io.BytesIO(content))
        end = target.tell()
    return target.getvalue()[: end + 2 * BLOCK]


def an_archive(form: str, count: int) -> tuple[bytes, list[tuple[str, str, bytes]]]:
    """Returns an archive of so many files and a folder before each, and what must be read."""
    generator = random.Random(count)
    members, expected = [], []
    for number in range(count):
        name = f"{number}/{NAMES[form][number % len(NAMES[form])]}"
        content = generator.randbytes(0 if name.endswith("empty") else 1 + number * 37 % 1500)
        folder = name.rpartition("/")[0]
        # A time with a fraction gives each member a pax header of its own.
        members += [
            (info(folder, kind=tarfile.DIRTYPE), b""),
            (info(name, len(content), mtime=number + 0.25 if form == "pax" else number), content),
        ]
        expected += [(folder, FOLDER, b""), (name, FILE, content)]
    return written(form, members), expected


def read(content: bytes) -> list[tuple[str, str, bytes]]:
    """Returns name, kind and content of each member."""
    members = TarMembers(io.BytesIO(content))
    return [(member.name, member.kind, members.content()) for member in members]


def read_until_refused(content: bytes) -> tuple[list[tuple[str, str, bytes]], str]:
    """Returns what was read, and what is said against the rest."""
    members, found = TarMembers(io.BytesIO(content)), []
    try:
        for member in members:
            found.append((member.name, member.kind, members.content()))
    except ArchiveError as error:
        return found, str(error)
    return found, ""


@pytest.fixture(params=FORMATS)
def form(request) -> str:
    """Each format of tar."""
    return request.param


def test_what_tarfile_writes_is_read_by_value(form):
    """Names too long for a header or beyond ASCII, folders, and files of no and of some bytes."""
    content, expected = an_archive(form, 40)
    assert read(content) == expected


def test_content_that_nobody_asks_for_is_skipped(form):
    """The next member is found all the same."""
    content, expected = an_archive(form, 20)
    names = [(member.name, member.size) for member in TarMembers(io.BytesIO(content))]
    assert names == [(name, len(text)) for name, _, text in expected]


def test_an_archive_that_is_cut_is_never_taken_for_a_whole_one(form):
    """At hundreds of places; all before it is read. A block of zeros is end enough."""
    content, expected = an_archive(form, 30)
    end = len(content) - BLOCK
    edges = [size + shift for size in range(0, end, BLOCK) for shift in (-1, 0, 1)]
    sizes = {*edges, *random.Random(7).sample(range(end), 300)} & set(range(end))
    for size in sizes:
        found, refusal = read_until_refused(content[:size])
        assert refusal == (
            "the archive is truncated or corrupt (it ends too early). Fetch it again."
        ), size
        assert found == expected[: len(found)]
    assert read(content[:end]) == expected


def test_no_damaged_header_ends_the_archive_in_silence(form):
    """A byte is changed, or a run of them lost, anywhere: all is read, or the archive is refused.

    A header's checksum is a sum, so that two errors which make up for each other pass.
    """
    content, expected = an_archive(form, 30)
    generator = random.Random(7)
    headers = []
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for member in archive:
            # The first of a member's headers, and the last, which is its own.
            headers += [member.offset, member.offset_data - BLOCK]
    refused = 0
    for _ in range(600):
        damaged = bytearray(content)
        place = generator.choice(headers) + generator.randrange(BLOCK - 64)
        length = generator.choice((1, 8, 64))
        if length == 1:
            damaged[place] ^= generator.randrange(1, 256)
        else:
            damaged[place : place + length] = generator.choice((b"\0", b"\xff")) * length
        found, refusal = read_until_refused(bytes(damaged))
        if refusal:
            assert refusal.startswith("the archive is truncated or corrupt (")
            assert found == expected[: len(found)]
        else:
            # Zeros were lost, or what fills the checksum's field up.
            assert found == expected
        refused += bool(refusal)
    assert refused > 300


@pytest.mark.parametrize("header", [bytes(BLOCK), b"\xff" * BLOCK, b"text " * 102 + b"ab"])
def test_a_header_that_was_overwritten_is_not_the_end(form, header):
    """By zeros, which would end the archive, by ones, and by text."""
    content, expected = an_archive(form, 10)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        places = [member.offset for member in archive]
    for place in places[1:]:
        damaged = content[:place] + header + content[place + BLOCK :]
        found, refusal = read_until_refused(damaged)
        assert refusal.startswith("the archive is truncated or corrupt (")
        assert found == expected[: places.index(place)]


def test_what_follows_the_end_must_be_zeros():
    """Two archives in one file would be read by half otherwise."""
    content, expected = an_archive("gnu", 3)
    assert read(content + bytes(100_001)) == expected
    for more in (content, bytes(100_000) + b"x"):
        assert read_until_refused(content + more) == (
            expected,
            "the archive is truncated or corrupt (more follows what seems to be its end). "
            "Fetch it again.",
        )


def test_an_announced_member_must_come():
    """The long name is there, and nothing that is called so."""
    content = written("gnu", [(info(f"{LONG}/0_9.txt"), b"")])
    without_its_member = content[: 2 * BLOCK] + bytes(2 * BLOCK)
    assert read_until_refused(without_its_member)[1] == (
        "the archive is truncated or corrupt (it ends where a member is announced). Fetch it again."
    )


def test_the_oldest_archives_mark_a_folder_by_a_slash():
    """By that of the whole name: a longer name's first hundred bytes may end with one as well."""
    cut_at_slash = f"{'a' * 99}/0_9.txt"
    content = written(
        "gnu",
        [
            (info("folder/", kind=tarfile.AREGTYPE), b""),
            (info("file", 3, tarfile.AREGTYPE), b"one"),
            (info(cut_at_slash, 3, tarfile.AREGTYPE), b"two"),
        ],
    )
    assert read(content) == [
        ("folder", FOLDER, b""),
        ("file", FILE, b"one"),
        (cut_at_slash, FILE, b"two"),
    ]


def test_pax_records_win_over_headers_and_a_members_own_over_those_of_all():
    """A global comment, as git writes it, changes nothing."""
    content = written(
        "pax",
        [
            (info("a", 3, pax_headers={"path": "train/pos/é_9.txt", "mtime": "1.5"}), b"one"),
            (info("b", 3), b"two"),
        ],
        pax_headers={"comment": "a commit"},
    )
    assert read(content) == [("train/pos/é_9.txt", FILE, b"one"), ("b", FILE, b"two")]
    header = info("large", 0).tobuf(tarfile.USTAR_FORMAT)
    record = info("pax", 9, tarfile.XHDTYPE).tobuf(tarfile.USTAR_FORMAT) + b"9 size=3\n"
    sized = record + bytes(-9 % BLOCK) + header + b"six" + bytes(BLOCK - 3 + 2 * BLOCK)
    assert read(sized) == [("large", FILE, b"six")]


@pytest.mark.parametrize(
    "record",
    [
        b"path=a\n",
        b"99 path=a\n",
        b"8 path=a\n",
        b"10 path=aa",
        b"0 path=a\n",
        b"-9 path=a\n",
        b"10 path:a\n",
        b"9 size=x\n",
        b"10 size=-3\n",
        b"1" * 100_000,
        b"11 size=10\n9 path=a",
    ],
)
def test_a_damaged_pax_record_is_refused(record):
    """Its length, its sign, its end and its numbers must be right."""
    header = info("pax", len(record), tarfile.XHDTYPE).tobuf(tarfile.USTAR_FORMAT)
    content = header + record + bytes(-len(record) % BLOCK)
    content += info("a").tobuf(tarfile.USTAR_FORMAT) + bytes(2 * BLOCK)
    assert read_until_refused(content)[1].startswith("the archive is truncated or corrupt (a ")


def test_the_largest_header_of_the_smallest_records_is_read_at_once():
    """200,000 of them, and thousands of headers before one member."""
    records = b"5 a=\n" * 200_000
    header = info("pax", len(records), tarfile.XHDTYPE).tobuf(tarfile.USTAR_FORMAT)
    content = header + records + bytes(-len(records) % BLOCK)
    link = info("long", 1, tarfile.GNUTYPE_LONGLINK).tobuf(tarfile.USTAR_FORMAT) + bytes(BLOCK)
    content += link * 5_000 + info("a", 0).tobuf(tarfile.USTAR_FORMAT) + bytes(2 * BLOCK)
    assert read(content) == [("a", FILE, b"")]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (tarfile.SYMTYPE, "link or a device"),
        (tarfile.FIFOTYPE, "link or a device"),
        (tarfile.GNUTYPE_SPARSE, "sparse file"),
        (b"M", "member of an unknown kind"),
    ],
)
def test_what_is_neither_file_nor_folder_is_named(kind, words):
    """For a message to whoever made the archive."""
    content = info("name", 0, kind).tobuf(tarfile.USTAR_FORMAT) + bytes(2 * BLOCK)
    assert read(content) == [("name", words, b"")]


def test_a_sparse_file_of_pax_is_one():
    """Its content is a map of holes first, and its name is not its own."""
    records = {"GNU.sparse.name": "b", "GNU.sparse.major": "1"}
    content = written("pax", [(info("a", 3, pax_headers=records), b"one")])
    assert next(iter(TarMembers(io.BytesIO(content)))).kind == "sparse file"


def test_a_size_below_zero_is_refused():
    """A binary number can be one."""
    header = bytearray(info("a").tobuf(tarfile.USTAR_FORMAT))
    header[124:136] = b"\xff" * 12
    header[148:156] = b" " * 8
    header[148:155] = b"%06o\0" % sum(header)
    assert read_until_refused(bytes(header))[1] == (
        "the archive is truncated or corrupt (a member has -1 bytes). Fetch it again."
    )
