"""Three classes from the texts to the verdict of the gate, through the steps that a run takes."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import sklearn.metrics
import tensorflow as tf
from tfx.components.evaluator import executor as tfx_executor
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

from components import features
from components.evaluator import class_metrics, executor, gate, results
from components.evaluator.predictions import read_predictions
from components.models.registry import SAMPLE, get_variant
from components.models.shape import ModelShape
from components.models.training_record import TrainingRecord
from components.trainer import custom_config, training
from tests.fresh_process import told_by

CLASSES = ("billing", "delivery", "other / rest")
# Words of the sample's vocabulary that tell the classes apart, and some that do not.
TELLING = ("boring", "great", "plot")
WORDS = ("the", "film", "a", "and", "it", "was", "is", "of", "this", "story")
TINY = {"embedding_units": 4, "lstm_units": 8, "epochs": 6, "batch_size": 8, "learning_rate": 0.02}


def written(path, examples):
    """Writes tf.Examples as TFX's steps do."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for feature in examples:
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            writer.write(example.SerializeToString())


def integers(values):
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


@pytest.fixture(scope="module")
def texts():
    """Texts and labels; a tenth of the labels are wrong."""
    generator = np.random.default_rng(4)
    labels = generator.choice(3, 180, p=[0.2, 0.5, 0.3])
    texts = [
        " ".join([*generator.choice(WORDS, 8), TELLING[label], *generator.choice(WORDS, 2)])
        for label in labels
    ]
    wrong = generator.random(180) < 0.1
    return texts, np.where(wrong, (labels + 1) % 3, labels).astype(np.int64)


@pytest.fixture(scope="module")
def models(texts, transform_output, tmp_path_factory):
    """The exports that `run_fn` makes of the first 120 texts, by variant."""
    folder = tmp_path_factory.mktemp("three")
    transform = transform_output.transform_features_layer()
    token_ids = transform({features.TEXT: tf.constant(texts[0])})[features.TOKEN_IDS].numpy()
    rows = zip(token_ids[:120], texts[1][:120], strict=True)
    written(
        folder / "transformed" / "part.gz",
        ({features.TOKEN_IDS: integers(ids), features.LABEL: integers([y])} for ids, y in rows),
    )
    for name in ("linear", "lstm"):
        variant = get_variant(name)
        taken = {key: value for key, value in TINY.items() if key in variant.takes}
        hyperparameters = variant.presets[SAMPLE].overridden(**taken)
        training.run_fn(
            SimpleNamespace(
                custom_config={
                    custom_config.MODEL: name,
                    custom_config.HYPERPARAMETERS: hyperparameters.to_config(),
                    custom_config.CLASSES: list(CLASSES),
                    custom_config.HAS_VALIDATION: True,
                },
                transform_output=transform_output.transform_savedmodel_dir.rsplit("/", 1)[0],
                train_files=[str(folder / "transformed" / "*.gz")],
                eval_files=[str(folder / "transformed" / "*.gz")],
                model_run_dir=str(folder / name / "run"),
                serving_model_dir=str(folder / name / "Format-Serving"),
            )
        )
    return {name: folder / name for name in ("linear", "lstm")}


@pytest.fixture(scope="module")
def answers(models, texts):
    """What a fresh process makes of the last 60 texts with each export, by variant."""
    script = (
        "import tensorflow as tf\n"
        "folders, texts = arguments\n"
        "def example(text):\n"
        "    value = tf.train.Feature(bytes_list=tf.train.BytesList(value=[text.encode()]))\n"
        "    features = tf.train.Features(feature={'text': value})\n"
        "    return tf.train.Example(features=features).SerializeToString()\n"
        "examples = tf.constant([example(text) for text in texts])\n"
        "texts = tf.constant(texts)\n"
        "asked = {'predict_text': {'text': texts}, 'serving_default': {'examples': examples},\n"
        "         'classify': {'inputs': examples}, 'trace_text': {'text': texts[:3]},\n"
        "         'bulk_inference': {'examples': examples},\n"
        "         'transform_features': {'examples': examples}}\n"
        "def plain(array):\n"
        "    array = array.numpy()\n"
        "    decode = lambda value: [decode(v) for v in value] if isinstance(value, list) else (\n"
        "        value.decode() if isinstance(value, bytes) else value)\n"
        "    return decode(array.tolist())\n"
        "answers = {}\n"
        "for name, folder in folders.items():\n"
        "    served = tf.saved_model.load(folder).signatures\n"
        "    assert set(served) == set(asked), set(served)\n"
        "    answers[name] = {\n"
        "        signature: {output: plain(value) for output, value in\n"
        "                    served[signature](**inputs).items()}\n"
        "        for signature, inputs in asked.items()\n"
        "    }\n"
        "print(json.dumps(answers))\n"
    )
    folders = {name: str(folder / "Format-Serving") for name, folder in models.items()}
    return told_by(script, folders, texts[0][120:])


@pytest.mark.parametrize("name", ["linear", "lstm"])
def test_all_signatures_of_a_fresh_process_say_the_same(models, answers, texts, name):
    """And what the weights say that were exported."""
    said = answers[name]
    export = str(models[name] / "Format-Serving")
    record = TrainingRecord.read(export)
    assert record.classes == CLASSES
    variant = get_variant(name)
    model = variant.build(record.hyperparameters.without_noise(), shape=ModelShape(classes=3))
    checkpoint = tf.train.load_checkpoint(f"{export}/variables/variables")
    model.set_weights(
        [
            checkpoint.get_tensor(f"_weights/{index}/.ATTRIBUTES/VARIABLE_VALUE")
            for index in range(len(model.weights))
        ]
    )
    token_ids = np.array(said["transform_features"]["token_ids"], np.int32)
    expected = model(token_ids).numpy()
    np.testing.assert_allclose(said["classify"]["scores"], expected, atol=1e-6)
    assert said["classify"]["classes"] == [list(CLASSES)] * 60
    labels = [CLASSES[place] for place in expected.argmax(axis=1)]
    assert set(labels) == set(CLASSES)
    for signature in ("predict_text", "serving_default", "bulk_inference"):
        assert np.ravel(said[signature]["label"]).tolist() == labels
        probability = np.ravel(said[signature]["probability"])
        np.testing.assert_allclose(probability, expected.max(axis=1), atol=1e-6)
    trace = np.array(said["trace_text"]["probability"])
    assert trace.shape == (3, features.MAX_LENGTH, 3)
    np.testing.assert_allclose(trace[:, -1], expected[:3], atol=1e-6)
    assert said["trace_text"]["tokens"][0][-11:] == texts[0][120].split()


def evaluated(
    models, texts, folder, candidate, baseline=None, runner=executor.Executor, **bounds
):  # fmt: skip
    """Has an Evaluator judge a model; returns the measurements and whether it is blessed."""
    rows = list(zip(texts[0][120:], texts[1][120:], strict=True))
    if not (folder / "examples").exists():
        written(
            folder / "examples" / "Split-test" / "part.gz",
            (
                {
                    features.TEXT: tf.train.Feature(
                        bytes_list=tf.train.BytesList(value=[text.encode()])
                    ),
                    features.LABEL: integers([label]),
                    features.RATING: integers([1 + place % 4]),
                    features.REVIEW_ID: tf.train.Feature(
                        bytes_list=tf.train.BytesList(value=[str(place).encode()])
                    ),
                }
                for place, (text, label) in enumerate(rows)
            ),
        )
    made = {}
    for key, kind, uri in (
        ("examples", standard_artifacts.Examples, folder / "examples"),
        ("model", standard_artifacts.Model, models[candidate]),
        ("baseline_model", standard_artifacts.Model, baseline and models[baseline]),
        ("schema", standard_artifacts.Schema, folder / "schema"),
        ("evaluation", standard_artifacts.ModelEvaluation, folder / f"{candidate}-{bounds}"),
        ("blessing", standard_artifacts.ModelBlessing, folder / f"{candidate}-{bounds}-blessing"),
    ):
        if uri:
            made[key] = kind()
            made[key].uri = str(uri)
    made["examples"].split_names = '["test"]'
    (folder / "schema").mkdir(exist_ok=True)
    with open(features.schema_file()) as file:
        (folder / "schema" / "schema.pbtxt").write_text(file.read())
    config = gate.eval_config(classes=CLASSES, **bounds)
    outputs = {key: [made.pop(key)] for key in ("evaluation", "blessing")}
    context = runner.Context(
        beam_pipeline_args=["--runner=FnApiRunner"], tmp_dir=str(folder / "tmp"), unique_id="1"
    )
    runner(context).Do(
        {key: [artifact] for key, artifact in made.items()},
        outputs,
        {
            "eval_config": proto_utils.proto_to_json(config),
            "example_splits": '["test"]',
            "module_path": "components.evaluator.extractors",
        },
    )
    uri = outputs["evaluation"][0].uri
    measured = results.load(uri, has_baseline=bool(baseline))
    return measured, bool(outputs["blessing"][0].get_int_custom_property("blessed")), uri


@pytest.fixture(scope="module")
def judged(models, texts, tmp_path_factory):
    """The linear model's measurements beside the LSTM as the last blessed one."""
    folder = tmp_path_factory.mktemp("evaluator")
    return evaluated(
        models, texts, folder, "linear", "lstm", min_lift=0.001, min_macro_f1=0.5,
        max_regression=1.0,
    )  # fmt: skip


def test_the_metrics_are_scikit_learns(judged, answers, texts):
    """On the export's own scores, through TFX's Evaluator and its signature."""
    measured, is_blessed, _ = judged
    labels, scores = texts[1][120:], np.array(answers["linear"]["classify"]["scores"])
    chosen = scores.argmax(axis=1)
    expected = {
        "accuracy": sklearn.metrics.accuracy_score(labels, chosen),
        "macro_f1": sklearn.metrics.f1_score(labels, chosen, average="macro"),
        "log_loss": sklearn.metrics.log_loss(labels, scores / scores.sum(axis=1, keepdims=True)),
        "examples": 60.0,
    }
    assert measured.overall == pytest.approx(expected, abs=1e-6)
    assert is_blessed and expected["accuracy"] > 0.7
    confusion = measured.confusion
    precision, recall, _, sizes = sklearn.metrics.precision_recall_fscore_support(labels, chosen)
    np.testing.assert_allclose(confusion.precision, precision, atol=1e-6)
    np.testing.assert_allclose(confusion.recall, recall, atol=1e-6)
    assert confusion.sizes.tolist() == sizes.tolist()
    matrix = sklearn.metrics.confusion_matrix(labels, chosen)
    assert [[confusion.counts.get((i, j), 0) for j in range(3)] for i in range(3)] == (
        matrix.tolist()
    )
    of_one_star = measured.slices[(("rating", "1"),)]
    first = np.arange(60) % 4 == 0
    assert of_one_star["accuracy"] == pytest.approx(np.mean(chosen[first] == labels[first]))
    assert ("length", "1-100") in {key for (key,) in measured.slices}


def test_the_gate_of_three_classes_refuses_what_it_is_told_to(models, texts, tmp_path):
    """Here by macro F1; without a model to compare with, and by TFX's own Evaluator."""
    _, is_blessed, uri = evaluated(
        models, texts, tmp_path, "linear", runner=tfx_executor.Executor, min_macro_f1=0.999
    )
    assert not is_blessed
    with pytest.raises(LookupError, match="holds no predictions"):
        read_predictions(uri)


def test_the_predictions_are_what_was_measured(judged, answers, texts):
    """Of both models, review by review; the accuracy that follows from them is the metric."""
    measured, _, uri = judged
    kept = read_predictions(uri)
    assert kept.review_ids.tolist() == sorted(map(str, range(60)))
    place = kept.review_ids.astype(int)
    np.testing.assert_array_equal(kept.labels, texts[1][120:][place])
    for name, scores, choices in (
        ("linear", kept.scores, kept.choices),
        ("lstm", kept.baseline_scores, kept.baseline_choices),
    ):
        said = np.array(answers[name]["classify"]["scores"])[place]
        np.testing.assert_allclose(scores, said, atol=1e-6)
        assert scores.dtype == np.float32
        np.testing.assert_array_equal(choices, scores.argmax(axis=1))
    assert kept.is_right.mean() == measured.overall["accuracy"]
    baseline = results.load(uri, has_baseline=True, baseline=True)
    assert (kept.baseline_choices == kept.labels).mean() == baseline.overall["accuracy"]


def test_what_is_counted_of_a_slice_does_not_depend_on_its_parts():
    """Merged in any order; of equal scores the first class is chosen."""
    generator = np.random.default_rng(1)
    scores = generator.dirichlet(np.ones(5), size=40)
    scores[:5] = 0.2
    labels = generator.integers(0, 5, 40)
    whole, *parts = (class_metrics.ClassCounts() for _ in range(4))
    for place, (label, row) in enumerate(zip(labels, scores, strict=True)):
        whole.add(int(label), row)
        parts[place % 3].add(int(label), row)
    merged = class_metrics.ClassCounts()
    for part in parts[::-1]:
        merged.merge(part)
    for name in class_metrics.NAMES:
        value = class_metrics.value_of(name, whole)
        expected = value if isinstance(value, str) else pytest.approx(value)
        assert class_metrics.value_of(name, merged) == expected
    confusion = class_metrics.read_confusion(class_metrics.value_of("confusion", whole))
    assert confusion.classes == 5 and confusion.examples == 40
    assert confusion.chosen[0] >= 5
    chosen = scores.argmax(axis=1)
    assert confusion.macro_f1 == pytest.approx(
        sklearn.metrics.f1_score(labels, chosen, average="macro")
    )
    assert confusion.mistakes()[0][2] == max(
        count for (label, choice), count in confusion.counts.items() if label != choice
    )
