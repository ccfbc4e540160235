"""The page at / in a browser, as the tests use it."""

from __future__ import annotations

import json

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait


class Page:
    """The page in the browser."""

    def __init__(self, chrome: webdriver.Chrome, port: int):
        self.chrome = chrome
        self.port = port
        chrome.get(f"http://127.0.0.1:{port}/")

    def __getitem__(self, element_id: str) -> WebElement:
        """An element by its id."""
        return self.chrome.find_element(By.ID, element_id)

    def wait_for(self, is_so) -> None:
        """Waits until a function of the page is true."""
        WebDriverWait(self.chrome, 30, poll_frequency=0.05).until(lambda _: is_so(self))

    def paste(self, text: str) -> None:
        """Pastes a review, as one change, and waits for what is said of it."""
        self.chrome.execute_script(
            "for (const name of ['words', 'verdict'])"
            "  document.getElementById(name).replaceChildren();"
            "const box = document.getElementById('text'); box.value = JSON.parse(arguments[0]);"
            "box.dispatchEvent(new Event('input', {bubbles: true}));",
            json.dumps(text),  # so that half a character arrives as well
        )
        self.wait_for(lambda page: page["verdict"].get_property("textContent"))

    def put(self, text: str) -> None:
        """Pastes a review and waits for the verdict and the words."""
        self.paste(text)
        self.wait_for(lambda page: page["words"].get_property("textContent"))

    @property
    def verdict(self) -> str:
        """The verdict as it is read out."""
        return self["verdict"].text

    @property
    def words(self) -> list[dict]:
        """Each part of the coloured text: its text, classes, title, and colour as (rgb, alpha)."""
        return self.chrome.execute_script(
            "return [...document.querySelectorAll('#words span')].map((part) => ({"
            "text: part.textContent, classes: [...part.classList], title: part.title,"
            "background: getComputedStyle(part).backgroundColor}));"
        )

    @property
    def focused(self) -> str:
        """The id, or the text, of what has the focus."""
        return self.chrome.execute_script(
            "return document.activeElement.id || document.activeElement.textContent;"
        )
