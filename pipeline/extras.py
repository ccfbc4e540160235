"""The extras of the package: a command checks at its start that its own is installed."""

from __future__ import annotations

from importlib.util import find_spec

from components.errors import ConfigurationError

CLIENT, SERVER, PIPELINE, KUBEFLOW = "client", "server", "pipeline", "kubeflow"

_PIPELINE = ("tfx", "tensorflow", "apache_beam", "absl", "rich", "filelock")
# Libraries that are there only if the extra was installed.
_LIBRARIES = {
    CLIENT: ("grpc", "httpx"),
    SERVER: ("tensorflow", "tensorflow_serving", "grpc_health", "h11"),
    PIPELINE: _PIPELINE,
    KUBEFLOW: (*_PIPELINE, "kfp.pipeline_spec"),
}


def require(extra: str, for_what: str) -> None:
    """Checks that the libraries of an extra are installed; imports none of them.

    Args:
      extra: CLIENT, SERVER, PIPELINE or KUBEFLOW.
      for_what: What needs them, as the user wrote it.

    Raises:
      ConfigurationError: One is missing.
    """
    if library := _missing(extra):
        raise ConfigurationError(_advice(for_what, library, extra))


def explanation(error: ModuleNotFoundError) -> str:
    """Says which extra installs the module that was not found; empty if no extra is missing."""
    return _advice("This", error.name or "a library", PIPELINE) if _missing(PIPELINE) else ""


def _missing(extra: str) -> str:
    return next((library for library in _LIBRARIES[extra] if not _is_there(library)), "")


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # a package above it is not there
        return False


def _advice(for_what: str, library: str, extra: str) -> str:
    more = " (uv pip install is quicker; in a checkout, `make setup`)" if extra != CLIENT else ""
    return (
        f"{for_what} needs {library}, which is not installed. It comes with the extra '{extra}': "
        f"pip install 'sentiment[{extra}]'{more}."
    )
