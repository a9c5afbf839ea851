"""Decides what it means for a plan what its hosts say of it: who cannot go where it should, and what was not asked."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from core.domain.model.event_data import Checked
from core.domain.model.inventory import HostName, VmId
from core.domain.model.plan import Finding, FindingCode, Plan, PlannedMove, Severity

_ANSWERS = frozenset({FindingCode.INCOMPATIBLE, FindingCode.HOST_WARNS, FindingCode.PLACED_AGAIN})
_NAMED = 5
"""How many VMs a note names that were not checked for the same reason."""


class Verdict(StrEnum):
    """The possible answers to whether a host could take a VM."""

    FITS = "fits"
    DOES_NOT_FIT = "does_not_fit"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class HostAnswer:
    """A host's answer about one VM. ``text``: its reasons or warnings, in its words; of an unknown one, why."""

    verdict: Verdict
    text: str = ""


Answers = Mapping[tuple[VmId, HostName], HostAnswer]
"""Plain facts, by VM and destination."""


def to_ask(plan: Plan) -> tuple[PlannedMove, ...]:
    """Return the moves that the hosts are to be asked about: those that nothing stands against yet."""
    known = {*plan.blocked_ids, *plan.asked}
    return tuple(move for move in plan.moves if move.vm_id not in known)


def checked(plan: Plan, answers: Answers) -> Plan:
    """Return a plan with what its hosts said: no is a blocker, no answer is a note and stops nobody."""
    found = [*_findings(plan, answers), *_unasked(plan, answers)]
    order = list(Severity)
    findings = sorted((*plan.findings, *found), key=lambda finding: order.index(finding.severity))
    return replace(plan, findings=tuple(findings), is_checked=True)


def said_no(answers: Answers) -> dict[VmId, frozenset[HostName]]:
    """Return for each VM the hosts that cannot take it."""
    found = defaultdict[VmId, set[HostName]](set)
    for (vm_id, host), answer in answers.items():
        if answer.verdict is Verdict.DOES_NOT_FIT:
            found[vm_id].add(host)
    return {vm_id: frozenset(hosts) for vm_id, hosts in found.items()}


def placed_again(plan: Plan, answers: Answers) -> Plan:
    """Return a plan with a note for each VM that goes elsewhere because hosts said no, and what they said."""
    found = []
    for move in plan.moves:
        no = [
            f"{host} cannot take {move.vm_name}: {answer.text or 'it gives no reason.'}"
            for (vm_id, host), answer in answers.items()
            if vm_id == move.vm_id and host != move.destination and answer.verdict is Verdict.DOES_NOT_FIT
        ]
        if no:
            goes = "" if move.vm_id in plan.blocked_ids else f" It goes to {move.destination} instead."
            text = f"{' '.join(no)}{goes}"
            found.append(_about(move, Severity.NOTE, FindingCode.PLACED_AGAIN, text))
    return replace(plan, findings=(*plan.findings, *found))


def carried_over(before: Plan, after: Plan) -> Plan:
    """Return a plan with what the hosts said of its earlier form, as far as that still is the question.

    Who goes elsewhere now, and whoever goes to a host that left something unanswered, is to be asked about anew.
    """
    if not before.is_checked:
        return after
    unclear = {finding.host for finding in before.findings if finding.code is FindingCode.NOT_CHECKED}
    others = {f.vm_id for f in before.findings if f.severity is Severity.BLOCKER and f.code not in _ANSWERS}
    went = {move.vm_id: move.destination for move in before.moves if move.vm_id not in others}
    same = tuple(m.vm_id for m in after.moves if went.get(m.vm_id) == m.destination and m.destination not in unclear)
    kept = [finding for finding in before.findings if finding.code in _ANSWERS and finding.vm_id in same]
    order = list(Severity)
    findings = sorted((*after.findings, *kept), key=lambda finding: order.index(finding.severity))
    return replace(after, findings=tuple(findings), asked=same)


def outcome(plan: Plan, asked: Iterable[VmId], answers: Answers) -> Checked:
    """Say in numbers what came of a check: of how many VMs, who cannot go, who goes elsewhere, who was not judged."""
    known = frozenset(asked)
    went = [(move.vm_id, move.destination) for move in plan.moves if move.vm_id in known]
    verdicts = [answers[pair].verdict if pair in answers else Verdict.UNKNOWN for pair in went]
    placed = {f.vm_id for f in plan.findings if f.code is FindingCode.PLACED_AGAIN} & known
    return Checked(
        vms=len(went),
        incompatible=verdicts.count(Verdict.DOES_NOT_FIT),
        unasked=verdicts.count(Verdict.UNKNOWN),
        elsewhere=len(placed - plan.blocked_ids),
    )


def _findings(plan: Plan, answers: Answers) -> Iterator[Finding]:
    for move in to_ask(plan):
        answer = answers.get((move.vm_id, move.destination))
        if answer is None:
            continue
        if answer.verdict is Verdict.DOES_NOT_FIT:
            text = f"{move.destination} cannot take {move.vm_name}: {answer.text or 'it gives no reason.'}"
            yield _about(move, Severity.BLOCKER, FindingCode.INCOMPATIBLE, text)
        elif answer.verdict is Verdict.FITS and answer.text:
            text = f"{move.destination} takes {move.vm_name}, and warns: {answer.text}"
            yield _about(move, Severity.WARNING, FindingCode.HOST_WARNS, text)


def _about(move: PlannedMove, severity: Severity, code: FindingCode, text: str) -> Finding:
    return Finding(severity=severity, code=code, text=text, vm_id=move.vm_id, host=move.destination)


def _unasked(plan: Plan, answers: Answers) -> Iterator[Finding]:
    """Say what was not checked, all that has one reason together."""
    missing = HostAnswer(Verdict.UNKNOWN, "There was no answer in time.")
    by_reason: defaultdict[tuple[HostName, str], list[str]] = defaultdict(list)
    for move in to_ask(plan):
        answer = answers.get((move.vm_id, move.destination), missing)
        if answer.verdict is Verdict.UNKNOWN:
            by_reason[move.destination, answer.text].append(move.vm_name)
    for (host, why), names in by_reason.items():
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        text = f"Not checked: whether {host} can take {', '.join(names[:_NAMED])}{more}. {why}"
        yield Finding(severity=Severity.NOTE, code=FindingCode.NOT_CHECKED, text=text, host=host)
