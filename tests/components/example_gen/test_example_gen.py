"""ReviewExampleGen: the examples it writes and the report that goes with them, by value."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import tarfile
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from tfx.types import artifact_utils, standard_artifacts

from components.data_gate.objections import objections_to_splits
from components.dataset.resolve import resolve_source
from components.dataset.sample import generate_review
from components.dataset.source import ReviewSource
from components.dataset.splits import bucket
from components.dataset.table_options import TableOptions
from components.errors import DatasetError
from components.example_gen import findings, leaks, shards
from components.example_gen.component import ReviewExampleGen
from components.example_gen.executor import Executor
from components.example_gen.reading_report import ReadingReport, ReadingReportArtifact
from tests.components.tables import write_table

BEAM = [
    "--runner=FnApiRunner",
    "--direct_running_mode=in_memory",
    "--direct_num_workers=1",
    "--sdk_container_image=none",
]


class Ingested:
    """What one run of the executor left behind."""

    def __init__(self, directory: Path, data: object, **settings: Any):
        """Resolves `data`, where it is no source yet, and reads it."""
        self.validation_fraction = settings.pop("validation_fraction", 0.0)
        drop_leaks = settings.pop("drop_leaks", False)
        source = data
        if not isinstance(source, ReviewSource):
            source = resolve_source(
                str(data), imdb_archive=None, cache_dir=directory / "cache", **settings
            )
        # The parameters as the component hands them over.
        component = ReviewExampleGen(source, self.validation_fraction, drop_leaks)
        self.examples_artifact = standard_artifacts.Examples()
        self.examples_artifact.uri = str(directory / "examples")
        report_artifact = ReadingReportArtifact()
        report_artifact.uri = str(directory / "report")
        context = Executor.Context(
            beam_pipeline_args=list(BEAM), tmp_dir=str(directory / "tmp"), unique_id="1"
        )
        (directory / "tmp").mkdir(parents=True)
        Executor(context).Do(
            {},
            {"examples": [self.examples_artifact], "report": [report_artifact]},
            dict(component.exec_properties),
        )
        self.report = ReadingReport.read(report_artifact.uri)

    @property
    def splits(self) -> list[str]:
        """The splits that the artifact announces."""
        return artifact_utils.decode_split_names(self.examples_artifact.split_names)

    def examples(self, split: str) -> list[dict[str, Any]]:
        """Returns the examples of a split as plain values, by id."""
        uri = artifact_utils.get_split_uri([self.examples_artifact], split)
        files = [str(path) for path in Path(uri).iterdir()]
        records = tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator()
        return sorted(map(values, records), key=lambda example: example["review_id"])

    def texts(self, split: str) -> list[str]:
        """Returns the texts of a split in order."""
        return sorted(example["text"].decode() for example in self.examples(split))


def values(record: bytes) -> dict[str, Any]:
    """Returns a serialized tf.Example as a dictionary; each feature has one value."""
    features = tf.train.Example.FromString(record).features.feature
    found = {}
    for name, feature in features.items():
        (found[name],) = getattr(feature, feature.WhichOneof("kind")).value
    return found


MEMBERS = {
    "train/pos/0_9.txt": "très bon",
    "train/pos/1_7.txt": "in both splits",
    "train/pos/2_8.txt": "in both splits",
    "train/pos/3_8.txt": "twice in train",
    "train/pos/4_8.txt": "twice in train",
    "train/neg/0_1.txt": "dull",
    "train/neg/no_stars_\udce9.txt": "dull",
    "train/unsup/0_0.txt": "unlabelled",
    "test/pos/0_10.txt": "in both splits",
    "test/neg/0_2.txt": "worse",
    "test/neg/1_2.txt": " ",
}


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    """A small archive in IMDB's layout, with a leak, a blank review and a name of stray bytes."""
    path = tmp_path_factory.mktemp("archive") / "small.tar.gz"
    with tarfile.open(path, "w:gz") as file:
        for name, text in MEMBERS.items():
            info = tarfile.TarInfo(f"aclImdb/{name}")
            info.size = len(text.encode())
            file.addfile(info, io.BytesIO(text.encode()))
    return path


@pytest.fixture(scope="module")
def ingested_archive(archive, tmp_path_factory) -> Ingested:
    """The archive as it is."""
    return Ingested(tmp_path_factory.mktemp("ingested"), archive)


def test_an_archive_becomes_examples_of_its_own_splits(ingested_archive):
    """Text, label, stars and id, each one value."""
    assert ingested_archive.splits == ["train", "test"]
    assert ingested_archive.examples("train") == [
        {"text": b"dull", "label": 0, "rating": 1, "review_id": b"train/neg/0_1"},
        {"text": "très bon".encode(), "label": 1, "rating": 9, "review_id": b"train/pos/0_9"},
        {"text": b"in both splits", "label": 1, "rating": 7, "review_id": b"train/pos/1_7"},
        {"text": b"in both splits", "label": 1, "rating": 8, "review_id": b"train/pos/2_8"},
        {"text": b"twice in train", "label": 1, "rating": 8, "review_id": b"train/pos/3_8"},
        {"text": b"twice in train", "label": 1, "rating": 8, "review_id": b"train/pos/4_8"},
    ]
    assert ingested_archive.examples("test") == [
        {"text": b"worse", "label": 0, "rating": 2, "review_id": b"test/neg/0_2"},
        {"text": b"in both splits", "label": 1, "rating": 10, "review_id": b"test/pos/0_10"},
    ]


def test_the_report_counts_reviews_problems_and_leaks(ingested_archive):
    """A text that is twice in train alone is no leak; one in both splits counts once."""
    assert ingested_archive.report == ReadingReport(
        reviews={"train": {"0": 1, "1": 5}, "test": {"0": 1, "1": 1}},
        problems={"bad_name": 1, "empty_text": 1},
        problem_examples={
            "bad_name": [
                r"small.tar.gz, train/neg/no_stars_\xe9.txt: expected a name such as 123_8.txt, "
                "id and stars"
            ],
            "empty_text": ["test/neg/1_2.txt: the text is blank"],
        },
        leaks=1,
    )


def test_leaks_are_dropped_from_train_alone(archive, tmp_path):
    """Every copy of them; they are still counted, and the others stay."""
    ingested = Ingested(tmp_path, archive, drop_leaks=True)
    assert ingested.texts("train") == ["dull", "très bon", "twice in train", "twice in train"]
    assert ingested.texts("test") == ["in both splits", "worse"]
    assert ingested.report.reviews == {"train": {"0": 1, "1": 3}, "test": {"0": 1, "1": 1}}
    assert (ingested.report.leaks, ingested.report.dropped_leaks) == (1, 2)


def test_reviews_fill_several_shards_and_are_found_in_both_splits_all_the_same(
    archive, ingested_archive, tmp_path, monkeypatch
):
    """A shard a review, and digests sent on one by one; nothing unfinished is left."""
    monkeypatch.setattr(shards, "SHARD_BYTES", 1)
    monkeypatch.setattr(leaks, "COLLECTED_BYTES", 1)
    ingested = Ingested(tmp_path, archive)
    for split, count in (("train", 6), ("test", 2)):
        uri = artifact_utils.get_split_uri([ingested.examples_artifact], split)
        assert sorted(path.name for path in Path(uri).iterdir()) == [
            f"data_tfrecord-{number:05}-of-{count:05}.gz" for number in range(count)
        ]
        assert ingested.examples(split) == ingested_archive.examples(split)
    assert ingested.report == ingested_archive.report
    assert not list((tmp_path / "tmp").rglob("shards/*"))


def test_a_directory_gives_the_same_examples_as_its_archive(ingested_archive, tmp_path):
    """Read by folder."""
    for name, text in MEMBERS.items():
        file = tmp_path / "data" / "aclImdb" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    ingested = Ingested(tmp_path, tmp_path / "data")
    for split in ("train", "test"):
        assert ingested.examples(split) == ingested_archive.examples(split)
    assert ingested.report.problems == ingested_archive.report.problems


ROWS = {
    "train": [('good, "very"\ngood', "pos"), ("so", "neg"), ("Ça va 🎬", "pos")],
    "test": [("bad", "neg"), ("fine", "pos")],
}


@pytest.mark.parametrize("suffix", ["csv", "tsv.gz", "jsonl", "parquet"])
def test_each_table_format_becomes_the_same_examples(tmp_path, suffix):
    """Two files, each named for its split; no stars, so no such feature."""
    (tmp_path / "data").mkdir()
    for split, rows in ROWS.items():
        write_table(tmp_path / "data" / f"{split}.{suffix}", rows)
    ingested = Ingested(tmp_path, tmp_path / "data" / f"*.{suffix}")
    stem = "{}.tsv" if suffix == "tsv.gz" else "{}"
    for split, rows in ROWS.items():
        assert ingested.examples(split) == [
            {
                "text": text.encode(),
                "label": int(label == "pos"),
                "review_id": f"{stem.format(split)}:{number}".encode(),
            }
            for number, (text, label) in enumerate(rows, start=1)
        ]
    assert ingested.report == ReadingReport(
        reviews={"train": {"0": 1, "1": 2}, "test": {"0": 1, "1": 1}},
        labels={"pos": 3, "neg": 2},
    )


def test_eval_is_carved_from_train_alone_by_a_hash_of_the_text(tmp_path):
    """The sample's test split stays whole; the share is that which was asked for."""
    ingested = Ingested(tmp_path, "sample", validation_fraction=0.2)
    assert ingested.splits == ["train", "eval", "test"]
    reviews = [generate_review(index) for index in range(2_000)]
    train = [review.text.decode() for review in reviews if review.split == "train"]
    carved = {text for text in train if bucket(text.encode(), "validation") < 0.2}
    assert ingested.texts("test") == sorted(
        review.text.decode() for review in reviews if review.split == "test"
    )
    assert ingested.texts("eval") == sorted(carved)
    assert ingested.texts("train") == sorted(set(train) - carved)
    assert ingested.report.split_sizes == {"train": 1_275, "eval": 325, "test": 400}


def test_bad_records_are_described_by_kind_and_the_rest_is_written(tmp_path):
    """The first few of each kind, whatever bytes they hold; spellings are counted."""
    rows = [b"text,label,split", b"a,go\xf6d,train", b"b,bad,train", b"c,go\xf6d,d\xe9v"]
    rows += [b"caf\xe9,bad,test", b"d,bad,test", *(b",bad,test" for _ in range(7))]
    (tmp_path / "r.csv").write_bytes(b"\n".join(rows))
    options = TableOptions(max_bad_records=1.0)
    ingested = Ingested(tmp_path, tmp_path / "r.csv", negative_label="bad", options=options)
    assert ingested.texts("train") == ["a", "b"]
    assert ingested.texts("test") == ["d"]
    report = ingested.report
    assert report.reviews == {"train": {"0": 1, "1": 1}, "test": {"0": 1, "1": 0}}
    assert report.problems == {"unknown_split": 1, "not_utf8": 1, "empty_text": 7}
    assert report.labels == {r"go\xf6d": 2, "bad": 10}
    assert report.problem_examples["unknown_split"] == [
        r"r.csv, record 3: split 'd\xe9v', expected train, validation or test"
    ]
    assert report.problem_examples["not_utf8"] == [
        "r.csv, record 4: byte 0xe9 at 3 is not UTF-8 (is it Latin-1? `encoding='latin-1'`)"
    ]
    assert len(report.problem_examples["empty_text"]) == 5


def test_given_splits_and_left_out_reviews_are_written_and_counted(tmp_path, monkeypatch):
    """Validation is eval; reviews without a side or a label are no bad records."""
    monkeypatch.setattr(findings, "COUNTED_WORDS", 4)
    rows = [
        ("a", 5, "train"), ("b", 1.0, "Train"), ("c", 3, "train"), ("d", 4, "validation"),
        ("b", 2, "dev"), ("f", 1, "test"), ("a", 5, "test"), ("h", 3, "test"), ("i", -1, "unsup"),
        *(("", 5, "train") for _ in range(12)),
    ]  # fmt: skip
    lines = [json.dumps({"text": t, "label": label, "split": s}) for t, label, s in rows]
    (tmp_path / "r.jsonl").write_text("\n".join(lines))
    ingested = Ingested(tmp_path, tmp_path / "r.jsonl", positive_label="4,5", negative_label="1,2")
    assert ingested.splits == ["train", "eval", "test"]
    assert {split: ingested.texts(split) for split in ingested.splits} == {
        "train": ["a", "b"], "eval": ["b", "d"], "test": ["a", "f"],
    }  # fmt: skip
    report = ingested.report
    # Of "b", which is in train and eval, nobody is tested on.
    assert report.leaks == 1
    assert report.left_out == {"labelled '3'": 2, "in split 'unsup'": 1}
    # The rarest of five is counted among others.
    assert report.labels == {"5": 14, "1": 2, "3": 2, "4": 1, "": 1}
    assert report.problems == {"empty_text": 12}
    assert report.bad_record_share == pytest.approx(12 / 21)
    assert report.problem_examples["empty_text"] == [
        f"r.jsonl, record {number}: the text is blank" for number in range(10, 15)
    ]


def test_classes_of_ones_own_are_written_by_their_place_and_counted_by_name(tmp_path):
    """In the order that was learned; what train lacks is a bad record."""
    rows = [("a", "sales", "train"), ("b", "billing", "train"), ("c", "so, so", "train")]
    rows += [("d", "billing", "test"), ("e", "Sales", "test"), ("f", "new", "test")]
    with (tmp_path / "r.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label", "split"), *rows])
    options = TableOptions(max_bad_records=1.0)
    ingested = Ingested(tmp_path, tmp_path / "r.csv", options=options)
    labels = {
        split: {each["text"]: each["label"] for each in ingested.examples(split)}
        for split in ingested.splits
    }
    assert labels == {"train": {b"a": 1, b"b": 0, b"c": 2}, "test": {b"d": 0, b"e": 1}}
    report = ingested.report
    assert report.classes == ["billing", "sales", "so, so"]
    assert report.reviews == {
        "train": {"0": 1, "1": 1, "2": 1},
        "test": {"0": 1, "1": 1, "2": 0},
    }
    assert report.problems == {"unknown_label": 1}
    assert list(objections_to_splits(report, 1)) == [
        "Split 'test' has fewer than 1 review of 'so, so' (0), which `min_class_size` asks of each "
        "class. Give more of them, or leave them out by naming the others, e.g. "
        "`labels='billing,sales'`, or let them be: `min_class_size=0`."
    ]


def test_stars_of_an_archive_are_written_as_labels(archive, tmp_path):
    """And as ratings, as ever."""
    ingested = Ingested(tmp_path, archive, label_column="rating")
    assert ingested.report.classes == ["1", "7", "8", "9"]
    assert {(each["rating"], each["label"]) for each in ingested.examples("train")} == {
        (1, 0), (7, 1), (8, 2), (9, 3),
    }  # fmt: skip
    assert ingested.report.problems["unknown_label"] == 2


@pytest.mark.parametrize("name", ["cut.tar.gz", "cut.csv.gz"])
def test_a_file_that_cannot_be_read_to_its_end_stops_the_run(archive, tmp_path, name):
    """Whatever share of bad records is allowed; the file is named, and no report is left."""
    if name == "cut.tar.gz":
        whole = archive.read_bytes()
    else:
        # Longer than the megabyte that is read to see the header, in few rows.
        rows = b"".join(
            b"%s,1\n" % random.Random(n).randbytes(1_000).hex().encode() for n in range(900)
        )
        whole = gzip.compress(b"text,label\n" + rows)
    (tmp_path / name).write_bytes(whole[:-20])
    with pytest.raises(DatasetError) as error:
        Ingested(tmp_path, tmp_path / name)
    assert str(error.value).startswith(f"The data could not be read. {name}: ")
    assert "truncated or corrupt" in str(error.value)
    assert not (tmp_path / "report").exists()


def test_a_table_of_one_review_gives_an_empty_split_for_the_gate_to_stop_at(tmp_path):
    """Its text falls on one side."""
    (tmp_path / "r.csv").write_text("text,label\ngood,1\n")
    ingested = Ingested(tmp_path, tmp_path / "r.csv")
    assert ingested.report.split_sizes == {"train": 0, "test": 1}
    assert ingested.examples("train") == []


def test_data_of_a_store_becomes_examples_and_a_broken_store_an_error(mem_store, tmp_path):
    """What breaks off is no end of the data; once the store is well, it is read whole."""
    rows = "".join(f"a fine film {number},{number % 2}\n" for number in range(60))
    path = mem_store.put("mem://bucket/films.csv", f"text,label\n{rows}")
    ingested = Ingested(tmp_path / "first", path)
    texts = [each["text"] for split in ingested.splits for each in ingested.examples(split)]
    assert sorted(texts) == sorted(f"a fine film {number}".encode() for number in range(60))
    source = resolve_source(path)
    mem_store.cut_reads(200)
    with pytest.raises(DatasetError, match="the store ended it after 200 of"):
        Ingested(tmp_path / "second", source)
    mem_store.mend()
    assert Ingested(tmp_path / "third", source).report == ingested.report
