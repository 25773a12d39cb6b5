"""Fill full name"""
# pilotage: migrate

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("UPDATE customers SET full_name = name WHERE full_name IS NULL")


def downgrade() -> None:
    op.execute("UPDATE customers SET name = full_name WHERE name IS NULL")
