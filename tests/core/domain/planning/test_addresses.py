"""Promises of core.domain.planning.addresses: a plan says when its hosts cannot meet at the address they use."""

from typing import Any

import pytest

from core.domain.model.plan import FindingCode, Severity
from core.domain.planning.addresses import Way, address_findings, in_numbers, is_here
from tests.support.builders import HV01, HV02, planned, vm_id

NAMED = "hv02.contoso.com"
ADVICE = "Set hosts.HV02.migration_address to a name by which HV01 reaches it."


def way(address: str = NAMED, **seen: Any) -> Way:
    return Way(source=HV01, destination=HV02, address=address, **seen)


def said(*ways: Way, machine: str = NAMED) -> list[tuple[Severity, str]]:
    found = list(address_findings(ways, {HV02: machine}, [planned(1), planned(2, destination=HV01)]))
    assert {one.code for one in found} <= {FindingCode.ADDRESS}
    assert all(one.vm_id == vm_id(1) for one in found if one.severity is Severity.BLOCKER)
    return [(one.severity, one.text) for one in found]


@pytest.mark.parametrize("machine", [NAMED, "HV02", ""])
def test_a_way_that_leads_where_it_should(machine: str) -> None:
    """A source that reached the machine that is meant is worth no word; one that does not say is no other machine."""
    assert said(way(machine=machine)) == []


def test_an_address_that_leads_to_another_machine() -> None:
    """Nothing goes to a machine that nobody approved: its VMs are blocked, and no others."""
    assert said(way(machine="hv07.contoso.com")) == [
        (
            Severity.BLOCKER,
            f"At hv02.contoso.com HV01 reaches hv07.contoso.com, and not HV02. {ADVICE}",
        )
    ]


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1", "127.3.2.1", "::1", "[::1]", "."])
def test_an_address_that_is_every_machine_itself(address: str) -> None:
    """The bot beside its lab may use it; a source that is given it moves to itself."""
    assert is_here(address)
    ((severity, text),) = said(way(address, machine=NAMED))
    assert severity is Severity.BLOCKER
    assert text.startswith(f"At {address} HV01 reaches ")


def test_an_address_that_a_source_cannot_use() -> None:
    """Field cases 12 and 16: said before anything is copied, with what the source said and what to do."""
    assert said(way("10.0.0.11", trouble="The client cannot connect.")) == [
        (
            Severity.WARNING,
            f"HV01 could not log on to HV02 as 10.0.0.11, which a move does too: The client cannot connect. {ADVICE}",
        )
    ]


@pytest.mark.parametrize(
    ("address", "machine", "words"),
    [
        ("10.0.0.11", NAMED, "10.0.0.11 is no name"),
        ("fe80::1", NAMED, "fe80::1 is no name"),
        ("files.contoso.com", NAMED, "HV02 is reached as files.contoso.com and calls itself hv02.contoso.com"),
    ],
)
def test_an_address_by_which_kerberos_does_not_know_the_machine(address: str, machine: str, words: str) -> None:
    """It worked for WinRM; the services' own logon goes by the name. Said once, from however many sources."""
    found = said(way(address, machine=machine), way(address, machine=machine))
    assert [severity for severity, _ in found] == [Severity.WARNING]
    assert found[0][1].startswith(words)


def test_names_that_look_like_numbers() -> None:
    """A host may be called 10, and only a whole address is one."""
    assert not any(map(in_numbers, ("10", "hv02", "10.0.0", "10.0.0.11.contoso.com")))
