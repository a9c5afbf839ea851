"""A job knows whether its card stands for one that somebody deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0004 to 0005."""
    op.add_column("jobs", sa.Column("is_card_again", sa.Boolean(), nullable=False, server_default=sa.false()))
