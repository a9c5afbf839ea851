"""Hands out what people must still hear: of each job the oldest, and the oldest page; says what was tried before."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, and_, bindparam, func, or_, select, update

from core.domain.model.events import Event, Notice, Tone
from core.domain.reporting.redelivery import LONGEST_PAUSE
from core.store import jobs, moves, rows
from core.store.events import add as add_events
from core.store.jobs import PlanCache
from core.store.tables import Outcome, events, outbox

CLAIM = timedelta(minutes=2)
"""How long whoever claimed a notice may take to report before it is handed out again."""

AFTERLIFE = timedelta(seconds=10)
"""How long a request of a process that died may still be on its way: a look before that could miss what it says."""

_undelivered = outbox.c.outcome.is_(None)
_oldest = select(func.min(outbox.c.event_id)).where(_undelivered).group_by(outbox.c.job_id)

_head = outbox.alias("head")
_heads = events.alias("heads")
# A page waits for its job's card, as long as nobody has tried to post it; for nothing else.
_behind_an_untried_card = (
    select(_head.c.event_id)
    .join(_heads, _heads.c.id == _head.c.event_id)
    .where(
        _head.c.job_id == outbox.c.job_id,
        _head.c.outcome.is_(None),
        _head.c.event_id < outbox.c.event_id,
        _heads.c.tone == Tone.CARD,
        _head.c.tries == 0,
    )
    .correlate(outbox)
    .exists()
)
_first_pages = (
    select(func.min(outbox.c.event_id))
    .join(events, events.c.id == outbox.c.event_id)
    .where(_undelivered, events.c.tone == Tone.PAGE, ~_behind_an_untried_card)
    .group_by(outbox.c.job_id)
)

# Built once: it is asked with every change, and building it costs more than asking.
_DUE = (
    select(outbox.c.tries, *rows.EVENT)
    .join(outbox, outbox.c.event_id == events.c.id)
    .where(
        or_(
            outbox.c.event_id.in_(_oldest),
            outbox.c.event_id.in_(_first_pages),
        ),
        or_(
            outbox.c.due_at.is_(None),
            outbox.c.due_at <= bindparam("at"),
            outbox.c.due_at > bindparam("latest"),
        ),
        or_(
            outbox.c.claimed_by == "",
            and_(outbox.c.claimed_by != bindparam("claimant"), outbox.c.claimed_at <= bindparam("died_by")),
            outbox.c.claimed_at <= bindparam("given_up_by"),
            # Claimed in the future: by a process that died, whose clock was ahead of ours.
            and_(outbox.c.claimed_by != bindparam("claimant"), outbox.c.claimed_at > bindparam("not_after")),
        ),
    )
    .order_by(events.c.id)
    .limit(bindparam("most"))
)


def claim(
    connection: Connection, cache: PlanCache, claimant: str, limit: int, *, at: datetime, since: datetime
) -> tuple[Notice, ...]:
    """Read the oldest undelivered notice of each job that is due, and mark it as being said by ``claimant``.

    What the same claimant is saying is left out until ``CLAIM`` is over; what another one (a process that died) was
    saying, until ``AFTERLIFE`` is. Either way it comes with ``maybe_said``: so does one whose earlier try was reported
    as failed, because a failed try may have reached people all the same. ``since``: when the claimant first claimed.
    """
    is_afterlife = at - since < AFTERLIFE
    asked = {
        "at": at,
        "latest": at + LONGEST_PAUSE,
        "claimant": claimant,
        "died_by": at - AFTERLIFE,
        "given_up_by": at - CLAIM,
        "not_after": datetime.max.replace(tzinfo=UTC) if is_afterlife else at,
        "most": limit,
    }
    found = list(rows.readable(lambda row: (row[0], rows.event_of(row[1:])), connection.execute(_DUE, asked)))
    if not found:
        return ()
    told = [event for _, event in found]
    connection.execute(
        update(outbox)
        .where(outbox.c.event_id.in_([event.id for event in told]))
        .values(claimed_by=claimant, claimed_at=at, tries=outbox.c.tries + 1)
    )
    their_jobs = jobs.by_id(connection, cache, {event.job_id for event in told if event.job_id})
    their_moves = moves.by_id(connection, {event.move_id for event in told if event.move_id})
    return tuple(
        Notice(
            id=event.id,
            event=event,
            job=their_jobs[event.job_id],
            move=their_moves.get(event.move_id) if event.move_id else None,
            tries=tries,
            maybe_said=tries > 0,
        )
        for tries, event in found
        if event.job_id in their_jobs  # what is to be said of a job nobody can read waits until somebody can
    )


def said(connection: Connection, notice_id: int, at: datetime) -> None:
    """Mark a notice as delivered."""
    connection.execute(
        update(outbox).where(outbox.c.event_id == notice_id).values(outcome=Outcome.SAID, said_at=at, claimed_by="")
    )


def doubt_all(connection: Connection) -> None:
    """Take everything undelivered for perhaps said: the database was put back from a copy made before it was said."""
    connection.execute(update(outbox).where(_undelivered, outbox.c.tries == 0).values(tries=1))


def failed(
    connection: Connection, notice_id: int, error: str, again_at: datetime | None, happened: Sequence[Event] = ()
) -> None:
    """Note a failed delivery and when to try again; None: give up."""
    add_events(connection, happened)
    outcome = Outcome.GIVEN_UP if again_at is None else None
    connection.execute(
        update(outbox)
        .where(outbox.c.event_id == notice_id, _undelivered)
        .values(error=error, due_at=again_at, outcome=outcome, claimed_by="")
    )


def retry_pages(connection: Connection, since: datetime) -> int:
    """Put the pages that were given up back into the outbox, unless they are older."""
    pages = select(events.c.id).where(events.c.tone == Tone.PAGE, events.c.at >= since)
    given_up = (outbox.c.outcome == Outcome.GIVEN_UP, outbox.c.event_id.in_(pages))
    return connection.execute(update(outbox).where(*given_up).values(outcome=None, due_at=None, claimed_by="")).rowcount


def counts(connection: Connection) -> tuple[int, datetime | None, int]:
    """Count what waits to be told, with the time of the oldest, and what was given up."""
    waits = select(func.count(), func.min(outbox.c.event_id)).where(_undelivered)
    waiting, oldest = connection.execute(waits).one()
    at = connection.execute(select(events.c.at).where(events.c.id == oldest)).scalar() if oldest else None
    lost = select(func.count()).where(outbox.c.outcome == Outcome.GIVEN_UP)
    return waiting, at, connection.execute(lost).scalar_one()
