"""Tables of the pages that are made from the code."""

from __future__ import annotations

from pipeline.beam_engines import ENGINES, WORKERS, Argument
from pipeline.loading import describe_settings


def settings_table() -> str:
    """Returns the table of all settings, for `docs/reference/settings.md`."""
    rows = ["| flag | TOML key | default | what it does |", "|---|---|---|---|"]
    rows += [
        f"| `{flag}` | `{key}` | {default} | {help_text} |"
        for flag, key, default, help_text in describe_settings()
    ]
    return "\n".join(rows)


def engines_tables() -> str:
    """Returns the tables of all arguments that Beam's engines are given."""
    lines = []
    seen: list[tuple[Argument, ...]] = []
    for engine in ENGINES.values():
        if engine.arguments in seen:
            continue
        seen.append(engine.arguments)
        names = [name for name, each in ENGINES.items() if each.arguments == engine.arguments]
        lines += [f"`--beam {'`, `--beam '.join(names)}`:", "", *_rows(engine.arguments), ""]
    for workers in WORKERS.values():
        value = f"[={workers.takes}]" if workers.takes else ""
        lines += [
            f"`--beam-workers {workers.name}{value}`, {workers.what}:",
            "",
            *_rows(workers.arguments),
            "",
        ]
    return "\n".join(lines).rstrip()


def _rows(arguments: tuple[Argument, ...]) -> list[str]:
    head = ["| argument | why |", "|---|---|"]
    return [*head, *(f"| `{each.text}` | {each.reason} |" for each in arguments)]
