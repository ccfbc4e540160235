"""What every long command needs: a log file, the console, and a message about how it ended."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from components.errors import (
    ConfigurationError,
    DataGateError,
    DatasetError,
    RootBusyError,
    SentimentError,
    causes,
    summary_of,
)
from components.storage import files
from components.storage.place import Place, place_of
from pipeline.console.messages import tell, tell_lines
from pipeline.flag_spelling import with_flags
from pipeline.loading import read_environment
from pipeline.signals import Terminated, leave_alone
from serving.printable import UNSAFE, printable_lines

if TYPE_CHECKING:
    from pipeline.console.terminal import Console

EXIT_UNEXPECTED = 1
EXIT_WRONG_USE = 2
EXIT_DATA_GATE = 4
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143

LOGS_FOLDER = "logs"
"""Below the root; those of a root in a store also below the folder where downloads are kept."""
_LOGS_KEPT = 50
# Libraries that use stores, by the first name of the modules of their errors.
_OF_STORES = ("tensorflow", "google", "apache_beam", "requests", "urllib3")
# Those of Google's that have to do with nothing else, so that an error without a path is one too.
_OF_STORES_ALONE = (
    *("google.cloud.storage", "google.resumable_media"),
    *("google.api_core", "google.auth"),
)
_PATH_IN_STORE = re.compile(r"\b[a-z][a-z0-9]*://\S")
_LONGEST_REASON = 500
_DISK_FULL = os.strerror(errno.ENOSPC)


@dataclass(frozen=True)
class Session:
    """A long command, and what its messages say when it cannot go on.

    Attributes:
      command: Its name; the log's name begins with it.
      root: The log is written below its `logs`.
      debug: Whether log lines and tracebacks are shown.
      folder: Where the command's output goes; named when its disk is full.
      after_full_disk: What running it again, with more space, will do.
      after_interrupt: The same after Ctrl-C or SIGTERM.
    """

    command: str
    root: str
    debug: bool
    folder: str
    after_full_disk: str = "it goes on from the last finished step"
    after_interrupt: str = "the next run goes on from there"

    @classmethod
    def in_root(cls, command: str, root: str, debug: bool) -> Session:
        """Returns the session of a command whose output goes to the root."""
        return cls(command, root, debug, folder=str(place_of(root).absolute()))

    def run(self, work: Callable[[Console, Path], int]) -> int:
        """Returns the exit code of `work`, or that of the error which ended it.

        Args:
          work: Is given the console, and the path of the log, which is only shown.

        Raises:
          ConfigurationError: The root cannot be written to.
        """
        log_path, copy_to = self._new_log()

        from pipeline.console.log_capture import captured_output
        from pipeline.console.terminal import Console
        from pipeline.temporary_files import temporary_folder

        step = ""
        try:
            with (
                temporary_folder(),
                captured_output(log_path, debug=self.debug) as stream,
                Console(stream, self.debug) as console,
            ):
                try:
                    return work(console, log_path)
                finally:
                    step = console.unfinished_step
        except (Exception, KeyboardInterrupt) as error:  # nothing may reach the user unexplained
            return self._failed(error, step, log_path)
        finally:
            if copy_to:
                _copy_log(log_path, copy_to)

    def _new_log(self) -> tuple[Path, Place | None]:
        """Makes the log; returns it, and where a copy goes at the end.

        In a store nothing can be added to a file: there the log is written on this machine.
        """
        name = f"{self.command}-{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}.log"
        root = place_of(self.root).absolute()
        if isinstance(root, Path):
            return self._made(root / LOGS_FOLDER / name), None
        folder = read_environment(os.environ).cache_dir.absolute() / LOGS_FOLDER
        for old in sorted(folder.glob("*.log"), key=lambda path: path.name[-27:])[:-_LOGS_KEPT]:
            with contextlib.suppress(OSError):
                old.unlink()
        return self._made(folder / name), root / LOGS_FOLDER / name

    def _made(self, path: Path) -> Path:
        if UNSAFE.search(str(path)):
            # TensorFlow's native code writes it to the log as it is, or cannot write it at all.
            raise ConfigurationError(
                f"--root is '{path.parent.parent}'; expected a folder whose whole path is UTF-8 "
                "without control characters."
            )
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        except OSError as error:
            raise ConfigurationError(
                f"--root is '{self.root}'; expected a folder that can be made and written to: "
                f"{error.strerror} ({error.filename})."
            ) from error
        return path

    def _failed(self, error: BaseException, step: str, log_path: Path) -> int:
        """Tells of an error that ended the run; one of ours may be wrapped by TFX or Beam."""
        trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        # On a full disk the log cannot be written either; the message is shown all the same.
        with contextlib.suppress(OSError), log_path.open("a", encoding="utf-8") as log:
            log.write(printable_lines(with_flags(trace)))
        if self.debug:
            tell_lines(trace)
        for cause in causes(error):
            if isinstance(cause, KeyboardInterrupt):
                return tell_of_interrupt(
                    cause, f" in {step}; {self.after_interrupt}" if step else ""
                )
            if isinstance(cause, SentimentError):
                return explain_error(cause, has_started=bool(step))
        if any(_DISK_FULL in str(cause) for cause in causes(error)):
            tell(
                f"sentiment: error: The disk is full: {step or 'the run'} could not write to "
                f"{self.folder}. Free some space and run again; {self.after_full_disk}."
            )
            return EXIT_UNEXPECTED
        if told := _trouble_of_store(error):
            of_root = f"the store of {self.folder}"
            store = of_root if files.is_remote(str(self.folder)) else "a store"
            tell(
                f"sentiment: error: {step or 'The run'} could not use {store}: {told}. Mend that "
                f"and run again; {self.after_full_disk}."
            )
            tell(f"  The traceback is in {log_path}; --debug shows it here.")
            return EXIT_UNEXPECTED
        tell(f"sentiment: unexpected error{f' in {step}' if step else ''}: {summary_of(error)}")
        tell(f"  The traceback is in {log_path}; --debug shows it here.")
        return EXIT_UNEXPECTED


def _trouble_of_store(error: BaseException) -> str:
    """Returns what a store refused or could not do, in one line; "" of other errors.

    `components.storage.files` raises OSErrors. TensorFlow's and Google's libraries, where they
    write themselves, raise their own.
    """
    for cause in causes(error):
        if isinstance(cause, OSError) and files.is_remote(str(cause.filename or "")):
            return f"{_in_one_line(cause.strerror or str(cause))} ({cause.filename})"
        library = type(cause).__module__.partition(".")[0]
        if library in _OF_STORES and _PATH_IN_STORE.search(text := str(cause)):
            return _in_one_line(text)
        if type(cause).__module__.startswith(_OF_STORES_ALONE):
            return _in_one_line(f"{type(cause).__name__}: {cause}")
    return ""


def _in_one_line(text: str) -> str:
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= _LONGEST_REASON else f"{line[: _LONGEST_REASON - 3]}..."


def _copy_log(log_path: Path, copy_to: Place) -> None:
    try:
        files.copy_file(str(log_path), str(copy_to))
    except Exception as error:  # what a store's library raises; the run ended as it ended
        tell(f"  The log stays in {log_path}: it cannot be copied to {copy_to} ({error}).")


def explain_error(error: SentimentError, has_started: bool) -> int:
    """Prints an error of ours and returns its exit code.

    Args:
      error: The error.
      has_started: Whether it came up after the first step had begun.
    """
    tell(f"sentiment: error: {summary_of(error)}")
    if isinstance(error, DataGateError) or (has_started and isinstance(error, DatasetError)):
        return EXIT_DATA_GATE
    if isinstance(error, (ConfigurationError, RootBusyError, DatasetError)):
        return EXIT_WRONG_USE
    return EXIT_UNEXPECTED


def tell_of_interrupt(by: KeyboardInterrupt, where: str = "") -> int:
    """Says that Ctrl-C or SIGTERM ended the command, and returns the exit code."""
    leave_alone()
    if isinstance(by, Terminated):
        tell(f"sentiment: ended by SIGTERM{where}.")
        return EXIT_TERMINATED
    tell("")  # the terminal shows ^C, which keeps its own line
    tell(f"sentiment: interrupted{where}.")
    return EXIT_INTERRUPTED
