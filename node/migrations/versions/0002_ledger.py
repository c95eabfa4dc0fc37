"""The ledger: what left, to whom, by which rule; how often strangers read; the version of what activities carry."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from node.database import UTCDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "disclosures",
        sa.Column("number", Id, autoincrement=False, nullable=False),
        sa.Column("disclosed_at", UTCDateTime(), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("object_uri", sa.String(length=2048), nullable=False),
        sa.Column("post_id", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.LargeBinary(length=32), nullable=False),
        sa.Column("activity_uri", sa.String(length=2048), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("actor_uri", sa.String(length=2048), nullable=False),
        sa.Column("verdict", sa.String(length=12), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("rules_version", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("answer", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    with op.batch_alter_table("disclosures", schema=None) as batch_op:
        batch_op.create_index("ix_disclosures_object", ["object_uri"], unique=False)
        batch_op.create_index("ix_disclosures_host", ["host", "number"], unique=False)
    op.create_table(
        "ledger_marks",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "read_counts",
        sa.Column("post_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("post_id", "channel", "day"),
    )
    op.add_column("activities", sa.Column("version", sa.LargeBinary(length=32), nullable=True))
    op.add_column("activities", sa.Column("size", sa.Integer(), nullable=True))
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER disclosures_no_{verb} BEFORE {verb.upper()} ON disclosures "
                "BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END"
            )
        return
    op.execute(
        "CREATE OR REPLACE FUNCTION disclosures_only_grow() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the ledger only grows'; END $$"
    )
    op.execute(
        "CREATE TRIGGER disclosures_no_change BEFORE UPDATE OR DELETE ON disclosures "
        "FOR EACH ROW EXECUTE FUNCTION disclosures_only_grow()"
    )
    op.execute(
        "CREATE TRIGGER disclosures_no_truncate BEFORE TRUNCATE ON disclosures "
        "FOR EACH STATEMENT EXECUTE FUNCTION disclosures_only_grow()"
    )


def downgrade() -> None:
    with op.batch_alter_table("activities", schema=None) as batch_op:
        batch_op.drop_column("size")
        batch_op.drop_column("version")
    op.drop_table("read_counts")
    op.drop_table("ledger_marks")
    op.drop_table("disclosures")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION disclosures_only_grow()")
