"""Builds a stage of the Dockerfile as a folder, without a container engine: for .ci/images.

    python3 .ci/dockerfile.py TARGET --base ROOT --work FOLDER [--cache FOLDER]

Does what the instructions say, in their order, with a Debian 13 root in the place of the base
image. FOLDER/NAME gets the files of each stage that the target needs, FOLDER/TARGET.json what the
image would run with. A stage that is there already is taken as it is. An instruction, or a flag of
one, that is not known here is an error.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
IN_ROOT = PROJECT / ".ci" / "in_root"
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class DockerfileError(Exception):
    """The Dockerfile holds what this builder does not know, or what cannot be."""


@dataclass(frozen=True)
class Instruction:
    """One instruction: its word, its flags, and the rest of its line."""

    word: str
    flags: dict[str, str]
    rest: str


@dataclass(frozen=True)
class Stage:
    """The instructions from one FROM to the next."""

    name: str
    parent: str
    instructions: tuple[Instruction, ...]


@dataclass(frozen=True)
class Image:
    """What an image would run with."""

    environment: dict[str, str] = field(default_factory=lambda: {"PATH": _SYSTEM_PATH})
    user: str = "root"
    folder: str = "/"
    entry_point: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    health_check: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()


def parse(text: str) -> dict[str, Stage]:
    """Returns the stages by name, in their order.

    Raises:
      DockerfileError: A line is no instruction, or a stage has no name.
    """
    stages: dict[str, Stage] = {}
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in lines.replace("\\\n", " ").splitlines():
        if not line.strip():
            continue
        found = re.fullmatch(r"(?P<word>[A-Z]+)(?P<flags>( +--[\w-]+=\S+)*) +(?P<rest>.+)", line)
        if not found:
            raise DockerfileError(f"This is no instruction: {line}")
        flags = dict(flag[2:].split("=", 1) for flag in found["flags"].split())
        if found["word"] == "FROM":
            of = re.fullmatch(r"(\S+) AS (\S+)", found["rest"])
            if not of:
                raise DockerfileError(f"Expected FROM IMAGE AS NAME: {line}")
            stages[of[2]] = Stage(of[2], of[1], ())
            continue
        stage = list(stages.values())[-1]
        instruction = Instruction(found["word"], flags, found["rest"].strip())
        stages[stage.name] = replace(stage, instructions=(*stage.instructions, instruction))
    return stages


class Builder:
    """Builds stages into folders."""

    def __init__(self, stages: dict[str, Stage], base: Path, work: Path, cache: Path | None):
        """Takes the stages, the root that stands for the base image, and where folders go."""
        self._stages, self._base, self._work, self._cache = stages, base, work, cache
        self._ignored = (PROJECT / ".dockerignore").read_text().split()

    def build(self, name: str) -> Image:
        """Builds a stage and those that it needs; returns what it would run with.

        Raises:
          DockerfileError: An instruction is not known here, or names what is not there.
        """
        stage = self._stages[name]
        root = self._work / name
        image = self.build(stage.parent) if stage.parent in self._stages else Image()
        is_there = root.exists()
        if not is_there:
            parent = self._work / stage.parent if stage.parent in self._stages else self._base
            subprocess.run(["rm", "-rf", "--one-file-system", f"{root}.part"], check=True)
            subprocess.run(["cp", "--archive", parent, f"{root}.part"], check=True)
        began = time.monotonic()
        for instruction in stage.instructions:
            image = self._follow(instruction, image, None if is_there else Path(f"{root}.part"))
        if not is_there:
            Path(f"{root}.part").rename(root)
            print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
        return image

    def _follow(self, instruction: Instruction, image: Image, root: Path | None) -> Image:
        """Returns the image after an instruction; changes files only if `root` is given."""
        word, flags, rest = instruction.word, instruction.flags, instruction.rest
        if unknown := flags.keys() - _FLAGS.get(word, set()):
            raise DockerfileError(f"{word} --{unknown.pop()} is not known here.")
        if word == "RUN":
            self._run(flags, rest, image, root)
        elif word == "COPY":
            self._copy(flags.get("from", ""), rest.split(), image, root)
        elif word == "ENV":
            pairs = dict(pair.split("=", 1) for pair in shlex.split(rest))
            known = image.environment
            new = {k: re.sub(r"\$(\w+)", lambda m: known[m[1]], v) for k, v in pairs.items()}
            return replace(image, environment={**known, **new})
        elif word == "LABEL":
            pairs = dict(pair.split("=", 1) for pair in shlex.split(rest))
            return replace(image, labels={**image.labels, **pairs})
        elif word == "WORKDIR":
            if root:
                (root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
            return replace(image, folder=rest)
        elif word == "HEALTHCHECK":
            return replace(image, health_check=_words(rest.removeprefix("CMD ")))
        elif word in ("ENTRYPOINT", "CMD"):
            name = "entry_point" if word == "ENTRYPOINT" else "command"
            return replace(image, **{name: _words(rest)})
        elif word == "USER":
            return replace(image, user=rest)
        elif word == "EXPOSE":
            return replace(image, ports=(*image.ports, *rest.split()))
        elif word == "VOLUME":
            return replace(image, volumes=(*image.volumes, *rest.split()))
        else:
            raise DockerfileError(f"{word} is not known here.")
        return image

    def _run(self, flags: dict[str, str], rest: str, image: Image, root: Path | None) -> None:
        script, *arguments = rest.split()
        if not (PROJECT / script.lstrip("/")).is_file() or not script.startswith("/docker/"):
            raise DockerfileError(f"RUN {rest}: expected a script of docker/, and its arguments.")
        if root is None:
            return
        options = ["--set", f"PWD={image.folder}"]
        for name, value in image.environment.items():
            options += ["--set", f"{name}={value}"]
        if mount := flags.get("mount"):
            kind, _, target = mount.partition(",target=")
            if kind != "type=cache" or not target:
                raise DockerfileError(f"RUN --mount={mount} is not known here.")
            if self._cache:
                options += ["--bind", f"{self._cache}:{target}"]
        subprocess.run([IN_ROOT, *options, root, image.user, script, *arguments], check=True)

    def _copy(self, stage: str, paths: list[str], image: Image, root: Path | None) -> None:
        *sources, target = paths
        if stage and stage not in self._stages:
            raise DockerfileError(f"COPY --from={stage}: there is no such stage.")
        if stage:
            self.build(stage)
        for source in sources:
            if not stage and not self._is_sent(source):
                raise DockerfileError(f"COPY {source}: it is not there, or .dockerignore has it.")
            if root is None:
                continue
            place = root / image.folder.lstrip("/") / target
            if target.startswith("/"):
                place = root / target.lstrip("/")
            origin = (self._work / stage if stage else PROJECT) / source.lstrip("/")
            if target.endswith("/"):
                place = place / origin.name
            place.parent.mkdir(parents=True, exist_ok=True)
            if stage:
                # Both are only read from now on.
                subprocess.run(["cp", "--archive", "--link", origin, place], check=True)
            elif origin.is_dir():
                shutil.copytree(origin, place, ignore=self._not_sent)
            else:
                shutil.copy2(origin, place)

    def _is_sent(self, source: str) -> bool:
        """Whether the context holds it: everything is ignored but what a line excepts."""
        top = Path(source).parts[0]
        return (
            self._ignored[0] == "*" and f"!{top}" in self._ignored and (PROJECT / source).exists()
        )

    def _not_sent(self, folder: str, names: list[str]) -> set[str]:
        anywhere = [line[3:] for line in self._ignored if line.startswith("**/")]
        return {name for name in names if any(fnmatch(name, pattern) for pattern in anywhere)}


_FLAGS = {
    "RUN": {"mount"},
    "COPY": {"from"},
    "HEALTHCHECK": {"interval", "timeout", "start-period", "retries"},
}


def _words(rest: str) -> tuple[str, ...]:
    """Returns the words of the form without a shell."""
    if rest == "NONE":
        return ()
    try:
        return tuple(json.loads(rest))
    except ValueError as error:
        raise DockerfileError(f"Expected a list of words in brackets: {rest}") from error


def main() -> int:
    """Builds the target that the command line names; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target")
    parser.add_argument("--base", required=True, type=Path)
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--cache", type=Path)
    options = parser.parse_args()
    stages = parse((PROJECT / "Dockerfile").read_text())
    if options.target not in stages:
        parser.error(f"there is no target {options.target}; there are {', '.join(stages)}")
    options.work.mkdir(parents=True, exist_ok=True)
    try:
        image = Builder(stages, options.base, options.work, options.cache).build(options.target)
    except (DockerfileError, subprocess.CalledProcessError) as error:
        print(f"dockerfile.py: {error}", file=sys.stderr)
        return 1
    (options.work / f"{options.target}.json").write_text(json.dumps(asdict(image), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
