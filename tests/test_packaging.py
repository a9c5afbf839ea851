"""Promises of what is shipped: the command, the locks, the licence, the container, the service."""

import configparser
import importlib
import re
import shutil
import stat
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.starter_files import STARTER_FILES
from tests.image.dockerfile import Ignored, instructions

ROOT = Path(__file__).parents[1]
ROOMS = ("bot", "core", "deploy", "lab")
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-build.lock")
KERBEROS_LOCKS = ("requirements-kerberos.lock", "requirements-kerberos-build.lock")
_PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[\w,-]+\])?==([^\s;\\]+)", re.MULTILINE)


def _project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_command_exists() -> None:
    """``migrate-bot`` is a console script and leads to a function."""
    module, _, function = _project()["project"]["scripts"]["migrate-bot"].partition(":")
    assert callable(getattr(importlib.import_module(module), function))


@pytest.mark.parametrize("lock", [*LOCKS, *KERBEROS_LOCKS])
def test_every_locked_package_has_hashes(lock: str) -> None:
    """An installation takes exactly the files that were tested: each package is pinned and hashed."""
    entries = re.split(r"\n(?=[a-z0-9])", _read(lock).strip())
    assert entries
    for entry in entries:
        assert _PIN.match(entry), entry.splitlines()[0]
        assert "--hash=sha256:" in entry, entry.splitlines()[0]


@pytest.mark.parametrize(
    "name", [*LOCKS, *KERBEROS_LOCKS, "pyproject.toml", "Makefile", "Dockerfile", "CONTRIBUTING.md"]
)
def test_no_package_index_is_named(name: str) -> None:
    """Where packages come from is the business of the machine that installs."""
    assert not re.findall(r"(?<!no-emit-)index-url\b|find-links|trusted-host", _read(name))


@pytest.mark.parametrize("lock", KERBEROS_LOCKS)
def test_the_extra_kerberos_is_locked(lock: str) -> None:
    """Its packages and what builds them are pinned, and no other lock has another version of them."""
    pinned = dict(_PIN.findall(_read(lock)))
    assert pinned
    others = dict(_PIN.findall(_read("requirements-dev.lock")))
    assert {name: others.get(name, version) for name, version in pinned.items()} == pinned


def _hashes(lock: str) -> dict[tuple[str, str], set[str]]:
    entries = re.split(r"\n(?=[a-z0-9])", _read(lock).strip())
    return {_PIN.findall(entry)[0]: set(re.findall(r"sha256:(\w+)", entry)) for entry in entries}


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-build.lock"])
def test_the_locks_agree(lock: str) -> None:
    """What is tested is what is built and runs: the lock of the tools has the same version, and the same files."""
    tested = _hashes("requirements-dev.lock")
    assert {pin: tested.get(pin) for pin in _hashes(lock)} == _hashes(lock)


def test_every_dependency_is_locked() -> None:
    """The run-time lock has every dependency of the project, and the other the tools besides."""
    project = _project()
    normal = re.compile(r"[\w-]+")
    pinned = {lock: {name for name, _ in _PIN.findall(_read(lock))} for lock in LOCKS}
    groups = project["dependency-groups"]
    asked = [text for text in groups["dev"] if isinstance(text, str)]
    names = {normal.match(text)[0].lower() for text in project["project"]["dependencies"]}  # type: ignore[index]
    tools = {normal.match(text)[0].lower() for text in asked + groups["build"]}  # type: ignore[index]
    assert names <= pinned["requirements.lock"]
    assert names | tools <= pinned["requirements-dev.lock"]
    assert groups["build"] == project["build-system"]["requires"]


def test_the_rooms_are_guarded() -> None:
    """Each room has an import contract, and the linter runs in ``make check``."""
    contracts = _project()["tool"]["importlinter"]["contracts"]
    guarded = {
        module for contract in contracts for module in contract.get("source_modules", contract.get("modules", []))
    }
    rooms = {"core.errors", "core.domain", "core.ports", "core.config", "core.engine", "core.store", "core.hyperv"}
    assert rooms | {"bot", "lab.hyperv", "lab.slack"} <= guarded
    assert "lint-imports" in _read("Makefile")


def test_the_licence_is_apache() -> None:
    """The licence the metadata names is the one that is shipped."""
    assert _project()["project"]["license"] == "Apache-2.0"
    text = _read("LICENSE")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text


def test_the_app_manifest_asks_for_what_is_used() -> None:
    """deploy/manifest.yml has the command of the settings, and the scopes to hear it, to answer and to know groups."""
    manifest = yaml.safe_load(_read("deploy/manifest.yml"))
    assert {"commands", "chat:write", "usergroups:read"} <= set(manifest["oauth_config"]["scopes"]["bot"])
    settings = importlib.import_module("core.config").SlackSettings()
    assert settings.command in [command["command"] for command in manifest["features"]["slash_commands"]]


def test_the_container_runs_the_bot_as_nobody_special() -> None:
    """The image installs the lock with hashes, runs as its own user, keeps the database, and starts the bot."""
    text = _read("Dockerfile")
    final = text[text.rindex("\nFROM ") :]
    assert "--require-hashes -r requirements.lock" in text
    assert "USER migrate-bot" in final
    assert 'VOLUME ["/var/lib/migrate-bot"]' in final
    assert 'ENTRYPOINT ["migrate-bot"]' in final
    assert 'CMD ["run", "--config", "/etc/migrate-bot/migrate-bot.toml"]' in final
    copied = [part for line in re.findall(r"^COPY (?!--)(.+)$", text, re.MULTILINE) for part in line.split()[:-1]]
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert re.search(r"^HEALTHCHECK .*\n? +CMD \[\"migrate-bot\", \"health\"", final, re.MULTILINE)


def test_the_bases_of_the_image_are_pinned() -> None:
    """Both stages start from one Python, named to its last number and its Debian, that the locks are closed for."""
    first, second = re.findall(r"^FROM (\S+)", _read("Dockerfile"), re.MULTILINE)
    assert first == second
    base = re.fullmatch(r"python:(3\.\d+)\.\d+-slim-[a-z]+(@sha256:[0-9a-f]{64})?", first)
    assert base
    assert f"Programming Language :: Python :: {base[1]}" in _project()["project"]["classifiers"]


def test_only_what_is_copied_is_sent_to_the_build() -> None:
    """.dockerignore lets in what the Dockerfile copies, and neither environments, secrets, databases nor caches."""
    ignored = Ignored(_read(".dockerignore"))
    for one in instructions(_read("Dockerfile")):
        if one.name == "COPY" and not one.text.startswith("--"):
            assert [name for name in one.text.split()[:-1] if name in ignored] == []
    strays = [".git/config", ".venv/bin/python", "migrate-bot.toml", "tests/x.py", "slack_bot_token", "build/lib/x.py"]
    strays += ["bot/__pycache__/x.pyc", "bot/slack/__pycache__", "core/migrate-bot.db", "migrate-bot.db"]
    assert [name for name in strays if name not in ignored] == []


def test_the_wheel_has_what_users_copy(tmp_path: Path) -> None:
    """Settings, manifest, unit and endpoint are in the wheel, and every file of its packages that git knows."""
    command = ["git", "ls-files", *ROOMS]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    names = [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]
    for name in [*names, "pyproject.toml", "README.md", "LICENSE"]:
        (tmp_path / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / "source" / name)
    build = "import sys, setuptools.build_meta as backend; backend.build_wheel(sys.argv[1])"
    source = tmp_path / "source"
    subprocess.run([sys.executable, "-c", build, tmp_path], cwd=source, capture_output=True, check=True)
    [wheel] = tmp_path.glob("*.whl")
    assert set(names) <= set(zipfile.ZipFile(wheel).namelist())
    assert {f"deploy/{name}" for name in STARTER_FILES.values()} <= set(names)


def test_the_service_is_confined() -> None:
    """The systemd unit starts the bot as a user of its own, without privileges, with a folder for the database."""
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(ROOT / "deploy" / "migrate-bot.service", encoding="utf-8")
    service = unit["Service"]
    assert service["ExecStart"].endswith("migrate-bot run --config /etc/migrate-bot/migrate-bot.toml")
    assert (service["DynamicUser"], service["NoNewPrivileges"], service["ProtectSystem"]) == ("yes", "yes", "strict")
    assert service["StateDirectory"] == "migrate-bot"


def test_the_pipeline_can_be_started() -> None:
    """``.ci/run`` is executable and runs every check."""
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & stat.S_IXUSR
    assert "make test" in script.read_text(encoding="utf-8")
