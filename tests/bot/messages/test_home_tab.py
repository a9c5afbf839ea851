"""What a Home tab shows, within Slack's limits, and who sees which buttons."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.messages.home_tab import RESUME, STOP, HomeView, home
from core.config import AccessSettings
from core.domain.model.inventory import HostName
from core.domain.model.job import Approval, JobId, JobState
from core.domain.model.move import MoveState
from core.domain.model.plan import Finding, FindingCode, Severity
from core.domain.model.views import Eta, HostView, JobView, LinkView, MoveView
from lab.slack.workspace.blocks.check import is_too_large, view_problems
from tests.support.view_builders import NOW, job, move, plan, view

RULES = AccessSettings(approvers=("UBOB", "S0GROUP"))
MEMBERS = {"S0GROUP": frozenset({"UCAROL"})}
HOST = HostView(host=HostName("HV01"), is_reachable=True, since=NOW, live_limit=2, storage_limit=2, vms=3)


def shown(sight: HomeView, user: str = "UBOB") -> dict[str, Any]:
    return home(sight, user, RULES, MEMBERS, "/migrate")


def action_ids(seen: dict[str, Any]) -> list[str]:
    return [e["action_id"] for block in seen["blocks"] if block["type"] == "actions" for e in block["elements"]]


def running(number: int = 1) -> JobView:
    made = job(state=JobState.RUNNING, id=JobId(f"J{number}"))
    return view(made, MoveView(move(0, "web01", MoveState.MOVING), 40), eta=Eta(NOW, NOW + timedelta(hours=1), NOW))


def test_only_who_may_approve_sees_the_buttons() -> None:
    """Approvers, by name or group, see the request; its requester, strangers and who approved already do not."""
    waiting = HomeView(open=(view(job()),))
    for user, sees in (("UBOB", True), ("UCAROL", True), ("UANN", False), ("UMALLORY", False)):
        assert ("migrate_approve" in action_ids(shown(waiting, user))) is sees, user
    once = HomeView(open=(view(job(approvals=(Approval("UBOB", NOW),))),))
    assert "migrate_approve" not in action_ids(shown(once))
    assert "migrate_approve" in action_ids(shown(once, "UCAROL"))


def test_a_group_nobody_knows_shows_no_buttons() -> None:
    """What is unclear is not allowed."""
    seen = home(HomeView(open=(view(job()),)), "UCAROL", RULES, {"S0GROUP": None}, "/migrate")
    assert "migrate_approve" not in action_ids(seen)


def test_the_switch_shows_what_it_would_do_and_asks_first() -> None:
    """Stop while starts are allowed, let go while they are not; both with a confirm dialog."""
    for sight, wanted in ((HomeView(), STOP), (HomeView(stopped_by="UBOB"), RESUME)):
        seen = shown(sight)
        (button,) = [e for b in seen["blocks"] if b["type"] == "actions" for e in b["elements"] if e.get("confirm")]
        assert button["action_id"] == wanted
    assert "<@UBOB>" in str(shown(HomeView(stopped_by="UBOB")))


def test_a_home_has_what_its_owner_needs() -> None:
    """Own requests, running jobs and hosts, and nothing of others' requests as own."""
    mine = view(job(id=JobId("J5"), requester="UBOB", state=JobState.REJECTED))
    text = str(shown(HomeView((running(),), (mine, view(job(id=JobId("J6")))), (HOST,))))
    assert "J5" in text
    assert "J6" not in text
    assert "0 of 1 moved" in text
    assert "live 0 of 2" in text
    assert "Links" not in text
    free, full = (LinkView(name=f"rack-{used}", hosts=(HOST.host,), used=used, limit=2) for used in (1, 2))
    text = str(shown(HomeView(hosts=(HOST,), links=(free, full))))
    assert text.index("`rack-2` 2 of 2 moves") < text.index("`rack-1` 1 of 2 moves")


def test_the_fullest_home_fits_slack() -> None:
    """A hundred of everything, with hostile names, keeps to 100 blocks and has no effect."""
    hostile = "*<!channel>* `x` <@U1> & " * 3
    findings = [Finding(severity=Severity.WARNING, code=FindingCode.ISO_MOUNTED, text=hostile * 20) for _ in range(40)]
    waiting = [
        view(replace(job(id=JobId(f"J{n}")), plan=plan([hostile] * 40, findings=findings), requester="UANN"))
        for n in range(100)
    ]
    mine = [view(job([hostile], id=JobId(f"J{n}"), requester="UBOB", state=JobState.REJECTED)) for n in range(100)]
    hosts = [
        HostView(host=HostName(hostile), is_reachable=n % 2 == 0, since=NOW, trouble=hostile * 30) for n in range(400)
    ]
    links = tuple(LinkView(name=hostile, hosts=(HostName(hostile),) * 40, used=1, limit=1) for _ in range(100))
    sight = HomeView((*waiting, *(running(n) for n in range(100))), tuple(mine), tuple(hosts), "UBOB", links)
    seen = shown(sight)
    assert view_problems(seen, "home") == []
    assert not is_too_large(seen)
    assert "<!channel>" not in str(seen)
    assert "<@U1>" not in str(seen)


def test_an_empty_home_is_a_beginning() -> None:
    """Somebody new finds the button and a word on what to do."""
    seen = shown(HomeView())
    assert view_problems(seen, "home") == []
    assert "migrate_form_open" in action_ids(seen)
    assert "Nothing is running" in str(seen)
