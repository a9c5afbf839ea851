"""Keeps a second process off a database: whoever works on it holds a lock that ends with its process.

SQLite: an operating system's lock on a file beside the database. PostgreSQL: a lock of its own that ends with the
connection (``advisory_lock``). Both behind the same methods.
"""

import asyncio
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Protocol

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from core.errors import StoreError, StoreOwned
from core.store.advisory_lock import AdvisoryLock
from core.store.dialects import POSTGRESQL

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_FAR = 1 << 30
"""The byte that Windows locks: nobody may read a locked byte, and the owner's name is to be read."""


class Ownership(Protocol):
    """The right to work on a database, held by one process at a time. ``lost`` is set when it went, and for good."""

    lost: asyncio.Event
    needs_proof: bool
    """Whether it goes with a connection, so that somebody has to look whether it is still there."""

    async def take(self) -> None:
        """Take it for as long as this process lives. Raises StoreOwned at once when another process has it."""
        ...

    def connected(self, connection: Any) -> None:
        """Hear of each connection that can write, as its driver has it; whatever is raised, it is not used."""
        ...

    async def give_up(self) -> None:
        """Let the next process have it; nothing happens when it was not taken."""
        ...


class Unguarded:
    """No ownership: to work on a database whose owner is known to be gone."""

    needs_proof = False

    def __init__(self) -> None:
        self.lost = asyncio.Event()

    async def take(self) -> None:
        """Let anybody work on it."""

    def connected(self, connection: Any) -> None:
        """Let it write."""

    async def give_up(self) -> None:
        """Nothing was taken."""


class LockFile:
    """The ownership of a database file: a lock on a file beside it. The file stays, the lock goes with the process."""

    needs_proof = False

    def __init__(self, database: Path) -> None:
        self._database = database
        self.path = database.with_name(f"{database.name}.lock")
        self.lost = asyncio.Event()
        self._file: IO[str] | None = None

    async def take(self) -> None:
        """Lock the file and write into it who we are."""
        if self._file is not None:
            return
        try:
            file = self.path.open("a+", encoding="utf-8")
            belongs_to_the_folder(self.path)
        except OSError as error:
            raise StoreError(
                f"The lock file {self.path.name} beside the database cannot be opened ({error.strerror}).",
                hint="Check the folder in url of [store] and its rights.",
            ) from None
        if not _lock(file):
            with file:
                raise StoreOwned(f"Another migrate-bot ({_owner(file)}) works on the database {self._database.name}.")
        self._file = file
        with suppress(OSError):  # on a full disk the lock counts, not the name in it
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
            file.flush()

    def connected(self, connection: Any) -> None:
        """Let it write: the lock is the process's, not the connection's."""

    async def give_up(self) -> None:
        """Unlock it."""
        file, self._file = self._file, None
        if file is not None:
            file.close()


def belongs_to_the_folder(path: Path) -> None:
    """Give a file that root made in the bot's folder to whom the folder belongs: the bot runs as them, and needs it."""
    if sys.platform != "win32" and os.geteuid() == 0:
        folder = path.absolute().parent.stat()
        os.chown(path, folder.st_uid, folder.st_gid)


def ownership_of(url: str) -> Ownership:
    """Return what guards the database of this URL."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return Unguarded()  # opening it says what is wrong with it
    if parsed.drivername == POSTGRESQL:
        return AdvisoryLock()
    is_file = parsed.drivername == "sqlite+aiosqlite" and parsed.database not in {None, "", ":memory:"}
    return LockFile(Path(parsed.database or "")) if is_file else Unguarded()


def _lock(file: IO[str]) -> bool:
    try:
        if sys.platform == "win32":
            file.seek(_FAR)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _owner(file: IO[str]) -> str:
    file.seek(0)
    return file.read(200).strip() or "a process that has just started"
