"""What was seen of a drill: facts with their times, in seconds of the clock on the wall since it began."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lab.drills.drill import When


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How it stands at one moment."""

    lab_s: float
    """The hosts' time since the drill began."""
    moving: frozenset[str]
    """VMs that the bot is moving, by name."""
    is_anything_moving: bool
    asked: int
    approved: int
    waiting: int
    """Plans, jobs and pages that still have a button which ends or takes them."""
    places: Mapping[str, tuple[str, ...]]
    """On which hosts each VM is."""


def holds(when: When, seen: Seen) -> bool:
    """Whether all that `when` names is so."""
    return (
        seen.lab_s >= when.at_s
        and len(seen.moving) >= when.moving
        and seen.asked >= when.asked
        and seen.approved >= when.approved
        and (not when.over or (seen.asked > 0 and not seen.waiting and not seen.is_anything_moving))
        and all(
            vm not in seen.moving and len(seen.places.get(vm, ())) == 1 and seen.places[vm][0] in hosts
            for vm, hosts in when.on.items()
        )
    )


@dataclass(frozen=True, slots=True)
class Done:
    """Something that somebody did, or that happened."""

    at_s: float
    who: str
    words: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page that the bot said to on-call, and the bot's own mark of the event it is about."""

    at_s: float
    words: str
    job: str
    event_at: str


@dataclass(frozen=True, slots=True)
class BotEvent:
    """An event of the bot's history, as `migrate-bot jobs export` tells it."""

    at_s: float
    job: str
    kind: str
    who: str
    vm: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MoveStart:
    """A move that the hosts were asked for: what, by whom, and why it was refused, if it was."""

    at_s: float
    vm: str
    source: str
    destination: str
    is_bot: bool
    refused_for: str


@dataclass(frozen=True, slots=True)
class VmSeen:
    """Where a VM was when the drill began, and on which hosts it is at the end, in which state."""

    name: str
    was_on: str
    is_on: tuple[str, ...]
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Everything that the judge knows."""

    lasted_s: float
    ended_by: str
    happened: tuple[Done, ...]
    acts: tuple[Done, ...]
    """What people did; what the drill itself played is not in it."""
    failures: tuple[Done, ...]
    """What people saw fail, because the bot did not answer."""
    pages: tuple[Page, ...]
    events: tuple[BotEvent, ...]
    history_problem: str = ""
    """Why the bot's history, and with it the events, are not known."""
    starts: tuple[MoveStart, ...]
    violations: tuple[str, ...]
    vms: tuple[VmSeen, ...]
    is_bot_running: bool
