import argparse
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from components.dataset.label_settings import LabelSettings
from components.dataset.labels import labels_named
from components.errors import ConfigurationError
from components.evaluator.bounds import GateBounds
from components.transform.token_settings import IMDB_TOKENS, TokenSettings
from pipeline.config import PipelineConfig, setting_fields
from pipeline.loading import (
    add_arguments,
    describe_settings,
    load_config,
    read_environment,
)
from pipeline.model_names import names_for
from scripts.tables import settings_table


@pytest.fixture
def toml(tmp_path):
    def write(text: str) -> str:
        path = tmp_path / "settings.toml"
        path.write_text(text)
        return str(path)

    return write


def test_defaults():
    """What nobody sets has the documented default."""
    config = load_config({})

    assert (config.data, config.model, config.seed) == ("auto", "lstm", 7)
    assert (config.min_accuracy, config.max_regression) == (None, 0.005)
    bounds = config.min_accuracy, config.min_macro_f1, config.max_regression, config.min_lift
    assert GateBounds.of(*bounds, classes=2) == GateBounds(0.80, None, 0.005, 0.001, True)
    assert config.epochs is config.batch_size is config.learning_rate is None
    assert config.cache and not config.debug and not config.drop_leaks


def test_flags_win_over_toml_and_toml_over_defaults(toml):
    """Each setting comes from the nearest place that names it."""
    config = load_config({"epochs": "5"}, toml("epochs = 2\nbatch_size = 32\n"))

    assert (config.epochs, config.batch_size, config.seed) == (5, 32, 7)


def test_toml_table(toml):
    """The settings may be in a table [sentiment], beside the tables of others."""
    text = '[sentiment]\nmodel = "lstm"\ncache = false\n[other]\nepochs = "many"\n'

    assert load_config({}, toml(text)) == PipelineConfig(cache=False)


def test_tokens_are_imdbs_until_somebody_says_otherwise(toml):
    """Five settings, by flag or TOML."""
    assert PipelineConfig().token_settings == IMDB_TOKENS
    config = load_config({"max_length": "40", "emoji": True}, toml('tokens = "characters"\n'))
    expected = TokenSettings(max_length=40, tokens="characters", emoji=True)
    assert config.token_settings == expected


def test_config_is_frozen():
    """A run's settings do not change under way."""
    with pytest.raises(FrozenInstanceError):
        PipelineConfig().epochs = 3


def test_whole_number_for_a_share_becomes_a_float():
    """1 and 1.0 are one setting, and give one cache key."""
    config = PipelineConfig(min_accuracy=1)

    assert type(config.min_accuracy) is float
    assert repr(config) == repr(PipelineConfig(min_accuracy=1.0))


@pytest.mark.parametrize(
    ("name", "value", "expectation"),
    [
        ("epochs", 0, "--epochs is 0; expected a whole number from 1 to 1,000."),
        ("epochs", 2.0, "--epochs is 2.0; expected a whole number from 1 to 1,000."),
        ("epochs", "3", "--epochs is '3'; expected a whole number from 1 to 1,000."),
        ("epochs", True, "--epochs is True; expected a whole number from 1 to 1,000."),
        ("seed", None, "--seed is None; expected a whole number from 0 to 4,294,967,295."),
        ("learning_rate", float("nan"), "--learning-rate is nan; expected a number"),
        ("learning_rate", float("inf"), "--learning-rate is inf; expected a number"),
        ("learning_rate", 0.0, "expected a number from 1e-08 to 100.0."),
        ("validation_fraction", 0.51, "expected a number from 0.0 to 0.5."),
        ("min_accuracy", -0.01, "expected a number from 0.0 to 1.0."),
        ("max_regression", 1.01, "expected a number from 0.0 to 1.0."),
        ("max_bad_records", True, "expected a number from 0.0 to 1.0."),
        ("cache", 1, "--cache is 1; expected true or false."),
        ("data", "", "--data is ''; expected some text."),
        ("root", 3, "--root is 3; expected some text."),
        ("beam_mode", "in-memory", "in_memory, multi_processing. Did you mean 'in_memory'?"),
        ("model", "lsmt", "Unknown model 'lsmt'. Choose from: lstm"),
        ("pipeline_name", "my pipeline", "--pipeline-name is 'my pipeline'; expected at most 100"),
        ("model_name", "../up", "--model-name is '../up'; expected at most 100 letters"),
        ("model_name", "m" * 101, "expected at most 100 letters"),
        (
            "vocabulary_size",
            2,
            "--vocabulary-size is 2; expected a whole number from 3 to 1,000,000.",
        ),
        ("max_length", 0, "--max-length is 0; expected a whole number from 1 to 20,000."),
        (
            "min_word_count",
            0,
            "--min-word-count is 0; expected a whole number from 1 to 1,000,000.",
        ),
        ("tokens", "chars", "words, characters, character_pairs. Did you mean 'characters'?"),
        ("emoji", "yes", "--emoji is 'yes'; expected true or false."),
        ("ngrams", 4, "--ngrams is 4; expected a whole number from 1 to 3."),
        ("positive_label", {"a": 1}, "--positive-label is {'a': 1}; expected a label, or a list"),
        ("labels", ["a", ["b"]], "--labels is ['a', ['b']]; expected a label, or a list"),
        ("labels", "a", "`labels` names 1 class; expected 2 to 1,000"),
        ("map_labels", ["a"], "--map-labels is ['a']; expected labels and their classes, e.g."),
        ("map_labels", {"a": ["b"]}, "expected labels and their classes, e.g. 5=good,1=bad."),
        (
            "min_class_size",
            -1,
            "--min-class-size is -1; expected a whole number from 0 to",
        ),
        ("negative_label", [["a"]], "--negative-label is [['a']]; expected a label, or a list"),
    ],
)
def test_value_that_cannot_be_used(name, value, expectation):
    """The error names the setting, what arrived and what was expected."""
    with pytest.raises(ConfigurationError) as error:
        PipelineConfig(**{name: value})

    assert expectation in str(error.value)


@pytest.mark.parametrize("value", ["three", "1.5", "", "nan"])
def test_flag_that_is_no_number(value):
    """A flag's text must be a number where one is expected."""
    with pytest.raises(ConfigurationError, match=f"--epochs is '{value}'; expected a whole number"):
        load_config({"epochs": value})


@pytest.mark.parametrize(
    ("text", "expectation"),
    [
        ("epoch = 3", "unknown setting 'epoch'. Did you mean 'epochs'? Choose from: data, "),
        ("[sentiment]\nmodle = 'lstm'", "unknown setting 'modle'. Did you mean 'model'?"),
        ("epochs = 3\n[sentiment]\nseed = 1", "table [sentiment]; epochs is outside."),
        ("sentiment = 3", "all in a table [sentiment]."),
        ('epochs = "3"', "--epochs is '3'; expected a whole number"),
        ("cache = 1", "--cache is 1; expected true or false."),
        ("min_accuracy = nan", "--min-accuracy is nan; expected a number"),
        ("epochs = ", "is not valid TOML"),
    ],
)
def test_toml_that_cannot_be_used(toml, text, expectation):
    """TOML values are taken by their type, and unknown keys are refused."""
    with pytest.raises(ConfigurationError) as error:
        load_config({}, toml(text))

    assert expectation in str(error.value)


@pytest.mark.parametrize(
    ("written", "labels"),
    [
        ("'4,5'", ("4", "5")),
        ("['4', '5']", ("4", "5")),
        ("[4, 5.0]", ("4", "5")),
        ("4", ("4",)),
        ("true", ("true",)),
        ("['so, so', 'bad']", ("so, so", "bad")),
        ("[]", ()),
        ("''", ()),
    ],
)
def test_labels_may_be_a_list_in_toml(toml, written, labels):
    """A text is what the flag would be; an element of a list is one label to the letter."""
    config = load_config({}, toml(f"positive_label = {written}"))

    assert labels_named(config.positive_label) == labels


def test_a_mapping_may_be_a_table_in_toml(toml):
    """A key is one label to the letter, a value one class."""
    text = (
        'labels = ["so, so", "a=b"]\n[map_labels]\n5 = "a=b"\n"1,0" = "so, so"\n"a \\"b\\"" = "a=b"'
    )

    config = load_config({}, toml(text))

    settings = LabelSettings(config.labels, config.map_labels)
    assert settings.classes == ("so, so", "a=b")
    assert settings.label_classes[:3] == (("5", "a=b"), ("1,0", "so, so"), ('a "b"', "a=b"))
    assert load_config({"map_labels": "1=a,2=b"}).map_labels == "1=a,2=b"


@pytest.mark.parametrize(("positive", "negative"), [("1", "1.0"), ("4,5", "5"), ("true", "1")])
def test_a_label_on_both_sides_is_refused(positive, negative):
    """However it is written; labels that differ in their case alone are two."""
    with pytest.raises(ConfigurationError, match="both name '"):
        PipelineConfig(positive_label=positive, negative_label=negative)
    PipelineConfig(positive_label="A", negative_label="a")


def test_missing_config_file(tmp_path):
    """A settings file that is not there is named."""
    with pytest.raises(ConfigurationError, match=r"--config .*none\.toml: No such file"):
        load_config({}, str(tmp_path / "none.toml"))


def test_every_setting_has_a_flag():
    """The command line reaches every setting, under the name of its TOML key."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)

    options = parser.parse_args(["--no-cache", "--drop-leaks", "--learning-rate", "1e-2"])

    assert vars(options) == {"cache": False, "drop_leaks": True, "learning_rate": "1e-2"}
    for field in fields(PipelineConfig):
        assert f"--{field.name.replace('_', '-')}" in parser.format_help()


def test_describe_settings_covers_every_field():
    """The reference has a row for each setting, in order, with its default and its help."""
    rows = describe_settings()

    assert [row[1] for row in rows] == [field.name for field in setting_fields()]
    assert {row[1] for row in rows} == {field.name for field in fields(PipelineConfig)}
    assert ("--seed", "seed", "7", "seed of weights, shuffling and dropout") in rows
    assert all(default and help_text for _, _, default, help_text in rows)


def test_markdown_table():
    """The README's table has a line for each setting, and nothing that Markdown takes for HTML."""
    lines = settings_table().splitlines()

    assert len(lines) == 2 + len(fields(PipelineConfig))
    cache = "reuse the results of steps that did not change"
    assert f"| `--cache, --no-cache` | `cache` | on | {cache} |" in lines
    assert all(line.count("|") == 5 and "<" not in line for line in lines)


def test_environment():
    """IMDB's archive, the cache folder and the address to serve at come from the environment."""
    variables = {"IMDB_ARCHIVE": "/data/a.tar.gz", "XDG_CACHE_HOME": "/cache"}
    settings = read_environment(variables | {"SENTIMENT_SERVE_HOST": "0.0.0.0"})

    assert settings == ("/data/a.tar.gz", Path("/cache/sentiment"), "0.0.0.0", {})


@pytest.mark.parametrize(
    "variables", [{}, {"XDG_CACHE_HOME": "", "IMDB_ARCHIVE": ""}, {"XDG_CACHE_HOME": "relative"}]
)
def test_environment_defaults(variables):
    """Empty variables count as unset, and so does a relative cache folder."""
    assert read_environment(variables) == (None, Path.home() / ".cache" / "sentiment", "", {})


@pytest.mark.parametrize(
    ("settings", "source", "is_sample", "names"),
    [
        ({}, "imdb", False, ("imdb_sentiment", "imdb_sentiment")),
        ({"model_name": "m"}, "imdb", False, ("imdb_sentiment", "m")),
        ({}, "sample", True, ("sample_sentiment", "sample_sentiment")),
        ({"model_name": "m"}, "sample", True, ("sample_sentiment", "sample_m")),
        ({"pipeline_name": "sample_p"}, "sample", True, ("sample_p", "sample_sentiment")),
        (
            {"model_name": "imdb_sentiment"},
            "sample",
            True,
            ("sample_sentiment", "sample_imdb_sentiment"),
        ),
    ],
)
def test_names(settings, source, is_sample, names):
    """Names come from the data unless given; those of sample runs say so."""
    assert names_for(PipelineConfig(**settings), source, is_sample) == names


def test_names_of_the_sample_are_refused_for_real_data():
    """A real model cannot take the sample's place, nor the sample a real model's."""
    with pytest.raises(ConfigurationError) as error:
        names_for(PipelineConfig(model_name="sample_m"), "sample_reviews", False)

    assert str(error.value) == (
        "--pipeline-name is 'sample_reviews_sentiment'. --model-name is 'sample_m'. Names that "
        "begin with 'sample_' are kept for the generated sample. Give --pipeline-name and "
        "--model-name another name."
    )
