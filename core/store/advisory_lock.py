"""The right to write into a database on a server: an advisory lock of PostgreSQL, held by the connection that writes.

Whoever loses that connection has lost the lock, and can write nothing more: the lock goes with the session, and every
statement that writes goes through the session. A second connection is refused here for good, even when the lock happens
to be free again: somebody may have had it in between, and what this process believes may be old.

(PostgreSQL, "Explicit Locking", advisory locks at session level: held until the session ends.)
"""

import asyncio
from typing import Any

from core.errors import StoreLeased, StoreLost
from core.store.dialects import ask

# One lock for each schema of a database: two bots may share a database, each with a schema of its own.
_KEY = 0x6D696772  # "migr"
_TAKE = f"SELECT pg_try_advisory_lock({_KEY}, hashtext(current_schema()))"
_HOLDER = f"""
SELECT coalesce(nullif(a.application_name, ''), 'a session of another program'), coalesce(host(a.client_addr), 'local')
FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.classid::bigint = {_KEY}
  AND l.objid::bigint = hashtext(current_schema())::bigint & 4294967295
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""  # noqa: S608 - a constant of ours


class AdvisoryLock:
    """The ownership of a database on PostgreSQL: taken by the first connection of the writer, and ended with it."""

    needs_proof = True

    def __init__(self) -> None:
        self.lost = asyncio.Event()
        self._is_taken = False

    async def take(self) -> None:
        """Nothing yet: the connection that writes takes it, as soon as there is one."""

    def connected(self, connection: Any) -> None:
        """Take the lock on a new connection of the writer.

        Raises:
            StoreLeased: another session has it.
            StoreLost: this is not the first connection.

        """
        if self._is_taken:
            connection.close()
            self.lost.set()
            raise StoreLost("This process has lost the right to write: the connection that had it is gone.")
        is_ours = ask(connection, _TAKE)[0]
        if not is_ours:
            name, address = ask(connection, _HOLDER) or ("a session that has just ended", "gone")
            connection.close()
            raise StoreLeased(f"Another migrate-bot works on this database: {name} ({address}).")
        self._is_taken = True

    async def give_up(self) -> None:
        """Let a new connection take it: the one that had it is closed."""
        self._is_taken = False
