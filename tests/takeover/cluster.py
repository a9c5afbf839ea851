"""A PostgreSQL of a test's own, that can be restarted under the bots, where the server's programs are installed."""

import asyncio
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_NONE = "on a PostgreSQL that is restarted (initdb is not installed)"
_QUIET = "-c fsync=off -c listen_addresses=127.0.0.1"


class Cluster:
    """The server's programs on one folder. The server refuses to run as root, so then it runs as ``postgres``."""

    def __init__(self, programs: Path, folder: Path, port: int) -> None:
        self.url = f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"
        self._programs = programs
        self._data = folder / "data"
        self._start = f"-p {port} -k {folder} {_QUIET}"
        self._log = folder / "log"

    def make(self) -> None:
        self._run("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync")

    def start(self) -> None:
        self._run("pg_ctl", "--wait", f"--options={self._start}", f"--log={self._log}", "start")

    def stop(self) -> None:
        """End it as a power cut does: no session is said good-bye to."""
        self._run("pg_ctl", "--wait", "--mode=immediate", "stop")

    async def away(self) -> None:
        """Stop it hard."""
        await asyncio.to_thread(self.stop)

    async def back(self) -> None:
        """Start it again; it recovers then."""
        await asyncio.to_thread(self.start)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), f"--pgdata={self._data}", *arguments]
        user = "postgres" if os.geteuid() == 0 else None
        groups: list[str] | None = [] if user else None
        subprocess.run(
            command, user=user, group=user, extra_groups=groups, cwd="/", check=True, stdout=subprocess.DEVNULL
        )


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Make and start one; it is gone at the end. Skips the test where there are no programs for it."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [Path(shutil.which("initdb") or "/nowhere")]
    if not found[-1].exists():
        pytest.skip(_NONE)
    folder = Path(tempfile.mkdtemp(prefix="migrate-bot-postgresql-"))
    if os.geteuid() == 0:
        shutil.chown(folder, pwd.getpwnam("postgres").pw_uid)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    one = Cluster(found[-1].parent, folder, port)
    try:
        one.make()
        one.start()
        try:
            yield one
        finally:
            one.stop()
    finally:
        shutil.rmtree(folder)
