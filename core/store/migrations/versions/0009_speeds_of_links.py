"""What moves showed of the links of the settings: how fast one alone was there, and several together."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0006 to 0009."""
    op.create_table(
        "link_speeds",
        sa.Column("link", sa.String(255), nullable=False),
        sa.Column("alone_bytes_per_s", sa.Float(53), nullable=True),
        sa.Column("together_bytes_per_s", sa.Float(53), nullable=True),
        sa.PrimaryKeyConstraint("link"),
    )
