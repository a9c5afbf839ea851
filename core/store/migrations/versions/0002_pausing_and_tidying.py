"""Jobs can be paused and warn of lateness; a clean-up that had to wait is remembered."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0001 to 0002."""
    op.add_column("jobs", sa.Column("paused_by", sa.Text(), nullable=False, server_default=""))
    op.add_column("jobs", sa.Column("is_late_told", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("moves", sa.Column("is_own_folder", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("moves", sa.Column("leftovers", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("moves", sa.Column("tidy_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f("ix_moves_tidy_at"), "moves", ["tidy_at"], unique=False)
    op.create_index(op.f("ix_attempts_ended_at"), "attempts", ["ended_at"], unique=False)
