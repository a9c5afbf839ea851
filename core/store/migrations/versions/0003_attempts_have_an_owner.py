"""An attempt knows which process follows it and when its order was released."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0002 to 0003."""
    op.add_column("attempts", sa.Column("ordered_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("attempts", sa.Column("owner", sa.String(length=32), nullable=False, server_default=""))
    # Of an attempt of an older version nobody knows whether its order went out: it may have.
    op.execute("UPDATE attempts SET ordered_at = started_at")
