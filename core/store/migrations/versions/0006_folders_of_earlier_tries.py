"""A move knows the folders that its earlier tries made for its VM alone."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0005 to 0006."""
    op.add_column("moves", sa.Column("tried_folders", sa.Text(), nullable=False, server_default="[]"))
