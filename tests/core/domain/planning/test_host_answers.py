"""What the hosts' answers mean for a plan."""

from dataclasses import replace

from core.domain.model.inventory import HostName
from core.domain.model.plan import Finding, FindingCode, Plan, Severity
from core.domain.planning.host_answers import Answers, HostAnswer, Verdict, carried_over, checked, to_ask
from tests.support.view_builders import plan, vm_id

HV02 = HostName("HV02")


def answers(*given: HostAnswer | None) -> Answers:
    return {(vm_id(number), HV02): answer for number, answer in enumerate(given) if answer is not None}


def unchecked(count: int, *findings: Finding) -> Plan:
    names = [f"web{number:02d}" for number in range(1, count + 1)]
    made = plan(names, findings=findings)
    return Plan(made.moves, made.findings, made.options, made.expected_s, is_checked=False)


FITS = HostAnswer(Verdict.FITS)


def test_a_plan_its_hosts_agree_with_is_the_plan_it_was() -> None:
    """Nothing is added, and the fingerprint an approver sees stays."""
    before = unchecked(2)
    after = checked(before, answers(FITS, FITS))
    assert (after.findings, after.hash, after.is_checked) == (before.findings, before.hash, True)


def test_no_is_a_blocker_with_the_hosts_words() -> None:
    """It is of one VM and one host, and changes the fingerprint: somebody approves another plan."""
    before = unchecked(2)
    after = checked(before, answers(FITS, HostAnswer(Verdict.DOES_NOT_FIT, "No such processor. (24008)")))
    (found,) = after.findings
    assert (found.severity, found.code) == (Severity.BLOCKER, FindingCode.INCOMPATIBLE)
    assert (found.vm_id, found.host) == (vm_id(1), HV02)
    assert found.text == "HV02 cannot take web02: No such processor. (24008)"
    assert after.blocked_ids == {vm_id(1)}
    assert after.hash != before.hash


def test_a_warning_warns() -> None:
    """A host that takes a VM may say more."""
    after = checked(unchecked(1), answers(HostAnswer(Verdict.FITS, "It will be slow.")))
    (found,) = after.findings
    assert (found.severity, found.code) == (Severity.WARNING, FindingCode.HOST_WARNS)
    assert found.text == "HV02 takes web01, and warns: It will be slow."


def test_what_was_not_checked_is_one_note_for_each_reason() -> None:
    """A hundred VMs without an answer are a line, not a hundred; a missing answer is one that did not come in time."""
    unknown = HostAnswer(Verdict.UNKNOWN, "HV02 rejects the login.")
    after = checked(unchecked(9), answers(*[unknown] * 7, FITS))
    first, second = after.findings
    assert first.text == (
        "Not checked: whether HV02 can take web01, web02, web03, web04, web05 and 2 more. HV02 rejects the login."
    )
    assert second.text == "Not checked: whether HV02 can take web09. There was no answer in time."
    assert {first.severity, second.severity} == {Severity.NOTE}
    assert after.blocked_ids == frozenset()


def test_a_blocked_vm_is_not_asked_about() -> None:
    """It does not move anyway; its host's answer, should there be one, adds nothing."""
    blocker = Finding(severity=Severity.BLOCKER, code=FindingCode.NO_SPACE, text="full", vm_id=vm_id(0))
    before = unchecked(2, blocker)
    assert [move.vm_name for move in to_ask(before)] == ["web02"]
    after = checked(before, answers(HostAnswer(Verdict.DOES_NOT_FIT, "no"), FITS))
    assert after.findings == (blocker,)


def test_the_worst_stands_first() -> None:
    """Findings are sorted as preflight sorts them."""
    note = Finding(severity=Severity.NOTE, code=FindingCode.BUSY, text="busy", vm_id=vm_id(0))
    after = checked(unchecked(2, note), answers(HostAnswer(Verdict.DOES_NOT_FIT, "no"), FITS))
    assert [finding.severity for finding in after.findings] == [Severity.BLOCKER, Severity.NOTE]


def test_after_a_change_only_what_changed_is_asked() -> None:
    """Who still goes where it went keeps the host's answer, a no as well; who goes elsewhere is asked about anew."""
    no = HostAnswer(Verdict.DOES_NOT_FIT, "no")
    before = checked(unchecked(4), answers(FITS, no, no, FITS))
    moves = tuple(replace(m, destination=HostName("HV03")) if m.vm_name == "web03" else m for m in before.moves)
    after = carried_over(before, Plan(moves, is_checked=False))
    assert [move.vm_name for move in to_ask(after)] == ["web03"]
    assert [finding.vm_id for finding in after.findings] == [vm_id(1)]


def test_what_was_not_answered_or_not_asked_is_asked_after_a_change() -> None:
    """No answer is none to keep, nor was anybody asked about a VM that another blocker held."""
    unknown = HostAnswer(Verdict.UNKNOWN, "no answer")
    before = checked(unchecked(2), answers(FITS, unknown))
    assert len(to_ask(carried_over(before, unchecked(2)))) == 2
    blocker = Finding(severity=Severity.BLOCKER, code=FindingCode.NO_SPACE, text="full", vm_id=vm_id(0))
    before = checked(unchecked(2, blocker), answers(None, FITS))
    assert [move.vm_name for move in to_ask(carried_over(before, unchecked(2)))] == ["web01"]
    assert len(to_ask(carried_over(unchecked(2), unchecked(2)))) == 2
