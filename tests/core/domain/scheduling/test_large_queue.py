"""Thousands of VMs: what is asked for each of them is looked up, not searched for."""

from uuid import UUID

from core.domain.model.inventory import HostName, VmId
from core.domain.model.plan import Finding, FindingCode, Plan, PlannedMove, Severity

COUNT = 2000


class CountedId(UUID):
    """An id that counts how often it is compared."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        CountedId.compared += 1
        return super().__eq__(other)

    __hash__ = UUID.__hash__


def test_why_each_vm_is_blocked_takes_one_look() -> None:
    """A plan of thousands with a blocker for each does not compare each with each."""
    ids = [VmId(CountedId(int=number + 1)) for number in range(COUNT)]
    moves = tuple(
        PlannedMove(
            vm_id=one, vm_name=f"vm{one}", source=HostName("HV01"), destination=HostName("HV02"), path="D:\\VMs"
        )
        for one in ids
    )
    findings = tuple(
        Finding(severity=Severity.BLOCKER, code=FindingCode.BUSY, text=f"{one} is busy.", vm_id=one) for one in ids
    )
    plan = Plan(moves, findings)
    CountedId.compared = 0
    assert all(plan.why_blocked(one) == f"{one} is busy." for one in ids if one in plan.blocked_ids)
    assert CountedId.compared < 20 * COUNT


def test_blockers_of_a_vm_keep_their_order() -> None:
    """Its own, its hosts' and those of everything come in the order in which they were found."""
    own, other = VmId(UUID(int=1)), VmId(UUID(int=2))

    def blocker(text: str, vm: VmId | None = None, host: str | None = None) -> Finding:
        return Finding(
            severity=Severity.BLOCKER, code=FindingCode.BUSY, text=text, vm_id=vm, host=HostName(host) if host else None
        )

    move = PlannedMove(
        vm_id=own, vm_name="web01", source=HostName("HV01"), destination=HostName("HV02"), path="D:\\VMs"
    )
    findings = (
        blocker("b", host="HV02"),
        blocker("x", vm=other, host="HV01"),
        blocker("a", vm=own, host="HV09"),
        blocker("c"),
        blocker("y", host="HV03"),
    )
    assert Plan((move,), findings).why_blocked(own) == "b a c"
