"""Persistence: SQLAlchemy Core over aiosqlite."""

from core.store.store import SqlStore

__all__ = ["SqlStore"]
