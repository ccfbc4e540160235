"""Label errors: planted flips are found, in two classes and more, and written as safe files."""

from __future__ import annotations

import csv
import os

import numpy as np
import pyarrow.parquet
import pytest
import scipy.sparse
from sklearn.naive_bayes import MultinomialNB

from components.dataset.archive import read_archive
from components.dataset.records import Review
from pipeline.results.insight import label_error_files, out_of_fold
from pipeline.results.insight.label_errors import DoubtedLabel, confident_errors, label_errors
from pipeline.results.insight.reviews import LabelledText


def _generated(classes: int, reviews: int, flips: int) -> tuple[list[LabelledText], set[str]]:
    """Reviews of 40 words, ten of them of the class's own vocabulary, and those labelled wrong."""
    generator = np.random.default_rng(classes)
    labels = generator.integers(0, classes, reviews)
    wrong = generator.choice(reviews, flips, replace=False)
    given = labels.copy()
    given[wrong] = (labels[wrong] + 1) % classes
    texts = [
        " ".join(
            [
                *(f"any{word}" for word in generator.integers(0, 500, 30)),
                *(f"of{label}word{word}" for word in generator.integers(0, 60, 10)),
            ]
        )
        for label in labels
    ]
    return (
        [
            LabelledText(f"{at}", "train" if at % 2 else "test", int(label), text.encode())
            for at, (label, text) in enumerate(zip(given, texts, strict=True))
        ],
        {f"{at}" for at in wrong},
    )


@pytest.mark.parametrize("classes", [2, pytest.param(5, marks=pytest.mark.slow)])
def test_planted_flips_are_the_most_doubted(classes):
    """And their true class is the one that is suggested."""
    reviews, wrong = _generated(classes, 600, 20)
    found = label_errors(lambda: reviews, classes)
    first = found.doubted[: len(wrong)]
    assert {each.review_id for each in first} == wrong
    assert all((each.suggested + 1) % classes == each.label for each in first)
    assert all(each.probability > 0.5 for each in first)
    assert 10 <= found.confident == sum(each.is_confident for each in found.doubted) <= 20
    assert (found.reviews, found.folds, found.notes) == (600, 5, ())
    assert found.accuracy == pytest.approx(1 - 20 / 600)
    at = int(first[0].review_id)
    assert (first[0].text, first[0].split) == (reviews[at].text.decode(), reviews[at].split)


def test_many_classes_are_judged_by_naive_bayes(monkeypatch):
    """Where a regression for each class would take too long; flips are found as well."""
    monkeypatch.setattr(out_of_fold, "_MOST_WORK", 0)
    reviews, wrong = _generated(8, 400, 10)
    found = label_errors(lambda: reviews, 8)
    assert len(wrong & {each.review_id for each in found.doubted[:10]}) >= 9
    assert all(0 < each.probability <= 1 for each in found.doubted)


def test_naive_bayes_is_scikit_learns(monkeypatch):
    """With a weight for the pairs alone that occur; a class that no known review has comes last."""
    monkeypatch.setattr(out_of_fold, "_CHUNK_NUMBERS", 50)
    generator = np.random.default_rng(3)
    labels = np.array([*generator.integers(0, 4, 59), 4])
    sizes = generator.integers(1, 9, 60)
    indices = generator.integers(0, 1 << 18, sizes.sum()).astype(np.int32) // 4_000
    held = out_of_fold._Held(
        indices, np.concatenate([[0], np.cumsum(sizes)]), (slice(0, 30), slice(30, 60))
    )
    ones = np.ones(len(indices), np.float32)
    matrix = scipy.sparse.csr_matrix((ones, indices, held.row_splits), (60, 1 << 18))
    found = out_of_fold._naive_bayes(held, labels, 6)
    for judged, known in ((slice(0, 30), slice(30, 60)), (slice(30, 60), slice(0, 30))):
        model = MultinomialNB().fit(matrix[known], labels[known])
        expected = model.predict_joint_log_proba(matrix[judged])
        np.testing.assert_allclose(found[judged][:, model.classes_], expected, rtol=1e-5)
        others = sorted({*range(6)} - {*model.classes_.tolist()})
        assert (found[judged][:, others] < expected.min(axis=1, keepdims=True)).all()


@pytest.mark.slow
def test_many_scores_are_looked_at_in_parts(monkeypatch):
    """Which changes nothing; only the temperature is that of a part."""
    reviews, wrong = _generated(5, 600, 20)
    whole = label_errors(lambda: reviews, 5)
    monkeypatch.setattr(out_of_fold, "_CHUNK_NUMBERS", 50)
    assert label_errors(lambda: reviews, 5) == whole
    monkeypatch.setattr(out_of_fold, "_MOST_CALIBRATING", 1_000)
    found = label_errors(lambda: reviews, 5)
    assert {each.review_id for each in found.doubted[:20]} == wrong


def test_confident_learning_counts_by_the_mean_of_each_class():
    """By hand: class 0 is believed with 0.7 on average, class 1 with 0.8."""
    probabilities = np.array([[0.9, 0.1], [0.5, 0.5], [0.75, 0.25], [0.2, 0.8], [0.05, 0.95]])
    labels = np.array([0, 0, 1, 1, 1])
    probabilities = np.vstack([probabilities, [0.1, 0.9]])
    labels = np.append(labels, 0)
    # Means of the given class: (0.9 + 0.5 + 0.1) / 3 = 0.5 and (0.25 + 0.8 + 0.95) / 3 = 0.67.
    expected = [False, False, True, False, False, True]
    assert confident_errors(np.log(probabilities), labels).tolist() == expected


def test_equal_texts_do_not_vouch_for_each_other():
    """All copies of a text are in one fold: a wrong label that occurs three times is doubted."""
    reviews, _ = _generated(2, 300, 0)
    wrong = reviews[7]._replace(label=1 - reviews[7].label)
    copies = [wrong._replace(review_id=f"copy {at}") for at in range(3)]
    found = label_errors(lambda: [*reviews, *copies], 2)
    assert {each.review_id for each in found.doubted} == {"copy 0", "copy 1", "copy 2"}


def test_few_reviews_of_a_class_make_fewer_folds():
    """Which is told; with one class there is no list, and the reason is told."""
    reviews, _ = _generated(2, 200, 0)
    few = [each for each in reviews if each.label == 0]
    few += [each for each in reviews if each.label == 1][:3]
    found = label_errors(lambda: few, 2)
    assert found.folds == 3
    assert "3 folds instead of 5" in found.notes[0]
    one = label_errors(lambda: [each for each in reviews if each.label == 0], 2)
    assert one.doubted is None
    assert "of 1 class; labels can be doubted from two of each on" in one.notes[0]
    assert label_errors(lambda: [], 2).doubted is None


def test_hostile_texts_are_judged_as_well():
    """Empty, without words, not UTF-8, and long."""
    reviews, wrong = _generated(2, 300, 5)
    strange = [b"", b"...", b"\xff\xfe", b"word " * 200_000]
    reviews += [LabelledText(f"odd {at}", "test", 0, text) for at, text in enumerate(strange)]
    found = label_errors(lambda: reviews, 2)
    assert wrong <= {each.review_id for each in found.doubted}


def test_files_hold_no_formula_and_no_control_character(tmp_path):
    """The CSV file; the Parquet file has the texts as they are."""
    texts = [
        '=HYPERLINK("http://x")',
        "\t=1+1",
        "@SUM(A1)",
        "-2",
        "＝1",
        'fine, "so"\nso',
        "\x1b[31m",
    ]
    doubted = [
        DoubtedLabel(f"-{at}", "train", 0, 1, 0.98765, True, text) for at, text in enumerate(texts)
    ]
    label_error_files.write_csv(tmp_path / "errors.csv", doubted, ("=bad", "good"))
    content = (tmp_path / "errors.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = [*csv.DictReader(content.decode("utf-8-sig").splitlines(keepends=True))]
    assert [row["text"] for row in rows] == [
        *(f"'{text}" for text in texts[:5]),
        texts[5],
        "\ufffd[31m",
    ]
    assert rows[0]["label"] == "'=bad"
    assert rows[0]["review_id"] == "'-0"
    assert rows[0]["probability"] == "0.9877"
    label_error_files.write_parquet(tmp_path / "errors.parquet", doubted, ("=bad", "good"))
    table = pyarrow.parquet.read_table(tmp_path / "errors.parquet").to_pydict()
    assert table["text"] == texts
    assert table["suggested_label"] == ["good"] * 7
    label_error_files.write_parquet(tmp_path / "none.parquet", [], ("a", "b"))
    assert pyarrow.parquet.read_table(tmp_path / "none.parquet").num_rows == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("errors.csv", "errors.parquet", "none.parquet")
    ]


@pytest.mark.imdb
@pytest.mark.slow
def test_of_100_flips_in_5_000_real_reviews_most_are_among_the_first_200():
    """A model of 4,000 reviews is wrong itself in one of eight, which stand among them."""
    path = os.environ.get("IMDB_ARCHIVE")
    if not path:
        pytest.skip("IMDB_ARCHIVE names no archive")
    archive = [record for record in read_archive(path) if isinstance(record, Review)]
    generator = np.random.default_rng(0)
    chosen = generator.choice(len(archive), 5_000, replace=False).tolist()
    flipped = {*generator.choice(5_000, 100, replace=False).tolist()}
    reviews = [
        LabelledText(
            f"{at}",
            archive[place].split,
            archive[place].label ^ (at in flipped),
            archive[place].text,
        )
        for at, place in enumerate(chosen)
    ]
    found = label_errors(lambda: reviews, 2)
    first = {int(each.review_id) for each in found.doubted[:200]}
    assert len(first & flipped) >= 60
