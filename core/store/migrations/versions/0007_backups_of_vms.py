"""When VMs were in backup and hosts looked at; a move knows whether it was ordered around a backup."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0009 to 0007: this step came later than its number says."""
    moment = sa.DateTime(timezone=True)
    op.add_column("moves", sa.Column("is_around_backup", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "backup_runs",
        sa.Column("vm_id", sa.Uuid(), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("started_at", moment, nullable=False),
        sa.Column("started_after", moment, nullable=True),
        sa.Column("ended_after", moment, nullable=True),
        sa.Column("ended_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("vm_id", "host", "started_at", name=op.f("pk_backup_runs")),
    )
    op.create_index(op.f("ix_backup_runs_started_at"), "backup_runs", ["started_at"], unique=False)
    op.create_index(op.f("ix_backup_runs_ended_at"), "backup_runs", ["ended_at"], unique=False)
    op.create_table(
        "host_watches",
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("since", moment, nullable=False),
        sa.Column("until", moment, nullable=False),
        sa.PrimaryKeyConstraint("host", "since", name=op.f("pk_host_watches")),
    )
