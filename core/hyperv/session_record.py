"""Remembers which sessions the bot has open on the hosts, so that whoever starts next can delete what a dead one left.

A host allows an account only so many sessions, and keeps one whose client is dead for a quarter of an hour, or for two
hours. The ids are ours to choose: each is written down before it is opened. Every process has a file of its own and
keeps it locked for as long as it lives; the lock ends with the process, however that ends, and a file that can be
locked belongs to a dead one. Deleting the session of a move does not end the move, which runs in the host's service.
"""

import contextlib
import json
import logging
import threading
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from core.domain.model.inventory import HostName

try:
    import fcntl
except ImportError:  # Windows: what a dead bot left there, the hosts remove after a while
    fcntl = None  # type: ignore[assignment]

log = logging.getLogger(__name__)

_SUFFIX = ".jsonl"


@dataclass(frozen=True, slots=True)
class RemoteSession:
    """One session on a host: what its id belongs to."""

    host: HostName
    resource_uri: str
    shell_id: str


class SessionRecord:
    """The sessions of one process, and those that others left behind. Used from every thread that opens one.

    Without a folder only this process remembers.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._open: dict[str, RemoteSession] = {}
        self._left: defaultdict[HostName, dict[str, RemoteSession]] = defaultdict(dict)
        self._lock = threading.Lock()
        self._by_host: defaultdict[HostName, threading.Lock] = defaultdict(threading.Lock)
        self._file: IO[str] | None = None
        self._path: Path | None = None
        if folder is not None and fcntl is not None:
            try:
                self._start(folder)
            except OSError as error:
                log.warning("sessions are not written down, %s: %s", folder, error.strerror)

    def opening(self, session: RemoteSession) -> None:
        """Write down a session that is about to be opened."""
        with self._lock:
            self._open[session.shell_id] = session
            self._write({"host": session.host, "uri": session.resource_uri, "id": session.shell_id})

    def gone(self, shell_id: str) -> None:
        """Forget a session that the host does not have any more."""
        with self._lock:
            session = self._open.pop(shell_id, None)
            if session is not None:
                self._left[session.host].pop(shell_id, None)
                self._write({"gone": shell_id})

    def abandon(self, shell_id: str) -> None:
        """Note that a session may still be on the host although nobody uses it."""
        with self._lock:
            session = self._open.get(shell_id)
            if session is not None:
                self._left[session.host][shell_id] = session

    @contextmanager
    def left_on(self, host: HostName) -> Iterator[tuple[RemoteSession, ...]]:
        """Hand out what is to be deleted on a host, to one thread at a time: nobody opens one before it is done."""
        with self._by_host[host]:
            with self._lock:
                left = tuple(self._left[host].values())
            yield left

    def close(self) -> None:
        """Let go of the file; it stays only if sessions are left that the hosts still have."""
        with self._lock:
            file, self._file = self._file, None
            if file is not None:
                if not self._open and self._path is not None:
                    self._path.unlink(missing_ok=True)
                file.close()

    def _write(self, line: dict[str, Any]) -> None:
        if self._file is not None:
            try:
                self._file.write(json.dumps(line) + "\n")
                self._file.flush()
            except OSError as error:  # a full disk costs a session for a while, not the work
                log.warning("a session is not written down: %s", error.strerror)

    def _start(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        mine = folder / f"{uuid.uuid4()}{_SUFFIX}"
        new = mine.with_suffix(".new")
        new.touch(mode=0o600)
        self._file = new.open("w", encoding="utf-8")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        # Locked before it bears its name: nobody takes it for a dead one's in between.
        self._path = new.rename(mine)
        for path in sorted(folder.glob(f"*{_SUFFIX}")):
            if path != mine:
                self._take_over(path)

    def _take_over(self, path: Path) -> None:
        """Make the sessions of a dead process ours, before its file goes; leave alone those of a living one."""
        with contextlib.suppress(OSError), path.open("r+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for session in _read(file):
                self.opening(session)
                self.abandon(session.shell_id)
            path.unlink()


def _read(file: IO[str]) -> tuple[RemoteSession, ...]:
    """Read what is open by a file; its last line may be half written."""
    found: dict[str, RemoteSession] = {}
    for text in file:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            line = json.loads(text)
            if "gone" in line:
                found.pop(line["gone"], None)
            else:
                found[line["id"]] = RemoteSession(HostName(line["host"]), line["uri"], line["id"])
    return tuple(found.values())
