"""The texts of some reviews, found in the Examples by their ids; without TensorFlow."""

from __future__ import annotations

import gzip
import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from components import features
from pipeline.paths import shown
from pipeline.results.runs import RunInfo
from pipeline.results.stored_artifacts import output_folder
from serving.message_classes import message_classes

# Of tensorflow/core/example/{example,feature}.proto, what texts and ids need.
_MESSAGES = {
    "BytesList": ("repeated bytes value = 1",),
    "Feature": ("BytesList bytes_list = 1",),
    "Features": ("map<string, Feature> feature = 1",),
    "Example": ("Features features = 1",),
}
_LENGTH = struct.Struct("<Q")
_LENGTH_CHECK, _CHECK = 4, 4
# A longer record is none of ours: the file is damaged.
_LONGEST_RECORD = 1 << 30


def texts_of(root: Path, run: RunInfo, review_ids: Sequence[str]) -> tuple[dict[str, str], str]:
    """Returns the texts of test reviews by id, and why some are missing.

    Args:
      root: Where the run is.
      run: The run that read them.
      review_ids: Which ones.

    Returns:
      What was found, and a sentence on why not all; "" if all were.
    """
    if not review_ids:
        return {}, ""
    folder = output_folder(run.metadata_in(root), run, "ReviewExampleGen", "examples")
    if folder is None:
        return {}, f"{run.run_id} did not record its reviews."
    split = folder / f"Split-{features.TEST_SPLIT}"
    if not split.is_dir():
        return {}, f"somebody removed {shown(split)}, the texts of the reviews."
    wanted = set(review_ids)
    found: dict[str, str] = {}
    pattern = re.compile(b"|".join(re.escape(each.encode()) for each in wanted))
    example = message_classes("sentiment.stored", _MESSAGES)["Example"]
    why = f"some of them are not in {shown(split)}."
    try:
        for file in sorted(split.glob("*.gz")):
            # Most records are none of those: a search is much cheaper than to parse each.
            for record in filter(pattern.search, records(file)):
                feature = example.FromString(record).features.feature
                review_id = _bytes_of(feature[features.REVIEW_ID])
                if review_id in wanted:
                    found[review_id] = _bytes_of(feature[features.TEXT])
                if len(found) == len(wanted):
                    return found, ""
    except (OSError, EOFError, zlib.error, ValueError) as error:
        why = f"{shown(split)} cannot be read whole ({error})."
    except Exception as error:  # protobuf's DecodeError has another place in each release
        why = f"{shown(split)} holds something else than reviews ({error})."
    return found, why


def records(file: Path) -> Iterator[bytes]:
    """Yields the records of a gzipped TFRecord file.

    A record is its length, 8 bytes, a checksum of that, the record, and a checksum of it.
    https://www.tensorflow.org/tutorials/load_data/tfrecord

    Raises:
      OSError: The file cannot be read, or is no gzip.
      EOFError: It ends too early.
      ValueError: It holds no records.
    """
    with gzip.open(file) as stream:
        while head := stream.read(_LENGTH.size + _LENGTH_CHECK):
            if len(head) < _LENGTH.size + _LENGTH_CHECK:
                raise EOFError("it ends within a record")
            (length,) = _LENGTH.unpack_from(head)
            if length > _LONGEST_RECORD:
                raise ValueError(f"a record of {length:,} bytes")
            record = stream.read(length)
            if len(record) < length or len(stream.read(_CHECK)) < _CHECK:
                raise EOFError("it ends within a record")
            yield record


def _bytes_of(feature: object) -> str:
    values = feature.bytes_list.value  # type: ignore[attr-defined]
    return values[0].decode("utf-8", "replace") if values else ""
