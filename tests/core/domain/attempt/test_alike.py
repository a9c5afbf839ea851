"""Promises of core.domain.attempt.alike: a second VM that fares alike tells whose a refusal is."""

from dataclasses import replace

import pytest

from core.domain.attempt.alike import signature, widen
from core.domain.attempt.diagnosis import Diagnosis, diagnose
from core.domain.model.host_calls import HostWord
from core.domain.model.inventory import HostName
from core.domain.model.move import Attempt, Fault
from tests.support.builders import NOW, after, attempt

MISSING = "Datei nicht gefunden (0x80070003)"
STRANGE = "Der Vorgang '{}' auf 'HV02' schlug fehl: Katastrophe {}"


def told(text: str) -> Diagnosis:
    return diagnose([HostWord(text, "OperationFailed,X")])


def other(number: int, words: str, fault: Fault = Fault.VM, source: str = "HV01", to: str = "HV02") -> Attempt:
    return attempt(number, HostName(source), HostName(to), fault=fault, host_words=words)


MINE = other(1, "")


def test_one_refusal_is_the_vms() -> None:
    """Nobody else met it: the VM's own fault."""
    assert widen(told(MISSING), MINE, ()) == told(MISSING)
    assert told(MISSING).fault is Fault.VM


def test_a_second_vm_from_the_same_source_makes_it_the_pairs() -> None:
    """The same number between the same hosts: not a file of both VMs, but the way between the hosts."""
    found = widen(told(MISSING), MINE, [other(2, "Fichier introuvable (0x80070003)")])
    assert found.fault is Fault.PAIR
    assert "Another VM was refused in the same way" in found.hint
    assert "HV01 and HV02 together" in found.hint
    assert found.why.endswith("a second VM fared alike")


def test_a_second_vm_from_another_source_makes_it_the_hosts() -> None:
    """Two sources, one destination: it is the destination."""
    found = widen(told(MISSING), MINE, [other(2, MISSING, source="HV03")])
    assert found.fault is Fault.HOST
    assert "look at HV02" in found.hint


@pytest.mark.parametrize(
    "another",
    [
        other(2, MISSING, to="HV03"),
        other(1, MISSING),
        other(2, "Voll (0x80070070)"),
        other(2, MISSING, fault=Fault.PASSING),
        other(2, ""),
    ],
    ids=["another destination", "the same VM", "another reason", "it passed", "no words"],
)
def test_what_is_not_alike_proves_nothing(another: Attempt) -> None:
    """Another destination, the same VM's own earlier try, another number, and what passes by itself."""
    assert widen(told(MISSING), MINE, [another]).fault is Fault.VM


def test_a_vms_own_thing_stays_its_own() -> None:
    """Case 4 of the field: two VMs with an ISO each that nobody may open do not bar the hosts for the others."""
    denied = "User Account does not have sufficient privilege to open attachment '{}'. (0x80070005)"
    mine = told(denied.format("\\\\fs01\\iso\\x.iso"))
    assert mine.code == "file-denied"
    assert widen(mine, MINE, [other(2, denied.format("\\\\fs01\\iso\\y.iso"))]).fault is Fault.VM


def test_an_unknown_reason_needs_three_refusals() -> None:
    """It might have passed, so one of them comes after a pause; names, ids and counts are not compared."""
    mine, alike = told(STRANGE.format("web01", 17)), other(2, STRANGE.format("sql01", 99), fault=Fault.UNKNOWN)
    assert mine.fault is Fault.UNKNOWN
    assert widen(mine, MINE, [alike, alike]).fault is Fault.UNKNOWN
    again = replace(MINE, number=2)
    assert widen(mine, again, [alike]).fault is Fault.UNKNOWN
    assert widen(mine, again, [alike, alike]).fault is Fault.PAIR
    elsewhere = other(3, alike.host_words, fault=Fault.UNKNOWN, source="HV09")
    assert widen(mine, again, [alike, elsewhere]).fault is Fault.HOST


def test_a_vm_that_moved_since_takes_the_proof_away() -> None:
    """Whoever arrived shows that the hosts can: the refusals before it were the VMs' own, or have passed."""
    before = replace(other(2, MISSING), ended_at=NOW)
    assert widen(told(MISSING), MINE, [before], after(1)).fault is Fault.VM
    assert widen(told(MISSING), MINE, [before], after(-1)).fault is Fault.PAIR


def test_the_signature_leaves_out_what_differs_between_vms() -> None:
    """Ids, quoted names in any language's quotes, paths and counts; numbers of errors say all."""
    first = "„web01“ (8f1b2c3d-0000-4444-8888-123456789abc) in D:\\VMs\\web01: 3 von 4"
    second = "„sql01“ (11111111-2222-4444-8888-123456789abc) in E:\\sql: 1 von 9"
    assert signature(first) == signature(second)
    assert signature(first) != signature(second + " anders")
    assert signature("a (0x80070005)") == signature("b -2147024891") == (5,)
