"""Carries out a Dockerfile's instructions in a folder: without a container, so without a kernel, users or a base image.

What is real: every COPY (with .dockerignore), every RUN with its packages, ENV, WORKDIR, and that a later stage has
only what it copies. What is not: the base is this machine's Python and tools, USER is not switched to, and `apt-get` is
recorded and never carried out, not even by root: this machine has the packages, or a RUN that fails is left out.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

OWN = ("/opt", "/src", "/wheels", "/var/lib", "/etc/migrate-bot")
"""Folders of the image itself; other absolute paths in a command are the base's."""
_TOOLS = {
    "useradd": 'while [ $# -gt 0 ]; do [ "$1" = --home-dir ] && mkdir -p "$2"; shift; done',
    "apt-get": 'echo "not carried out: apt-get $*"',
}
"""Commands that need to be root or a container, and what remains of them here."""
_ASKED = re.compile(r"apt-get install ([^&|;]*)")
_PASSED_ON = re.compile(r"PIP_\w+|\w*proxy|SSL_CERT_\w+|REQUESTS_CA_BUNDLE|HOME|LANG|CFLAGS", re.IGNORECASE)


class CannotCarryOut(Exception):
    """An instruction this does not know, or that failed."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its name in capitals, and the rest."""

    name: str
    text: str


@dataclass(slots=True)
class Image:
    """What the last stage left: its folder, and how it is to be run."""

    root: Path
    env: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = "root"
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    healthcheck: list[str] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    """Commands that failed on a machine without the system's packages, which it therefore lacks too."""

    def here(self, text: str) -> str:
        """Return a text with the image's own paths as they are on this machine."""
        own = "|".join(map(re.escape, OWN))
        return re.sub(rf"(?<![\w./-])(?=(?:{own})(?![\w-]))", lambda _: str(self.root), text)

    def path(self, inside: str) -> Path:
        """Return where a path of the image is on this machine; relative ones start in its working folder."""
        return self.root / os.path.normpath(Path(self.workdir) / inside).lstrip("/")


def instructions(text: str) -> list[Instruction]:
    """Read a Dockerfile: comments gone, continued lines joined."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()
    parts = (line.split(None, 1) for line in joined)
    return [Instruction(name.upper(), rest.strip()) for name, rest in parts]


class Ignored:
    """What .dockerignore keeps out of the build: the last pattern that fits a path or a folder above it decides."""

    def __init__(self, text: str) -> None:
        lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
        self._rules = [(not line.startswith("!"), _pattern(line.removeprefix("!"))) for line in lines]

    def __contains__(self, path: str) -> bool:
        """Whether a path, relative to the context, stays out."""
        parts = path.split("/")
        prefixes = ["/".join(parts[: n + 1]) for n in range(len(parts))]
        fits = [is_out for is_out, rule in self._rules if any(rule.fullmatch(prefix) for prefix in prefixes)]
        return bool(fits) and fits[-1]


def _pattern(text: str) -> re.Pattern[str]:
    escaped = re.escape(text.strip("/")).replace(r"\*\*/", "(?:.*/)?").replace(r"\*\*", ".*")
    return re.compile(escaped.replace(r"\*", "[^/]*").replace(r"\?", "[^/]"))


class Builder:
    """Carries out a Dockerfile in a folder. Every stage has its turn at the same place, as in a container at ``/``."""

    def __init__(self, context: Path, work: Path) -> None:
        self._context = context
        self._ignored = Ignored((context / ".dockerignore").read_text(encoding="utf-8"))
        self._work = work
        self._stage = ""
        self._image = Image(work / "root")
        self._asked: list[str] = []
        self._left_out_runs: list[str] = []

    def build(self, dockerfile: Path) -> Iterator[Instruction | Image]:
        """Yield each instruction before it is carried out, and the image at the end.

        Raises:
            CannotCarryOut: an instruction is unknown or fails.

        """
        for one in instructions(dockerfile.read_text(encoding="utf-8")):
            yield one
            act = getattr(self, f"_{one.name.lower()}", None)
            if act is None:
                raise CannotCarryOut(f"{one.name} is an instruction that this check does not know")
            act(one.text)
        self._image.left_out = self._left_out_runs
        yield self._image

    def lacking(self) -> list[str]:
        """Return the packages that the Dockerfile asks the system for and this machine does not have."""
        if not shutil.which("dpkg-query"):
            return self._asked
        query = ("dpkg-query", "--show")
        return [
            name for name in self._asked if subprocess.run([*query, name], capture_output=True, check=False).returncode
        ]

    def _from(self, text: str) -> None:
        root = self._image.root
        if self._stage or root.exists():
            root.rename(self._work / f"stage-{self._stage}")
        root.mkdir(parents=True)
        self._stage = text.partition(" AS ")[2].strip() or "last"
        base = self._work / f"base-{self._stage}"
        # The base's own Python may be installed into; this machine's may not.
        subprocess.run([getattr(sys, "_base_executable", sys.executable), "-m", "venv", base], check=True)
        for name, script in _TOOLS.items():
            tool = base / "bin" / name
            tool.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
            tool.chmod(0o755)
        self._image = Image(root, env={"PATH": f"{base / 'bin'}:/usr/local/bin:/usr/bin:/bin"})

    def _run(self, text: str) -> None:
        passed = {name: value for name, value in os.environ.items() if _PASSED_ON.fullmatch(name)}
        self._asked += [word for found in _ASKED.findall(text) for word in found.split() if not word.startswith("-")]
        folder = self._image.path(".")
        folder.mkdir(parents=True, exist_ok=True)
        command = ["sh", "-ec", self._image.here(text)]
        done = subprocess.run(command, cwd=folder, env=passed | self._image.env, check=False)
        if done.returncode and self.lacking():
            self._left_out_runs.append(text)  # what is tried in the end shows whether anything else is amiss
        elif done.returncode:
            raise CannotCarryOut(f"RUN ended with {done.returncode}")

    def _copy(self, text: str) -> None:
        *sources, target = shlex.split(text)
        stage = sources.pop(0).removeprefix("--from=") if sources[0].startswith("--from=") else ""
        for source in sources:
            into = self._image.path(target)
            origin = (self._work / f"stage-{stage}" / source.lstrip("/")) if stage else self._context / source
            if not origin.exists():
                raise CannotCarryOut(f"COPY: there is no {source}")
            if not stage and source in self._ignored:
                raise CannotCarryOut(f"COPY: .dockerignore keeps {source} out")
            if origin.is_dir():
                shutil.copytree(
                    origin, into, symlinks=True, dirs_exist_ok=True, ignore=None if stage else self._left_out
                )
            else:
                is_folder = target.endswith("/") or into.is_dir() or len(sources) > 1
                into = into / origin.name if is_folder else into
                into.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(origin, into)

    def _left_out(self, folder: str, names: list[str]) -> set[str]:
        above = Path(folder).relative_to(self._context)
        return {name for name in names if (above / name).as_posix() in self._ignored}

    def _env(self, text: str) -> None:
        for pair in shlex.split(text):
            name, _, value = pair.partition("=")
            known = re.sub(r"\$\{?(\w+)\}?", lambda match: self._image.env.get(match[1], ""), value)
            self._image.env[name] = self._image.here(known) if name == "PATH" else known

    def _workdir(self, text: str) -> None:
        self._image.workdir = os.path.normpath(Path(self._image.workdir) / text)
        self._image.path(".").mkdir(parents=True, exist_ok=True)

    def _user(self, text: str) -> None:
        self._image.user = text

    def _volume(self, text: str) -> None:
        self._image.volumes += json.loads(text)

    def _entrypoint(self, text: str) -> None:
        self._image.entrypoint = json.loads(text)

    def _cmd(self, text: str) -> None:
        self._image.command = json.loads(text)

    def _healthcheck(self, text: str) -> None:
        self._image.healthcheck = json.loads(text[text.index("CMD") + len("CMD") :])
