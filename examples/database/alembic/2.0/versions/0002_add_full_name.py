"""Add full name"""
# pilotage: expand

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("customers", sa.Column("full_name", sa.Text))


def downgrade() -> None:
    op.drop_column("customers", "full_name")
