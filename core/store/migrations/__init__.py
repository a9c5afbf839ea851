"""Schema versions, one file each in ``versions``, found by Alembic."""
