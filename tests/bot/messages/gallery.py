"""The cards of jobs of 1, 12 and 500 VMs, as JSON, in ``docs/generated/cards``.

``python -m tests.bot.messages.gallery`` writes them.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.messages.card import card
from bot.messages.card_parts import Look
from core.domain.model.job import Approval, Job, JobState
from core.domain.model.move import Hold, HoldCode, MoveState
from core.domain.model.plan import Finding, FindingCode, Severity
from core.domain.model.views import Eta, JobView, MoveView
from tests.support.markdown_pages import ROOT
from tests.support.view_builders import NOW, job, move, plan, view, vm_id

FOLDER = ROOT / "docs" / "generated" / "cards"
SIZES = (1, 12, 500)

_FINDINGS = (
    Finding(
        severity=Severity.NOTE,
        code=FindingCode.CHECKPOINTS,
        text="web02 has 3 checkpoints; they move with it.",
        vm_id=vm_id(1),
    ),
    Finding(
        severity=Severity.BLOCKER,
        code=FindingCode.NO_SWITCH,
        text="web07: HV02 has no switch called Backup.",
        vm_id=vm_id(6),
    ),
)
_HOLDS = (
    Hold(HoldCode.BACKUP, "is being backed up; waits up to 1 h", NOW - timedelta(minutes=9)),
    Hold(HoldCode.SLOT, "HV02 runs 2 of 2 migrations", NOW - timedelta(minutes=3)),
)


def gallery() -> dict[str, list[Any]]:
    """Return the blocks of every card, by the name of its file without ``.json``."""
    return {
        f"{count}-{name}": list(card(made, Look()).blocks)
        for count in SIZES
        for name, made in (("asked", _asked(count)), ("running", _running(count)), ("ended", _ended(count)))
    }


def _asked(count: int) -> JobView:
    return view(_job(count, JobState.PROPOSED))


def _running(count: int) -> JobView:
    soonest, likely, latest = (NOW + timedelta(minutes=minutes) for minutes in (35, 41, 61))
    return view(_job(count, JobState.RUNNING), *_rows(count, _under_way), eta=Eta(soonest, likely, latest))


def _ended(count: int) -> JobView:
    return view(_job(count, JobState.FINISHED), *_rows(count, _over))


def _job(count: int, state: JobState) -> Job:
    names = [f"web{number:02}" for number in range(1, count + 1)]
    made = job(names, state)
    known = {planned.vm_id for planned in made.plan.moves}
    findings = tuple(finding for finding in _FINDINGS if finding.vm_id in known)
    made = replace(made, plan=replace(plan(names), findings=findings))
    if state is JobState.PROPOSED:
        return made
    decided = replace(made, decided_by="UBOB", decided_at=NOW, approvals=(Approval("UBOB", NOW),))
    return replace(decided, finished_at=NOW + timedelta(hours=1)) if state.is_end else decided


def _rows(count: int, of: Any) -> Iterator[MoveView]:
    for index in range(count):
        yield of(index, f"web{index + 1:02}")


def _under_way(index: int, name: str) -> MoveView:
    if index == 6:
        return MoveView(move(index, name, MoveState.UNMIGRATABLE, error="HV02 has no switch called Backup."))
    if index < 2:
        return MoveView(move(index, name, MoveState.MOVING), 63 - 40 * index, None, NOW + timedelta(minutes=4))
    if index % 3 == 0:
        return MoveView(_done(index, name, MoveState.DONE))
    return MoveView(move(index, name, hold=_HOLDS[index % 2]), place=index)


def _over(index: int, name: str) -> MoveView:
    if index == 6:
        return MoveView(_done(index, name, MoveState.UNMIGRATABLE, error="HV02 has no switch called Backup."))
    if index % 50 == 9:
        return MoveView(_done(index, name, MoveState.FAILED, error="The migration network dropped.", attempts=3))
    return MoveView(_done(index, name, MoveState.DONE))


def _done(index: int, name: str, state: MoveState, **changes: Any) -> Any:
    return move(index, name, state, ended_at=NOW + timedelta(minutes=index % 60), **changes)


def text(blocks: list[Any]) -> str:
    """Write a card as Slack's Block Kit Builder takes it."""
    return json.dumps({"blocks": blocks}, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    for name, blocks in gallery().items():
        (FOLDER / f"{name}.json").write_text(text(blocks), encoding="utf-8")
