"""Persistence: SQLAlchemy Core over aiosqlite."""
