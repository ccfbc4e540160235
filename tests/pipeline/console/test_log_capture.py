import subprocess
import sys
import textwrap

import pytest

NOISE = """
    import logging, os, subprocess, sys, warnings
    from pathlib import Path
    from pipeline.console.log_capture import captured_output

    log_path, debug = Path(sys.argv[1]), sys.argv[2] == "debug"
    print("before")
    try:
        with captured_output(log_path, debug=debug) as terminal:
            from absl import logging as absl_logging

            print("for us: ", file=terminal, end="")
            os.write(2, b"from C++\\n")
            print("from print")
            subprocess.run("echo from a child; echo its errors >&2", shell=True)
            logging.getLogger("tfx").info("from logging")
            absl_logging.info("from absl")
            warnings.warn("from warnings")
            print("shown", file=terminal)
            raise RuntimeError("body failed")
    except RuntimeError as error:
        print(error)
        print("after", file=sys.stderr)
"""
FROM_DESCRIPTORS = ("from C++", "from print", "from a child", "its errors")
FROM_LOGGING = ("I tfx] from logging", "I absl] from absl", "UserWarning: from warnings")


@pytest.fixture
def noisy(tmp_path):
    """Runs the noisy program; returns its standard output, standard error and log."""

    def run(mode: str) -> tuple[str, str, str]:
        log_path = tmp_path / "logs" / "run.log"
        result = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(NOISE), str(log_path), mode],
            capture_output=True,
            text=True,
            check=True,
        )
        return result.stdout, result.stderr, log_path.read_text()

    return run


def test_all_output_goes_to_the_log(noisy):
    """Only what is meant for the terminal reaches it, and it is ours again after a failure."""
    output, errors, log = noisy("quiet")

    assert output == "before\nfor us: shown\nbody failed\n"
    assert errors == "after\n"
    for words in FROM_DESCRIPTORS + FROM_LOGGING:
        assert words in log
    assert "for us" not in log and "after" not in log


def test_debug_shows_everything(noisy):
    """With debug nothing is kept from the console, and log records are in the file as well."""
    output, errors, log = noisy("debug")

    for words in FROM_DESCRIPTORS + FROM_LOGGING:
        assert words in output + errors
    for words in FROM_LOGGING:
        assert words in log
    assert "for us: " in output


def test_log_lines_have_the_time(noisy):
    """Each record says when, how grave, and who."""
    _, _, log = noisy("quiet")

    (line,) = (line for line in log.splitlines() if line.endswith("from logging"))
    date, time, level, name, _ = line.split(" ", 4)
    assert (len(date), len(time), level, name) == (10, 12, "I", "tfx]")
