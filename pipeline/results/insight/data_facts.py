"""What the data is: from the artifacts that a run has made, without reading the reviews again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from components import features
from components.example_gen.reading_report import ReadingReport
from components.storage.place import place_of
from components.transform.token_settings import IMDB_TOKENS, TokenSettings

_MOST_BINS = 20
_BATCH = 1_024
_STATISTICS_FILE = "FeatureStats.pb"


@dataclass(frozen=True)
class TextStatistics:
    """What StatisticsGen says of the texts of a split.

    Attributes:
      reviews: How many there are.
      distinct: How many different texts; an estimate.
      mean_length: In the unit that TFDV counts in, bytes or characters.
    """

    reviews: int
    distinct: int
    mean_length: float


@dataclass(frozen=True)
class TokenFacts:
    """What the model reads of the texts of a split, from Transform's examples.

    Attributes:
      reviews: How many there are.
      edges: Lengths in tokens where the bins begin, and where the last one ends, <int>[bins + 1].
        All bins but the last are without their end.
      counts: Reviews in each bin.
      median: Of the lengths; NaN without reviews.
      full: Reviews that fill the window of `max_length` tokens: most of them were cut.
      empty: Reviews without tokens.
      known_share: Of all tokens, those that are in the vocabulary, 0 to 1; NaN without tokens.
    """

    reviews: int
    edges: tuple[int, ...]
    counts: tuple[int, ...]
    median: float
    full: int
    empty: int
    known_share: float


@dataclass(frozen=True)
class DataFacts:
    """What the page tells of the data.

    Attributes:
      by_class: Reviews by split and by name of the class.
      leaks: Distinct texts that are in both train and test.
      dropped_leaks: Reviews that were taken out of train for it.
      bad_records: Records that could not be read, by kind.
      left_out: Reviews that the settings leave out, by reason.
      texts: By split; empty where the artifact is gone.
      tokens: By split that is trained on or validated on; empty where the artifact is gone. Of
        test, the Evaluator's slices say it.
    """

    by_class: Mapping[str, Mapping[str, int]]
    leaks: int
    dropped_leaks: int
    bad_records: Mapping[str, int]
    left_out: Mapping[str, int]
    texts: Mapping[str, TextStatistics]
    tokens: Mapping[str, TokenFacts]


def data_facts(
    report: ReadingReport,
    statistics_uri: str | None,
    transformed_uri: str | None,
    settings: TokenSettings = IMDB_TOKENS,
) -> DataFacts:
    """Puts together what three artifacts say.

    Args:
      report: What ReviewExampleGen read.
      statistics_uri: Folder of StatisticsGen's `statistics`; None if there is none.
      transformed_uri: Folder of Transform's `transformed_examples`; None if there is none.
      settings: What a token is.
    """
    splits = tuple(report.reviews)
    return DataFacts(
        by_class={
            split: {name: counts.get(str(label), 0) for label, name in enumerate(report.classes)}
            for split, counts in report.reviews.items()
        },
        leaks=report.leaks,
        dropped_leaks=report.dropped_leaks,
        bad_records=report.problems,
        left_out=report.left_out,
        texts=_text_statistics(statistics_uri, splits) if statistics_uri else {},
        tokens=_token_facts(transformed_uri, splits, settings) if transformed_uri else {},
    )


def _text_statistics(uri: str, splits: Sequence[str]) -> dict[str, TextStatistics]:
    from tensorflow_metadata.proto.v0 import statistics_pb2

    found = {}
    for split in splits:
        path = place_of(uri) / f"Split-{split}" / _STATISTICS_FILE
        if not path.is_file():
            continue
        found_of = statistics_pb2.DatasetFeatureStatisticsList.FromString(path.read_bytes())
        dataset = found_of.datasets[0]
        for feature in dataset.features:
            if features.TEXT not in (feature.name, *feature.path.step):
                continue
            is_bytes = feature.HasField("bytes_stats")
            said = feature.bytes_stats if is_bytes else feature.string_stats
            found[split] = TextStatistics(
                reviews=int(dataset.num_examples),
                distinct=int(said.unique),
                mean_length=float(said.avg_num_bytes if is_bytes else said.avg_length),
            )
    return found


def _token_facts(uri: str, splits: Sequence[str], settings: TokenSettings) -> dict[str, TokenFacts]:
    found = {}
    for split in splits:
        lengths, known = [np.zeros(0, np.int64)], 0
        paths = _shards(uri, split)
        for token_ids in _token_ids(paths, settings.max_length):
            lengths.append(np.count_nonzero(token_ids != features.PAD_ID, axis=1))
            known += np.count_nonzero(token_ids >= features.FIRST_WORD_ID)
        if paths:
            found[split] = token_facts(np.concatenate(lengths), known, settings.max_length)
    return found


def token_facts(lengths: np.ndarray, known: int, max_length: int) -> TokenFacts:
    """Counts lengths in at most 20 bins of about equal width.

    Args:
      lengths: In tokens, <int64>[reviews], 0 to max_length.
      known: How many of all tokens are in the vocabulary.
      max_length: Of the window.
    """
    bins = min(_MOST_BINS, max_length)
    edges = np.linspace(0, max_length, bins + 1).round().astype(np.int64)
    counts, _ = np.histogram(lengths, edges)
    total = int(lengths.sum())
    return TokenFacts(
        reviews=len(lengths),
        edges=tuple(edges.tolist()),
        counts=tuple(counts.tolist()),
        median=float(np.median(lengths)) if len(lengths) else float("nan"),
        full=int((lengths == max_length).sum()),
        empty=int((lengths == 0).sum()),
        known_share=known / total if total else float("nan"),
    )


def _shards(uri: str, split: str) -> list[str]:
    import tensorflow as tf

    return sorted(tf.io.gfile.glob(os.path.join(uri, f"Split-{split}", "*.gz")))


def _token_ids(paths: Sequence[str], max_length: int) -> Iterator[np.ndarray]:
    """Yields token ids <int64>[batch, max_length], a batch at a time."""
    import tensorflow as tf

    from serving.datasets import record_dataset

    specification = {features.TOKEN_IDS: tf.io.FixedLenFeature([max_length], tf.int64)}
    if not paths:
        return
    for batch in record_dataset(list(paths), "GZIP").batch(_BATCH):
        yield tf.io.parse_example(batch, specification)[features.TOKEN_IDS].numpy()
