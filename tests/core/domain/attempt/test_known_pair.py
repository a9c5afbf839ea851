"""One number means several things: what both hosts show decides which."""

from dataclasses import replace

import pytest

from core.domain.attempt.diagnosis import Diagnosis, diagnose
from core.domain.attempt.known_pair import PairFacts, in_view_of
from core.domain.model.host_calls import HostWord
from core.domain.model.hyperv_enums import MigrationAuth
from core.domain.model.move import Fault
from tests.support.builders import HV01, HV02

BOTH = PairFacts(
    source=HV01,
    destination=HV02,
    source_auth=MigrationAuth.KERBEROS,
    destination_auth=MigrationAuth.KERBEROS,
)
APART = "HV02 takes migrations only on 10.9.0.0/24, where HV01 has no address: allow one."
DEAF = "HV02 listens on no address for migrations."

NO_ANSWER = ("0x8007274C", "0x80072743", "0x80072750", "0x80072751", "0x800704CF", "0x800704D0", "0x800704E8")
REFUSED = ("0x8007274D", "0x800704C9", "0xC0000236")
DROPPED = ("0x80072746", "0x80072745", "0x80070040")


def said(number: str) -> Diagnosis:
    return diagnose([HostWord(f"Es ging nicht. ({number})")])


@pytest.mark.parametrize("number", NO_ANSWER)
def test_no_answer_and_no_common_network_is_the_pairs(number: str) -> None:
    """Not tried three times; the sentence says which networks, and what to do."""
    found = in_view_of(said(number), replace(BOTH, apart=APART))
    assert (found.code, found.fault, found.hint) == ("networks-apart", Fault.PAIR, APART)


@pytest.mark.parametrize("number", NO_ANSWER)
def test_no_answer_between_hosts_that_share_a_network_passes(number: str) -> None:
    """As before: a cable, a switch, a host that restarts."""
    assert in_view_of(said(number), BOTH) == said(number)
    assert said(number).fault is Fault.PASSING


def test_a_way_that_carried_data_is_one() -> None:
    """A router leads there, whatever the networks look like: tried again, and the networks are named all the same."""
    found = in_view_of(said(NO_ANSWER[0]), replace(BOTH, apart=APART, has_carried=True))
    assert found.fault is Fault.PASSING
    assert found.hint.endswith(APART)


@pytest.mark.parametrize("number", DROPPED)
def test_a_reset_proves_that_somebody_answered(number: str) -> None:
    """Who closes a connection had one."""
    assert in_view_of(said(number), replace(BOTH, apart=APART, deaf=DEAF)) == said(number)


@pytest.mark.parametrize("number", [*NO_ANSWER, *REFUSED])
def test_a_destination_that_takes_none_is_told_as_that(number: str) -> None:
    """Closed by itself and not by a firewall: the host's fault, for every source."""
    found = in_view_of(said(number), replace(BOTH, deaf=DEAF, apart=APART))
    assert (found.code, found.fault, found.hint) == ("listener-off", Fault.HOST, DEAF)


@pytest.mark.parametrize(
    ("here", "there", "words"),
    [
        (MigrationAuth.CREDSSP, MigrationAuth.CREDSSP, "HV01 migrates with CredSSP"),
        (MigrationAuth.CREDSSP, MigrationAuth.KERBEROS, "HV01 migrates with CredSSP"),
        (MigrationAuth.KERBEROS, MigrationAuth.CREDSSP, "HV01 migrates with Kerberos and HV02 with CredSSP"),
        (MigrationAuth.KERBEROS, MigrationAuth.KERBEROS, "HV01 may not delegate to HV02"),
    ],
)
def test_credentials_that_are_missing_are_mended_by_how_the_hosts_log_on(
    here: MigrationAuth, there: MigrationAuth, words: str
) -> None:
    """Nobody is sent to set Kerberos where it is set, or to delegate where CredSSP is."""
    found = in_view_of(said("0x8009030E"), replace(BOTH, source_auth=here, destination_auth=there))
    assert found.fault is Fault.PAIR
    assert words in found.hint


def test_other_reasons_stay_what_they_are() -> None:
    """A full disk is one between any hosts."""
    assert in_view_of(said("0x80070070"), replace(BOTH, deaf=DEAF, apart=APART)) == said("0x80070070")
