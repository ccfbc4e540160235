"""Real reviews as texts and as token ids, without a pipeline around them."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import numpy as np
import tensorflow as tf

from benchmarks.archive import real_reviews
from components import features
from components.transform import preprocessing

_EVERY = 7


def read_texts(count: int, every: int = _EVERY) -> list[bytes]:
    """Returns `count` reviews, one of `every` few, of the archive that IMDB_ARCHIVE names."""
    return [review.text for review in islice(real_reviews(), 0, count * every, every)]


class Vocabulary(tf.Module):
    """The most frequent words of some texts, and how texts become token ids with them."""

    def __init__(self, texts: list[bytes]):
        """Learns the words."""
        super().__init__()
        words = preprocessing.tokenize(tf.constant(texts)).values.numpy().tolist()
        most = features.VOCABULARY_SIZE - features.FIRST_WORD_ID
        ranked = [word for word, _ in Counter(words).most_common(most)]
        ranks = np.arange(len(ranked), dtype=np.int64)
        self.table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(ranked, ranks), preprocessing.UNKNOWN_RANK
        )

    def token_ids(self, texts: tf.Tensor) -> tf.Tensor:
        """Texts <string>[batch] -> <int32>[batch, MAX_LENGTH], in the graph."""
        words = preprocessing.tokenize(texts)
        ranks = words.with_values(self.table.lookup(words.values))
        return tf.cast(preprocessing.token_ids(ranks), tf.int32)
