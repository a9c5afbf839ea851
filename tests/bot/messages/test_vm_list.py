"""Long jobs can be read whole: in a form, page by page, and as a file."""

from dataclasses import replace
from typing import Any

import pytest
from slack_sdk.models.views import View

from bot.messages.plan_text import plan_text
from bot.messages.vm_list import ROWS, vm_list
from core.domain.model.job import JobState
from core.domain.model.move import Hold, HoldCode, MoveState
from core.domain.model.plan import Finding, FindingCode, Severity
from core.domain.model.views import JobView, MoveView
from lab.slack.workspace.blocks.check import view_problems
from tests.support.view_builders import NOW, job, move, plan, view, vm_id

NAMES = [f"vm{number:03}" for number in range(500)]


def texts(form: dict[str, Any]) -> str:
    return "\n".join(block["text"]["text"] for block in form["blocks"] if block["type"] == "section")


def turns(form: dict[str, Any]) -> dict[str, str]:
    rows = [block["elements"] for block in form["blocks"] if block["type"] == "actions"]
    return {button["action_id"]: button["value"] for row in rows for button in row}


def proposed() -> JobView:
    return view(job(NAMES))


def running() -> JobView:
    hold = Hold(HoldCode.SLOT, "<!channel> " * 80, NOW)
    states = list(MoveState)
    rows = [
        MoveView(move(i, name * 30, states[i % len(states)], hold=hold, error="*x* " * 90), percent=7)
        for i, name in enumerate(NAMES)
    ]
    return view(job(NAMES, JobState.RUNNING), *rows)


@pytest.mark.parametrize("seen", [proposed(), running()])
def test_every_page_fits_and_together_they_are_everything(seen: JobView) -> None:
    """Each of 500 VMs is on one page, and every page is a form that Slack takes."""
    pages = [vm_list(seen, number) for number in range(1, len(NAMES) // ROWS + 1)]
    for form in pages:
        assert view_problems(form, "modal") == []
        assert View(**form).to_dict()
        assert "<!channel>" not in texts(form)
    whole = "\n".join(map(texts, pages))
    assert all(whole.count(f"`{name}") == 1 for name in NAMES)


def test_pages_are_turned_by_buttons() -> None:
    """The first has Next, the last has Back, one in between has both; odd numbers give the nearest page."""
    assert turns(vm_list(proposed(), 1)) == {"migrate_all_next": "J7|2"}
    assert turns(vm_list(proposed(), 3)) == {"migrate_all_back": "J7|2", "migrate_all_next": "J7|4"}
    assert turns(vm_list(proposed(), 10)) == {"migrate_all_back": "J7|9"}
    assert vm_list(proposed(), 99) == vm_list(proposed(), 10)
    assert vm_list(proposed(), 0) == vm_list(proposed(), 1)
    assert turns(vm_list(view(job()), 1)) == {}


def test_the_file_holds_the_whole_plan() -> None:
    """Every VM with its way, size and id, and every finding, worst first."""
    findings = (
        Finding(severity=Severity.NOTE, code=FindingCode.CHECKPOINTS, text="vm001 has 2 checkpoints.", vm_id=vm_id(1)),
        Finding(
            severity=Severity.BLOCKER, code=FindingCode.CLUSTERED, text="vm002 belongs to a cluster.", vm_id=vm_id(2)
        ),
    )
    text = plan_text(replace(job(NAMES), plan=plan(NAMES, findings=findings)))
    assert all(text.count(f"\n{name} ") == 1 for name in NAMES)
    assert "HV01  HV02  D:\\VMs" in text
    assert str(vm_id(499)) in text
    assert text.index("blocker: vm002 belongs") < text.index("note: vm001 has")
