"""A move knows whose its VM is, and that its owner holds it."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0011 to 0010: this step came later than its number says."""
    op.add_column("moves", sa.Column("owner", sa.Text(), nullable=True))
    op.add_column("moves", sa.Column("owner_hold", sa.Text(), nullable=True))
