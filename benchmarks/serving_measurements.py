"""The measurements of `benchmarks.serving`: each yields names of figures and their values."""

from __future__ import annotations

import json
import shutil
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks.direct_model import DirectModels
from benchmarks.serving_load import (
    Connection,
    GrpcConnection,
    RestConnection,
    milliseconds,
    predict_request,
    requests_per_second,
)
from benchmarks.serving_process import ServerProcess
from serving.client import Client

FREE = "free"
REVIEWS = 400
BATCH_SIZES = (1, 8, 32, 128)
CLIENTS = 16
SWAPS = 20
STARTS = 5
_WARM_UP = 20
_SEGMENTS = 4
_SEGMENT_SECONDS = 3.0
_SWAP_SECONDS = 300.0
_BATCHING = Path(__file__).parents[1] / "serving" / "batching.config"

Figures = Iterator[tuple[str, float]]


@dataclass(frozen=True)
class Subject:
    """What is served, and what it is asked.

    Attributes:
      folders: Of the versions, by model: the pushed one first, and one that costs nothing.
      root: Of the run that pushed.
      texts: Reviews.
      work: A folder for what the measurements write.
    """

    folders: Mapping[str, Path]
    root: Path
    texts: list[str]
    work: Path

    @property
    def pushed(self) -> str:
        """The pushed model's name."""
        return next(iter(self.folders))


def start(engine: str, subject: Subject) -> Figures:
    """From the start of the process until a review is answered."""
    seconds = []
    request = predict_request(subject.pushed, subject.texts[:1])
    for _ in range(STARTS):
        flags = (f"--root={subject.root}", f"--model-name={subject.pushed}")
        with ServerProcess(engine, *flags) as server:
            server.wait_until_it_listens()
            with closing(GrpcConnection(server.grpc_port)) as connection:
                connection.ask(connection.encode(request))
            seconds.append(time.perf_counter() - server.started_at)
    yield "start to first answer, s", statistics.median(seconds)


def latency(engine: str, subject: Subject) -> Figures:
    """Each review goes directly, over gRPC and over REST, in turns, one at a time."""
    texts = subject.work / "texts.json"
    texts.write_text(json.dumps(subject.texts), encoding="utf-8")
    with ExitStack() as stack:
        server = stack.enter_context(ServerProcess(engine, _both_models(subject)))
        direct = stack.enter_context(DirectModels(texts, subject.folders))
        server.wait_until_it_listens()
        connections: dict[str, Connection] = {
            "gRPC": stack.enter_context(closing(GrpcConnection(server.grpc_port))),
            "REST": stack.enter_context(closing(RestConnection(server.rest_port))),
        }
        times = {
            model: [
                _ask_in_turns(model, index, text, direct, connections)
                for index, text in enumerate(subject.texts)
            ][_WARM_UP:]
            for model in subject.folders
        }
    own = [each["direct"] for each in times[subject.pushed]]
    yield from _spread("the model's own time", own)
    for name in connections:
        added = [each[name] - each["direct"] for each in times[subject.pushed]]
        yield from _spread(f"{name}: all but the model's time", added)
        free = [each[name] for each in times[FREE]]
        yield from _spread(f"{name}: round trip to a model that costs nothing", free)


def _ask_in_turns(
    model: str,
    index: int,
    text: str,
    direct: DirectModels,
    connections: Mapping[str, Connection],
) -> dict[str, float]:
    """Returns milliseconds by way; who comes first changes from review to review.

    Raises:
      RuntimeError: The ways do not give one probability, to 1e-6.
    """
    times, probabilities = {}, {}
    ways = ["direct", *connections]
    for way in ways[index % len(ways) :] + ways[: index % len(ways)]:
        if way == "direct":
            times[way], probabilities[way] = direct.run(model, index)
        else:
            connection, request = connections[way], predict_request(model, [text])
            times[way], answer = milliseconds(connection, connection.encode(request))
            response = connection.decode(request, answer)
            probabilities[way] = response.outputs["probability"][0]
    if max(probabilities.values()) - min(probabilities.values()) > 1e-6:
        raise RuntimeError(f"Review {index}: the probabilities differ: {probabilities}")
    return times


def batches(engine: str, subject: Subject) -> Figures:
    """One client sends several reviews in a request; the sizes take turns."""
    rates: dict[int, list[float]] = {size: [] for size in BATCH_SIZES}
    with ServerProcess(engine, _both_models(subject)) as server:
        server.wait_until_it_listens()
        with closing(GrpcConnection(server.grpc_port)) as connection:
            messages = {
                size: [
                    connection.encode(predict_request(subject.pushed, subject.texts[start:][:size]))
                    for start in range(0, REVIEWS - size + 1, size)
                ]
                for size in BATCH_SIZES
            }
            for _ in range(_SEGMENTS):
                for size in BATCH_SIZES:
                    rate = requests_per_second([connection], messages[size], _SEGMENT_SECONDS / 2)
                    rates[size].append(size * rate)
    for size in BATCH_SIZES:
        yield f"reviews a second in batches of {size}", statistics.median(rates[size])


def throughput(engine: str, subject: Subject) -> Figures:
    """The same clients ask a server with batching and one without, in turns."""
    flags = {
        "off": (),
        "on": ("--enable_batching=true", f"--batching_parameters_file={_BATCHING}"),
    }
    rates: dict[str, list[float]] = {batching: [] for batching in flags}
    with ExitStack() as stack:
        connections = {}
        for batching, more in flags.items():
            server = stack.enter_context(ServerProcess(engine, _both_models(subject), *more))
            server.wait_until_it_listens()
            connections[batching] = [
                stack.enter_context(closing(GrpcConnection(server.grpc_port)))
                for _ in range(CLIENTS)
            ]
        messages = [
            connections["on"][0].encode(predict_request(subject.pushed, [text]))
            for text in subject.texts
        ]
        for _ in range(_SEGMENTS):
            for batching, clients in connections.items():
                rates[batching].append(requests_per_second(clients, messages, _SEGMENT_SECONDS))
    for batching in flags:
        rate = statistics.median(rates[batching])
        yield f"{CLIENTS} clients, batching {batching}, reviews a second", rate
    ratio = statistics.median(on / off for on, off in zip(rates["on"], rates["off"], strict=True))
    yield f"{CLIENTS} clients, batching on / off", ratio


def swaps(engine: str, subject: Subject) -> Figures:
    """Version after version takes the place of the one before, and answers."""
    base = subject.work / engine / subject.pushed
    source = subject.folders[subject.pushed]
    shutil.copytree(source, base / "1")
    flags = (f"--model_name={subject.pushed}", f"--model_base_path={base}")
    memory = {}
    with ServerProcess(engine, *flags) as server:
        server.wait_until_it_listens()
        with Client(
            f"localhost:{server.grpc_port}", model=subject.pushed, timeout=_SWAP_SECONDS
        ) as client:
            for swap in range(1, SWAPS + 1):
                shutil.copytree(source, base / "incoming")
                (base / "incoming").rename(base / str(swap + 1))
                _wait_until_alone(client, swap + 1)
                client.predict(subject.texts[: BATCH_SIZES[-1]])
                memory[swap] = server.memory()
    yield "memory after 2 swaps, MB", memory[2] / 1e6
    yield f"memory after {SWAPS} swaps, MB", memory[SWAPS] / 1e6
    yield f"memory after {SWAPS} swaps / after 2", memory[SWAPS] / memory[2]


def _wait_until_alone(client: Client, version: int) -> None:
    """Returns once a version, and no other one, is loaded."""
    deadline = time.monotonic() + _SWAP_SECONDS
    while time.monotonic() < deadline:
        states = {one.version: one.state for one in client.status()}
        loaded = [number for number, state in states.items() if state != "END"]
        if loaded == [version] and states[version] == "AVAILABLE":
            return
        time.sleep(0.05)
    raise RuntimeError(f"Version {version} is not alone after {_SWAP_SECONDS:.0f} s: {states}")


def _both_models(subject: Subject) -> str:
    """Returns the flag that serves the pushed model and the one that costs nothing."""
    path = subject.work / "models.config"
    configs = "".join(
        f'config {{ name: "{name}" base_path: "{folder.parent}" model_platform: "tensorflow" }}\n'
        for name, folder in subject.folders.items()
    )
    path.write_text(f"model_config_list {{\n{configs}}}\n", encoding="utf-8")
    return f"--model_config_file={path}"


def _spread(name: str, values: list[float]) -> Figures:
    yield f"{name}, median, ms", statistics.median(values)
    yield f"{name}, 99th percentile, ms", statistics.quantiles(values, n=100)[98]


MEASUREMENTS: tuple[Callable[[str, Subject], Figures], ...] = (
    start,
    latency,
    batches,
    throughput,
    swaps,
)
