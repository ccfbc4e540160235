"""One worker of a job server's, by the contract of Beam's containers: `sentiment-worker`.

The job server, a task manager or `sentiment worker` starts it, with these flags:

    --id=ID --provision_endpoint=HOST:PORT [--control_endpoint=HOST:PORT ...]

It runs what is installed here, and retrieves or installs nothing. Whatever hinders it is told by
each job that comes to it, because a worker that ends leaves its job waiting.

Source: https://github.com/apache/beam/blob/v2.74.0/sdks/python/container/boot.go does the same, and
installs packages.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from serving import start

_OPTION = "beam:option:{name}:v1"
_SERVICES = ("control", "logging", "status")


def main(arguments: Sequence[str] | None = None) -> None:
    """Works until the job server, or who started it, ends it."""
    flags = _parser().parse_known_args(arguments)[0]
    from google.protobuf import json_format

    from pipeline.runners import beam_adapter

    # Prism puts quotes around it, as if a shell read them.
    worker_id = flags.id.strip("'")
    info = beam_adapter.provision_info(flags.provision_endpoint, worker_id)
    options = json_format.MessageToDict(info.pipeline_options)
    endpoints = {
        name: getattr(flags, f"{name}_endpoint") or getattr(info, f"{name}_endpoint").url
        for name in _SERVICES
    }
    os.environ.update(environment(worker_id, endpoints, options, info.runner_capabilities))
    os.environ[beam_adapter.RUNNER_VERSION] = info.metadata.get("runner_version", "")
    folder = options.get(_OPTION.format(name=beam_adapter.WORKING_FOLDER), "")
    beam_adapter.work_for_job_server(enter(folder))


def environment(
    worker_id: str,
    endpoints: Mapping[str, str],
    options: Mapping[str, Any],
    capabilities: Sequence[str],
) -> dict[str, str]:
    """Returns the variables from which Beam's worker reads what it is to do."""
    variables = {
        "WORKER_ID": worker_id,
        "PIPELINE_OPTIONS": json.dumps(options),
        "RUNNER_CAPABILITIES": " ".join(capabilities),
    }
    for name, url in endpoints.items():
        if url:
            variables[f"{name.upper()}_API_SERVICE_DESCRIPTOR"] = f"url: {json.dumps(url)}"
    return variables


def enter(folder: str) -> str:
    """Makes `folder` the working folder; returns why it cannot be, or an empty string."""
    if not folder:
        return ""
    try:
        os.chdir(folder)
    except OSError as error:
        return (
            f"A worker on {os.uname().nodename} cannot work in {folder}: {error.strerror}. The "
            "command and its workers must share the folder, under the same name on each machine."
        )
    return ""


def entry_point() -> NoReturn:
    """Runs `main`; SIGINT is for who started it, SIGTERM ends it at once."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    # TensorFlow's native code tells of GPUs that are not there, once a worker.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    start.forget_working_folder()
    start.collect_seldom()
    main()
    sys.stderr.flush()
    os._exit(0)  # threads of Beam's may still wait


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("sentiment-worker", description=__doc__, allow_abbrev=False)
    parser.add_argument("--id", required=True, help="the worker's id")
    parser.add_argument("--provision_endpoint", required=True, help="who tells it about the job")
    for name in _SERVICES:
        parser.add_argument(f"--{name}_endpoint", default="", help="default: as provided")
    return parser


if __name__ == "__main__":
    entry_point()
