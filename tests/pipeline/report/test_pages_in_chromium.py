"""The pages in a real Chromium, from the disk: what is asked for, shown, and can be done."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from pipeline.report.comparison_page import comparison_page
from pipeline.report.run_page import run_page

from .made_up import contents, hostile
from .test_comparison_page import BOARD

PHONE, DESK = 390, 1_100
# The page of a real run, as .ci/run has one.
REAL_PAGE = os.environ.get("REPORT_PAGE", "")
NAMES = ["report", "hostile", "comparison", *(["real"] if REAL_PAGE else [])]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Files by name: the page of a run, of hostile texts, of a comparison, and of REPORT_PAGE."""
    folder = tmp_path_factory.mktemp("pages")
    texts = {
        "report": run_page(contents()),
        "hostile": run_page(hostile()),
        "comparison": comparison_page(BOARD),
    }
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    written = {name: folder / f"{name}.html" for name in texts}
    return written | ({"real": Path(REAL_PAGE).absolute()} if REAL_PAGE else {})


@pytest.fixture
def chrome(chromium):
    """The browser, and as it was afterwards."""
    chromium.get_log("browser"), chromium.get_log("performance")
    yield chromium
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def look(chrome, width=DESK, scheme="light", height=1_000) -> None:
    """Sets the size of the window and the colour scheme."""
    feature = {"name": "prefers-color-scheme", "value": scheme}
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width == PHONE}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


@pytest.mark.parametrize("name", NAMES)
def test_it_asks_for_nothing_and_says_nothing(chrome, pages, name):
    """One request, for the file itself; no message on the console; painted within a second."""
    chrome.get(pages[name].as_uri())
    events = [json.loads(entry["message"])["message"] for entry in chrome.get_log("performance")]
    asked = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert [url for url in asked if not url.startswith("data:")] == [pages[name].as_uri()]
    assert chrome.get_log("browser") == []
    paints = "return performance.getEntriesByName('first-contentful-paint').map(p => p.startTime)"
    (paint,) = WebDriverWait(chrome, 10).until(lambda _: chrome.execute_script(paints))
    assert paint < 1_000


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_in_light_and_dark(chrome, pages, name, scheme, artifacts):
    """All text stands out from what is behind it by 4.5 to 1; a picture is left."""
    chrome.get(pages[name].as_uri())
    look(chrome, scheme=scheme)
    faint = chrome.execute_script(CONTRASTS)
    assert faint == []
    paper = chrome.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (max(map(int, re.findall(r"\d+", paper)[:3])) < 60) == (scheme == "dark")
    height = chrome.execute_script("return document.documentElement.scrollHeight")
    look(chrome, scheme=scheme, height=height)
    picture = artifacts / f"{name}-{scheme}.png"
    assert chrome.save_screenshot(str(picture))
    assert picture.stat().st_size > 50_000


@pytest.mark.parametrize("name", NAMES)
def test_a_phone_does_not_scroll_sideways(chrome, pages, name, artifacts):
    """At 390 pixels; what is wider scrolls within itself, by the keyboard as well."""
    look(chrome, PHONE)
    chrome.get(pages[name].as_uri())
    assert chrome.execute_script("return document.documentElement.scrollWidth") <= PHONE
    wide = chrome.execute_script(
        "return [...document.querySelectorAll('.scroll')].filter((e) => e.scrollWidth > "
        "e.clientWidth).map((e) => e.tabIndex)"
    )
    assert set(wide) <= {0}
    letters = chrome.execute_script(
        "return Math.min(...[...document.querySelectorAll('svg.chart text')].map((text) => "
        "text.getBoundingClientRect().height))"
    )
    assert letters >= 9
    height = chrome.execute_script("return document.documentElement.scrollHeight")
    look(chrome, PHONE, height=height)
    assert chrome.save_screenshot(str(artifacts / f"{name}-{PHONE}.png"))


def test_the_slider_moves_precision_recall_and_matrix_by_the_keyboard(chrome, pages):
    """From where the model decides; the numbers are those of the table, and are read out."""
    chrome.get(pages["report"].as_uri())
    slider = chrome.find_element(By.ID, "threshold")
    assert (slider.aria_role, slider.accessible_name) == ("slider", "Threshold:")
    table = contents().quality.table

    def shown(element_id: str) -> str:
        return chrome.find_element(By.ID, element_id).text

    def check(at: int) -> None:
        tp, fp, tn, fn = (
            column[at]
            for column in (
                table.true_positives, table.false_positives, table.true_negatives,
                table.false_negatives,
            )
        )  # fmt: skip
        assert shown("at") == f"{table.thresholds[at]:.3f}"
        assert [shown(f"t-{name}") for name in ("tp", "fp", "tn", "fn")] == [
            f"{count:,}" for count in (tp, fp, tn, fn)
        ]
        assert shown("t-precision") == f"{100 * tp / (tp + fp):.2f} %"
        assert shown("t-recall") == f"{100 * tp / (tp + fn):.2f} %"
        assert shown("t-accuracy") == f"{100 * (tp + tn) / (tp + fp + tn + fn):.2f} %"
        assert shown("t-f1") == f"{100 * 2 * tp / (2 * tp + fp + fn):.2f} %"
        assert slider.get_attribute("aria-valuetext").startswith(shown("at"))

    middle = table.thresholds.index(0.5)
    check(middle)
    slider.send_keys(Keys.ARROW_RIGHT)
    check(middle + 1)
    slider.send_keys(Keys.HOME, Keys.ARROW_RIGHT)
    check(1)


def test_without_script_the_table_of_thresholds_is_there(chrome, pages):
    """The slider, which would do nothing, is not shown."""
    chrome.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        chrome.get(pages["report"].as_uri())
        assert not chrome.find_element(By.ID, "slider").is_displayed()
        summaries = [each.text for each in chrome.find_elements(By.TAG_NAME, "summary")]
        assert "Table of thresholds" in summaries
    finally:
        chrome.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_print_is_light_and_leaves_nothing_out_that_paper_can_show(chrome, pages):
    """In dark mode too; what only works on a screen is not printed."""
    chrome.get(pages["report"].as_uri())
    dark = {"name": "prefers-color-scheme", "value": "dark"}
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": [dark]})
    paper, ink = chrome.execute_script(
        "const style = getComputedStyle(document.body); return [style.backgroundColor, style.color]"
    )
    assert min(map(int, re.findall(r"\d+", paper)[:3])) > 200
    assert max(map(int, re.findall(r"\d+", ink)[:3])) < 60
    assert not chrome.find_element(By.TAG_NAME, "nav").is_displayed()
    assert not chrome.find_element(By.ID, "slider").is_displayed()
    assert chrome.find_element(By.CSS_SELECTOR, "#lineage svg").is_displayed()
    assert len(chrome.execute_cdp_cmd("Page.printToPDF", {})["data"]) > 10_000


# Every element with a text of its own, and what is behind it: what is transparent is laid on what
# is below. Relative luminance and contrast as WCAG 2.2 has them.
CONTRASTS = """
const parse = (colour) => { const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number);
                            return [r, g, b, a]; };
const over = (top, below) => top.slice(0, 3).map((c, i) => c * top[3] + below[i] * (1 - top[3]));
const behind = (element) => {
  const layers = [];
  for (let e = element; e; e = e.parentElement)
    layers.push(parse(getComputedStyle(e).backgroundColor));
  return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
};
const luminance = (rgb) => { const [r, g, b] = rgb.map((c) => c / 255).map(
  (c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const faint = [];
for (const element of document.querySelectorAll("body *")) {
  const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  if (!own || !element.getClientRects().length || element.closest("title, desc, .skip")) continue;
  const style = getComputedStyle(element);
  const paper = behind(element);
  const ink = over(parse(element instanceof SVGElement ? style.fill : style.color), paper);
  const [low, high] = [luminance(ink), luminance(paper)].sort((a, b) => a - b);
  const contrast = (high + 0.05) / (low + 0.05);
  const words = element.textContent.slice(0, 40);
  if (contrast < 4.5) faint.push(`${element.tagName} ${words} ${contrast.toFixed(2)}`);
}
return faint;
"""
