"""Support tickets in five classes, as JSON Lines: `python examples/tickets.py FOLDER`."""

import json
import random
from pathlib import Path

from first_run import main

OPENINGS = ("Hello,", "Hi team,", "Good morning,", "Urgent:", "Again:", "")
PRODUCTS = ("the app", "your website", "the desktop program", "my tablet", "the new release")
SAID_OF = {
    "account": (
        "I cannot log in to {}, the password is refused",
        "please reset my password for {}",
        "my account on {} is locked after three tries",
        "how do I change the email address of my account in {}?",
    ),
    "billing": (
        "{} charged my card twice this month",
        "the invoice for {} shows the wrong amount",
        "I want a refund for {}, I cancelled in time",
        "why did the price of {} go up on my last invoice?",
    ),
    "delivery": (
        "the parcel with {} has not arrived yet",
        "the courier left {} at the wrong address",
        "the tracking number for {} does not work",
        "when will {} be shipped to me?",
    ),
    "feature": (
        "it would be great if {} had a dark mode",
        "could you add an export to PDF to {}?",
        "I wish {} would support my language",
        "please let {} sort the list by date",
    ),
    "technical": (
        "{} crashes as soon as I open a file",
        "{} shows an error and then freezes",
        "since the update {} is very slow",
        "{} does not start any more, the screen stays black",
    ),
}


def write_tickets(folder: Path) -> Path:
    """Writes 3,000 tickets; the classes are not of the same size."""
    draw = random.Random(7)
    labels = draw.choices(list(SAID_OF), weights=(30, 25, 10, 10, 25), k=3_000)
    with (path := folder / "tickets.jsonl").open("w", encoding="utf-8") as file:
        for number, label in enumerate(labels, start=1):
            said = draw.choice(SAID_OF[label]).format(draw.choice(PRODUCTS))
            text = f"{draw.choice(OPENINGS)} {said}. Ticket {number}".strip()
            file.write(json.dumps({"text": text, "label": label}) + "\n")
    return path


if __name__ == "__main__":
    main(__doc__, write_tickets, ["My password does not work", "I paid twice, I want a refund"])
