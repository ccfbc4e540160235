"""The page at / is whole by itself and knows the models that serve."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from .calling import ask


@pytest.fixture
def page_of(model_directory, serve, tmp_path):
    """Returns the page of a server whose model has a given model card."""

    def visit(card: str | None = None, folder: str = ".", **flags):
        version = tmp_path / "a<b" / "1"
        shutil.copytree(model_directory / "half" / "1", version)
        if card is not None:
            (version / folder).mkdir(exist_ok=True)
            (version / folder / "model_card.json").write_text(card)
        server = serve(model_name="a<b", model_base_path=str(version.parent), **flags)
        return ask(server.rest_port, "GET", "/")

    return visit


def _models(page: bytes) -> list[dict]:
    (text,) = re.findall(rb'<script type="application/json" id="models">(.*?)</script>', page)
    return json.loads(text)


@pytest.mark.parametrize("folder", [".", "assets.extra"])
def test_the_page_knows_version_and_card(page_of, folder):
    """What it shows of the model card in the version's folder; markup in it stays text."""
    answer = page_of('{"test_metrics": {"accuracy": 0.875}, "variant": "</script>"}', folder)
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert _models(answer.body) == [
        {
            "name": "a<b",
            "version": "1",
            "signatures": [],
            "traced": 0,
            "card": {"accuracy": 0.875, "variant": "</script>"},
        }
    ]


@pytest.mark.parametrize(
    ("decision", "shown"),
    [
        ('{"threshold": 0.75, "because": ""}', 0.75),
        ('{"threshold": "0.75"}', None),
        ('{"threshold": 7.5}', None),
        ('{"threshold": NaN}', None),
        ("0.75", None),
    ],
)
def test_the_page_knows_the_threshold(page_of, decision, shown):
    """If the card has one that can be one."""
    card = _models(page_of(f'{{"decision": {decision}}}').body)[0]["card"]
    assert card.get("threshold") == shown


@pytest.mark.parametrize("card", [None, "no json", "[1]"])
def test_the_page_does_without_a_card(page_of, card):
    """None, or one that cannot be read."""
    assert _models(page_of(card).body)[0]["card"] is None


def test_the_page_loads_nothing_from_elsewhere(rest):
    """No address but its own server's, and the browser is told to keep it so."""
    answer = ask(rest, "GET", "/")
    assert re.findall(rb"https?://|@import|url\(|src=", answer.body) == []
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_the_page_can_be_used_without_a_mouse_or_eyes(rest):
    """Each control has a name, changes are announced, and focus can be seen."""
    page = ask(rest, "GET", "/").body.decode()
    controls = re.findall(r'<(?:textarea|select)[^>]* id="(\w+)"|<select id="(\w+)"', page)
    labels = re.findall(r'<label for="(\w+)"', page)
    assert sorted(labels) == ["model", "text", "traced"]
    assert {name for pair in controls for name in pair if name} <= set(labels)
    for needed in ('lang="en"', 'aria-live="polite"', 'role="alert"', ":focus-visible",
                   "prefers-color-scheme: dark", 'name="viewport"'):  # fmt: skip
        assert needed in page


def test_the_page_can_be_left_out(page_of):
    """Then / is a path that is not there, as in TF-Serving."""
    assert page_of(page=False).status == 404
