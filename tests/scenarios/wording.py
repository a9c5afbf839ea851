"""Turns what the bot says in Slack into plain lines for a transcript."""

import re
from datetime import datetime

from bot.messages.oncall_page import page
from bot.messages.owner_words import to_owner
from bot.messages.thread_lines import sentence
from core.domain.model.event_data import OwnerTold
from core.domain.model.events import Event, Notice, Tone
from core.domain.model.job import Job
from core.domain.model.move import Move
from core.domain.model.plan import Plan
from core.domain.model.units import size, span
from lab.virtual_time import EPOCH

_USER = re.compile(r"<@U(\w+)>")
_BOLD = re.compile(r"\*([^*\n]+)\*")
_LINK = re.compile(r"<!?[^<>|]*\|([^<>|]*)>")


def person(name: str) -> str:
    """Return the Slack id of somebody: ``alice`` is ``UALICE``."""
    return f"U{name.upper()}"


def clock(at: datetime) -> str:
    """Say a time: on the first day its time of day only."""
    return f"{at:%H:%M:%S}" if at.date() == EPOCH.date() else f"{at:%a %d %H:%M:%S}"


def plain(text: str) -> str:
    """Return a Slack text as it is read."""
    text = _LINK.sub(r"\1", _USER.sub(lambda found: "@" + found[1].lower(), text))
    for entity, char in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(entity, char)
    return "\n".join(line for line in _BOLD.sub(r"\1", text.replace("`", "")).splitlines() if line.strip())


def said(notice: Notice) -> str:
    """Return what the bot says to people: a page or a direct message in all its parts, else a sentence."""
    if notice.event.tone is Tone.DIRECT:
        told, blocks = notice.event.data, to_owner(notice).blocks
        whom = told.person if isinstance(told, OwnerTold) else ""
        return plain("\n".join([f"to <@{whom}>:", *(block["text"]["text"] for block in blocks if "text" in block)]))
    if notice.event.tone is not Tone.PAGE:
        return plain(sentence(notice.event, notice.job, notice.move))
    return plain(
        "\n".join(block["text"]["text"] for block in page(notice, (person("dave"),)).blocks if "text" in block)
    )


def noted(event: Event, job: Job | None, move: Move | None) -> str:
    """Return how the history tells an event."""
    return plain(sentence(event, job, move))


def planned(plan: Plan) -> list[str]:
    """Return the lines of a plan: where each VM goes, how long it takes, what was found."""
    lines = []
    for move in plan.moves:
        barred = "cannot move: " if move.vm_id in plan.blocked_ids else ""
        lines.append(f"{barred}{move.vm_name} {move.source} → {move.destination} {move.path}, {size(move.size_bytes)}")
        lines += [f"    {disk.source} → {disk.destination}" for disk in move.disks]
    if plan.expected_s is not None:
        lines.append(f"takes at least {span(plan.expected_s[0])}, likely {span(plan.expected_s[1])}")
    if plan.backups_s:
        lines.append(f"    of that it waits for backups {span(plan.backups_s)}")
    if plan.others_s:
        lines.append(f"    of that it waits for other moves {span(plan.others_s)}")
    return lines + [f"{finding.severity}: {finding.text}" for finding in plan.findings]
