"""Reads what a server answered into results, and refuses what is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from serving.client.messages import ClassifyResponse, PredictResponse
from serving.client.results import Trace
from serving.errors import ResponseError
from serving.predictions import Classification, Prediction, likeliest


class Reader:
    """Reads responses. Every method raises ResponseError for one of another shape or type."""

    def __init__(self, address: str, model: str):
        """Takes the server and the model, for error messages."""
        self._address = address
        self._model = model

    def predictions(
        self, texts: Sequence[str | None], response: PredictResponse
    ) -> list[Prediction]:
        """Reads `sentiment`, which a model of two classes answers, or else `label`."""
        has_label = "label" in response.outputs and "sentiment" not in response.outputs
        name = "label" if has_label else "sentiment"
        predictions = []
        rows = self._rows(texts, response, "probability", name)
        for row, (text, probability, label) in enumerate(rows):
            self._check_probability(probability, f"row {row} of the request")
            if not isinstance(label, str):
                raise self._error(
                    f"row {row} of the request has the {name} {label!r}, expected a string"
                )
            sentiment = None if has_label else label
            predictions.append(
                Prediction(float(probability), sentiment, response.version, text, label)
            )
        return predictions

    def classifications(
        self, texts: Sequence[str], response: ClassifyResponse
    ) -> list[Classification]:
        """Reads the score of each class."""
        self._check_rows("classifications", response.classes, len(texts))
        classifications = []
        for row, (text, classes) in enumerate(zip(texts, response.classes, strict=True)):
            scores = dict(classes)
            if not scores or len(scores) < len(classes):
                raise self._error(
                    f"row {row} of the request has {len(classes)} scores for {len(scores)} names "
                    "of classes, expected one for each"
                )
            classifications.append(Classification(text, scores, response.version))
        return classifications

    def traced(self, response: PredictResponse, rows: int) -> tuple[int, int | None]:
        """Returns how many words a text has, and how many classes a word; None for two classes.

        Args:
          response: `tokens` <string>[batch, words], and `probability` <float32>[batch, words] of
            two classes or [batch, words, classes] of more.
          rows: The size of the batch.
        """
        tokens = self.output("tokens", response, rows)
        probabilities = self.output("probability", response, rows)
        for row, (words, of_words) in enumerate(zip(tokens, probabilities, strict=True)):
            self._check_rows(f"words in row {row}", words, len(tokens[0]) if row else None)
            self._check_rows(f"probabilities in row {row}", of_words, len(words))
        first = probabilities[0][0] if probabilities[0] else None
        return len(tokens[0]), len(first) if isinstance(first, list) else None

    def traces(self, texts: Sequence[str], response: PredictResponse) -> list[Trace]:
        """Reads traces of two classes; `traced` has seen the response."""
        traces = []
        rows = self._rows(texts, response, "tokens", "probability")
        for row, (text, tokens, probabilities) in enumerate(rows):
            read = _without_padding(tokens, probabilities)
            for word, probability in read:
                self._check_probability(probability, f"word {word!r} of row {row}")
            words = tuple(word for word, _ in read)
            of_words = tuple(float(probability) for _, probability in read)
            traces.append(Trace(text, words, of_words, response.version))
        return traces

    def traces_of_classes(
        self, texts: Sequence[str], response: PredictResponse, names: Sequence[str]
    ) -> list[Trace]:
        """Reads traces of the classes `names`; `traced` has seen the response."""
        traces = []
        rows = self._rows(texts, response, "tokens", "probability")
        for row, (text, tokens, probabilities) in enumerate(rows):
            for word, of_word in zip(tokens, probabilities, strict=True):
                where = f"word {word!r} of row {row}"
                self._check_rows(f"probabilities of {where}", of_word, len(names))
                for probability in of_word:
                    self._check_probability(probability, where)
            # Padding is in front, so that the last place is that of the whole text.
            ((label, _),) = likeliest(dict(zip(names, probabilities[-1], strict=True)), 1)
            read = _without_padding(tokens, probabilities)
            by_class = zip(*(map(float, of_word) for _, of_word in read), strict=True)
            scores = dict(zip(names, list(by_class) or [()] * len(names), strict=True))
            words = tuple(word for word, _ in read)
            traces.append(Trace(text, words, scores[label], response.version, label, scores))
        return traces

    def output(self, name: str, response: PredictResponse, rows: int) -> list[Any]:
        """Returns an output, which has so many rows."""
        if name not in response.outputs:
            raise self._error(
                f"the answer has no output '{name}'; it has: "
                f"{', '.join(sorted(response.outputs)) or 'none'}"
            )
        self._check_rows(f"rows of '{name}'", response.outputs[name], rows)
        return response.outputs[name]

    def _rows(
        self, texts: Sequence[str | None], response: PredictResponse, *names: str
    ) -> Iterator[tuple[Any, ...]]:
        """Returns each text with its values of some outputs."""
        outputs = [self.output(name, response, len(texts)) for name in names]
        return zip(texts, *outputs, strict=True)

    def _check_rows(self, what: str, arrived: Any, expected: int | None) -> None:
        if not isinstance(arrived, Sequence) or isinstance(arrived, str):
            raise self._error(f"{what}: expected a list, {arrived!r} arrived")
        if expected is not None and len(arrived) != expected:
            raise self._error(f"{what}: expected {expected}, {len(arrived)} arrived")

    def _check_probability(self, probability: Any, where: str) -> None:
        if not isinstance(probability, float | int) or not 0 <= probability <= 1:
            raise self._error(
                f"{where} has the probability {probability!r}, expected a number from 0 to 1"
            )

    def _error(self, reason: str) -> ResponseError:
        return ResponseError(reason, address=self._address, model=self._model)


def _without_padding(tokens: Sequence[Any], values: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Returns the words with their values; padding is an empty word."""
    return [pair for pair in zip(tokens, values, strict=True) if pair[0]]
