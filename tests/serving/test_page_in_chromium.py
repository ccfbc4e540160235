"""The page at / in a real Chromium: what a visitor sees, hears and can do with the keys alone."""

from __future__ import annotations

import itertools
import json
import math
import re
import shutil
import time
from collections.abc import Iterator

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from serving.server.server import Server

from ..components.transforming import reference_words
from . import models
from .browser import Page
from .calling import predict

MODEL_CARD = {"variant": "tiny", "test_metrics": {"accuracy": 0.875}}
STRONGEST = 0.6


@pytest.fixture(scope="module")
def reviews_server(tmp_path_factory, serve) -> Server:
    """A server of `reviews`, a model whose answers are known, with a model card."""
    base = tmp_path_factory.mktemp("page") / "reviews"
    models.save_sentiment(base / "4")
    (base / "4" / "model_card.json").write_text(json.dumps(MODEL_CARD))
    return serve(model_name="reviews", model_base_path=str(base))


@pytest.fixture
def page(chromium, reviews_server) -> Iterator[Page]:
    """The page, just opened; whatever happened on it, the console has no error."""
    chromium.get_log("browser")
    yield Page(chromium, reviews_server.rest_port)
    errors = [entry["message"] for entry in chromium.get_log("browser")]
    # Chromium itself notes each answer of 400 and more.
    assert [error for error in errors if "Failed to load resource" not in error] == []


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def _alpha(background: str) -> float:
    *_, alpha = re.findall(r"[\d.]+", background)
    return float(alpha) if background.startswith("rgba") else 1.0


def test_a_typed_review_gets_the_verdict_that_rest_gives(page):
    """Without a click: sentiment and how sure, in words, and the probability on the meter."""
    review = "The film is superb, great"
    page["text"].send_keys(review)
    page.wait_for(lambda page: "95.3" in page.verdict)
    body = {"signature_name": "predict_text", "instances": [review]}
    (answer,) = predict(page.port, "reviews", body).json["predictions"]
    assert answer["probability"] == pytest.approx(_sigmoid(3), abs=1e-6)
    assert float(page["meter"].get_attribute("value")) == answer["probability"]
    assert page.verdict == "Positive, 95.3 % sure"
    assert page["about"].text == "reviews, version 4 · variant tiny · accuracy 87.50 %"


@pytest.mark.parametrize(
    ("review", "verdict", "detail"),
    [
        ("awful awful", "Negative, 98.2 % sure", ""),
        ("dull", "Negative, 73.1 % sure", ""),
        (
            "the film", "Undecided",
            "50.0 % positive, 50.0 % negative. Between 45 % and 55 % it counts as undecided.",
        ),
        ("superb " * 5, "Positive, more than 99.9 % sure", ""),
    ],
)  # fmt: skip
def test_the_verdict_says_how_sure_the_model_is_of_it(page, review, verdict, detail):
    """Of what it says, whichever that is; and nothing in the middle."""
    page.put(review)
    assert page.verdict == verdict
    assert page["detail"].text == detail


@pytest.mark.parametrize(
    ("review", "log_odds"), [("awful dull", -3), ("great film", 1), ("the film", 0)]
)
def test_the_bar_grows_from_its_middle_to_the_side_it_is_for(page, review, log_odds):
    """There is a mark at 50 %, a side for each sentiment, and no hue that says the opposite."""
    page.put(review)
    bar, mark, fill = (page[name].rect for name in ("bar", "mark", "fill"))
    middle, inner = bar["x"] + bar["width"] / 2, bar["width"] - 2
    assert mark["x"] + mark["width"] / 2 == pytest.approx(middle, abs=1)
    assert mark["height"] > bar["height"]
    assert page["scale"].text.split("\n") == ["negative", "50 %", "positive"]
    share = _sigmoid(log_odds) - 0.5
    assert fill["width"] == pytest.approx(abs(share) * inner, abs=1)
    assert fill["x"] == pytest.approx(middle + min(share, 0) * inner, abs=1.5)
    background = page["fill"].value_of_css_property("background-color")
    red, green, blue = map(int, re.findall(r"\d+", background)[:3])
    if log_odds < 0:
        assert red > green > blue
    elif log_odds > 0:
        assert blue > green > red
    else:
        assert max(red, green, blue) - min(red, green, blue) < 20


@pytest.mark.parametrize(
    ("review", "said"),
    [
        ("zzyzx blorf", "I know none of these words"),
        ("zzyzx " * 100, "I know none of these words"),
        ("!!! ... ???", "There is no word in this text"),
        (" \n\t\u3000", "No text"),
    ],
)
def test_there_is_no_verdict_on_what_the_model_cannot_know(page, review, said):
    """Nor a bar, nor words with colours; the next review has all of them again."""
    page.put("awful")
    page.paste(review)
    assert page.verdict == said
    assert page["detail"].text
    assert [page[name].is_displayed() for name in ("of-two", "trace")] == [False, False]
    page.put("awful")
    assert [page[name].is_displayed() for name in ("of-two", "trace")] == [True, True]


def test_no_text_is_said_when_somebody_asks(page):
    """Not before: a page that was just opened reproaches nobody."""
    assert page.verdict == ""
    page["text"].send_keys(Keys.CONTROL, Keys.ENTER)
    page.wait_for(lambda page: page.verdict)
    assert page.verdict == "No text"
    assert page["error"].text == ""


def test_a_model_without_the_other_signatures_still_gets_its_verdict(chromium, tmp_path, serve):
    """What it does not have is not asked for, and what only they tell is not claimed."""
    models.save_sentiment(tmp_path / "m" / "1", "predict_text")
    server = serve(model_name="m", model_base_path=str(tmp_path / "m"))
    chromium.get_log("browser")
    page = Page(chromium, server.rest_port)
    page.paste("zzyzx great")
    assert page.verdict == "Positive, 73.1 % sure"
    page.paste("zzyzx blorf")
    assert page.verdict == "Undecided"
    assert page["of-two"].is_displayed() and not page["trace"].is_displayed()
    assert chromium.get_log("browser") == []


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("review", ["great " + "a" * 10_000, "a" * 10_000, "great" + "!" * 10_000])
def test_nothing_widens_the_page(page, width, review):
    """A word, or a gap, of 10,000 characters is shown by its beginning and its length."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    page.chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    page.paste(review)
    if "great" in review:
        page.wait_for(lambda page: page["words"].get_property("textContent"))
        shown = page["words"].get_property("textContent")
        assert "… (10,000 characters)" in shown and len(shown) < 100
    room, needed, length = page.chrome.execute_script(
        "const root = document.documentElement;"
        "return [root.clientWidth, root.scrollWidth, root.textContent.length];"
    )
    assert needed <= room <= width
    page.put("great")
    before = page.chrome.execute_script("return document.documentElement.textContent.length")
    assert length - before < 300
    page.chrome.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_text_from_right_to_left_is_laid_out_so(page):
    """In the box and in the words; the page's own sentences are not turned around by it."""
    arabic = "\u0631\u0627\u0626\u0639"
    page.put(f"{arabic} great film!")
    directions = [page[name].value_of_css_property("direction")
                  for name in ("text", "words", "detail", "moves")]  # fmt: skip
    assert directions == ["rtl", "rtl", "ltr", "ltr"]
    first, second, third = (word.rect["x"] for word in
                            page["words"].find_elements(By.TAG_NAME, "span"))  # fmt: skip
    assert first > max(second, third)
    isolated = page["moves"].find_elements(By.TAG_NAME, "bdi")
    assert {item.text for item in isolated} == {arabic, "great", "film"}
    page.put("great film")
    assert page["words"].value_of_css_property("direction") == "ltr"


def test_words_are_coloured_by_how_they_change_the_probability(page):
    """The way decides the colour, and the line below for who sees none; the size its strength."""
    page.put("Superb film, awful!")
    superb, film, awful = page.words
    assert page["words"].text == "Superb film, awful!"
    assert superb["title"] == f"+{(_sigmoid(2) - 0.5) * 100:.1f} points"
    assert awful["title"] == f"−{(_sigmoid(2) - 0.5) * 100:.1f} points"
    assert (superb["classes"], film["classes"], awful["classes"]) == (
        ["word", "up"], ["word"], ["word", "down"],
    )  # fmt: skip
    assert _alpha(superb["background"]) == pytest.approx(STRONGEST)
    assert _alpha(film["background"]) == 0
    page.put("superb great")
    assert _alpha(page.words[1]["background"]) == pytest.approx(
        3 * (_sigmoid(3) - _sigmoid(2)), abs=1e-3
    )
    red, green, blue = map(int, re.findall(r"\d+", superb["background"])[:3])
    assert blue > green > red
    red, green, blue = map(int, re.findall(r"\d+", awful["background"])[:3])
    assert red > green > blue
    assert page["moves"].text.splitlines()[0].startswith("superb: +38.1 points")


def test_unknown_and_cut_words_are_marked(page):
    """Unknown ones in the text and the list below it; those that are not read by one line."""
    page.put("great zzyzx " + "film " * models.REVIEW_LENGTH)
    assert len(page.words) == models.REVIEW_LENGTH
    assert page["words"].get_property("textContent") == "film " * models.REVIEW_LENGTH
    assert page["cut"].text == "… 2 earlier words are not read"
    assert page["length"].text == str(models.REVIEW_LENGTH)
    page.put("great " + "film " * models.REVIEW_LENGTH)
    assert page["cut"].text == "… 1 earlier word is not read"
    page.put("a great zzyzx film")
    assert not page["cut"].is_displayed()
    assert [word["text"] for word in page.words if "unknown" in word["classes"]] == ["a", "zzyzx"]
    assert page.words[2]["title"] == "+0.0 points, unknown word"
    assert "Words not in the vocabulary: 2" in page["moves"].text


@pytest.mark.parametrize(
    "review",
    [
        "Superb<br />film <BR>awful: Café STRASSE 中文 5½ x² don't 😀",
        "\ud800 great \u0301 film",
    ],
)
def test_the_text_stays_as_it_was_written(page, review):
    """Whatever separates words; half a character becomes the sign for one."""
    page.put(review)
    shown = page["words"].get_property("textContent")
    assert shown == review.replace("\ud800", "\ufffd")
    assert page["error"].text == ""


@pytest.mark.slow
def test_a_pushed_models_words_are_those_of_the_text(
    chromium, exported_model, sample_texts, tmp_path, serve
):
    """What the real graph takes for words, the page finds in the text, each with its move."""
    shutil.copytree(exported_model, tmp_path / "m" / "1")
    server = serve(model_name="m", model_base_path=str(tmp_path / "m"))
    scripts = "don’t e\u0301lan\u0301 मैं की ❤\ufe0f می\u200cخواهم İ \u1100\u1161\u11a8"
    review = f"Zzyzx;<br/>Don't miss ÉLAN 5½ x² 中文 {scripts}!{min(sample_texts, key=len)}"
    page = Page(chromium, server.rest_port)
    page.put(review)
    assert page["words"].get_property("textContent") == review
    body = {"signature_name": "trace_text", "instances": [review]}
    (trace,) = predict(server.rest_port, "m", body).json["predictions"]
    tokens = [token for token in trace["tokens"] if token]
    shown_words = [reference_words(word["text"]) for word in page.words]
    assert shown_words == [[token] for token in tokens]
    after_each = trace["probability"][-len(tokens) - 1 :]
    moves = [(after - before) * 100 for before, after in itertools.pairwise(after_each)]
    shown = [re.match(r"([+−])([\d.]+) points", word["title"]).groups() for word in page.words]
    assert [float(sign.replace("−", "-") + size) for sign, size in shown] == pytest.approx(
        moves, abs=0.051
    )
    assert "unknown" in page.words[0]["classes"]
    assert any("unknown" not in word["classes"] for word in page.words)


def test_markup_in_a_review_is_text(page):
    """Nothing in it runs, loads or is drawn."""
    review = '<img src=x onerror="document.title=1"> superb <script>document.title=2</script><b>x'
    page.put(review)
    assert page["words"].get_property("textContent") == review
    assert page["words"].find_elements(By.CSS_SELECTOR, "img, script, b") == []
    assert page.chrome.title == "Try the model"


def test_a_megabyte_is_a_review_too(page):
    """All but its end is one line, and the page is there in seconds; the server takes no more."""
    started = time.monotonic()
    page.put("superb " * 149_000 + "awful")
    assert page.verdict.startswith("Positive")
    assert len(page.words) == models.REVIEW_LENGTH
    assert page["cut"].text == "… 148,981 earlier words are not read"
    assert len(page["words"].get_property("textContent")) < 200
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("name", ["Good review", "Bad review", "Mixed review", "Irony"])
def test_an_example_is_asked_by_a_click(page, name):
    """Its text is put into the box, and judged."""
    page.chrome.find_element(By.XPATH, f"//button[.='{name}']").click()
    page.wait_for(lambda page: page["words"].get_property("textContent"))
    review = page["text"].get_property("value")
    assert len(review) > 50
    body = {"signature_name": "predict_text", "instances": [review]}
    (answer,) = predict(page.port, "reviews", body).json["predictions"]
    is_decided = abs(answer["probability"] - 0.5) > 0.05
    assert page.verdict.startswith(
        f"{answer['sentiment'].capitalize()}, " if is_decided else "Undecided"
    )
    assert float(page["meter"].get_attribute("value")) == answer["probability"]


def test_the_keyboard_is_enough(page):
    """The box has the focus; Ctrl+Enter asks; Tab reaches each button, and Enter presses it."""
    assert page.focused == "text"
    page["text"].send_keys("awful", Keys.CONTROL, Keys.ENTER)
    page.wait_for(lambda page: page.verdict.startswith("Negative"))
    reached = []
    for _ in range(5):
        page.chrome.switch_to.active_element.send_keys(Keys.TAB)
        reached.append(page.focused)
        outline = page.chrome.switch_to.active_element.value_of_css_property("outline-style")
        assert outline == "solid"
    assert reached == ["Ask", "Good review", "Bad review", "Mixed review", "Irony"]
    page.chrome.switch_to.active_element.send_keys(Keys.ENTER)
    page.wait_for(lambda page: page["text"].get_property("value").startswith("Oh great"))


def test_a_screen_reader_hears_names_roles_and_changes(page):
    """As Chromium computes them for assistive technology."""
    page.put("awful")
    page.wait_for(lambda page: page.verdict)
    names = {
        element_id: (page[element_id].aria_role, page[element_id].accessible_name)
        for element_id in ("text", "verdict", "error", "meter", "result", "examples")
    }
    assert names == {
        "text": ("textbox", "Text"),
        "verdict": ("status", ""),
        "error": ("alert", ""),
        "meter": ("meter", "Probability of positive"),
        "result": ("region", "Result"),
        "examples": ("group", "or an example:"),
    }
    assert page["verdict"].get_attribute("aria-live") == "polite"
    assert page["text"].get_attribute("aria-describedby") == "hint"
    buttons = page.chrome.find_elements(By.TAG_NAME, "button")
    assert [button.accessible_name for button in buttons if button.is_displayed()] == [
        "Ask", "Good review", "Bad review", "Mixed review", "Irony",
    ]  # fmt: skip
    assert page.chrome.find_element(By.TAG_NAME, "html").get_attribute("lang") == "en"


def _luminance(colour: str) -> float:
    """Returns the relative luminance of WCAG 2.2."""
    channels = [int(value) / 255 for value in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    lower, higher = sorted((_luminance(one), _luminance(other)))
    return (higher + 0.05) / (lower + 0.05)


def _laid_on(colour: str, paper: str) -> str:
    """Returns the colour that a transparent one makes on paper."""
    alpha = _alpha(colour)
    pairs = zip(*(re.findall(r"\d+", text)[:3] for text in (colour, paper)), strict=True)
    return " ".join(str(round(alpha * int(top) + (1 - alpha) * int(below))) for top, below in pairs)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_follow_the_system(page, scheme, artifacts):
    """The paper is what the system asks for, and all text stands out from it by 4.5 to 1."""
    feature = {"name": "prefers-color-scheme", "value": scheme}
    page.chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    page.put("first cut words " + "the film is great, superb. zzyzx awful and dull " * 2)
    paper = page.chrome.find_element(By.TAG_NAME, "body").value_of_css_property("background-color")
    assert (_luminance(paper) < 0.1) == (scheme == "dark")
    for selector in ("h1", "#about", "#verdict", "#cut", "#hint", ".quiet"):
        colour = page.chrome.find_element(By.CSS_SELECTOR, selector).value_of_css_property("color")
        assert _contrast(colour, paper) >= 4.5, selector
    for word in page.words:
        colour = page["words"].value_of_css_property("color")
        assert _contrast(colour, _laid_on(word["background"], paper)) >= 4.5, word
    button = page.chrome.find_element(By.CSS_SELECTOR, "button.main")
    assert _contrast(
        button.value_of_css_property("color"), button.value_of_css_property("background-color")
    ) >= 4.5  # fmt: skip
    picture = artifacts / f"page-{scheme}.png"
    assert page.chrome.save_screenshot(str(picture))
    assert picture.stat().st_size > 10_000
    page.chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_it_asks_its_own_server_and_nobody_else(page):
    """By the browser's own log; and the policy stops a request that a script would try."""
    page.chrome.get_log("performance")
    page.chrome.refresh()
    page.put("superb")
    page.chrome.execute_script("fetch('http://127.0.0.1:9/').catch(() => {});")
    events = [
        json.loads(entry["message"])["message"] for entry in page.chrome.get_log("performance")
    ]
    asked = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]
    own = f"http://127.0.0.1:{page.port}/"
    wanted = [url for url in asked if not url.startswith("data:")]
    assert wanted[:2] == [own, f"{own}v1/models/reviews:predict"]
    assert {url for url in wanted if not url.startswith(own)} <= {"http://127.0.0.1:9/"}
    answered = [
        event["params"]["response"]["url"]
        for event in events
        if event["method"] == "Network.responseReceived"
    ]
    assert all(url.startswith((own, "data:")) for url in answered)
    refused = [entry["message"] for entry in page.chrome.get_log("browser")]
    assert refused and all("Content Security Policy" in message for message in refused)


def test_an_error_of_the_server_is_shown(chromium, rest):
    """The model at hand has no such signature: its words, and no verdict."""
    page = Page(chromium, rest)
    page["text"].send_keys("superb")
    page.wait_for(lambda page: page["error"].text)
    assert page["error"].text == (
        'The model did not answer: Serving signature name: "predict_text" not found in signature '
        "def"
    )
    assert not page["result"].is_displayed()


def test_a_server_that_is_gone_is_said(chromium, tmp_path, serve):
    """And what to look at."""
    models.save_sentiment(tmp_path / "m" / "1")
    server = serve(model_name="m", model_base_path=str(tmp_path / "m"))
    page = Page(chromium, server.rest_port)
    server.stop()
    page["text"].send_keys("superb")
    page.wait_for(lambda page: page["error"].text)
    assert page["error"].text == "The server cannot be reached. Is it still running?"


def test_another_model_can_be_chosen(chromium, rest):
    """Where several serve, by a labelled list; the line above follows."""
    page = Page(chromium, rest)
    assert (page["model"].aria_role, page["model"].accessible_name) == ("combobox", "Model")
    page["model"].send_keys("half")
    page.wait_for(lambda page: page["about"].text.startswith("half, version 123 · accuracy not"))
