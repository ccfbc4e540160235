"""Prometheus metrics under TF-Serving's names.

Not prometheus_client: it adds `_total` to counters, `_created` series and `# HELP` lines, and
TF-Serving's dashboards know none of these.
"""

from __future__ import annotations

import bisect
import threading
from collections.abc import Sequence

# Microseconds, up to some 20 minutes.
_LATENCY_LIMITS = tuple(10 * 1.8**exponent for exponent in range(33))
_COUNT_LIMITS = tuple(2.0**exponent for exponent in range(15))
# A model's name comes from the client: so many series of names that no model has, and so long.
_MOST_REFUSED_SERIES = 1000
_LONGEST_NAME = 256
_OTHER_NAMES = "(other)"
DEFAULT_PATH = "/monitoring/prometheus/metrics"


class Counter:
    """Numbers that only grow, by label values."""

    def __init__(self, name: str, labels: Sequence[str]):
        """Takes TF-Serving's own name, with slashes, and the labels' names."""
        self._name = _exported(name)
        self._labels = labels
        self._values: dict[tuple[str, ...], int] = {}
        self._lock = threading.Lock()

    def add(self, *label_values: str, number: int = 1) -> None:
        """Adds one, or a number."""
        with self._lock:
            self._values[label_values] = self._values.get(label_values, 0) + number

    def has_room(self, most: int, *label_values: str) -> bool:
        """Returns whether these label values are counted already, or are among the first few."""
        return label_values in self._values or len(self._values) < most

    def values(self) -> dict[tuple[str, ...], int]:
        """Returns the numbers by label values."""
        with self._lock:
            return dict(self._values)

    def lines(self) -> list[str]:
        """Returns the lines of the metrics page."""
        return [f"# TYPE {self._name} counter"] + [
            f"{self._name}{{{_pairs(self._labels, labels)}}} {value}"
            for labels, value in sorted(self.values().items())
        ]


class Histogram:
    """Measurements by label values, in TF-Serving's buckets."""

    def __init__(self, name: str, labels: Sequence[str], limits: Sequence[float] = _LATENCY_LIMITS):
        """Takes TF-Serving's own name, with slashes, the labels' names and the buckets' bounds.

        The default bounds are in microseconds; after them comes a bucket without a bound.
        """
        self._name = _exported(name)
        self._labels = labels
        self._limits = limits
        self._buckets: dict[tuple[str, ...], list[int]] = {}
        self._sums: dict[tuple[str, ...], float] = {}
        self._lock = threading.Lock()

    def add(self, measured: float, *label_values: str) -> None:
        """Adds one measurement."""
        index = bisect.bisect_right(self._limits, measured)
        with self._lock:
            if label_values not in self._buckets:
                self._buckets[label_values] = [0] * (len(self._limits) + 1)
                self._sums[label_values] = 0.0
            self._buckets[label_values][index] += 1
            self._sums[label_values] += measured

    def lines(self) -> list[str]:
        """Returns the lines of the metrics page."""
        lines = [f"# TYPE {self._name} histogram"]
        with self._lock:
            for labels, buckets in sorted(self._buckets.items()):
                pairs = _pairs(self._labels, labels)
                count = 0
                for limit, in_bucket in zip((*self._limits, None), buckets, strict=True):
                    count += in_bucket
                    bound = "+Inf" if limit is None else f"{limit:g}"
                    lines.append(f'{self._name}_bucket{{{pairs},le="{bound}"}} {count}')
                lines.append(f"{self._name}_sum{{{pairs}}} {self._sums[labels]:g}")
                lines.append(f"{self._name}_count{{{pairs}}} {count}")
        return lines


class Metrics:
    """What the server counts and times."""

    def __init__(self) -> None:
        """Starts all of them at 0."""
        self.request_count = Counter("/tensorflow/serving/request_count", ("model_name", "status"))
        self.request_latency = Histogram(
            "/tensorflow/serving/request_latency", ("model_name", "API", "entrypoint")
        )
        self.runtime_latency = Histogram(
            "/tensorflow/serving/runtime_latency", ("model_name", "API", "runtime")
        )
        self.example_counts = Histogram(
            "/tensorflow/serving/request_example_counts", ("model",), _COUNT_LIMITS
        )
        self.example_count_total = Counter(
            "/tensorflow/serving/request_example_count_total", ("model",)
        )
        self.warmup_latency = Histogram(
            "/tensorflow/serving/model_warmup_latency", ("model_path", "status")
        )
        self.queuing_latency = Histogram(
            "/tensorflow/serving/batching_session/queuing_latency", ("thread_pool_name",)
        )
        self.load_attempts = Counter(
            "/tensorflow/cc/saved_model/load_attempt_count", ("model_path", "status")
        )
        # Not of TF-Serving, which does not count them.
        self.undecodable_count = Counter("/sentiment/serving/undecodable_count", ("method",))

    def count_request(self, model: str, status: str) -> None:
        """Counts a request by the model it asked for and the status of the answer.

        Requests that fail may ask for anything: of their names a thousand are kept, the rest are
        counted together.
        """
        if status != "OK":
            model = model[:_LONGEST_NAME]
            if not self.request_count.has_room(_MOST_REFUSED_SERIES, model, status):
                model = _OTHER_NAMES
        self.request_count.add(model, status)

    def count_examples(self, model: str, number: int) -> None:
        """Counts the tf.Examples of a Classify, Regress or MultiInference request."""
        self.example_counts.add(number, model)
        self.example_count_total.add(model, number=number)

    def page(self) -> str:
        """Returns the metrics page."""
        series = (
            self.load_attempts,
            self.queuing_latency,
            self.warmup_latency,
            self.request_count,
            self.example_count_total,
            self.example_counts,
            self.request_latency,
            self.runtime_latency,
            self.undecodable_count,
        )
        return "\n".join(line for one in series for line in one.lines()) + "\n"

    def values_by_name(self) -> dict[str, int]:
        """Returns each counter's sum by TF-Serving's own name, for `metric_names` of a reload."""
        return {
            "/tensorflow/serving/request_count": sum(self.request_count.values().values()),
            "/tensorflow/serving/request_example_count_total": sum(
                self.example_count_total.values().values()
            ),
            "/tensorflow/cc/saved_model/load_attempt_count": sum(
                self.load_attempts.values().values()
            ),
        }


def _exported(name: str) -> str:
    return name.replace("/", ":")


def _pairs(names: Sequence[str], values: Sequence[str]) -> str:
    return ",".join(
        '{}="{}"'.format(name, value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n"))
        for name, value in zip(names, values, strict=True)
    )
