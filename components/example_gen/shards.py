"""WriteShards: reviews as gzipped TFRecords of tf.Examples, written where they are read."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import apache_beam as beam
import tensorflow as tf
from apache_beam.pvalue import PCollection
from apache_beam.transforms.window import GlobalWindows

from components.dataset.records import Review
from components.example_gen.examples import to_example

# Of Examples in a shard, before they are packed; a later step reads a shard in one process.
SHARD_BYTES = 8 << 20
# A quarter of the time that zlib's default takes, for an eighth more bytes.
_PACKED = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=2)
# As TFX names the files of its own ExampleGens.
_NAME = "data_tfrecord-{:05d}-of-{:05d}.gz"


class WriteShards(beam.PTransform):
    """Reviews -> nothing; the folder of each split then has one shard or more.

    Beam's runner on one machine holds in memory whatever goes from one stage to the next. So a
    worker writes the reviews that it reads, and only the names of its shards go on.
    """

    def __init__(
        self, folders: Mapping[str, str], unfinished: str, slice_columns: Sequence[str] = ()
    ):
        """Describes where to write.

        Args:
          folders: By split, where its shards go; they are made.
          unfinished: An existing folder on the same file system, where shards are until the
            last one is written: what a worker left that failed is no shard.
          slice_columns: The columns of `Review.slices`.
        """
        super().__init__()
        self._folders = dict(folders)
        self._unfinished = unfinished
        self._slice_columns = tuple(slice_columns)

    def expand(self, reviews: PCollection) -> PCollection:
        """Writes, then gives the shards of each split their names."""
        written = reviews | "Write" >> beam.ParDo(_WriteDoFn(self._unfinished, self._slice_columns))
        # A split without reviews has a shard too: later steps refuse a folder without files.
        splits = reviews.pipeline | "Splits" >> beam.Create(
            [(split, "") for split in self._folders], reshuffle=False
        )
        return (
            (written, splits)
            | "WithEmptySplits" >> beam.Flatten()
            | "ShardsOfSplit" >> beam.GroupByKey()
            | "Name" >> beam.Map(_name_shards, self._folders)
        )


class _WriteDoFn(beam.DoFn):
    """Reviews -> (split, path of an unfinished shard)."""

    def __init__(self, unfinished: str, slice_columns: tuple[str, ...]):
        self._unfinished = unfinished
        self._slice_columns = slice_columns
        self._open: dict[str, _Shard] = {}

    def start_bundle(self) -> None:
        self._open = {}

    def process(self, review: Review) -> Iterator[tuple[str, str]]:
        shard = self._open.get(review.split)
        if shard is None:
            shard = self._open[review.split] = _Shard(self._unfinished)
        shard.write(to_example(review, self._slice_columns))
        if shard.size >= SHARD_BYTES:
            del self._open[review.split]
            yield review.split, shard.close()

    def finish_bundle(self) -> Iterator[Any]:
        for split, shard in self._open.items():
            yield GlobalWindows.windowed_value((split, shard.close()))


class _Shard:
    """A file that is being written."""

    def __init__(self, folder: str):
        self._path = os.path.join(folder, uuid.uuid4().hex)
        self._writer = tf.io.TFRecordWriter(self._path, _PACKED)
        self.size = 0

    def write(self, record: bytes) -> None:
        """Adds a record."""
        self._writer.write(record)
        self.size += len(record)

    def close(self) -> str:
        """Returns the path."""
        self._writer.close()
        return self._path


def _name_shards(split_and_paths: tuple[str, Iterable[str]], folders: Mapping[str, str]) -> None:
    """Moves the shards of a split to its folder; done once more, it finds them there."""
    split, found = split_and_paths
    tf.io.gfile.makedirs(folders[split])
    paths = sorted(filter(None, found))
    names = [
        os.path.join(folders[split], _NAME.format(number, max(len(paths), 1)))
        for number in range(max(len(paths), 1))
    ]
    if not paths:
        tf.io.TFRecordWriter(names[0], _PACKED).close()
    for path, name in zip(paths, names, strict=False):
        if not tf.io.gfile.exists(name):
            tf.io.gfile.rename(path, name)
