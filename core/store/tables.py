"""The tables. Columns carry the names of the fields they keep; ``migrations`` brings a database to exactly this."""

from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    false,
)

from core.domain.model.event_data import EventKind
from core.domain.model.events import Tone
from core.domain.model.host_calls import DiskTarget
from core.domain.model.inventory import VmDetails
from core.domain.model.job import Approval, JobState
from core.domain.model.move import Fault, Hold, HoldCode, MoveState
from core.domain.model.ownership import Owner, OwnerHold
from core.domain.model.plan import Plan
from core.store.column_types import JobNumber, Json, Moment, PlainUuid, Words, choice

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Outcome(StrEnum):
    """The ways in which a notice leaves the outbox."""

    SAID = "said"
    GIVEN_UP = "given_up"


# A plan is written once and can be large: apart from its job, it is neither rewritten nor read with every change of it.
plans = Table(
    "plans",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("body", Json(Plan), nullable=False),
    sqlite_autoincrement=True,
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", JobNumber, primary_key=True),
    Column("plan_id", ForeignKey("plans.id"), nullable=False, index=True),
    Column("requester", Words, nullable=False),
    Column("channel", Words, nullable=False),
    Column("text", Words, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("state", choice(JobState), nullable=False, index=True),
    Column("approvals", Json(tuple[Approval, ...]), nullable=False),
    Column("decided_by", Words, nullable=False),
    Column("decided_at", Moment),
    Column("decision_reason", Words, nullable=False),
    Column("finished_at", Moment),
    Column("card_channel", Words),
    Column("card_ts", Words),
    Column("is_card_final", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    Column("paused_by", Words, nullable=False, server_default=""),
    Column("is_late_told", Boolean, nullable=False, server_default=false()),
    Column("is_card_again", Boolean, nullable=False, server_default=false()),
    # A number is never given twice, not even after somebody deleted a row by hand.
    sqlite_autoincrement=True,
)

moves = Table(
    "moves",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job_id", JobNumber, ForeignKey("jobs.id"), nullable=False, index=True),
    Column("vm_id", PlainUuid, nullable=False, index=True),
    Column("vm_name", Words, nullable=False),
    Column("source", Words, nullable=False),
    Column("destination", Words, nullable=False),
    Column("path", Words, nullable=False),
    Column("disks", Json(tuple[DiskTarget, ...]), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("is_live", Boolean, nullable=False),
    Column("state", choice(MoveState), nullable=False, index=True),
    Column("hold", Json(Hold)),
    Column("attempts", Integer, nullable=False),
    Column("not_before", Moment),
    Column("busy_since", Moment),
    Column("busy_code", choice(HoldCode)),
    Column("before", Json(VmDetails)),
    Column("error", Words, nullable=False),
    Column("hint", Words, nullable=False),
    Column("cancel_by", Words, nullable=False),
    Column("queued_at", Moment),
    Column("started_at", Moment),
    Column("ended_at", Moment),
    Column("version", Integer, nullable=False),
    Column("is_own_folder", Boolean, nullable=False, server_default=false()),
    Column("leftovers", Json(tuple[str, ...]), nullable=False, server_default="[]"),
    Column("tidy_at", Moment, index=True),
    Column("tried_folders", Json(tuple[str, ...]), nullable=False, server_default="[]"),
    Column("is_around_backup", Boolean, nullable=False, server_default=false()),
    Column("owner", Json(Owner)),
    Column("owner_hold", Json(OwnerHold)),
    sqlite_autoincrement=True,
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("move_id", ForeignKey("moves.id"), nullable=False),
    Column("vm_id", PlainUuid, nullable=False),
    Column("source", Words, nullable=False),
    Column("destination", Words, nullable=False),
    Column("number", Integer, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("confirmed_at", Moment),
    Column("ended_at", Moment, index=True),
    Column("fault", choice(Fault)),
    Column("host_words", Words, nullable=False),
    Column("ordered_at", Moment),
    # The process that follows it; what any other one tries to write about it is refused.
    Column("owner", String(32), nullable=False, server_default=""),
    UniqueConstraint("move_id", "number"),
    sqlite_autoincrement=True,
)

# A VM is never started while an earlier attempt of it is open: the database itself refuses.
_still_open: Any = attempts.c.ended_at.is_(None)
Index("ix_attempts_open", attempts.c.vm_id, unique=True, sqlite_where=_still_open, postgresql_where=_still_open)

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", choice(EventKind), nullable=False),
    Column("at", Moment, nullable=False),
    Column("job_id", JobNumber, ForeignKey("jobs.id"), index=True),
    Column("move_id", ForeignKey("moves.id"), index=True),
    Column("actor", Words, nullable=False),
    Column("data", Json(dict[str, Any]), nullable=False),
    Column("tone", choice(Tone)),
    sqlite_autoincrement=True,
)

# An event with a tone, on its way to people. ``outcome`` NULL: not delivered yet.
outbox = Table(
    "outbox",
    metadata,
    Column("event_id", ForeignKey("events.id"), primary_key=True),
    Column("job_id", JobNumber, ForeignKey("jobs.id"), nullable=False, index=True),
    Column("tries", Integer, nullable=False),
    Column("due_at", Moment),
    Column("claimed_by", String(32), nullable=False),
    Column("claimed_at", Moment),
    Column("said_at", Moment),
    Column("error", Words, nullable=False),
    Column("outcome", choice(Outcome)),
)

_undelivered: Any = outbox.c.outcome.is_(None)
Index(
    "ix_outbox_undelivered",
    outbox.c.job_id,
    outbox.c.event_id,
    sqlite_where=_undelivered,
    postgresql_where=_undelivered,
)

switches = Table(
    "switches",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Words, nullable=False),
)

# When VMs were in backup, as hosts showed it; of a job they are not.
backup_runs = Table(
    "backup_runs",
    metadata,
    Column("vm_id", PlainUuid, primary_key=True),
    Column("host", String(255), primary_key=True),
    Column("started_at", Moment, primary_key=True, index=True),
    Column("started_after", Moment),
    Column("ended_after", Moment),
    Column("ended_at", Moment, index=True),
)

# When hosts were looked at without a gap.
host_watches = Table(
    "host_watches",
    metadata,
    Column("host", String(255), primary_key=True),
    Column("since", Moment, primary_key=True),
    Column("until", Moment, nullable=False),
)

speeds = Table(
    "speeds",
    metadata,
    Column("source", String(255), primary_key=True),
    Column("destination", String(255), primary_key=True),
    Column("bytes_per_s", Float(53), nullable=False),
)

shared_speeds = Table(
    "shared_speeds",
    metadata,
    Column("source", String(255), primary_key=True),
    Column("destination", String(255), primary_key=True),
    Column("alone_bytes_per_s", Float(53), nullable=False),
    Column("off_shared", Float(53)),
    Column("off_equal", Float(53)),
)

link_speeds = Table(
    "link_speeds",
    metadata,
    Column("link", String(255), primary_key=True),
    Column("alone_bytes_per_s", Float(53)),
    Column("together_bytes_per_s", Float(53)),
)
