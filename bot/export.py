"""Writes jobs and their events, and what insights are made of, as a table, as lines, as CSV and as JSON."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bot.messages.visible import visible
from bot.plain_table import plain_table
from core.domain.model.event_json import to_json
from core.domain.model.events import Event
from core.domain.model.job import Job
from core.domain.model.move import Move, MoveId, MoveState
from core.domain.reporting.insights import insights
from core.domain.reporting.past import Past

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the begin of a formula."""
_LONG = frozenset({"moves_s"})
"""What would hide the rest of its line; the exports have it."""
_FIELDS = ("at", "kind", "actor", "vm", "data")
_PAST_FIELDS = ("what", "source", "destination", "vm", "state", "reason", "code", "count", "bytes", "seconds")


def job_table(jobs: Sequence[tuple[Job, Sequence[Move]]]) -> str:
    """List jobs, newest first."""
    if not jobs:
        return "There are no jobs."
    rows = [("JOB", "STATE", "MOVED", "FROM", "TO", "ASKED BY", "CREATED")]
    for job, moves in jobs:
        planned = job.plan.moves
        done = sum(1 for move in moves if move.state is MoveState.DONE)
        rows.append(
            (
                job.id,
                job.state.value,
                f"{done}/{len(planned)}",
                ",".join(dict.fromkeys(move.source for move in planned)),
                ",".join(dict.fromkeys(move.destination for move in planned)),
                job.requester,
                f"{job.created_at:%Y-%m-%d %H:%M}Z",
            )
        )
    return plain_table(rows)


def job_page(job: Job, moves: Sequence[Move], events: Sequence[Event]) -> str:
    """Show one job: its moves, then everything that happened."""
    lines = [
        f"{job.id} {job.state.value}, asked by {job.requester} at {job.created_at:%Y-%m-%d %H:%M}Z: {_line(job.text)}",
        "",
    ]
    lines += [
        f"  {_line(move.vm_name)}: {move.state.value}, {move.source} -> {move.destination}, attempts {move.attempts}"
        + (f": {_line(move.error)}" if move.error else "")
        + (f" (waits: {_line(move.hold.text)})" if move.hold else "")
        for move in moves
    ]
    lines += ["", *(_event_line(row) for row in _rows(events, moves))]
    return "\n".join(lines)


def as_json(job: Job, moves: Sequence[Move], events: Sequence[Event]) -> str:
    """Write every event of a job as JSON."""
    text = json.dumps(
        {"job": job.id, "state": job.state.value, "requester": job.requester, "events": _rows(events, moves)},
        indent=2,
        ensure_ascii=False,
        default=str,
    )
    # The same JSON, but no terminal it is shown in obeys a name.
    return "".join(char if char == "\n" or char.isprintable() else json.dumps(char)[1:-1] for char in text)


def as_csv(moves: Sequence[Move], events: Sequence[Event]) -> str:
    """Write every event of a job as CSV; a value that a spreadsheet could take for a formula is marked as text."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_FIELDS)
    for row in _rows(events, moves):
        cells = [*(str(row[name]) for name in _FIELDS[:-1]), json.dumps(row["data"], ensure_ascii=False, default=str)]
        writer.writerow(map(_cell, cells))
    return out.getvalue()


def _cell(text: str) -> str:
    """Mark as text what a spreadsheet could take for a formula."""
    return visible("'" + text if text.startswith(_FORMULA) else text)


def _rows(events: Sequence[Event], moves: Sequence[Move]) -> list[dict[str, Any]]:
    names: Mapping[MoveId, str] = {move.id: move.vm_name for move in moves}
    return [
        {
            "at": event.at.isoformat(),
            "kind": event.kind.value,
            "actor": event.actor,
            "vm": names.get(event.move_id, "") if event.move_id else "",
            "data": to_json(event.data),
        }
        for event in events
    ]


def _event_line(row: Mapping[str, Any]) -> str:
    known = ((key, value) for key, value in row["data"].items() if value not in ("", None) and key not in _LONG)
    details = ", ".join(f"{key} {_line(str(value))}" for key, value in known)
    return " ".join(
        filter(None, (f"  {row['at'][:19]}Z", row["kind"], _line(row["vm"]), f"by {row['actor']}", details))
    )


def _line(text: str) -> str:
    """Make one line of a text, without anything a terminal would obey."""
    return " ".join(visible(text).split())


def past_as_json(past: Past) -> str:
    """Write the counts, and the judgement of them as ``insights`` gives it."""
    whole = {"counted": asdict(past), "judged": asdict(insights(past))}
    return json.dumps(whole, indent=2, default=str)  # ASCII: no terminal obeys a name


def past_as_csv(past: Past) -> str:
    """Write the counts, a row each; what stands in a row says its first column. Empty: it does not apply."""
    out = io.StringIO()
    writer = csv.DictWriter(out, _PAST_FIELDS, restval="")
    writer.writeheader()
    for row in _past_rows(past):
        writer.writerow({name: _cell(str(value)) for name, value in row.items()})
    return out.getvalue()


def _past_rows(past: Past) -> Iterator[dict[str, Any]]:
    yield {"what": "jobs", "count": past.jobs}
    for state, count in past.ends.items():
        yield {"what": "moves", "state": state.value, "count": count}
    yield {"what": "done at the first attempt", "count": past.first_try}
    for pair in past.pairs:
        yield {
            "what": "pair",
            "source": pair.source,
            "destination": pair.destination,
            "count": pair.moves,
            "bytes": pair.size_bytes,
            "seconds": round(pair.seconds, 1),
        }
    for one in past.faults:
        ends = {"source": one.source, "destination": one.destination}
        yield {"what": "failed attempts", **ends, "reason": one.fault.value, "code": one.code, "count": one.attempts}
    for vm in past.vm_faults:
        failed = {"reason": vm.fault.value, "code": vm.code, "count": vm.attempts}
        yield {"what": "failed attempts of a VM", "vm": vm.vm_name, **failed}
    for wait in past.waits:
        yield {"what": "waited", "reason": wait.code.value, "count": wait.moves, "seconds": round(wait.seconds, 1)}
    yield {"what": "pages", "count": past.pages}
    for seconds in past.taken_s:
        yield {"what": "page taken", "count": 1, "seconds": round(seconds, 1)}
    for what, pairs in (("job", past.job_estimates), ("move", past.move_estimates)):
        for number, pair_of_times in enumerate(pairs, 1):
            yield {"what": f"{what} estimated", "count": number, "seconds": round(pair_of_times.expected_s)}
            yield {"what": f"{what} took", "count": number, "seconds": round(pair_of_times.took_s)}
