"""What moves showed between two hosts, told as if those that meet at a host share its speed."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0007 to 0011."""
    op.create_table(
        "shared_speeds",
        sa.Column("source", sa.String(255), nullable=False),
        sa.Column("destination", sa.String(255), nullable=False),
        sa.Column("alone_bytes_per_s", sa.Float(53), nullable=False),
        sa.Column("off_shared", sa.Float(53), nullable=True),
        sa.Column("off_equal", sa.Float(53), nullable=True),
        sa.PrimaryKeyConstraint("source", "destination"),
    )
