"""The order of the tests, and what several folders share: a vocabulary and a small real export."""

from __future__ import annotations

import gc
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from components.dataset.sample import generate_review

from . import mariadb
from .sharing import made_once
from .stores import Store, empty_store

if TYPE_CHECKING:
    from selenium import webdriver
    from xdist.workermanage import WorkerController

# A million objects come with TensorFlow and TFX. The collector would look at them again and again
# while they are imported, and free nothing: by default it takes an eighth of that time.
gc.set_threshold(50_000, 20, 100)

# TensorFlow's native code tells of GPUs that are not there, once a process.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# Hypothesis: the same examples each time, so that nobody's change fails by another's luck;
# `thorough` looks for new ones. A machine under load is no reason to fail an example.
_COMMON = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}
settings.register_profile("quick", max_examples=600, derandomize=True, **_COMMON)
settings.register_profile("thorough", max_examples=20_000, **_COMMON)
settings.load_profile("quick")


# Folders and files that take a quarter of a minute or more, the longest first.
_LONGEST = (
    "e2e",
    "test_training.py",
    "test_page_in_chromium.py",
    "test_exported_variants.py",
    "test_parity.py",
    "test_endurance.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the longest first: with a process a core, none is left to run alone at the end."""

    def place(item: pytest.Item) -> int:
        return next(
            (n for n, name in enumerate(_LONGEST) if name in item.path.parts), len(_LONGEST)
        )

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """What was imported stays: the collector need not look at it any more.

    Pipelines of the tests spend as little as those of a run do.
    """
    if "apache_beam" in sys.modules:
        from pipeline.runners import beam_adapter

        beam_adapter.avoid_repeated_work()
    gc.collect()
    gc.freeze()


_LEFT_OUT = pytest.StashKey[int]()


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Counts the slow tests that will not run."""
    for item in items:
        if item.get_closest_marker("slow"):
            item.config.stash[_LEFT_OUT] = item.config.stash.get(_LEFT_OUT, 0) + 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of xdist tells its count to the process that started it."""
    if (output := getattr(session.config, "workeroutput", None)) is not None:
        output["left_out"] = session.config.stash.get(_LEFT_OUT, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: WorkerController) -> None:
    """Takes a worker's count: each collects all tests, so they are equal."""
    node.config.stash[_LEFT_OUT] = getattr(node, "workeroutput", {}).get("left_out", 0)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Says how many slow tests `-m` left out, and how to run them."""
    count = config.stash.get(_LEFT_OUT, 0)
    if count and config.option.markexpr:
        paths = config.args if config.args_source is pytest.Config.ArgsSource.ARGS else []
        arguments = " ".join(["-m slow", *paths])
        terminalreporter.write_line(
            f"Tests marked `slow` that were left to CI: {count}. "
            f'To run them here: make test ARGS="{arguments}"'
        )


@pytest.fixture
def mem_store() -> Iterator[Store]:
    """An empty store behind mem://."""
    with empty_store() as store:
        yield store


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Iterator[mariadb.MariaDb]:
    """A MariaDB server, which runs; a test that ends it starts it again."""
    if "CI" not in os.environ and "mariadb" not in request.config.option.markexpr:
        pytest.skip("a server takes ten seconds to make: CI=true or -m mariadb asks for it")
    if reason := mariadb.missing():
        pytest.skip(reason)
    running = mariadb.MariaDb()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def sample_texts() -> list[str]:
    """Texts of some sample reviews."""
    return [generate_review(index).text.decode() for index in range(200)]


@pytest.fixture(scope="session")
def transform_output(sample_texts, tmp_path_factory):
    """tf.Transform's output over `sample_texts`."""
    import tensorflow_transform as tft

    from .components.transforming import analyze

    folder = made_once(tmp_path_factory, "transform", lambda made: analyze(sample_texts, made))
    return tft.TFTransformOutput(str(folder / "transform"))


@pytest.fixture(scope="session")
def exported_model(transform_output, tmp_path_factory) -> Path:
    """A SavedModel of `lstm`, with random weights that are large enough for words to matter."""
    import numpy as np

    from components.hyperparameters import Hyperparameters
    from components.models.registry import get_variant
    from components.trainer import signatures, training

    variant = get_variant("lstm")

    def export(directory: Path) -> None:
        model = variant.build(Hyperparameters())
        generator = np.random.default_rng(3)
        model.set_weights([generator.normal(0, 0.1, weight.shape) for weight in model.weights])
        served = training.build_served_models(variant, Hyperparameters(), model)
        signatures.export(*served, transform_output, str(directory))
        model.save_weights(str(directory / "keras.weights.h5"))

    return made_once(tmp_path_factory, "export", export)


@pytest.fixture(scope="session")
def classes_root(tmp_path_factory) -> Path:
    """A root with version 5 of `tickets`, of three classes, and 6 of `mail`, of ham and spam."""

    def save(root: Path) -> None:
        from .serving import models

        base = root / "serving_model"
        models.save_classes(base / "tickets" / "5", models.TICKET_CLASSES, models.TICKET_WORDS)
        models.save_classes(base / "mail" / "6", models.SPAM_CLASSES, models.SPAM_WORDS)

    return made_once(tmp_path_factory, "classes", save)


@pytest.fixture(scope="session")
def chromium() -> Iterator[webdriver.Chrome]:
    """A headless Chromium that notes every request it makes. CI may not do without."""
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (browser and driver):
        message = (
            "chromium and chromedriver are not on PATH: apt-get install chromium chromium-driver"
        )
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = browser
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    # root, and a container's small /dev/shm, need the middle two.
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage",
                     "--window-size=900,1100"):  # fmt: skip
        options.add_argument(argument)
    chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    chrome.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": True})
    yield chrome
    chrome.quit()


@pytest.fixture
def artifacts(tmp_path) -> Path:
    """Where CI keeps what a person wants to look at."""
    folder = Path(os.environ.get("CI_ARTIFACTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
