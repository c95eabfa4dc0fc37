"""What left this node, to which server, by which rule: a chain of rows that only grows; and how often strangers read."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import DDL, BigInteger, Date, Index, LargeBinary, String, Text, event
from sqlalchemy.orm import Mapped, mapped_column

from node.database import Base, Id, UTCDateTime


class Disclosure(Base):
    """One disclosure: something of ours that another server was handed. Never changed, never removed (see the triggers).

    `hash` is over all other columns and so over the hash before it: see `node.ledger`. There are no foreign keys: what it
    names may be deleted, the record stays.
    """

    __tablename__ = "disclosures"
    __table_args__ = (Index("ix_disclosures_object", "object_uri"), Index("ix_disclosures_host", "host", "number"))

    number: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    """Its place in the chain, from 1, without gaps."""
    disclosed_at: Mapped[datetime] = mapped_column(UTCDateTime)
    channel: Mapped[str] = mapped_column(String(16))
    """One of node.ledger.Channel."""
    kind: Mapped[str] = mapped_column(String(32))
    """The activity's type; 'Read' for a GET."""
    object_uri: Mapped[str] = mapped_column(String(2048))
    post_id: Mapped[int | None] = mapped_column(BigInteger)
    version: Mapped[bytes] = mapped_column(LargeBinary(32))
    activity_uri: Mapped[str] = mapped_column(String(2048))
    host: Mapped[str] = mapped_column(String(255))
    actor_uri: Mapped[str] = mapped_column(String(2048))
    """The one person it was for, where that is known: who signed a GET, whose own inbox it went to."""
    verdict: Mapped[str] = mapped_column(String(12))
    reasons: Mapped[str] = mapped_column(Text)
    """The gate's reasons at that moment, 'code:subject', with spaces between."""
    rules_version: Mapped[int]
    size: Mapped[int]
    """Bytes of the body."""
    answer: Mapped[int]
    """The HTTP status: the peer's to a delivery, ours to a GET; 0 for none."""
    state: Mapped[str] = mapped_column(String(8))
    """One of node.ledger.State."""
    previous_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class LedgerMark(Base):
    """A place in the chain by name. 'head' is its end: whoever appends holds this row, so that the chain never forks."""

    __tablename__ = "ledger_marks"

    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class ReadCount(Base):
    """How often a post was read in a day by somebody without a name: counted, not listed."""

    __tablename__ = "read_counts"

    post_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    channel: Mapped[str] = mapped_column(String(16), primary_key=True)
    """'page', 'api', 'public' (ActivityStreams JSON) or 'feed': node.ledger.Channel."""
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)


REFUSALS = {
    "sqlite": tuple(
        f"CREATE TRIGGER disclosures_no_{verb} BEFORE {verb.upper()} ON disclosures "
        "BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END"
        for verb in ("update", "delete")
    ),
    "postgresql": (
        "CREATE OR REPLACE FUNCTION disclosures_only_grow() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the ledger only grows'; END $$",
        "CREATE TRIGGER disclosures_no_change BEFORE UPDATE OR DELETE ON disclosures "
        "FOR EACH ROW EXECUTE FUNCTION disclosures_only_grow()",
        "CREATE TRIGGER disclosures_no_truncate BEFORE TRUNCATE ON disclosures "
        "FOR EACH STATEMENT EXECUTE FUNCTION disclosures_only_grow()",
    ),
}
"""The triggers that refuse every change, by dialect. Whoever owns the database can drop them: the chain shows it."""

for _dialect, _statements in REFUSALS.items():
    for _statement in _statements:
        event.listen(Disclosure.__table__, "after_create", DDL(_statement.replace("%", "%%")).execute_if(dialect=_dialect))
