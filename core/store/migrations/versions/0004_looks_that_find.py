"""Indexes for what is looked up in a year of history, and for what goes when it is old."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0003 to 0004."""
    op.create_index(op.f("ix_moves_vm_id"), "moves", ["vm_id"], unique=False)
    op.create_index(op.f("ix_events_move_id"), "events", ["move_id"], unique=False)
    op.create_index(op.f("ix_outbox_job_id"), "outbox", ["job_id"], unique=False)
    op.create_index(op.f("ix_jobs_plan_id"), "jobs", ["plan_id"], unique=False)
