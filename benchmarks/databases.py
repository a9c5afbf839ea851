"""Where a benchmark keeps its jobs: SQLite in a file, and PostgreSQL where a server listens on this machine."""

from collections.abc import Callable, Iterator
from pathlib import Path

from tests.support.databases import drop_databases, own_database, postgresql_url

Where = Callable[[Path], str]
"""Names the database of a folder."""


def sqlite(folder: Path) -> str:
    """Return the address of a file in a folder."""
    return f"sqlite+aiosqlite:///{folder / 'bot.db'}"


def kinds() -> Iterator[tuple[str, Where]]:
    """Name every kind there is here, and where it keeps what belongs to a folder; what was made is dropped after."""
    yield "SQLite", sqlite
    if own_database() is not None:
        try:
            yield "PostgreSQL", postgresql_url
        finally:
            drop_databases()
