"""The front matter of README.md, in which Hugging Face's hub describes a data set.

https://huggingface.co/docs/hub/datasets-cards
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.storage.place import Place

_CARD = "README.md"
_FENCE = "---"
# More than the front matter of any data set has.
_MOST_BYTES = 1 << 20


def card_in(folder: Place) -> Mapping[str, Any]:
    """Returns what a folder's card says; nothing where there is none, or it is no YAML."""
    description = folder / _CARD
    if not description.is_file():
        return {}
    try:
        with description.open("rb") as stream:
            text = stream.read(_MOST_BYTES).decode("utf-8-sig", "replace")
    except OSError:
        return {}
    lines = text.splitlines()
    if not lines or lines[0].strip() != _FENCE or _FENCE not in map(str.strip, lines[1:]):
        return {}
    end = [line.strip() for line in lines].index(_FENCE, 1)
    front = _front_matter("\n".join(lines[1:end]))
    return front if isinstance(front, dict) else {}


def entries_in(card: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Returns the mappings that a card has under a key: in a list, or one alone."""
    found = card.get(key)
    entries = found if isinstance(found, list) else [found]
    return [entry for entry in entries if isinstance(entry, dict)]


def _front_matter(text: str) -> Any:
    # Few folders need it, and the command's help is to be quick.
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        # By aliases a few lines stand for billions.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, loader)):
            return None
        return yaml.load(text, loader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
