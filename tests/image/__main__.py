"""``make image-check``: carries out the Dockerfile in a folder, then tries what a user of the image would.

The version, every module, ``init``, ``lab``, ``check`` and ``run`` on that lab with the health check, ``demo``.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.image.dockerfile import Builder, CannotCarryOut, Image

ROOT = Path(__file__).parents[2]
SETTINGS = "/etc/migrate-bot/migrate-bot.toml"
PAGES = "/opt/migrate-bot/docs"
START_WITHIN_S = 120.0
STOP_WITHIN_S = 60.0


class Failed(Exception):
    """Something a user would try does not work."""


class Container:
    """Runs commands as the image would: its environment alone, its working folder, its entry point."""

    def __init__(self, image: Image) -> None:
        self._image = image
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        # The port the image names may be taken on this machine; a container has its own.
        self._env = image.env | {"HOME": str(image.path(".")), "MIGRATE_BOT_SLACK__HEALTH": f"127.0.0.1:{port}"}

    def start(self, words: list[str], more: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start a command, its path looked for in the image alone."""
        program = shutil.which(words[0], path=self._env["PATH"])
        if program is None or not program.startswith(str(self._image.root)):
            raise Failed(f"{words[0]} is not in the image")
        return subprocess.Popen(
            [program, *map(self._image.here, words[1:])],
            cwd=self._image.path("."),
            env=self._env | {name: self._image.here(value) for name, value in (more or {}).items()},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, *words: str, more: Mapping[str, str] | None = None, expect: int = 0) -> str:
        """Run a command of the entry point to its end and return what it says."""
        return self.run_words([*self._image.entrypoint, *words], more=more, expect=expect)

    def run_words(self, words: list[str], *, more: Mapping[str, str] | None = None, expect: int = 0) -> str:
        """Run any command of the image to its end and return what it says."""
        process = self.start(words, more)
        said, _ = process.communicate()
        print(f"$ {' '.join(words)}  (exit {process.returncode})", flush=True)
        if process.returncode != expect or "Traceback" in said:
            raise Failed(f"{' '.join(words)} ended with {process.returncode}, not {expect}:\n{said}")
        return said

    def page(self, path: str) -> str:
        """Return the title of a page that is answered beside the health check."""
        address = f"http://{self._env['MIGRATE_BOT_SLACK__HEALTH']}{path}"
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=30) as answer:
            found = re.search(r"<title>(.*?)</title>", answer.read().decode())
        if found is None:
            raise Failed(f"{address} is no page")
        return f"GET {path}: {found[1]}"

    @contextmanager
    def serving(self, words: list[str], more: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
        """Have a command run meanwhile, and see it end well when told to."""
        process = self.start(words, more)
        try:
            yield process
            process.send_signal(signal.SIGTERM)
            said, _ = process.communicate(timeout=STOP_WITHIN_S)
            print(f"$ {' '.join(words)}  (exit {process.returncode} when told to stop)", flush=True)
            if process.returncode:
                raise Failed(f"{' '.join(words)} ended with {process.returncode}:\n{said}")
        finally:
            process.kill()
            process.wait()


def main() -> int:
    """Build and try. Returns 0 when all of it works."""
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="migrate-bot-image-") as name:
        try:
            image = _build(Path(name))
            _try(image, Container(image))
        except (CannotCarryOut, Failed) as error:
            print(f"image-check: {error}", file=sys.stderr)
            return 1
    print(f"image-check: the Dockerfile's steps work, and what they leave works ({time.monotonic() - began_s:.0f} s)")
    return 0


def _build(work: Path) -> Image:
    builder = Builder(ROOT, work)
    for step in builder.build(ROOT / "Dockerfile"):
        if isinstance(step, Image):
            for text in step.left_out:
                print(f"left out, as this machine lacks {' '.join(builder.lacking())}: {text}", flush=True)
            return step
        print(f"{step.name} {step.text}", flush=True)
    raise CannotCarryOut("the Dockerfile is empty")


def _try(image: Image, container: Container) -> None:
    print(container.run("--version"), end="")
    print(container.run_words(["python", str(ROOT / "tests" / "image" / "import_everything.py")]), end="")
    if not image.left_out:
        container.run_words(["python", "-c", "import gssapi, krb5"])  # the extra kerberos, with this machine's library
    container.run("init", "started")
    shipped = sorted(path.name for path in image.path("started").rglob("*") if path.is_file())
    if "migrate-bot.toml" not in shipped or "MigrateBot.psm1" not in shipped:
        raise Failed(f"init wrote {shipped}")
    container.run("health", "--config", "started/migrate-bot.toml", expect=1)
    with container.serving([*image.entrypoint, "lab"]) as lab:
        secrets, settings = _lab_files(lab)
        inside = Path(image.here(SETTINGS))
        inside.parent.mkdir(parents=True)
        shutil.copy(settings, inside)
        print(container.run("check", "--config", SETTINGS, more=secrets), end="")
        with container.serving([*image.entrypoint, *image.command], secrets | {"MIGRATE_BOT_SLACK__DOCS": PAGES}):
            print(_healthy(image, container), end="")
            print(container.page("/docs"))
        container.run_words(image.healthcheck, expect=1)
    print(container.run("demo")[-2500:], end="")
    if image.volumes != [image.workdir]:
        raise Failed(f"the database is in {image.workdir}, and the volume is {image.volumes}")


def _lab_files(lab: subprocess.Popen[str]) -> tuple[dict[str, str], Path]:
    assert lab.stdout is not None
    said = ""
    for line in lab.stdout:
        said += line
        found = re.search(r"\. (\S+) && migrate-bot run --config (\S+)", line)
        if found:
            exports = re.findall(r"^export (\w+)='(.*)'$", Path(found[1]).read_text(encoding="utf-8"), re.MULTILINE)
            return dict(exports), Path(found[2])
    raise Failed(f"the lab did not start:\n{said}")


def _healthy(image: Image, container: Container) -> str:
    """Ask as the container's host would, until the start period is over."""
    until_s = time.monotonic() + START_WITHIN_S
    while True:
        try:
            return container.run_words(image.healthcheck)
        except Failed:
            if time.monotonic() > until_s:
                raise
            time.sleep(1)


if __name__ == "__main__":
    os.environ.pop("PYTHONPATH", None)
    sys.exit(main())
