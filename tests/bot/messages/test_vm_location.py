"""Where a VM is and what the next shift must know: true, short, within Slack's limits."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from bot.messages.blocks import Message
from bot.messages.card_parts import Look
from bot.messages.handover import handover
from bot.messages.vm_location import where
from core.domain.model.event_data import EventKind
from core.domain.model.event_json import DATA_OF
from core.domain.model.events import Event, Tone
from core.domain.model.hyperv_enums import VmState
from core.domain.model.inventory import HostFacts, HostName, Snapshot, Vm
from core.domain.model.job import JobId, JobState
from core.domain.model.move import Hold, HoldCode, Move, MoveId, MoveState
from core.domain.model.views import Eta, HostView, JobView, MoveView
from core.domain.reporting.vm_location import VmLocation, find
from lab.slack.workspace.blocks.check import message_problems
from tests.support.bot_harness import read
from tests.support.view_builders import NOW, job, move, view, vm_id

HV01, HV02, HV03 = HostName("HV01"), HostName("HV02"), HostName("HV03")
LOOK = Look()


def text(message: Message) -> str:
    assert message_problems(list(message.blocks)) == []
    return read(message)  # type: ignore[arg-type]


def snapshot(host: HostName, *vms: Vm) -> Snapshot:
    return Snapshot(
        host=host,
        asked_at=NOW,
        taken_at=NOW,
        facts=HostFacts(live_limit=2, storage_limit=2, is_migration_enabled=True),
        vms=tuple(vms),
    )


def web(number: int = 0, name: str = "web01") -> Vm:
    return Vm(id=vm_id(number), name=name, state=VmState.RUNNING, status_text="Operating normally")


def found(
    wanted: str, *shots: Snapshot, silent: Sequence[HostName] = (), moves: Sequence[Move] = ()
) -> tuple[VmLocation, ...]:
    return find(wanted, [HV01, HV02], {one.host: one for one in shots}, frozenset(silent), moves)


@pytest.mark.parametrize("wanted", ["web01", "WEB01", str(vm_id(0)), f"{{{vm_id(0)}}}"])
def test_a_vm_is_found_by_name_or_id(wanted: str) -> None:
    """In any case, with or without braces; the host, the state and when it was seen are told."""
    shown = text(where(found(wanted, snapshot(HV01, web()), snapshot(HV02)), LOOK))
    assert "📍 `web01` is on `HV01`." in shown
    assert "• `HV01`: running, Operating normally (seen <!date^" in shown
    assert "It is in no job." in shown


def test_on_both_hosts_is_a_warning_unless_it_is_on_its_way() -> None:
    """Two copies are dangerous; while a move goes on they are how it works."""
    both = (snapshot(HV01, web()), snapshot(HV02, web()))
    assert "⚠️ `web01` is on *2 hosts*" in text(where(found("web01", *both), LOOK))
    moving = move(0, "web01", MoveState.MOVING)
    shown = text(where(found("web01", *both, moves=[moving]), LOOK))
    assert "🚚 `web01` is on `HV01` and `HV02`: it is on its way." in shown
    assert "In J7 it is moving since <!date^" in shown


def test_on_no_host_says_who_could_not_be_asked() -> None:
    """A VM that only a job remembers; a silent host may still have it, and what it showed before is called old."""
    lost = move(0, "web01", MoveState.LOST, error="It is on neither host.", ended_at=NOW)
    shown = text(where(found("web01", snapshot(HV01), silent=[HV02], moves=[lost]), LOOK))
    assert "❓ `web01` is on *none* of the hosts that answer." in shown
    assert "🔌 I could not ask `HV02`." in shown
    assert "must be looked at by a human <!date^" in shown
    assert "It is on neither host." in shown
    old = text(where(found("web01", snapshot(HV01, web()), silent=[HV01]), LOOK))
    assert "*an old sight*" in old


def test_two_vms_of_one_name_are_told_apart() -> None:
    """Each with its id, and each with its own newest job."""
    twins = (snapshot(HV01, web(0)), snapshot(HV02, web(1)))
    waits = move(1, "web01", hold=Hold(HoldCode.SLOT, "HV01 is full", NOW))
    shown = text(where(found("web01", *twins, moves=[waits]), LOOK))
    assert f"`web01` `{vm_id(0)}` is on `HV01`" in shown
    assert f"`web01` `{vm_id(1)}` is on `HV02`" in shown
    assert "it waits to move since <!date^" in shown
    assert ": HV01 is full." in shown
    assert found("nosuch", *twins) == ()


def called(kind: EventKind, of: int, tone: Tone | None) -> Event:
    return Event(data=DATA_OF[kind](), at=NOW, job_id=JobId("J7"), move_id=MoveId(of + 1), tone=tone)


def shift(state: JobState, *rows: MoveView, number: int = 7, **changes: object) -> JobView:
    names = [row.move.vm_name for row in rows] or ["web01"]
    return view(job(names, state, id=JobId(f"J{number}"), **changes), *rows, eta=Eta(NOW, NOW, NOW))


def test_a_handover_says_decisions_first() -> None:
    """Stop, questions, untaken pages, approvals, pauses; then what runs, silent hosts, and what ended badly."""
    rows = (
        MoveView(move(0, "web01", MoveState.MOVING)),
        MoveView(move(1, "web02", MoveState.FAILED)),
        MoveView(move(2, "web03", MoveState.CLEANING)),
    )
    running = shift(JobState.RUNNING, *rows, paused_by="UANN")
    ended = shift(JobState.FINISHED, rows[1], number=6, finished_at=NOW - timedelta(hours=1))
    old = shift(JobState.FINISHED, rows[1], number=2, finished_at=NOW - timedelta(days=2))
    waiting = {JobId("J7"): [called(EventKind.STUCK, 0, Tone.LINE), called(EventKind.FAILED, 1, Tone.PAGE)]}
    silent = HostView(host=HV03, is_reachable=False, since=NOW)
    shown = text(handover([shift(JobState.PROPOSED, number=8), running, ended, old], [silent], waiting, "UEVE", LOOK))
    parts = [
        "🛑 Stopped by <@UEVE>",
        "🤔 J7: wait or cancel? `web01` stand still",
        "📟 J7: 1 page nobody has taken: `web02`",
        "🕓 J8 waits for approval until <!date^",
        "⏸ J7 is paused by <@UANN>",
        "🚚 J7 HV01 → HV02: 1 of 3 moved, 1 moving, 0 waiting, 1 with trouble, ends about <!date^",
        "🔌 `HV03` does not answer since <!date^",
        "❌ J6 ended <!date^",
        "not: `web02`",
    ]
    places = [shown.index(part) for part in parts]
    assert places == sorted(places)
    assert "J2" not in shown


def test_a_handover_is_ten_lines_at_most() -> None:
    """However much is going on; and when nothing is, one line says so."""
    many = [shift(JobState.RUNNING, MoveView(move(0, "web01", MoveState.MOVING)), number=n) for n in range(40)]
    message = handover(many, [], {}, "", LOOK)
    assert sum(block["text"]["text"].count("\n") + 1 for block in message.blocks) == 10
    assert "/migrate status" in text(message)
    assert "Nothing runs, waits or needs anybody" in text(handover([], [], {}, "", LOOK))
