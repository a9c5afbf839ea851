"""What is nice to have breaks, and nobody is refused a plan, an approval, a start or a card for it."""

from pathlib import Path

import pytest

from core.domain.model.move import MoveState
from core.engine import plan_estimates
from core.engine.api import job_views
from core.engine.backup_outlooks import BackupOutlooks
from lab.hyperv.world.fleet import Fleet
from tests.support.engine_harness import Stage, hosts, numbered, play


def _break(*_: object, **__: object) -> None:
    raise ZeroDivisionError("this has a bug")


async def _break_later(*_: object, **__: object) -> None:
    _break()


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        pytest.param((plan_estimates, "duration", _break), "the estimate of a plan", id="plan"),
        pytest.param((plan_estimates, "other_moves", _break), "the estimate of a plan", id="plan-others"),
        pytest.param((job_views, "forecast", _break), "the estimate of J1", id="job"),
        pytest.param((job_views.JobViews, "_others", _break_later), "the estimate of others' moves", id="job-others"),
        pytest.param((job_views, "error_of", _break), "how far off estimates were", id="how-far-off"),
        pytest.param((job_views.JobViews, "estimate", _break_later), "the estimate of J1", id="approval"),
        pytest.param((BackupOutlooks, "_outlooks", _break_later), "the outlook on backups", id="backups"),
    ],
)
def test_a_job_is_done_without_what_is_nice_to_have(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    broken: tuple[object, str, object],
    words: str,
) -> None:
    """Asked, approved, shown and moved; the bug is in the log with its place; no number is shown that nobody knows."""
    monkeypatch.setattr(*broken)
    place, name, _ = broken

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask_and_approve("web*")
            if place is plan_estimates:
                assert job.plan.expected_s is None
            moves = await stage.finished(job.id)
        assert {move.state for move in moves.values()} == {MoveState.DONE}
        assert stage.listener.views
        if name == "forecast":
            assert all(view.eta is None for view in stage.listener.views)

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(5))), script)
    logged = [record for record in caplog.records if words in record.getMessage()]
    assert logged
    assert logged[0].exc_info
