"""Why a step is executed, in words: what differs from when it last ended well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from components.storage.place import Place
from pipeline.fingerprint import ORDER, edits
from pipeline.graph import SOURCE_FINGERPRINT
from pipeline.planning.changed_parameters import ChangedParameters, changed_parameters
from pipeline.planning.reason_words import (
    CACHE_OFF,
    DELETED,
    FAILED,
    INTERRUPTED,
    NEVER_RAN,
    OUTPUT_OF,
    RUNS_EVERY_TIME,
)
from pipeline.planning.rehearsal import Attempt, Rehearsed
from pipeline.planning.setting_words import setting_is
from pipeline.resolution import ResolvedRun
from pipeline.results.recorded_functions import RecordedCode, recorded

UNCHANGED = "nothing changed"
CODE_CHANGED = "its code changed"
# Of several changes, and of several functions, this many are named.
_MOST_NAMED = 2
# What stands behind the first word of a fingerprint, see `resolution.fingerprints`.
_MORE_FINGERPRINTED = {
    "SchemaGen": "components/schema.pbtxt was edited",
    "InfraValidator": "the model server is another build",
}
# Inputs that a step has only where a setting asks for them.
_ASKED_FOR_BY = {
    "infra_blessing": "infra_validation",
    "cross_validation": "folds",
    "hyperparameters": "tune",
    "base_model": "warm_start",
}
_FOUND_BY = {
    "LatestBlessedModel": "the last blessed model is another",
    "WarmStartModel": "the model to start from is another",
}


def reason_for(step: Rehearsed, run: ResolvedRun) -> str:
    """Returns why a step would be executed, or why not, to stand behind "because"."""
    if step.is_resolver:
        return RUNS_EVERY_TIME
    if step.is_cached:
        return UNCHANGED
    if step.last is None:
        return NEVER_RAN
    if not run.config.cache:
        return CACHE_OFF
    if step.had_outputs:
        return DELETED
    if not step.last.is_successful and (step.last_success is None or _alike(step.last, step.now)):
        return FAILED if step.last.has_failed else INTERRUPTED
    assert step.last_success is not None
    before = step.last_success
    parameters = changed_parameters(step.step, before, step.now, run.config)
    changes = [*parameters.told, *_code(step, before, run, parameters), *_inputs(step, run)]
    if not changes:
        changes = list(parameters.derived)
    if not changes and step.was_moved:
        changes = ["an earlier release recorded other paths"]
    return several(changes or ["--beam, --beam-mode or --beam-workers changed"])


def several(changes: Sequence[str]) -> str:
    """Returns the first two different changes, and how many more there are.

    What several parameters say of one setting is one change.
    """
    by_subject: dict[str, str] = {}
    for each in changes:
        by_subject.setdefault(each.split()[0] if each.startswith("--") else each, each)
    different = list(by_subject.values())
    named, more = different[:_MOST_NAMED], len(different) - _MOST_NAMED
    return "; ".join([*named, f"{more} more"] if more > 0 else named)


def code_changes(
    step: str,
    before: str,
    now: str,
    functions: Mapping[str, str],
    root: Place,
    *,
    is_other_variant: bool = False,
) -> list[str]:
    """Returns what of a step's code is another: functions, libraries, or what else is hashed.

    Args:
      step: Its id in the pipeline.
      before: Its fingerprint when it last ended well; "" where there was none.
      now: Today's.
      functions: Today's, see `ResolvedRun.functions`.
      root: Where those of earlier runs are recorded.
      is_other_variant: Whether another model variant is trained, so that other modules are read.
    """
    (first_before, *more_before), (first_now, *more_now) = before.split() or [""], now.split()
    changes = []
    if first_before != first_now:
        earlier, today = recorded(root, before), RecordedCode.of_today(functions)
        changes += _code_differences(earlier, today) if earlier else []
        changes = changes or ([] if is_other_variant else [CODE_CHANGED])
    if more_before != more_now and step in _MORE_FINGERPRINTED:
        changes.append(_MORE_FINGERPRINTED[step])
    return changes


def _code_differences(before: RecordedCode, now: RecordedCode) -> list[str]:
    if before.python != now.python:  # which writes syntax trees in another way
        return [f"Python is {now.python}, was {before.python}"]
    libraries = [
        f"{name} is {version}, was {before.libraries.get(name, 'not recorded')}"
        for name, version in sorted(now.libraries.items())
        if version != before.libraries.get(name)
    ]
    found = edits(before.functions, now.functions)
    # That a module is read now, or no more, follows from an edited import or from a setting.
    only_once = before.functions.keys() ^ now.functions.keys()
    modules = [name for name in found if f"{name}{ORDER}" in only_once]
    names = [
        name
        for kind in ("edited", "added", "removed")
        for name in found
        if found[name] == kind and not f"{name}.".startswith(tuple(f"{each}." for each in modules))
    ]
    named, more = [f"{name} was {found[name]}" for name in names[:_MOST_NAMED]], names[_MOST_NAMED:]
    functions = ", ".join(named) + (f" and {len(more)} more" if more else "")
    return libraries + ([functions] if functions else [])


def _code(
    step: Rehearsed, before: Attempt, run: ResolvedRun, parameters: ChangedParameters
) -> list[str]:
    fingerprint = str(step.now.parameters.get(SOURCE_FINGERPRINT, ""))
    if not fingerprint:
        return []
    return code_changes(
        step.step,
        str(before.parameters.get(SOURCE_FINGERPRINT, "")),
        fingerprint,
        run.functions.get(step.step, {}),
        run.root,
        is_other_variant=parameters.is_other_variant,
    )


def _inputs(step: Rehearsed, run: ResolvedRun) -> list[str]:
    """Returns which inputs are others than when the step last ended well."""
    assert step.last_success is not None
    before, now = _given(step.last_success), _given(step.now)
    changes: list[str] = []
    new: list[str] = []
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) == now.get(name):
            continue
        upstream = step.upstream.get(name, ())
        if name in _ASKED_FOR_BY and (name not in before or name not in now):
            changes.append(setting_is(_ASKED_FOR_BY[name], run.config))
        elif found := [_FOUND_BY[each] for each in upstream if each in _FOUND_BY]:
            changes += found
        elif name in step.new_inputs:
            new += upstream
        else:
            changes += [f"another output of {each} is in the cache" for each in upstream]
    if new:
        *others, last = sorted(set(new))
        names = f"{', '.join(others)} and {last}" if others else last
        changes.insert(0, f"{OUTPUT_OF}{names} is new")
    return changes


def _alike(one: Attempt, other: Attempt) -> bool:
    return one.parameters == other.parameters and _given(one) == _given(other)


def _given(attempt: Attempt) -> dict[str, tuple[int, ...]]:
    return {name: tuple(sorted(ids)) for name, ids in attempt.inputs.items() if ids}
