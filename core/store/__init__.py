"""Persistence: SQLAlchemy Core over aiosqlite, or over psycopg."""

from core.store.copies import put_in_place, save_copy
from core.store.dialects import PROOF_EVERY_S
from core.store.inspection import inspect
from core.store.store import SqlStore

__all__ = ["PROOF_EVERY_S", "SqlStore", "inspect", "put_in_place", "save_copy"]
