"""Small tables of texts and labels, in every format."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow
import pyarrow.parquet


def write_table(path: Path, rows: Sequence[tuple[object, object]]) -> Path:
    """Writes texts and labels in the format that the name tells; returns the path."""
    suffix = path.name.removesuffix(".gz").rpartition(".")[2]
    if suffix == "parquet":
        texts, labels = zip(*rows, strict=True)
        pyarrow.parquet.write_table(pyarrow.table({"text": texts, "label": labels}), path)
        return path
    stream = io.StringIO()
    if suffix == "jsonl":
        stream.writelines(json.dumps({"text": t, "label": label}) + "\n" for t, label in rows)
    else:
        writer = csv.writer(stream, delimiter="\t" if suffix == "tsv" else ",")
        writer.writerows([("text", "label"), *rows])
    content = stream.getvalue().encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path
