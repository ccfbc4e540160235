"""The page in Chromium with more than two classes, and with two that have names of their own."""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Iterator

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from . import models
from .browser import Page

HOSTILE = ("<script>document.title=1</script>", "x" * 10_000, "\u0645\u0631\u062d\u0628\u0627",
           "a, b\n\u202ec")  # fmt: skip


@pytest.fixture(scope="module")
def port(classes_root, thousand, tmp_path_factory, serve) -> int:
    """The REST port of a server of `tickets`, `mail`, and two models that are hard to show."""
    root = tmp_path_factory.mktemp("hard")
    words = {word: {column: 9.0} for column, word in enumerate("abcd")}
    models.save_classes(root / "hostile" / "1", HOSTILE, words)
    models.save_classes(
        root / "careful" / "1", models.SPAM_CLASSES, models.SPAM_WORDS, threshold=0.95
    )
    shutil.copytree(thousand, root / "thousand")
    (root / "thousand" / "1" / "model_card.json").unlink()
    paths = {name: classes_root / "serving_model" / name for name in ("mail", "tickets")}
    paths |= {name: root / name for name in ("careful", "hostile", "thousand")}
    config = root / "models.config"
    config.write_text(
        "model_config_list {"
        + "".join(
            f'config {{ name: "{name}" base_path: "{path}" model_platform: "tensorflow" }}'
            for name, path in paths.items()
        )
        + "}"
    )
    return serve(model_config_file=str(config)).rest_port


@pytest.fixture
def open_page(chromium, port) -> Iterator:
    """Opens the page of a model; whatever happened on it, the console has no error."""
    chromium.get_log("browser")

    def open_page(name: str) -> Page:
        page = Page(chromium, port)
        Select(page["model"]).select_by_visible_text(name)
        return page

    yield open_page
    assert [entry["message"] for entry in chromium.get_log("browser")] == []


def bars(page: Page) -> list[tuple[str, str, float]]:
    """Name, percentage and share of the width of each bar."""
    found = []
    for item in page["likeliest"].find_elements(By.TAG_NAME, "li"):
        name, share = item.find_element(By.TAG_NAME, "bdi"), item.find_element(By.TAG_NAME, "span")
        track, part = (item.find_element(By.CLASS_NAME, one) for one in ("track", "part"))
        width = part.rect["width"] / (track.rect["width"] - 2)
        found.append((name.text, share.text, pytest.approx(width, abs=0.01)))
    return found


def test_the_likeliest_three_are_bars(open_page):
    """The likeliest first, each with its percentage; the card tells the classes."""
    page = open_page("tickets")
    page.put("money back, charged")
    total = math.exp(2.5) + math.exp(2) + 1
    billing, refund, shipping = (math.exp(weight) / total for weight in (2.5, 2, 0))
    assert page.verdict == f"billing, {billing * 100:.1f} % sure"
    assert bars(page) == [
        ("billing", f"{billing * 100:.1f} %", billing),
        ("refund", f"{refund * 100:.1f} %", refund),
        ("shipping", f"{shipping * 100:.1f} %", shipping),
    ]
    assert not page["of-two"].is_displayed() and not page["offer"].is_displayed()
    assert (page["likeliest"].aria_role, page["likeliest"].accessible_name) == (
        "list", "The likeliest classes",
    )  # fmt: skip
    assert page["about"].text == (
        "tickets, version 5 · variant tiny · accuracy 87.50 % · "
        "3 classes: billing, refund, shipping"
    )
    page.paste("zzz")
    assert page.verdict == "I know none of these words"
    assert page["detail"].text.endswith(
        "What it would answer, 33.3 % billing, has nothing to do with them."
    )
    assert not page["likeliest"].is_displayed() and not page["trace"].is_displayed()


def titles(page: Page) -> list[str]:
    """How much each word moved the probability."""
    return [word["title"] for word in page.words]


def test_words_are_traced_for_the_likeliest_class_or_another(open_page):
    """A choice stays from text to text, until it is taken back; the legend names the class."""
    page = open_page("tickets")
    page.put("charged parcel parcel")
    start, one, two = (math.exp(2) / (math.exp(2) + 2), 0, 0)
    one = math.exp(2) / (2 * math.exp(2) + 1)
    two = math.exp(4) / (math.exp(2) + math.exp(4) + 1)
    first = 1 / (math.exp(2) + 2)
    legend = page["legend"].text
    assert legend == "A coloured word made shipping more or less likely."
    assert titles(page) == [
        f"{first * 100 - 100 / 3:+.1f} points".replace("-", "−"),
        f"{(one - first) * 100:+.1f} points",
        f"{(two - one) * 100:+.1f} points",
    ]
    choice = Select(page["traced"])
    assert [option.text for option in choice.options] == [
        "the likeliest: shipping", "billing", "refund", "shipping",
    ]  # fmt: skip
    assert (page["traced"].aria_role, page["traced"].accessible_name) == (
        "combobox", "For the class",
    )  # fmt: skip
    choice.select_by_visible_text("billing")
    assert page["legend"].text == "A coloured word made billing more or less likely."
    assert page["of-what"].text == "billing"
    assert titles(page)[0] == f"{start * 100 - 100 / 3:+.1f} points"
    assert "up" in page.words[0]["classes"] and "down" in page.words[1]["classes"]
    page.put("parcel")
    assert page["legend"].text == "A coloured word made billing more or less likely."
    choice.select_by_index(0)
    assert page["legend"].text == "A coloured word made shipping more or less likely."
    page.put("charged")
    assert page["legend"].text == "A coloured word made billing more or less likely."
    assert choice.options[0].text == "the likeliest: billing"


def test_the_page_follows_the_threshold_of_the_model(open_page):
    """In the verdict, in what counts as undecided, and where the bar begins."""
    page = open_page("careful")
    page.put("winner")
    assert page.verdict == "ham"
    assert page["detail"].text == "88.1 % spam, and it decides on that from 95.0 % on."
    bar, mark, fill = (page[name].rect for name in ("bar", "mark", "fill"))
    assert mark["x"] + 1 == pytest.approx(bar["x"] + 0.95 * bar["width"], abs=2)
    assert fill["width"] == pytest.approx((0.95 - 0.881) * bar["width"], abs=2)
    page.put("winner winner")
    assert page["detail"].text == (
        "98.2 % spam, 1.8 % ham. Between 90 % and 100 % it counts as undecided."
    )


def test_two_classes_have_their_own_names(open_page):
    """Wherever the others have positive and negative; as they are written."""
    page = open_page("mail")
    page.put("winner")
    assert page.verdict == "spam, 88.1 % sure"
    assert page["scale"].text.split("\n") == ["ham", "50 %", "spam"]
    assert page["meter"].accessible_name == "Probability of spam"
    assert page["legend"].text == "A coloured word made spam or ham more likely."
    assert page["of-what"].text == "spam"
    assert page["about"].text.endswith("2 classes: ham, spam")
    assert not page["likeliest"].is_displayed() and not page["choice-of-class"].is_displayed()
    page.put("lunch")
    assert page.verdict == "ham, 88.1 % sure"
    page.put("please")
    assert page["detail"].text.startswith("50.0 % spam, 50.0 % ham. ")
    assert "positive" not in page["result"].text and "negative" not in page["result"].text


@pytest.mark.parametrize("width", [390, 900])
def test_names_of_classes_do_no_harm(open_page, width):
    """They are text, shown by their beginning, and turn nothing around but themselves."""
    page = open_page("hostile")
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    page.chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    for word, name in zip("abcd", HOSTILE, strict=True):
        page.put(word)
        shown = name if len(name) < 60 else f"{'x' * 40}… (10,000 characters)"
        told = page["verdict"].get_property("textContent")
        assert told == f"{shown}, more than 99.9 % sure"
        Select(page["traced"]).select_by_index(HOSTILE.index(name) + 1)
        assert page["verdict"].value_of_css_property("direction") == "ltr"
        room, needed = page.chrome.execute_script(
            "const root = document.documentElement; return [root.clientWidth, root.scrollWidth];"
        )
        assert needed <= room <= width
    assert page.chrome.title == "Try the model"
    scripts = page.chrome.find_elements(By.CSS_SELECTOR, "main script")
    assert scripts == []
    assert page["about"].find_elements(By.TAG_NAME, "bdi")[3].text == HOSTILE[2]
    page.chrome.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_large_trace_is_asked_for_by_a_button(open_page):
    """200 words with 1,000 classes: not while somebody types; all of them can be chosen."""
    page = open_page("thousand")
    page.paste("a b")
    page.wait_for(lambda page: page["ask-trace"].is_displayed())
    assert page.verdict.startswith("class 7, ")
    assert [name for name, _, _ in bars(page)][:2] == ["class 7", "class 8"]
    assert not page["trace"].is_displayed()
    page["ask-trace"].click()
    page.wait_for(lambda page: page["trace"].is_displayed())
    assert not page["ask-trace"].is_displayed()
    assert len(Select(page["traced"]).options) == 1_001
    assert page["legend"].text == "A coloured word made class 7 more or less likely."
    page.paste("b")
    page.wait_for(lambda page: page["ask-trace"].is_displayed())
    assert not page["trace"].is_displayed()


def test_the_page_gets_a_few_names_of_a_card(chromium, port):
    """However many there are, and however long."""
    page = Page(chromium, port)
    served = json.loads(page["models"].get_property("textContent"))
    cards = {one["name"]: one["card"] for one in served}
    assert cards["thousand"] is None
    assert cards["tickets"]["class_count"] == 3
    assert [len(name) for name in cards["hostile"]["classes"]] == [33, 200, 5, 7]
    assert {one["name"]: one["traced"] for one in served} == {
        "careful": 20, "hostile": 80, "mail": 20, "thousand": 200_000, "tickets": 60,
    }  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 900])
@pytest.mark.parametrize("name", ["tickets", "mail"])
def test_a_picture_is_taken(open_page, artifacts, name, scheme, width):
    """For who wants to look; nothing is wider than the window, and bars stand out."""
    page = open_page(name)
    feature = {"name": "prefers-color-scheme", "value": scheme}
    page.chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    size = {"width": width, "height": 1100, "deviceScaleFactor": 1, "mobile": width < 500}
    page.chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    text = {
        "tickets": "I was charged twice, and the parcel was late: money back please",
        "mail": "You are a winner of cash! Shall we have lunch, please?",
    }[name]
    page.put(text)
    paper = page.chrome.find_element(By.TAG_NAME, "body").value_of_css_property("background-color")
    assert (sum(map(int, re.findall(r"\d+", paper)[:3])) < 200) == (scheme == "dark")
    assert page.chrome.execute_script(
        "return document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
    assert page.chrome.save_screenshot(str(artifacts / f"page-{name}-{scheme}-{width}.png"))
    page.chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    page.chrome.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
