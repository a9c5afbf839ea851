"""Promises of core.domain.planning.apart: who would meet is said, and nobody else."""

from core.domain.model.inventory import HostName, Snapshot
from core.domain.model.plan import FindingCode, PlannedMove, Severity
from core.domain.planning.apart import meetings
from tests.support.builders import HV01, HV02, HV03, planned, snapshot, vm


def said(moves: list[PlannedMove], *snapshots: Snapshot, apart: tuple[str, ...] = ()) -> list[str]:
    found = meetings(moves, {one.host: one for one in snapshots}, apart)
    assert {(one.severity, one.code) for one in found} <= {(Severity.WARNING, FindingCode.MEET)}
    return [one.text for one in found]


def going(number: int, name: str, source: HostName, to: HostName) -> PlannedMove:
    return planned(number, source, to, vm_name=name)


DC1, DC2 = vm(1, name="dc01"), vm(2, name="dc02")


def test_a_role_that_was_apart_and_would_meet_is_said() -> None:
    """dc01 and dc02 are on two hosts; a plan that puts both on one says so, and how to prevent it."""
    moves = [going(1, "dc01", HV01, HV03), going(2, "dc02", HV02, HV03)]
    assert said(moves, snapshot(HV01, DC1), snapshot(HV02, DC2), snapshot(HV03)) == [
        "dc01 and dc02 would meet on HV03. They are on different hosts now; apart=dc* keeps them apart."
    ]


def test_a_vm_that_joins_the_other_of_its_role_is_said() -> None:
    """The other one may be at the destination already and not move at all."""
    assert len(said([going(1, "dc01", HV01, HV03)], snapshot(HV01, DC1), snapshot(HV03, DC2))) == 1


def test_those_that_are_together_already_are_not_said() -> None:
    """Nothing gets worse: no word; nor of a role of which one stays elsewhere, nor of names without numbers."""
    both = [going(1, "dc01", HV01, HV03), going(2, "dc02", HV01, HV03)]
    assert said(both, snapshot(HV01, DC1, DC2), snapshot(HV03)) == []
    third = snapshot(HV02, vm(3, name="dc03"))
    assert said([going(1, "dc01", HV01, HV03)], snapshot(HV01, DC1), snapshot(HV03, DC2), third) == []
    plain = [going(1, "mail", HV01, HV03)]
    assert said(plain, snapshot(HV01, vm(1, name="mail")), snapshot(HV03, vm(2, name="web"))) == []


def test_what_apart_asks_and_cannot_be_is_said() -> None:
    """Two of a named role on one host are said even when they were together before."""
    both = [going(1, "dc01", HV01, HV03), going(2, "dc02", HV01, HV03)]
    assert said(both, snapshot(HV01, DC1, DC2), snapshot(HV03), apart=("DC*",)) == [
        "dc01 and dc02 would meet on HV03. apart=DC* cannot be kept."
    ]
