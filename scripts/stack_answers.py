"""Asks the models of a root for the probabilities of fixed texts, and compares what stacks answer.

    python -m scripts.stack_answers ask ROOT ANSWERS
    python -m scripts.stack_answers compare ANSWERS ANSWERS

`ask` serves the newest version of every model below ROOT by the embedded server of the stack that
runs this, and asks it over gRPC by three signatures. `compare` fails unless both stacks answered
for the same models with the same probabilities, to 1e-5. `.ci/second_stack` runs both.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

TOLERANCE = 1e-5
# Below it, a model that says the same of every text would pass for one that is served well.
LEAST_DEVIATION = 100 * TOLERANCE
# For a first answer on a machine that does other work as well.
SECONDS = 300.0
TEXTS = (
    "a great film, moving and funny from the first scene to the last",
    "dull, predictable, and far too long: I want my money back",
    "My password does not work, and I was charged twice this month",
    "这部电影太棒了，演员的表演非常动人，强烈推荐",
    "剧情无聊 浪费时间",
    "🎬🍿 wonderful 👍🏽 🏳️‍🌈",
    "😡",
    "",
    " \t\n",
    "Café <br /> naïve 5½ don’t ÅNGSTRÖM ﬁne İstanbul",
    "zzyzx qwxv",
    "not bad at all, " * 40 + "but the end is awful",
    "a wonderful story with terrible actors. " * 400,
)

Answers: TypeAlias = dict[str, dict[str, list[list[float]]]]


def ask(root: Path, texts: Sequence[str] = TEXTS) -> Answers:
    """Returns probabilities <float>[texts, classes or 1] by model and signature.

    Raises:
      LookupError: The root has no pushed model.
    """
    from serving.quiet_start import import_tensorflow

    import_tensorflow()
    from serving.client import Client
    from serving.server.flags import Flags
    from serving.server.server import Server

    base = (root / "serving_model").absolute()
    models = sorted(folder.name for folder in base.iterdir() if folder.is_dir())
    if not models:
        raise LookupError(f"{base} has no model. Run the pipeline with --root {root} first.")
    with tempfile.NamedTemporaryFile("w", suffix=".config") as config:
        entries = "".join(
            f'config {{ name: "{name}" base_path: "{base / name}" model_platform: "tensorflow" }}\n'
            for name in models
        )
        config.write(f"model_config_list {{\n{entries}}}\n")
        config.flush()
        server = Server(Flags(port=-1, rest_api_port=0, model_config_file=config.name))
        server.start()
        try:
            found = {}
            for name in models:
                with Client(f"localhost:{server.grpc_port}", model=name) as client:
                    client.wait_until_ready(SECONDS)
                    found[name] = _answers(client, texts)
        finally:
            server.stop()
    return found


def _answers(client: Any, texts: Sequence[str]) -> dict[str, list[list[float]]]:
    """Asks one model by each signature that answers probabilities."""
    import tensorflow as tf

    from components import features

    def example(text: str) -> bytes:
        made = tf.train.Example()
        made.features.feature[features.TEXT].bytes_list.value.append(text.encode())
        return made.SerializeToString()

    return {
        "predict_text": [[one.probability] for one in client.predict(texts, timeout=SECONDS)],
        "serving_default": [
            [one.probability]
            for one in client.predict_examples([*map(example, texts)], timeout=SECONDS)
        ],
        "classify": [
            [score for _, score in sorted(one.scores.items())]
            for one in client.classify(texts, timeout=SECONDS)
        ],
    }


def compare(one: Answers, other: Answers) -> dict[str, float]:
    """Returns the greatest difference of a probability, by model.

    Raises:
      ValueError: Other models were asked, answers differ, or a model says the same of every text.
    """
    if not one or one.keys() != other.keys():
        raise ValueError(f"One stack answered for {sorted(one)}, the other for {sorted(other)}.")
    found = {name: _difference(name, one[name], other[name]) for name in one}
    if apart := {name: far for name, far in found.items() if not far <= TOLERANCE}:
        raise ValueError(f"The stacks differ by more than {TOLERANCE}: {apart}")
    return found


def _difference(
    name: str, one: Mapping[str, list[list[float]]], other: Mapping[str, list[list[float]]]
) -> float:
    if one.keys() != other.keys():
        raise ValueError(f"{name}: {sorted(one)} on one stack, {sorted(other)} on the other.")
    differences = []
    for signature, answers in one.items():
        ours, theirs = np.array(answers), np.array(other[signature])
        if ours.shape != theirs.shape:
            raise ValueError(f"{name}, {signature}: {ours.shape} and {theirs.shape} probabilities.")
        if ours.std(axis=0).max() < LEAST_DEVIATION:
            raise ValueError(f"{name}, {signature}: it says the same of every text.")
        differences.append(float(np.abs(ours - theirs).max()))
    return max(differences)


def main(arguments: Sequence[str]) -> None:
    """Carries out a command line."""
    match arguments:
        case ["ask", root, answers]:
            Path(answers).write_text(json.dumps(ask(Path(root))), encoding="utf-8")
        case ["compare", one, other]:
            read = (json.loads(Path(path).read_text(encoding="utf-8")) for path in (one, other))
            for name, difference in compare(*read).items():
                print(f"{name}: {len(TEXTS)} texts, greatest difference {difference:.1e}")
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
