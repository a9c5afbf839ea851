"""Promises of the locks: each is closed, so that a fresh machine installs tomorrow what was tested today."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PYTHONS = [
    line.rpartition(" ")[2] for line in PROJECT["project"]["classifiers"] if re.search(r":: Python :: 3\.\d+$", line)
]
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-build.lock", "requirements-docs.lock")
OWN = {"requirements-docs.lock": ".venv-docs"}
"""Locks that have an environment of their own."""
SYSTEMS: dict[str, dict[str, str]] = {
    "linux-x86_64": {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"},
    "linux-aarch64": {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "aarch64"},
    "macos-arm64": {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"},
    "windows-amd64": {"sys_platform": "win32", "platform_system": "Windows", "platform_machine": "AMD64"},
}
WHEEL_PLATFORMS = {
    "linux-x86_64": "x86_64-manylinux_2_28",
    "linux-aarch64": "aarch64-manylinux_2_28",
    "macos-arm64": "aarch64-apple-darwin",
    "windows-amd64": "x86_64-pc-windows-msvc",
}
_ASKED = re.compile(r"^([a-z0-9][^\\#]*?) *\\?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Lack:
    """A requirement that a lock does not satisfy."""

    asked_by: str
    requirement: str
    environment: str


def environment(python: str, system: str) -> dict[str, str]:
    """Return the values of all markers, for CPython."""
    parts = SYSTEMS[system]
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{python}.0",
        "os_name": "nt" if parts["sys_platform"] == "win32" else "posix",
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_version": "",
        "python_full_version": f"{python}.0",
        "python_version": python,
    } | parts


@cache
def pins(lock: str) -> tuple[Requirement, ...]:
    return tuple(Requirement(line) for line in _ASKED.findall((ROOT / lock).read_text(encoding="utf-8")))


def wanted(lock: str) -> list[str]:
    """Return what the project itself asks of a lock."""
    groups: dict[str, list[str | dict[str, str]]] = PROJECT["dependency-groups"]
    found = {
        "requirements.lock": [],
        "requirements-dev.lock": groups["dev"] + groups["build"],
        "requirements-build.lock": groups["build"],
        "requirements-docs.lock": groups["docs"],
    }[lock]
    if lock in {"requirements.lock", "requirements-dev.lock"}:
        found = found + PROJECT["project"]["dependencies"]
    return [one for one in found if isinstance(one, str)]


@cache
def installed(lock: str) -> dict[NormalizedName, metadata.Distribution]:
    """Return what is installed where the tests run, or in the lock's own environment."""
    if lock not in OWN:
        found = metadata.distributions()
    else:
        places = [str(place) for place in (ROOT / OWN[lock]).glob("lib/python*/site-packages")]
        if not places:
            pytest.skip(f"{OWN[lock]} is not there: `make docs` sets it up")
        found = metadata.distributions(path=places)
    return {canonicalize_name(one.metadata["Name"]): one for one in found}


def lacks(
    roots: list[str],
    locked: Mapping[NormalizedName, Version],
    markers: dict[str, str],
    lock: str = "requirements-dev.lock",
) -> Iterator[Lack]:
    """Follow every requirement from the roots, extras too; yield what the lock does not satisfy."""
    where = f"{markers['python_version']} {markers['sys_platform']} {markers['platform_machine']}"
    todo = [("the project", Requirement(text), "") for text in roots]
    seen: set[tuple[NormalizedName, str]] = set()
    while todo:
        source, requirement, extra = todo.pop()
        if requirement.marker and not requirement.marker.evaluate({**markers, "extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        if name not in locked or not requirement.specifier.contains(locked[name], prereleases=True):
            yield Lack(source, str(requirement), where)
            continue
        for chosen in ("", *requirement.extras):
            # What is for another system only, or for an extra, may not be installed: it is passed over.
            if (name, chosen) not in seen and name in installed(lock):
                seen.add((name, chosen))
                todo += [(name, Requirement(one), chosen) for one in installed(lock)[name].requires or ()]


def locked_for(lock: str, markers: dict[str, str]) -> dict[NormalizedName, Version]:
    return {
        canonicalize_name(pin.name): Version(str(pin.specifier).removeprefix("=="))
        for pin in pins(lock)
        if pin.marker is None or pin.marker.evaluate(dict(markers))
    }


@pytest.mark.parametrize("lock", LOCKS)
def test_what_is_installed_here_is_what_is_locked(lock: str) -> None:
    """The metadata these tests read is that of the pinned releases."""
    here = {pin.name: str(pin.specifier) for pin in pins(lock) if pin.marker is None or pin.marker.evaluate()}
    assert here
    assert {name: f"=={installed(lock)[canonicalize_name(name)].version}" for name in here} == here


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize(("python", "system"), list(product(PYTHONS, SYSTEMS)))
def test_each_lock_is_closed(lock: str, python: str, system: str) -> None:
    """Every requirement of every pinned distribution, extras included, is satisfied by the lock itself."""
    markers = environment(python, system)
    assert list(lacks(wanted(lock), locked_for(lock, markers), markers, lock)) == []


@pytest.mark.parametrize(("python", "system"), list(product(PYTHONS, SYSTEMS)))
def test_the_lock_of_kerberos_completes_the_one_of_run_time(python: str, system: str) -> None:
    """Alone it is not closed: it has what the extra needs besides, and what builds that is in a lock too."""
    markers = environment(python, system)
    both = locked_for("requirements.lock", markers) | locked_for("requirements-kerberos.lock", markers)
    assert list(lacks(PROJECT["project"]["optional-dependencies"]["kerberos"], both, markers)) == []
    tools = PROJECT["dependency-groups"]["kerberos-build"]
    assert list(lacks(tools, locked_for("requirements-kerberos-build.lock", markers), markers)) == []


def test_a_lock_with_a_hole_is_found_out() -> None:
    """A pin too few or too old is named, with who asks for it; also one that only an extra asks for."""
    markers = environment("3.12", "linux-x86_64")
    locked = locked_for("requirements.lock", markers)
    without = {name: version for name, version in locked.items() if name not in {"greenlet", "requests-credssp"}}
    without[canonicalize_name("yarl")] = Version("0.1")
    found = list(lacks(wanted("requirements.lock"), without, markers))
    # greenlet: sqlalchemy[asyncio]; requests-credssp: pypsrp[credssp].
    assert {(one.asked_by, Requirement(one.requirement).name) for one in found} == {
        ("aiohttp", "yarl"),
        ("pypsrp", "requests-credssp"),
        ("sqlalchemy", "greenlet"),
    }


def test_the_makefile_names_the_pythons_of_the_locks() -> None:
    """``make`` refuses a Python for which the locks have no wheels, and says which it wants."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f"needs Python {PYTHONS[0]} to {PYTHONS[-1]};" in text
    first, last = (tuple(map(int, one.split("."))) for one in (PYTHONS[0], PYTHONS[-1]))
    assert f"{first} <= sys.version_info[:2] <= {last}" in text


@pytest.mark.parametrize("path", ["Makefile", "Dockerfile", ".ci/run", "README.md", "CONTRIBUTING.md"])
def test_nothing_is_installed_that_is_not_pinned(path: str) -> None:
    """Each ``pip install`` takes a lock without resolver or build, or the project itself without its dependencies."""
    text = (ROOT / path).read_text(encoding="utf-8").replace("\\\n", " ")
    text = text.replace("$(INSTALL)", next(iter(re.findall(r"^INSTALL := (.*)$", text, re.MULTILINE)), ""))
    for command in re.findall(r"pip (?:install|wheel)\b[^&`\n]*", text):
        assert "--no-deps" in command, command
        if re.search(r"-r(?:$|\s)", command):
            assert "--require-hashes" in command, command
            # What the extra kerberos has is built from source, in an environment that its other lock describes.
            is_source = "-r requirements-kerberos.lock" in command
            assert ("--no-build-isolation" if is_source else "--only-binary :all:") in command, command
        else:
            assert "--no-index" in command or "--no-build-isolation" in command, command


# requirements-dev.lock has what is in the others but that of the pages.
@pytest.mark.parametrize("name", ["requirements-dev.lock", "requirements-docs.lock"])
@pytest.mark.parametrize("system", WHEEL_PLATFORMS)
def test_every_pin_has_a_wheel(system: str, name: str, tmp_path: Path) -> None:
    """Nothing is built on a fresh machine: for each Python there is a wheel of each pin, with a hash of the lock."""
    lock = ROOT / name
    for python in PYTHONS:
        asked = subprocess.run(
            [
                *(f"{sys.prefix}/bin/uv", "pip", "install", "--dry-run", "--quiet", "--system-certs", "--no-config"),
                *("--no-deps", "--only-binary", ":all:", "--require-hashes", "--target", str(tmp_path)),
                *("--python-version", python, "--python-platform", WHEEL_PLATFORMS[system], "-r", str(lock)),
            ],
            env=os.environ | {"PYTHONPATH": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        if "Failed to fetch" in asked.stderr:
            pytest.skip("no package index can be reached")
        assert asked.returncode == 0, f"{python}: {asked.stderr}"
