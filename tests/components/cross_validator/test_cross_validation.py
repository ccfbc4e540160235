"""What is fitted for each fold, what is found, and the verdict."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import accuracy_score, f1_score
from tfx.components.util import model_utils
from tfx.types import standard_artifacts

from components import features, progress
from components.cross_validator import validation
from components.cross_validator.artifact import CrossValidationArtifact
from components.cross_validator.executor import Executor
from components.cross_validator.figures import CrossValidation, SliceFigures, slice_figures
from components.cross_validator.validation import Candidate, cross_validate
from components.evaluator.bounds import GateBounds
from components.evaluator.confusion import Confusion
from components.evaluator.f1_margin import macro_f1_margin
from components.hyperparameters import Hyperparameters
from components.models.training_record import TrainingRecord
from components.transform.token_settings import TokenSettings

TOKENS = TokenSettings(vocabulary_size=60, max_length=8)
LINEAR = Candidate("linear", Hyperparameters(), 2, TOKENS)


def texts_of(count, classes=2, seed=3):
    """Returns texts that a word tells apart, but for a tenth of them, and labels."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    told = np.where(generator.random(count) < 0.1, generator.integers(0, classes, count), labels)
    texts = [
        f"number {number} is {'good bad odd'.split()[label]}".encode()
        for number, label in enumerate(told)
    ]
    return texts, labels.astype(np.int64)


@pytest.mark.parametrize("classes", [2, 3])
def test_each_review_is_judged_once_by_a_model_of_the_others(monkeypatch, classes):
    """The fits are told apart, together they leave each review out once, and figures add up."""
    texts, labels = texts_of(120, classes)
    fitted, real = [], validation.fit_variant

    def fit(variant, model, training, *rest):
        fitted.append(training[1])
        return real(variant, model, training, *rest)

    monkeypatch.setattr(validation, "fit_variant", fit)
    heard = []
    candidate = Candidate("linear", Hyperparameters(), classes, TOKENS)
    with progress.listening(heard.append):
        found = cross_validate(candidate, texts, labels, 4)
    assert [len(of_fold) for of_fold in fitted] == [90, 90, 90, 90]
    assert [fold.examples for fold in found.folds] == [30, 30, 30, 30]
    assert found.confusion.sizes.tolist() == np.bincount(labels).tolist()
    assert 0.8 < found.metrics["accuracy"] < 0.97
    assert heard[0].stage == "fold 1/4, counting words and pairs"
    assert heard[-1].stage.startswith("fold 4/4") and heard[-1].done == heard[-1].total


def test_what_a_text_says_in_one_fold_alone_is_not_known_there():
    """Labels by chance and texts of words of their own: no better than chance, in any fold."""
    generator = np.random.default_rng(8)
    texts = [f"word{number} other{number}".encode() for number in range(200)]
    found = cross_validate(LINEAR, texts, generator.integers(0, 2, 200), 5)
    assert found.metrics["accuracy"] == pytest.approx(0.5, abs=0.12)


def test_early_stopping_looks_at_known_reviews_alone(monkeypatch):
    """A tenth of them, which the fit does not see; the fold's own are for the verdict."""
    texts, labels = texts_of(100)
    seen = []
    monkeypatch.setattr(
        validation,
        "fit_variant",
        lambda variant, model, training, held_out, *rest: seen.append((training, held_out)),
    )
    hyperparameters = Hyperparameters(early_stopping=1, lstm_units=2, embedding_units=2)
    cross_validate(Candidate("lstm", hyperparameters, 2, TOKENS), texts, labels, 2)
    for training, held_out in seen:
        assert len(training[1]) + len(held_out[1]) == 50
        assert 1 <= len(held_out[1]) <= 12


def test_figures_are_those_of_all_decisions():
    """As scikit-learn has them; the artifact keeps them."""
    generator = np.random.default_rng(5)
    labels = generator.integers(0, 3, 90)
    decisions = np.where(generator.random(90) < 0.7, labels, generator.integers(0, 3, 90))
    folds = [zip(labels[part::3], decisions[part::3], strict=True) for part in range(3)]
    found = CrossValidation.of_decisions(
        [[(int(a), int(b)) for a, b in fold] for fold in folds], classes=3
    )
    assert found.metrics == pytest.approx(
        {
            "accuracy": accuracy_score(labels, decisions),
            "macro_f1": f1_score(labels, decisions, average="macro"),
            "examples": 90,
        }
    )
    assert found.folds[1].accuracy == accuracy_score(labels[1::3], decisions[1::3])


def test_the_margin_of_a_macro_f1_is_that_of_drawing_the_reviews_anew():
    """Against a bootstrap over single reviews by scikit-learn; and a small class widens it."""
    generator = np.random.default_rng(1)
    labels = (generator.random(300) < 0.1).astype(int)
    decisions = np.where(generator.random(300) < 0.85, labels, 1 - labels)
    counts = {(a, b): int(((labels == a) & (decisions == b)).sum()) for a in (0, 1) for b in (0, 1)}
    drawn = [generator.integers(0, 300, 300) for _ in range(300)]
    values = [f1_score(labels[rows], decisions[rows], average="macro") for rows in drawn]
    low, high = np.percentile(values, [2.5, 97.5])
    margin = macro_f1_margin(Confusion(2, counts))
    assert margin == pytest.approx((high - low) / 2, rel=0.15)
    even = {(0, 0): 127, (0, 1): 23, (1, 0): 23, (1, 1): 127}
    assert macro_f1_margin(Confusion(2, even)) < margin
    assert np.isnan(macro_f1_margin(Confusion(2, {})))


@pytest.mark.parametrize(
    ("bounds", "passes"),
    [
        ({"min_accuracy": 0.90}, True),
        ({"min_accuracy": 0.93}, False),
        ({"min_macro_f1": 0.75}, True),
        ({"min_macro_f1": 0.77}, False),
        ({"min_lift": 0.01}, False),
        ({"min_lift": 0.0}, True),
    ],
)
def test_the_gate_holds_for_the_figures_of_all_folds(bounds, passes):
    """92 of 100 right, 90 of one class: macro F1 0.756; not proven better than the larger class."""
    confusion = Confusion(2, {(0, 0): 87, (0, 1): 3, (1, 0): 5, (1, 1): 5})
    assert confusion.macro_f1 == pytest.approx(0.7558, abs=1e-4)
    asked = {"min_accuracy": 0.0, "min_macro_f1": None, "min_lift": 0.0} | bounds
    found = GateBounds.of(**asked, max_regression=0.0, classes=2)
    assert found.are_met_by(confusion) is passes


def test_slices_count_the_reviews_that_were_judged_right_in_all_folds():
    """By each review's own slices, the largest first; they are written and read."""
    small, large = (("product", "hats"),), (("language", "de"), ("product", "shoes"))
    slices = [[large], [small, large], [large], [small]]
    found = slice_figures(slices, [True, False, True, True])
    assert found == (SliceFigures(large, 3, 2), SliceFigures(small, 2, 1))
    assert [each.accuracy for each in found] == [2 / 3, 0.5]
    assert slice_figures([], [True, False]) == ()


@pytest.mark.parametrize(("size", "passes"), [(100, False), (101, True)])
def test_the_gate_holds_for_slices_of_all_folds(size, passes):
    """A weak slice is refused from its size on."""
    asked = GateBounds.of(0.0, None, 0.0, 0.0, 2, min_slice_accuracy=0.75, min_slice_size=size)
    confusion = Confusion(2, {(0, 0): 80, (0, 1): 20, (1, 1): 100})
    assert asked.are_met_by(confusion, [(100, 0.74), (50, 0.9)]) is passes


@pytest.fixture
def judged(tmp_path):
    """Runs the step on 60 reviews in two splits, with what the Evaluator said of the model."""
    texts, labels = texts_of(60)
    examples = standard_artifacts.Examples()
    examples.uri, examples.split_names = str(tmp_path / "examples"), '["train", "test"]'
    for split, part in (("train", slice(0, 45)), ("test", slice(45, None))):
        folder = tmp_path / "examples" / f"Split-{split}"
        folder.mkdir(parents=True)
        with tf.io.TFRecordWriter(str(folder / "part-0.gz"), options="GZIP") as writer:
            for text, label in zip(texts[part], labels[part].tolist(), strict=True):
                product = b"hats" if text < sorted(texts)[20] else b"shoes"
                feature = {
                    features.TEXT: tf.train.Feature(bytes_list=tf.train.BytesList(value=[text])),
                    "slice_by_product": tf.train.Feature(
                        bytes_list=tf.train.BytesList(value=[product])
                    ),
                    features.LABEL: tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
                }
                example = tf.train.Example(features=tf.train.Features(feature=feature))
                writer.write(example.SerializeToString())
    model = standard_artifacts.Model()
    model.uri, model.id = str(tmp_path / "model"), 17
    export = tmp_path / "model" / "Format-Serving"
    export.mkdir(parents=True)
    TrainingRecord("linear", Hyperparameters(), 1.0, 10).write(str(export))
    TOKENS.write(str(export))

    def run(is_blessed, slice_by=(), **bounds):
        evaluated = standard_artifacts.ModelBlessing()
        evaluated.set_int_custom_property("blessed", int(is_blessed))
        outputs = {
            "cross_validation": [CrossValidationArtifact()],
            "blessing": [standard_artifacts.ModelBlessing()],
        }
        for name, (artifact,) in outputs.items():
            artifact.uri = str(tmp_path / name)
            (tmp_path / name).mkdir(exist_ok=True)
        asked = GateBounds.of(bounds.pop("min_accuracy", None), None, 0.0, 0.0, classes=2, **bounds)
        Executor().Do(
            {"examples": [examples], "model": [model], "evaluator_blessing": [evaluated]},
            outputs,
            {"folds": 3, "bounds": json.dumps(asked.__dict__), "slice_by": json.dumps(slice_by)},
        )
        return outputs["cross_validation"][0], outputs["blessing"][0]

    return run


def test_the_step_judges_the_reviews_of_all_splits(judged):
    """By the variant, hyperparameters and tokens of the model's own record; it writes figures."""
    figures, blessing = judged(is_blessed=True, min_accuracy=0.7)
    found = CrossValidation.read(figures.uri)
    assert [fold.examples for fold in found.folds] == [20, 20, 20]
    assert found.metrics["accuracy"] > 0.7
    assert model_utils.is_model_blessed(blessing)
    assert blessing.get_int_custom_property("current_model_id") == 17


def test_the_step_judges_slices_by_columns(judged):
    """Each has the reviews of its value in all splits; one that is weak refuses the model."""
    bounds = {"min_accuracy": 0.0, "min_slice_size": 20}
    for least, is_blessed in ((0.0, True), (1.0, False)):
        figures, blessing = judged(
            is_blessed=True, slice_by=[["product"]], min_slice_accuracy=least, **bounds
        )
        found = CrossValidation.read(figures.uri)
        assert {each.key: each.examples for each in found.slices} == {
            (("product", "shoes"),): 40,
            (("product", "hats"),): 20,
        }
        assert sum(each.right for each in found.slices) == found.confusion.right.sum()
        assert model_utils.is_model_blessed(blessing) is is_blessed


@pytest.mark.parametrize(("is_blessed", "least"), [(False, 0.7), (True, 0.999)])
def test_both_verdicts_must_be_good(judged, is_blessed, least):
    """A model that fell behind the last blessed one is not saved by folds, nor the other way."""
    _, blessing = judged(is_blessed, min_accuracy=least)
    assert not model_utils.is_model_blessed(blessing)
