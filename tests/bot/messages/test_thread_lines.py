"""Every event has one clear sentence, and a failure wakes somebody with everything they need."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages.blocks import Message
from bot.messages.oncall_page import page
from bot.messages.stall_question import question
from bot.messages.thread_lines import line, sentence
from core.domain.model import event_data
from core.domain.model.event_data import EventKind
from core.domain.model.event_json import DATA_OF, from_json
from core.domain.model.events import Event, Notice
from core.domain.model.job import JobId
from lab.slack.workspace.blocks.check import message_problems
from tests.support.view_builders import NOW, job, move, notice

WEB = move(0, "web01")
DONE = {
    "seconds": 720,
    "bytes": 2**30,
    "attempts": 2,
    "removed": ["D:\\a"],
    "kept": [["D:\\b", "not empty"]],
    "differences": ["heartbeat is gone"],
}


@pytest.mark.parametrize(
    ("kind", "data", "says"),
    [
        (EventKind.APPROVED, {"count": 1, "needed": 1}, "<@UBOB> approved J7"),
        (EventKind.APPROVAL, {"count": 1, "needed": 2}, "1 of 2 approvals"),
        (EventKind.REJECTED, {"reason": "not tonight"}, "<@UANN> ❌ <@UBOB> rejected J7: not tonight"),
        (
            EventKind.REPLANNED,
            {"host": "HV02", "reason": "HV02 is off", "moved": [["a", "HV03"], ["b", "HV03"]], "waiting": ["c"]},
            (
                "🔀 `HV02` dropped out of J7: HV02 is off. Placed anew among the destinations of its plan: "
                "`a`, `b` to `HV03`. No other one takes `c`."
            ),
        ),
        (
            EventKind.EDITED,
            {"moved": [["web01", "HV03"], ["web02", "HV03"]], "left_out": ["db01"], "displaced": [["web09", "HV02"]]},
            (
                "✏️ <@UBOB> changed the plan of J7: `web01`, `web02` to `HV03`, without `db01`. "
                "To make room: `web09` to `HV02`. It waits for approval as it is now."
            ),
        ),
        (EventKind.EDITED, {"left_out": ["db01"], "approvals": 1}, "1 approval no longer counts."),
        (EventKind.EDITED, {"left_out": ["db01"], "approvals": 2}, "2 approvals no longer count."),
        (EventKind.EXPIRED, {}, "nobody approved it in time"),
        (EventKind.CANCEL_ASKED, {"vms": ["web01"], "running": 0}, "<@UBOB> cancelled `web01`."),
        (EventKind.CANCEL_ASKED, {"vms": ["a", "b"], "running": 1}, "cancelled 2 VMs. 1 of them moving now"),
        (
            EventKind.CANCEL_UNMET,
            {"code": "refused", "text": "Code 32775.", "hint": "It arrives."},
            "✋ The cancel of `web01` has no effect yet: Code 32775.\n→ It arrives.",
        ),
        (EventKind.STARTING, {"attempt": 2, "of": 3}, "`web01` starts: `HV01` → `HV02`, attempt 2 of 3"),
        (EventKind.RETRYING, {"attempt": 1, "of": 3, "words": "Busy."}, "`web01` did not move (attempt 1 of 3): Busy."),
        (EventKind.RETRYING, {"again_at": NOW.isoformat()}, "Next try at <!date^"),
        (
            EventKind.DONE,
            DONE,
            "1 GB in 12 min, 2 attempts, 1 empty folder removed.\n📁 Kept `D:\\b`: not empty\n⚠️ Now",
        ),
        (
            EventKind.FAILED,
            {"attempts": 3, "words": "No room.", "where": "HV01"},
            "failed after 3 attempts: No room. It is on `HV01`.",
        ),
        (EventKind.ADOPTED, {"state": "moving"}, "I was restarted while `web01` was moving; I take it up where it is."),
        (EventKind.ADOPTED, {"state": "moving", "vms": ["a", "b"]}, "while `a`, `b` were moving; I take them up"),
        (EventKind.ADOPTED, {"state": "verifying", "vms": list("abcdefg")}, "`e` and 2 more were moving"),
        (EventKind.ADOPTED, {"state": "starting"}, "just as `web01` was to start; I look whether it did"),
        (
            EventKind.MOVED_BY_OTHERS,
            {"text": "CONTOSO\\carl moved it"},
            "✅ `web01` is on `HV02` already: CONTOSO\\carl moved it.",
        ),
        (EventKind.STUCK, {"text": "at 99 % for 20 min"}, "`web01` seems stuck: at 99 % for 20 min"),
        (EventKind.ANSWERED, {"answer": "page"}, "<@UBOB> decided about `web01`: page on-call"),
        (EventKind.LATE, {"until": NOW.isoformat(), "soonest": NOW.isoformat()}, "J7 will be late: wanted by <!date^"),
        (
            EventKind.LATE,
            {"until": NOW.isoformat(), "soonest": NOW.isoformat(), "why": "J7 is paused"},
            "at the soonest: J7 is paused.",
        ),
        (EventKind.ACKNOWLEDGED, {}, "👀 <@UBOB> takes care of `web01`"),
        (
            EventKind.ESCALATED,
            {"pages": [4], "vms": ["web01", "db01"], "seconds": 900},
            "Nobody has taken care of `web01`, `db01` in J7 for 15 min.",
        ),
        (EventKind.TIDIED, {"host": "HV01", "removed": ["D:\\a", "D:\\b"]}, "2 empty folders removed on `HV01`"),
        (EventKind.PAUSED, {}, "<@UBOB> paused J7"),
        (
            EventKind.FINISHED,
            {"done": 11, "lost": 1, "seconds": 3600, "bytes": 2**40},
            "<@UANN> ⚠️ J7 is over: 11 of 12 VMs moved, 1 TB in 1 h. 1 must be looked at by a human.",
        ),
    ],
)
def test_an_event_is_said_in_a_sentence(kind: EventKind, data: dict[str, Any], says: str) -> None:
    """Who, which VM, from where to where, why."""
    told = Notice(
        id=1,
        event=Event(data=from_json(kind, data), at=NOW, job_id=JobId("J7"), move_id=WEB.id, actor="UBOB"),
        job=job(),
        move=WEB,
    )
    assert says in line(told).text


VALUES = st.one_of(st.none(), st.integers(-5, 9), st.text(max_size=20), st.lists(st.text(max_size=5), max_size=3))
KEYS = st.sampled_from(
    ["vms", "words", "hint", "text", "attempt", "of", "kept", "again_at", "seconds", "where", "reason"]
)


@given(st.sampled_from(list(EventKind)), st.dictionaries(KEYS, VALUES), st.booleans(), st.text(max_size=80))
def test_no_event_is_unsayable(kind: EventKind, data: dict[str, Any], has_move: bool, name: str) -> None:
    """Whatever an old row holds or lacks, there is a sentence that Slack takes, and no name in it has an effect."""
    old = Event(data=from_json(kind, data), at=NOW, job_id=JobId("J7"), actor="UBOB")
    told = Notice(id=1, event=old, job=job(), move=move(0, name + "<!channel>") if has_move else None)
    for message in (line(told), page(told, ["SONCALL"]), question(told), page(told, [], taken=told.event)):
        assert message_problems(list(message.blocks)) == []
        assert message.text.strip()
        assert "<!channel>" not in json.dumps(message.blocks)
    assert sentence(old, job(), None).strip()


def test_a_page_has_everything_for_three_in_the_morning() -> None:
    """Mentioned once: what happened in the host's words, what it means, what was tried, where the VM is, what to do."""
    failed = notice(
        EventKind.FAILED,
        WEB,
        attempts=3,
        of=3,
        words="Virtual machine migration failed (0x80070070).",
        hint="The destination volume is full.",
        where="HV01",
    )
    message = page(failed, ["SONCALL", "UEVE"])
    text = "\n".join(block["text"]["text"] for block in message.blocks if "text" in block)
    assert text.count("<!subteam^SONCALL>") == 1
    assert message.text.count("<!subteam^SONCALL>") == 1
    for part in (
        "*❌ `web01` failed* (J7)",
        "```\nVirtual machine migration failed (0x80070070).\n```",
        "*What it means:* The destination volume is full.",
        "*Tried:* 3 of 3 attempts",
        "*Where it is now:* on `HV01`, where it was",
        "`/migrate retry J7`",
    ):
        assert part in text


def button_ids(message: Message) -> dict[str, str]:
    rows = [block["elements"] for block in message.blocks if block["type"] == "actions"]
    return {button["action_id"]: button["value"] for row in rows for button in row}


def test_a_page_can_be_taken_and_then_says_who_took_it() -> None:
    """Acknowledge names the page; afterwards who and when stands there, and a retry is still offered."""
    failed = notice(EventKind.FAILED, WEB, number=5, words="No room.")
    assert button_ids(page(failed, ["SONCALL"])) == {"migrate_ack": "J7|5", "migrate_retry": "J7|5"}
    taken = page(failed, ["SONCALL"], taken=Event(data=event_data.Acknowledged(), at=NOW, actor="UEVE"))
    assert button_ids(taken) == {"migrate_retry": "J7|5"}
    assert "👀 <@UEVE> takes care of it, <!date^" in json.dumps(taken.blocks, ensure_ascii=False)
    assert button_ids(page(notice(EventKind.LOST, WEB, number=6), [])) == {"migrate_ack": "J7|6"}


@pytest.mark.parametrize(
    ("answer", "says"),
    [("wait", "decided to wait"), ("cancel", "decided to cancel the move"), ("page", "had on-call paged")],
)
def test_a_standstill_is_a_question_until_it_is_answered(answer: str, says: str) -> None:
    """Three buttons name job and move; the answer takes their place, with who and when."""
    asked = notice(EventKind.STUCK, WEB, text="it stands at 42 % since 20 min")
    assert button_ids(question(asked)) == dict.fromkeys(
        ("migrate_stuck_wait", "migrate_stuck_cancel", "migrate_stuck_page"), "J7|1"
    )
    answered = question(asked, Event(data=event_data.Answered(answer=answer), at=NOW, actor="UEVE"))
    assert button_ids(answered) == {}
    text = json.dumps(answered.blocks, ensure_ascii=False)
    assert "it stands at 42 %" in text
    assert "<@UEVE>" in text
    assert says in text


@pytest.mark.parametrize(
    ("kind", "says"), [(EventKind.DONE, "nobody had to decide"), (EventKind.STUCK, "Asked again below")]
)
def test_a_question_that_time_settled_has_no_buttons(kind: EventKind, says: str) -> None:
    """The move ended or was asked about again: the old question says so."""
    moot = question(notice(EventKind.STUCK, WEB), Event(data=DATA_OF[kind](), at=NOW))
    assert button_ids(moot) == {}
    assert says in json.dumps(moot.blocks)


def test_a_lost_vm_is_not_offered_a_retry() -> None:
    """When the truth is unknown, the advice is to look and touch nothing."""
    lost = notice(EventKind.LOST, WEB, text="It is on both hosts.", hint="Look at both hosts.")
    text = json.dumps(page(lost, ["SONCALL"]).blocks, ensure_ascii=False)
    assert "🆘" in text
    assert "Look on `HV01` and `HV02`" in text
    assert "retry" not in text


@pytest.mark.parametrize("kind", list(EventKind))
def test_every_kind_of_event_has_words_of_its_own(kind: EventKind) -> None:
    """Nothing is told by its bare name."""
    assert kind.value.replace("_", " ") != sentence(Event(data=DATA_OF[kind](), at=NOW), job(), WEB)


def test_a_start_is_told_of_the_host_it_was_for() -> None:
    """Withdrawn and placed anew: the history does not say of the first start that it went where the second one does."""
    began = Event(data=event_data.Starting(attempt=1, of=3, to="HV07"), at=NOW, move_id=WEB.id)
    assert WEB.destination != "HV07"
    assert f"starts: `{WEB.source}` → `HV07`" in sentence(began, job(), WEB)
