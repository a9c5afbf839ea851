"""The audit log: one line for each request, refusal, decision, start, end and page, with its ids; each is counted.

What is written down in the database comes here when the disk has it, so nothing stands here that did not happen. What
people ask and do not get is in no database: it is here alone.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.metrics import Counters
from core.domain.model.event_data import EventKind
from core.domain.model.event_json import to_json
from core.domain.model.events import Notice, Recorded, Tone
from core.domain.model.move import Move
from core.errors import MigrateBotError, Outdated, RequestError

NAME = "audit"
"""The name of the logger."""
FIELDS = "fields"
"""The attribute of a log record that holds what a line says, by name."""

log = logging.getLogger(NAME)

_PER_MOVE = frozenset({"moves_s"})
_LONGEST = 1000
"""So much of a text is kept: nobody fills the log by what they type."""
_ASIDE = frozenset({EventKind.CHECKED, EventKind.HELD, EventKind.MOVING, EventKind.VERIFYING, EventKind.MOVED})
"""Steps between start and end, and why something waits: there may be thousands, and the history has each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person asks for: the word for it, what it is about, and for a command what was typed."""

    what: str
    job: str = ""
    vm: str = ""
    text: str = ""

    def __str__(self) -> str:
        """Write it for a line of the log."""
        return _words(self.what, self.job, self.vm, self.text and f"({_clipped(self.text)})")


class AuditLog:
    """The writer of the audit log of one bot."""

    def __init__(self, counters: Counters) -> None:
        self.counters = counters

    def asked(self, asked: Asked, user: str, channel: str = "") -> None:
        """Note that somebody asks for something, whether they may or not."""
        self.counters.requests.labels(asked.what).inc()
        line = _words("request", str(asked), "by", user, channel and f"in {channel}")
        _write(logging.INFO, line, event="request", **_of(asked), user=user, channel=channel)

    def refused(self, asked: Asked, user: str, error: MigrateBotError) -> None:
        """Note that somebody did not get what they asked for, and why."""
        name = type(error).__name__
        self.counters.refusals.labels(asked.what, name).inc()
        # What people may not or cannot have is their affair; that a host or the database fails is the operator's.
        level = logging.INFO if isinstance(error, RequestError) else logging.WARNING
        line = f"{_words('refused', str(asked), 'to', user)}: {_clipped(error.message)} ({name})"
        _write(level, line, event="refused", **_of(asked), user=user, reason=error.message, error=name)

    def done(self, asked: Asked, user: str, result: str) -> None:
        """Note what came of something that no event of a job tells of."""
        line = f"{_words('done', str(asked), 'by', user)}: {_clipped(result)}"
        _write(logging.INFO, line, event="done", **_of(asked), user=user, result=result)

    def committed(self, happened: Sequence[Recorded]) -> None:
        """Note what the database has taken."""
        for one in happened:
            self.counters.recorded(one)
            _write_event(one)

    def paged(self, notice: Notice) -> None:
        """Note that a page stands in Slack: what was recorded as one has been said."""
        where, about = _of_move(notice.move)
        line = _words("paged", notice.job.id, *about, "for", notice.event.kind.value)
        _write(logging.WARNING, line, event="paged", id=notice.id, job=notice.job.id, **where, page=True)

    def database_failed(self, error: MigrateBotError) -> None:
        """Count what the database did not do; that somebody else was first is no failure."""
        if not isinstance(error, Outdated):
            self.counters.database_errors.labels(type(error).__name__).inc()


def _write_event(recorded: Recorded) -> None:
    happened, move = recorded.event, recorded.move
    is_page = happened.tone is Tone.PAGE
    level = logging.WARNING if is_page else logging.DEBUG if happened.kind in _ASIDE else logging.INFO
    if not log.isEnabledFor(level):
        return
    said = _plain(to_json(happened.data))
    where, about = _of_move(move)
    details = ", ".join(f"{key} {value}" for key, value in said.items())
    called = happened.kind.value.replace("_", " ")
    line = _words("page," if is_page else "", called, happened.job_id or "", *about, "by", happened.actor)
    _write(
        level,
        f"{line}: {details}" if details else line,
        event=happened.kind.value,
        id=happened.id,
        job=happened.job_id or "",
        **where,
        user=happened.actor,
        page=is_page,
        said=said,
    )


def _of_move(move: Move | None) -> tuple[dict[str, str], tuple[str, ...]]:
    """Say which VM a line is of and between which hosts it goes, as fields and as words."""
    if move is None:
        return {}, ()
    fields = {"vm": move.vm_name, "host": move.source, "to": move.destination}
    return fields, (move.vm_name, move.source, "->", move.destination)


def _write(level: int, line: str, **fields: Any) -> None:
    kept = {name: _clipped(value) if isinstance(value, str) else value for name, value in fields.items()}
    kept = {name: value for name, value in kept.items() if value not in ("", None, False, {})}
    log.log(level, "%s", line, extra={FIELDS: kept})


def _of(asked: Asked) -> dict[str, str]:
    return {"what": asked.what, "job": asked.job, "vm": asked.vm, "text": asked.text}


def _plain(said: Mapping[str, Any]) -> dict[str, str | int | float]:
    """Flatten what an event says: lists become one text.

    What is empty, quotes another event or has a number for each move is left out.
    """
    flat: dict[str, str | int | float] = {}
    for key, value in said.items():
        match None if key in _PER_MOVE else value:
            case str() if value:
                flat[key] = _clipped(value)
            case bool() | int() | float() if value:
                flat[key] = value
            case list() if value:
                flat[key] = _clipped(", ".join(" ".join(i) if isinstance(i, list) else str(i) for i in value))
    return flat


def _clipped(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _words(*words: str) -> str:
    return " ".join(filter(None, words))
