"""Token ids that are read from disk: the same rows, the same batches, the same weights."""

from __future__ import annotations

import tempfile

import keras
import numpy as np
import pytest

from components import features
from components.errors import TrainingError
from components.hyperparameters import Hyperparameters
from components.models.registry import get_variant
from components.trainer import fit
from components.trainer.batches import read_examples, refuse_unknown_tokens
from components.trainer.disk_tokens import TokenIdsOnDisk, bytes_in_memory, chunks_of

from .test_training import tiny_model, written_examples

ROWS = 2_100  # more than two batches of reading
ROW_BYTES = features.MAX_LENGTH * 2


@pytest.fixture(scope="module")
def both(transform_output, tmp_path_factory):
    """The same examples, in memory and on disk; the latter from the second part of reading on."""
    pattern = written_examples(tmp_path_factory.mktemp("examples"), transform_output, ROWS)
    in_memory = read_examples([pattern], transform_output, most_bytes=ROWS * ROW_BYTES)
    on_disk = read_examples([pattern], transform_output, most_bytes=ROWS * ROW_BYTES - 1)
    return in_memory, on_disk


def test_a_budget_decides_where_token_ids_are(both):
    """One byte too many, and they are on disk: all of them."""
    (in_memory, labels), (on_disk, labels_of_disk) = both
    assert isinstance(in_memory, np.ndarray) and isinstance(on_disk, TokenIdsOnDisk)
    assert (bytes_in_memory(in_memory), bytes_in_memory(on_disk)) == (ROWS * ROW_BYTES, 0)
    assert on_disk.shape == in_memory.shape and on_disk.dtype == in_memory.dtype
    np.testing.assert_array_equal(labels, labels_of_disk)


@pytest.mark.parametrize(
    "index",
    [
        5,
        -1,
        slice(3, 70),
        slice(None, None, 100),
        slice(2_090, 9_999),
        slice(4, 4),
        np.array([2_099, 0, 0, 1_024]),
        np.arange(ROWS) % 7 == 0,
    ],
    ids=str,
)
def test_rows_on_disk_are_indexed_as_arrays_are(both, index):
    """Numbers, slices, arrays of numbers and masks give what numpy gives."""
    (in_memory, _), (on_disk, _) = both
    np.testing.assert_array_equal(on_disk[index], in_memory[index])
    assert on_disk[index].dtype == np.uint16


def test_a_row_beyond_the_last_is_refused(both):
    """As numpy refuses it."""
    with pytest.raises(IndexError):
        both[1][0][ROWS]


def test_chunks_have_all_rows(both):
    """In order; a training of unknown tokens alone is found wherever they are."""
    (in_memory, _), (on_disk, _) = both
    np.testing.assert_array_equal(np.concatenate([*chunks_of(on_disk)]), in_memory)
    refuse_unknown_tokens(on_disk, None)  # there are known ones, so no setting is named


@pytest.mark.parametrize(
    ("seed", "weights"), [(1, "none"), pytest.param(2, "balanced", marks=pytest.mark.slow)]
)
def test_training_from_disk_gives_the_same_weights(both, tmp_path, seed, weights):
    """To the bit, over two epochs with an eval split."""
    hyperparameters = Hyperparameters(
        epochs=2, batch_size=100, seed=seed, restore_best=True, class_weights=weights
    )
    found = []
    for token_ids, labels in both:
        keras.utils.set_random_seed(seed)
        model = tiny_model()
        validation = token_ids[:50], labels[:50]
        points = fit.fit(model, (token_ids, labels), validation, hyperparameters, str(tmp_path))
        found.append([*model.get_weights(), np.array([point.loss for point in points])])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_solver_reads_from_disk_as_well(both):
    """`linear` comes to the same weights."""
    variant = get_variant("linear")
    hyperparameters = variant.presets["sample"]
    models = []
    for token_ids, labels in both:
        models.append(variant.build(hyperparameters))
        variant.solve(models[-1], (token_ids, labels), hyperparameters)
    for ours, theirs in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_folder_that_cannot_be_written_is_told(monkeypatch, tmp_path):
    """With the setting that would hold more in memory, and how to name another folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(TrainingError, match=r"missing.*No such file.*TMPDIR.*`memory_budget`"):
        TokenIdsOnDisk(4, np.uint16)


def test_a_full_disk_is_told():
    """/dev/full takes no byte."""
    rows = TokenIdsOnDisk(4, np.uint16)
    rows._file.close()
    with open("/dev/full", "wb", buffering=0) as full:
        rows._file = full
        with pytest.raises(TrainingError, match=r"failed at 0\.0 GB: No space left on device"):
            rows.append(np.ones((2, 4), np.uint16))
