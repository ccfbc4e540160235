"""Which functions of our code differ between two runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.results.run_info import RunInfo


@dataclass(frozen=True)
class FunctionChange:
    """A function that two runs do not share.

    Attributes:
      name: Its qualified name, see `fingerprint.source_functions`.
      what: added, removed or edited.
      steps: The steps that reach it.
    """

    name: str
    what: str
    steps: tuple[str, ...]


@dataclass(frozen=True)
class CodeDiff:
    """How the code of two runs differs, in the steps that one of them has.

    Attributes:
      functions: By name.
      steps: Steps whose code differs, and it is not known in which function.
      notes: Why it is not known, a sentence each.
    """

    functions: tuple[FunctionChange, ...] = ()
    steps: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def code_diff(first: RunInfo, second: RunInfo) -> CodeDiff:
    """Compares the code of two runs."""
    if lacking := [run.run_id for run in (first, second) if not run.fingerprints]:
        who = " and ".join(lacking)
        return CodeDiff(notes=(f"The code cannot be compared: {who} did not record it.",))
    ran = {step.name for run in (first, second) for step in run.steps}
    changed = [
        step
        for step, fingerprint in first.fingerprints.items()
        if second.fingerprints.get(step, fingerprint) != fingerprint and (step in ran or not ran)
    ]
    if not changed:
        return CodeDiff()
    if _python(first) != _python(second):
        note = "Hashes of functions on different versions of Python cannot be compared."
        return CodeDiff(steps=tuple(changed), notes=(note,))
    return _named(first, second, changed)


def _named(first: RunInfo, second: RunInfo, changed: Iterable[str]) -> CodeDiff:
    from pipeline.fingerprint import edits

    steps_of: dict[tuple[str, str], list[str]] = {}
    unnamed: list[str] = []
    is_unrecorded = False
    for step in changed:
        before, after = first.functions.get(step), second.functions.get(step)
        if before is None or after is None:
            is_unrecorded = True
            unnamed.append(step)
            continue
        for change in edits(before, after).items():
            steps_of.setdefault(change, []).append(step)
        # Behind the first word is what else decides: a schema, or the server's build.
        words = (run.fingerprints[step].partition(" ")[2] for run in (first, second))
        if len(set(words)) > 1:
            unnamed.append(step)
    note = "Which functions were edited is not known: they were not recorded."
    return CodeDiff(
        functions=tuple(
            FunctionChange(name, what, tuple(steps))
            for (name, what), steps in sorted(steps_of.items())
        ),
        steps=tuple(unnamed),
        notes=(note,) if is_unrecorded else (),
    )


def _python(run: RunInfo) -> str:
    """Returns the version of Python that decides on hashes: "3.10"; "" if it is not known."""
    return run.versions.get("python", "").rpartition(".")[0]
