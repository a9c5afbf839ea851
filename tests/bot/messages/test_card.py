"""What people see of a job: within Slack's limits, true, and never obeying the names it shows."""

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.access import Permission
from bot.messages.blocks import Message
from bot.messages.card import card
from bot.messages.card_parts import Look
from bot.messages.card_proposed import summary
from bot.messages.card_running import problem_lines
from core.domain.model.job import Approval, JobState
from core.domain.model.move import Hold, HoldCode, MoveState
from core.domain.model.plan import Finding, FindingCode, Options, Severity
from core.domain.model.views import CheckProgress, EstimateError, Eta, JobView, MoveView
from lab.slack.workspace.blocks.check import message_problems
from tests.support.view_builders import NOW, job, move, plan, view, vm_id

LOOK = Look()


def shown(message: Message) -> str:
    """Everything a reader sees, as one text."""
    return json.dumps(message.blocks, ensure_ascii=False)


def buttons(message: Message) -> dict[str, str]:
    rows = [block["elements"] for block in message.blocks if block["type"] == "actions"]
    return {button["action_id"]: button["value"] for row in rows for button in row}


def assert_fits(message: Message) -> None:
    assert message_problems(list(message.blocks)) == []
    assert 0 < len(message.text) <= 4000
    assert len(message.blocks) <= 50


NAMES = st.one_of(
    st.sampled_from(
        ["web01", "<!channel>", "*_~", "a`b", "<@U1>", ":fire:", "x" * 100, "&&&&", "srv_db_01", "\n>x", " "]
    ),
    st.text(min_size=1, max_size=100),
)
SENTENCES = st.one_of(NAMES, st.text(max_size=700), st.just("<" * 700))
STATES = st.sampled_from(list(MoveState))


@st.composite
def views(draw: st.DrawFn) -> JobView:
    count = draw(st.sampled_from([1, 2, 12, 60, 500]))
    few = draw(st.lists(NAMES, min_size=1, max_size=6))
    names = [few[index % len(few)] for index in range(count)]
    state = draw(st.sampled_from(list(JobState)))
    states = draw(st.lists(STATES, min_size=1, max_size=8))
    texts = draw(st.lists(SENTENCES, min_size=1, max_size=4))
    codes = draw(st.lists(st.sampled_from(list(HoldCode)), min_size=1, max_size=4))
    findings = [
        Finding(
            severity=draw(st.sampled_from(list(Severity))),
            code=FindingCode.NO_SPACE,
            text=texts[index % len(texts)],
            vm_id=vm_id(index % count),
        )
        for index in range(draw(st.sampled_from([0, 3, 40])))
    ]
    options = Options(parallel=2, start_at=NOW, reason=texts[0], subfolder=draw(st.none() | st.booleans()))
    about = replace(
        job(names, state),
        plan=plan(names, findings=findings, options=options),
        text=texts[0],
        decided_by="UBOB",
        decided_at=NOW,
        decision_reason=texts[-1],
        finished_at=NOW,
        approvals=(Approval("UBOB", NOW),) * draw(st.integers(0, 2)),
    )
    rows = []
    for index, name in enumerate(names if state in {JobState.RUNNING, JobState.FINISHED} else []):
        at = states[index % len(states)]
        hold = Hold(codes[index % len(codes)], texts[index % len(texts)] + str(index), NOW) if index % 3 else None
        rows.append(
            MoveView(
                move(index, name, at, error=texts[index % len(texts)], hint=texts[0], hold=hold, attempts=index % 4),
                percent=index % 101,
                place=index,
                eta=NOW,
            )
        )
    eta = Eta(NOW, NOW + timedelta(hours=1), NOW + timedelta(hours=draw(st.integers(1, 40))))
    return view(about, *rows, eta=eta, stopped_by=draw(st.sampled_from(["", "UEVE", "<!here>"])))


@given(views(), st.booleans(), st.integers(1, 3))
def test_every_card_fits_slack(seen: JobView, can: bool, needed: int) -> None:
    """Whatever the job, its card is accepted by a strict Slack, and every button carries the job's id."""
    message = card(seen, Look(outlook=Permission(can, "Nobody <can>."), approvals_required=needed))
    assert_fits(message)
    assert all(value.split("|")[0] == seen.job.id for value in buttons(message).values())


@pytest.mark.parametrize("name", ["<!channel>", "<@UEVE>", "*bold*", "_x_", "~x~", ":fire:", "a`*b*`c"])
@pytest.mark.parametrize("state", list(JobState))
def test_names_are_shown_and_never_obeyed(name: str, state: JobState) -> None:
    """A VM named like a mention or like formatting has no effect anywhere."""
    rows = [MoveView(move(0, name, MoveState.FAILED, error=f"{name} is bad", hold=Hold(HoldCode.BUSY, name, NOW)))]
    rows += [MoveView(move(1, name, MoveState.QUEUED, hold=Hold(HoldCode.BUSY, f"{name} is busy", NOW)))]
    about = replace(job([name, name], state), decision_reason=name, text=name)
    message = card(view(about, *rows), LOOK)
    assert_fits(message)
    assert "<!channel>" not in message.text
    for block in message.blocks:
        texts = [block.get("text"), *(e for e in block.get("elements", []) if e["type"] == "mrkdwn")]
        for text in filter(None, texts):
            if text["type"] == "mrkdwn":
                assert text["verbatim"] is True
                outside = "".join(text["text"].split("`")[::2])
                assert name not in outside
                assert name not in text["text"] or "<" not in name


def test_the_plan_card_says_what_an_approver_needs() -> None:
    """From where to where, how big, how long, live or off, findings worst first, who asks, why, until when."""
    findings = (
        Finding(severity=Severity.NOTE, code=FindingCode.CHECKPOINTS, text="web02 has 2 checkpoints.", vm_id=vm_id(1)),
        Finding(
            severity=Severity.BLOCKER, code=FindingCode.CLUSTERED, text="db01 belongs to a cluster.", vm_id=vm_id(2)
        ),
    )
    names = ["web01", "web02", "db01", "app01"]
    about = replace(job(names), plan=plan(names, findings=findings, options=Options(parallel=2, reason="new host")))
    text = shown(card(view(about), LOOK))
    for part in ("`HV01` → `HV02` in `D:\\\\VMs`", "`web01` live, 44 GB", "`app01` off, 40 GB", "1 VM will not move",
                 "takes about 1 h 30 min", "<@UANN>", "reason: new host", "2 at a time", "<!date^"):  # fmt: skip
        assert part in text
    assert text.index("belongs to a cluster") < text.index("2 checkpoints")


def test_the_plan_card_says_what_of_its_time_is_waiting_and_how_far_off_it_may_be() -> None:
    """Nobody wonders why 10 GB take an hour; seconds are not worth a word, and neither is what nobody knows."""
    made = replace(plan(["web01"]), expected_s=(960.0, 4500.0))
    about = job(["web01"])

    def said(off: EstimateError | None = None, **waits: float) -> str:
        text = shown(card(replace(view(replace(about, plan=replace(made, **waits))), off=off), LOOK))  # type: ignore[arg-type]
        return text[text.index("takes about") :].split("\\n")[0].split('"')[0]

    assert said() == "takes about 1 h 15 min, 16 min at the least"
    assert said(backups_s=59.0, others_s=59.0) == said()
    assert said(EstimateError(12, 30), backups_s=3480.0) == (
        "takes about 1 h 15 min (58 min of it waiting for backups), 16 min at the least (±12 %, last 30 jobs)"
    )
    assert "(58 min of it waiting for backups and 4 min for other moves)" in said(backups_s=3480.0, others_s=240.0)


def test_approve_carries_exactly_this_plan_and_asks_first() -> None:
    """The button's value is job and plan hash, and a mis-tap on a phone is caught by a dialog."""
    about = job(["web01"])
    message = card(view(about), LOOK)
    assert buttons(message) == {
        "migrate_approve": f"J7|{about.plan.hash}",
        "migrate_reject": f"J7|{about.plan.hash}",
        "migrate_edit": f"J7|{about.plan.hash}",
    }
    approve = next(e for b in message.blocks if b["type"] == "actions" for e in b["elements"])
    assert "Move 1 VM?" in approve["confirm"]["title"]["text"]


def test_it_is_said_when_nobody_can_approve() -> None:
    """A plan that can never be approved says so at once."""
    assert "🚫 Nobody can approve" in shown(
        card(view(job()), Look(outlook=Permission(False, "Nobody can approve this.")))
    )


def test_approvals_are_counted() -> None:
    """With two needed, the card says one of two and whose."""
    about = job(approvals=(Approval("UBOB", NOW),))
    assert "1 of 2 approvals: <@UBOB>" in shown(card(view(about), Look(approvals_required=2)))


def test_a_running_card_shows_bars_reasons_and_the_end() -> None:
    """Progress per VM, who waits for what since when, when it should end, and one button."""
    since = NOW - timedelta(minutes=5)
    slot = Hold(HoldCode.SLOT, "HV02 runs 2 of 2 live migrations", since)
    rows = [
        MoveView(move(0, "web01", MoveState.MOVING, attempts=2), percent=45, eta=NOW),
        MoveView(move(1, "web02", hold=slot), place=1),
        MoveView(move(2, "web03", hold=slot), place=2),
        MoveView(move(3, "db01", hold=Hold(HoldCode.BACKUP, "it is being backed up", since)), place=3),
        MoveView(move(4, "old01", MoveState.DONE)),
        MoveView(move(5, "bad01", MoveState.FAILED, error="no room", hint="Free some.")),
        MoveView(move(6, "new01", MoveState.CLEANING)),
    ]
    about = job([row.move.vm_name for row in rows], JobState.RUNNING, paused_by="UANN")
    message = card(view(about, *rows, eta=Eta(NOW, NOW, NOW), stopped_by="UEVE"), LOOK)
    text = shown(message)
    for part in (
        "2 of 7 moved · 1 moving · 3 waiting · 1 with trouble",
        "▓▓▓▓░░░░░░ 45 % `web01`, attempt 2",
        "⏸ `web02`, `web03`: HV02 runs 2 of 2 live migrations (since <!date",
        "💾 `db01`: it is being backed up",
        "✅ Done: `old01`",
        "🧹 Moved, tidying up: `new01`",
        "*Paused* by <@UANN>",
        "❌ `bad01` failed: no room",
        "→ Free some.",
        "*Stopped* by <@UEVE>",
        "Ends about",
    ):
        assert part in text
    assert text.index("bad01") < text.index("45 %") < text.index("db01") < text.index("old01")
    assert buttons(message) == {"migrate_cancel": "J7"}


def test_a_job_nobody_can_estimate_says_why() -> None:
    """Once: what is said above as stopped or paused is not said again."""
    about = job(["web01"], JobState.RUNNING)
    rows = (MoveView(move(0, "web01"), place=1),)
    assert "No estimate: HV02 allows none." in shown(card(view(about, *rows, why_no_eta="HV02 allows none"), LOOK))
    halted = view(replace(about, paused_by="UANN"), *rows, why_no_eta="J7 is paused")
    assert "No estimate" not in shown(card(halted, LOOK))


def test_an_estimate_names_the_freeze_it_reckons_with() -> None:
    """Nobody wonders why it takes so long."""
    eta = Eta(NOW, NOW, NOW, frozen=(NOW, NOW + timedelta(hours=2)))
    text = shown(card(view(job(["web01"], JobState.RUNNING), MoveView(move(0, "web01"), place=1), eta=eta), LOOK))
    assert re.search(r"Ends about .* Nothing starts from <!date[^>]*> until <!date[^>]*> \(freeze\)\.", text)


@pytest.mark.parametrize(("apart_s", "is_a_span"), [(0, False), (20, False), (90, True)])
def test_an_estimate_is_a_span_only_where_people_see_one(apart_s: int, is_a_span: bool) -> None:
    """Nobody is told "between 11:43 and 11:43"."""
    soonest = NOW.replace(second=10)
    eta = Eta(soonest, soonest, soonest + timedelta(seconds=apart_s))
    text = shown(card(view(job(["web01"], JobState.RUNNING), MoveView(move(0, "web01"), place=1), eta=eta), LOOK))
    assert "Ends about" in text
    assert (", between" in text) is is_a_span


def test_a_freeze_is_said_plainly() -> None:
    """When the calendar forbids every start the card says so above all VMs."""
    frozen = Hold(HoldCode.FREEZE, "moves are frozen until Mon 06:00", NOW)
    about = job(["web01"], JobState.RUNNING)
    text = shown(card(view(about, MoveView(move(0, "web01", hold=frozen), place=1)), LOOK))
    assert "❄️ *Frozen*: moves are frozen until Mon 06:00" in text


def test_a_plan_says_its_deadline_and_what_it_overrides() -> None:
    """An approver sees both before the button."""
    options = Options(until=NOW, override="the owner agreed")
    text = shown(card(view(replace(job(), plan=plan(["web01"], options=options))), LOOK))
    assert "should be over by <!date^" in text
    assert "*overrides the freeze*: the owner agreed" in text


def test_a_finished_card_sums_up_and_offers_a_retry() -> None:
    """How many moved, how long it took, what went wrong where, and a button only if something is left."""
    rows = [
        MoveView(move(0, "web01", MoveState.DONE, ended_at=NOW)),
        MoveView(move(1, "web02", MoveState.LOST, error="it is on both hosts")),
    ]
    about = job(["web01", "web02"], JobState.FINISHED, finished_at=NOW)
    message = card(view(about, *rows), LOOK)
    text = shown(message)
    for part in ("⚠️ J7: 1 of 2 VMs moved", "in 20 min", "`web01` is on `HV02`", "it is on both hosts"):
        assert part in text
    assert buttons(message) == {"migrate_retry": "J7"}
    assert buttons(card(view(job(["web01"], JobState.FINISHED), rows[0]), LOOK)) == {}


def test_vms_that_share_a_trouble_share_a_line() -> None:
    """What happened to many is said once; another reason has its own line."""
    errors = ["The network dropped.", "The network dropped.", "No switch."]
    names = ["web01", "web02", "web03"]
    moves = [move(i, name, MoveState.FAILED, error=errors[i], hint="Look at it.") for i, name in enumerate(names)]
    lines = list(problem_lines(view(job(names), *map(MoveView, moves)), LOOK))
    assert lines == [
        "❌ `web01`, `web02` failed: The network dropped.",
        "      → Look at it.",
        "❌ `web03` failed: No switch.",
        "      → Look at it.",
    ]
    hidden = list(problem_lines(view(job(names), *map(MoveView, moves)), Look(rows=1)))
    assert hidden[-1] == "… and 1 more: `/migrate status J7`"


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (JobState.REJECTED, "Rejected by <@UBOB>"),
        (JobState.EXPIRED, "nobody approved it in time"),
        (JobState.CANCELLED, "Withdrawn by <@UBOB>"),
    ],
)
def test_a_decided_card_has_no_buttons_but_who_and_why(state: JobState, says: str) -> None:
    """Once decided, the buttons are gone and the decision stands in their place."""
    about = job(["web01"], state, decided_by="UBOB", decided_at=NOW, decision_reason="not today")
    message = card(view(about), LOOK)
    assert says in shown(message)
    assert "not today" in shown(message)
    assert "/migrate web01 from HV01 to HV02" in shown(message)
    assert buttons(message) == {}


@pytest.mark.parametrize("state", [JobState.PROPOSED, JobState.RUNNING, JobState.FINISHED])
def test_a_card_that_cannot_name_all_offers_them(state: JobState) -> None:
    """Show all is there from the thirteenth VM on, whatever the job's state."""
    for count, offered in ((12, False), (13, True)):
        names = [f"vm{number:03}" for number in range(count)]
        rows = [MoveView(move(index, name, MoveState.DONE)) for index, name in enumerate(names)]
        message = card(view(job(names, state), *(rows if state is not JobState.PROPOSED else ())), LOOK)
        assert (buttons(message).get("migrate_all") == "J7|1") is offered


def test_five_hundred_vms_leave_a_card_one_can_read() -> None:
    """The card names a dozen and says where the rest is."""
    names = [f"vm{number:03}" for number in range(500)]
    message = card(view(job(names)), LOOK)
    assert "… and 488 more: `/migrate status J7`" in shown(message)
    assert len(message.blocks) < 12


def test_nothing_is_approved_before_its_hosts_have_answered() -> None:
    """While hosts are asked the card counts their answers, and nobody can approve; after that it is as ever."""
    asked = job(["web01", "web02"], JobState.PROPOSED)
    pending = replace(asked, plan=replace(asked.plan, is_checked=False))
    being_asked = card(view(pending, checking=CheckProgress(12, 50)), LOOK)
    assert "they have checked 12 of 50" in shown(being_asked)
    assert set(buttons(being_asked)) == {"migrate_reject", "migrate_edit"}
    assert "they have checked 0 of 2" in shown(card(view(pending), LOOK))
    assert set(buttons(card(view(asked), LOOK))) == {"migrate_approve", "migrate_reject", "migrate_edit"}
    assert_fits(being_asked)


def test_a_total_of_unknown_sizes_is_the_least_it_can_be() -> None:
    """One size could not be read: the sum says "at least", as long as that VM is to move."""
    unread = Finding(severity=Severity.WARNING, code=FindingCode.SIZE_UNKNOWN, text="unknown", vm_id=vm_id(0))
    blocker = Finding(severity=Severity.BLOCKER, code=FindingCode.NO_SPACE, text="full", vm_id=vm_id(0))
    assert "· at least " in summary(plan(["a", "b"], findings=(unread,)))
    assert "at least " not in summary(plan(["a", "b"])).split("takes")[0]
    assert "at least " not in summary(plan(["a", "b"], findings=(unread, blocker))).split("takes")[0]
