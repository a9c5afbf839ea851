"""Run by Alembic: applies the steps on the connection, and in the transaction, that ``core.store.schema`` opened."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Enum, TypeDecorator

from core.store.tables import metadata


def plain(kind: str, item: Any, _: AutogenContext) -> str | Literal[False]:
    """Write a new step with the database's types, not with ours, which may change after it."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl!r}"
    if kind == "type" and isinstance(item, Enum):
        return f"sa.String(length={item.length})"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite alters a table by building it anew.
    render_as_batch=True,
    compare_type=True,
    render_item=plain,
)
context.run_migrations()
