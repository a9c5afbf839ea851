"""The answer to ``where``: which hosts show a VM, what the bot is doing with it, and since when. Pure."""

from collections.abc import Iterator, Sequence

from bot.messages.blocks import Message, message, sections
from bot.messages.card_parts import Look
from bot.messages.mrkdwn import clock_time, code, date_time, said
from bot.messages.state_table import MOVE_STATES
from bot.messages.tables import Cell, moment, with_table
from core.domain.backups.rhythm import NEUTRAL
from core.domain.model.move import Move
from core.domain.reporting.vm_location import Sighting, VmLocation


def where(found: Sequence[VmLocation], look: Look) -> Message:
    """Say it, for each VM of that name."""
    lines = [line for one in found for line in _lines(one, look, shows_id=len(found) > 1)]
    said_in_lines = message(f"Where {found[0].name} is", sections(lines))
    # What is wrong, and the job, stay sentences; a table has where it was seen.
    above = [line for one in found for line in _lines(one, look, shows_id=len(found) > 1, lists_sightings=False)]
    rows = [_row(one, sighting, shows_id=len(found) > 1) for one in found for sighting in one.sightings]
    return with_table(said_in_lines, sections(above), ("VM", "Host", "State", "Seen", "Note"), rows)


def _row(one: VmLocation, sighting: Sighting, *, shows_id: bool) -> tuple[Cell, ...]:
    vm = sighting.vm
    planned = "only planned" if vm.is_planned else "only its replica" if vm.is_replica else ""
    old = "an old sight: I cannot ask the host now" if sighting.is_silent else ""
    note = ", ".join(filter(None, (vm.status_text, planned, old)))
    name = f"{one.name} {one.vm_id}" if shows_id else one.name
    return name, str(sighting.host), vm.state.name.replace("_", " ").lower(), moment(sighting.at), note


def _lines(one: VmLocation, look: Look, *, shows_id: bool, lists_sightings: bool = True) -> Iterator[str]:
    name = code(one.name) + (f" {code(str(one.vm_id))}" if shows_id else "")
    # A replica lies on its host and lives nowhere: the VM itself is where its other sightings are.
    own = [sighting.host for sighting in one.sightings if not sighting.vm.is_replica]
    hosts = own or [sighting.host for sighting in one.sightings]
    if not hosts:
        yield f"❓ {name} is on *none* of the hosts that answer."
    elif len(hosts) == 1:
        yield f"📍 {name} is on {code(hosts[0])}."
    elif one.move is not None and one.move.state.holds_slots:
        yield f"🚚 {name} is on {' and '.join(map(code, hosts))}: it is on its way."
    else:
        both = ", ".join(map(code, hosts))
        yield f"⚠️ {name} is on *{len(hosts)} hosts*: {both}. Start it on neither before you have looked."
    for sighting in one.sightings if lists_sightings else ():
        yield _sighting_line(sighting)
    if one.silent:
        yield f"🔌 I could not ask {', '.join(map(code, one.silent))}."
    if one.backups is not NEUTRAL:
        yield f"💾 It {one.backups.text}."
    yield _move_line(one.move, look) if one.move else "It is in no job."


def _sighting_line(sighting: Sighting) -> str:
    vm = sighting.vm
    doing = f", {said(vm.status_text, 80)}" if vm.status_text else ""
    planned = ", only planned" if vm.is_planned else ", only its replica" if vm.is_replica else ""
    old = ", *an old sight*: I cannot ask the host now" if sighting.is_silent else ""
    state = vm.state.name.replace("_", " ").lower()
    return f"• {code(sighting.host)}: {state}{doing}{planned} (seen {clock_time(sighting.at)}{old})"


def _move_line(move: Move, look: Look) -> str:
    since = move.ended_at or (move.hold.since if move.hold else None) or move.started_at or move.queued_at
    at = f" since {date_time(since)}" if since and not move.state.is_end else f" {date_time(since)}" if since else ""
    way = f", {code(move.source)} → {code(move.destination)}"
    because = move.hold.text if move.hold else move.error
    why = f": {said(because, 240)}" if because else ""
    more = code(f"{look.command} status {move.job_id}")
    return f"In {move.job_id} it {MOVE_STATES[move.state].where}{at}{way}{why}. More: {more}"
