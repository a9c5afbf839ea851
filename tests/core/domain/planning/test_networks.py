"""Migration networks: who listens nowhere takes nothing, who shares no network is said before anybody approves."""

from dataclasses import replace

import pytest

from core.domain.model.inventory import HostName, HostNetworks, Inspection, Snapshot
from core.domain.model.plan import Finding, FindingCode, Severity
from core.domain.planning.preflight import preflight
from tests.support.builders import HV01, HV02, details, facts, planned, room

HV03 = HostName("HV03")


def at(
    host: HostName, *own: str, takes: tuple[str, ...] | None = ("0.0.0.0/0", "::/0"), listens: tuple[str, ...] = ()
) -> Inspection:
    """Return a host with one VM, in these networks."""
    number = int(host[-1])
    seen = room(host, details(number), of=facts(listeners=listens or ("10.0.0.9",)))
    return replace(seen, networks=HostNetworks(own=own or None, for_migration=takes))


def found(*sources: Inspection, to: Inspection) -> tuple[Finding, ...]:
    moves = [planned(int(one.host[-1]), source=one.host, destination=to.host) for one in sources]
    return preflight(moves, {one.host: one for one in (*sources, to)}, {})


APART = at(HV02, "10.9.0.0/24", "10.0.0.0/16", takes=("10.9.0.0/24",), listens=("10.9.0.2",))


def test_sources_without_an_address_in_the_migration_network_are_named() -> None:
    """One warning for a destination, with all sources that are apart from it; a router may lead there all the same."""
    (one,) = found(at(HV01, "10.0.0.0/16"), to=APART)
    assert (one.severity, one.code, one.host) == (Severity.WARNING, FindingCode.NO_COMMON_NETWORK, HV02)
    assert one.text.startswith("HV02 takes migrations only on 10.9.0.0/24, where HV01 has no address: without a router")
    (both,) = found(at(HV01, "10.0.0.0/16"), at(HV03, "10.1.0.0/16"), to=APART)
    assert "where HV01 and HV03 have no address" in both.text
    (third,) = found(at(HV01, "10.9.0.0/24"), at(HV03, "10.1.0.0/16"), to=APART)
    assert "where HV03 has no address" in third.text


@pytest.mark.parametrize(
    "there",
    [
        at(HV02, "10.5.0.0/16", listens=("10.5.0.2",)),
        at(HV02, "10.0.0.0/16", takes=("10.0.0.2/32",), listens=("10.0.0.2",)),
        at(HV02, takes=("fd00:9::/64", "10.0.0.0/16"), listens=("fd00:9::2", "10.0.0.2")),
        at(HV02, takes=("fe80::/64",), listens=("fe80::2%12",)),
        at(HV02, takes=("10.9.0.0/24",), listens=("nonsense",)),
        at(HV02, takes=None, listens=("10.9.0.2",)),
    ],
    ids=["any network", "one address of a common one", "one of two", "link-local", "not to be read", "not told"],
)
def test_what_may_reach_it_is_not_warned_of(there: Inspection) -> None:
    """Any network includes the way of the logon; what tells nothing is no reason to warn."""
    assert found(at(HV01, "10.0.0.0/16"), to=there) == ()


def test_version_six_counts_as_four_does() -> None:
    """A common network of either version is one."""
    there = at(HV02, takes=("fd00:9::/64",), listens=("fd00:9::2", "fe80::2"))
    assert found(at(HV01, "10.0.0.0/16", "fd00:9::/64", "fe80::/64"), to=there) == ()
    assert [one.code for one in found(at(HV01, "fd00:1::/64", "fe80::/64"), to=there)] == [
        FindingCode.NO_COMMON_NETWORK
    ]


def test_networks_that_a_host_does_not_tell_are_said_once() -> None:
    """With an older role nobody looked, and the plan says so for each host; a gap never looks like an answer."""
    silent = replace(at(HV01), networks=HostNetworks(unread="The role refuses it."))
    there = replace(APART, networks=replace(APART.networks, for_migration=None, unread="Not there."))
    notes = found(silent, to=there)
    assert [(one.severity, one.code, one.host) for one in notes] == [
        (Severity.NOTE, FindingCode.NETWORKS_UNREAD, HV01),
        (Severity.NOTE, FindingCode.NETWORKS_UNREAD, HV02),
    ]
    assert notes[0].text.endswith("was not checked. The role refuses it.")


def test_who_listens_nowhere_takes_nothing() -> None:
    """Move-VM refuses a destination without a listener; as a source it does no harm, and unknown is not none."""
    deaf = replace(APART, snapshot=_listening(APART, ()))
    (one,) = found(at(HV01, "10.0.0.0/16"), to=deaf)
    assert (one.severity, one.code, one.host) == (Severity.BLOCKER, FindingCode.NO_LISTENER, HV02)
    source = at(HV01, "10.9.0.0/24")
    assert found(replace(source, snapshot=_listening(source, ())), to=APART) == ()
    assert found(source, to=replace(APART, snapshot=_listening(APART, None))) == ()


def _listening(inspection: Inspection, on: tuple[str, ...] | None) -> Snapshot:
    return replace(inspection.snapshot, facts=replace(inspection.snapshot.facts, listeners=on))
