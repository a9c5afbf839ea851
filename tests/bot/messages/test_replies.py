"""Private answers say what was asked, in Slack's limits, for one job or five hundred."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.messages import replies
from bot.messages.blocks import Message
from bot.messages.card_parts import Look
from core.domain.model import event_data
from core.domain.model.events import Event
from core.domain.model.inventory import HostName
from core.domain.model.job import JobId, JobState
from core.domain.model.move import MoveState
from core.domain.model.views import Eta, HostView, LinkView, MoveView
from lab.slack.workspace.blocks.check import message_problems
from tests.support.bot_harness import buttons, read
from tests.support.view_builders import NOW, job, move, view

LOOK = Look()


def text(message: Message) -> str:
    assert message_problems(list(message.blocks)) == []
    return read(message)  # type: ignore[arg-type]


def test_hosts_show_slots_or_why_not() -> None:
    """Slots in use and free, who does not answer since when, where migration is off, and the big red stop."""
    up = HostView(
        host=HostName("HV01"),
        is_reachable=True,
        since=NOW,
        live_used=1,
        live_limit=2,
        storage_used=1,
        storage_limit=2,
        ours=1,
        vms=9,
    )
    down = HostView(host=HostName("HV02"), is_reachable=False, since=NOW, trouble="The connection timed out.")
    off = HostView(host=HostName("HV03"), is_reachable=True, since=NOW, is_migration_enabled=False, vms=3)
    shown = text(replies.hosts([up, down, off], stopped_by="UEVE"))
    assert "🟢 `HV01` 9 VMs · live 1 of 2 · storage 1 of 2 · 1 ours" in shown
    assert "🔌 `HV02` does not answer since <!date^" in shown
    assert "The connection timed out." in shown
    assert "⛔ `HV03` live migration is switched off" in shown
    assert "Stopped by <@UEVE>" in shown
    assert "no hosts" in text(replies.hosts([]))


def test_links_show_how_many_moves_are_on_them() -> None:
    """Of how many, until when a window holds, and which hosts are behind; those that carry any number too."""
    racks = tuple(HostName(f"HV{n:02}") for n in range(1, 9))
    full = LinkView(name="rack-a", hosts=racks, used=2, limit=1, until=datetime(2026, 1, 5, 18, 0, tzinfo=UTC))
    free = LinkView(name="old <line>", hosts=racks[:2], used=0, limit=2)
    wide = LinkView(name="wan", hosts=racks[:1], used=3, limit=None, until=NOW)
    shown = text(replies.hosts([HostView(host=racks[0], is_reachable=True, since=NOW)], links=[full, free, wide]))
    assert "*Links*" in shown
    assert "🟠 `rack-a` 2 of 1 moves until Mon 18:00 UTC · `HV01`, `HV02`" in shown
    assert "🟢 `old &lt;line&gt;` 0 of 2 moves · `HV01`, `HV02` behind it" in shown
    assert "🟢 `wan` 3 moves · `HV01` behind it" in shown


def test_links_show_what_waits_for_them_and_when_nobody_behind_them_answers() -> None:
    """A single host that is silent says nothing of its link."""
    rack = LinkView(name="rack-a", hosts=(HostName("HV01"), HostName("HV02")), used=1, limit=1, waiting=3, silent=2)
    one = LinkView(name="wan", hosts=(HostName("HV01"),), used=0, limit=1, silent=1)
    shown = text(replies.hosts([HostView(host=HostName("HV01"), is_reachable=True, since=NOW)], links=[rack, one]))
    assert "🔴 `rack-a` 1 of 1 moves, 3 VMs waiting for it · `HV01`, `HV02` behind it, none of which answers" in shown
    assert "🟢 `wan` 0 of 1 moves · `HV01` behind it" in shown


def test_jobs_are_one_line_each() -> None:
    """Waiting, running, finished well, finished badly, rejected: a line says which."""
    rows = (MoveView(move(0, "web01", MoveState.DONE)), MoveView(move(1, "web02", MoveState.MOVING)))
    names = ["web01", "web02"]
    running = view(job(names, JobState.RUNNING), *rows, eta=Eta(NOW, NOW, NOW))
    bad = view(job(names, JobState.FINISHED), *rows)
    barred = view(job(names, JobState.RUNNING), *rows, why_no_eta="HV02 allows none")
    assert "1 of 2 moved, no estimate: HV02 allows none" in text(replies.jobs([barred], LOOK))
    stopped = view(job(names, JobState.RUNNING), *rows, why_no_eta="all starts are stopped", stopped_by="UEVE")
    assert "1 of 2 moved, starts are stopped" in text(replies.jobs([stopped], LOOK))
    shown = text(replies.jobs([view(job()), running, bad, view(job(state=JobState.REJECTED))], LOOK))
    assert "waits for approval until <!date^" in shown
    assert "1 of 2 moved, ends about <!date^" in shown
    assert "⚠️ *J7* 2 VMs, HV01 → HV02: 1 of 2 moved" in shown
    assert "❌ *J7* web01, HV01 → HV02: rejected" in shown
    assert "There are no jobs." in text(replies.jobs([], LOOK))


def test_a_status_names_more_than_the_card_and_has_no_buttons() -> None:
    """The private view of a job is for reading."""
    names = [f"vm{number:03}" for number in range(100)]
    message = replies.status(view(job(names)), LOOK)
    assert "`vm099`" in text(message)
    assert buttons(message) == set()  # type: ignore[arg-type]


def test_a_long_history_keeps_the_newest_and_says_where_the_rest_is() -> None:
    """Thousands of events fit, names among them are the VMs'."""
    done = move(0, "web01", MoveState.DONE)
    events = [
        Event(
            data=event_data.Held(text=f"reason {n}"), at=NOW + timedelta(seconds=n), job_id=JobId("J7"), move_id=done.id
        )
        for n in range(2000)
    ]
    shown = text(replies.history(view(job(state=JobState.RUNNING), MoveView(done)), events))
    assert "⏸ `web01` waits: reason 1999" in shown
    assert "reason 1500" not in shown
    assert "1880 earlier events: `migrate-bot jobs export J7`" in shown


def test_a_long_history_names_every_vm() -> None:
    """What happened last to a VM is told, however much happened to others since."""
    first, last = move(0, "web01", MoveState.DONE), move(1, "web02", MoveState.DONE)
    events = [
        Event(
            data=event_data.Held(text=f"reason {n}"),
            at=NOW + timedelta(seconds=n),
            job_id=JobId("J7"),
            move_id=(last if n else first).id,
        )
        for n in range(500)
    ]
    shown = text(replies.history(view(job(state=JobState.RUNNING), MoveView(first), MoveView(last)), events))
    assert "`web01` waits: reason 0" in shown
    assert shown.index("reason 0") < shown.index("reason 381") < shown.index("reason 499")
    assert "reason 380" not in shown
    assert "380 earlier events" in shown


def test_a_plan_with_blocked_vms_says_so_at_once() -> None:
    """Who asked learns how many cannot move, and how to take it back."""
    made = replace(job(["web01", "web02"]))
    assert "J7: 2 VMs, HV01 → HV02." in text(replies.planned(made, LOOK))
    assert "/migrate cancel J7" in text(replies.planned(made, LOOK))


def test_help_on_something_unknown_names_the_topics() -> None:
    """A wrong topic gets the whole page, and the list."""
    shown = text(replies.help_on("<!here> flying", "/migrate"))
    assert "There is no help on" in shown
    assert "backup-wait" in text(replies.help_on("options", "/move"))
    assert "/move status" in text(replies.help_on("status", "/move"))
