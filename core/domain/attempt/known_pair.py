"""Judges a failed way between two hosts by what both show: one number means several things.

A time-out may be a cable or a network that leads nowhere; a logon without credentials is mended in one way where hosts
use CredSSP and in another where they use Kerberos.
"""

from dataclasses import dataclass, replace

from core.domain.attempt.diagnosis import Diagnosis
from core.domain.model.hyperv_enums import MigrationAuth
from core.domain.model.inventory import HostName
from core.domain.model.move import Fault

DEPENDS = frozenset({"no-answer", "migration-port", "no-delegation"})
"""The rules whose meaning depends on the pair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairFacts:
    """What the hosts of a move show after it failed.

    ``deaf``: why the destination takes no migrations at all. ``apart``: why no network leads from one to the other.
    Both are sentences, empty where that is not so or not known. ``has_carried``: data went this way before.
    """

    source: HostName
    destination: HostName
    source_auth: MigrationAuth
    destination_auth: MigrationAuth
    deaf: str = ""
    apart: str = ""
    has_carried: bool = False


def in_view_of(diagnosis: Diagnosis, pair: PairFacts) -> Diagnosis:
    """Return the diagnosis as it is where this is known of the two hosts."""
    if diagnosis.code == "no-delegation":
        return replace(diagnosis, hint=_logon_hint(pair))
    if diagnosis.code not in DEPENDS:
        return diagnosis
    if pair.deaf:
        why = f"{diagnosis.why}; {pair.destination} takes no migrations"
        return replace(diagnosis, code="listener-off", fault=Fault.HOST, hint=pair.deaf, why=why)
    if diagnosis.code == "no-answer" and pair.apart:
        if pair.has_carried:
            return replace(diagnosis, hint=f"{diagnosis.hint} {pair.apart}")
        why = f"{diagnosis.why}; the hosts share no network"
        return replace(diagnosis, code="networks-apart", fault=Fault.PAIR, hint=pair.apart, why=why)
    return diagnosis


def _logon_hint(pair: PairFacts) -> str:
    """Say what is missing where the source's service has no credentials for the destination's.

    Microsoft: CredSSP takes a session that may pass its logon on; Kerberos takes constrained delegation.
    """
    source, destination = pair.source, pair.destination
    if pair.source_auth is MigrationAuth.CREDSSP:
        return (
            f"{source} migrates with CredSSP, which takes a logon that may be passed on: set Kerberos on both hosts"
            " (Set-VMHost -VirtualMachineMigrationAuthenticationType Kerberos) and delegation, or [winrm] auth ="
            " credssp."
        )
    if pair.destination_auth is not pair.source_auth:
        return f"{source} migrates with Kerberos and {destination} with CredSSP: set Kerberos on both, and delegation."
    return (
        f"Both hosts migrate with Kerberos: {source} may not delegate to {destination}, or not yet. Set up constrained"
        " delegation, then allow 15 minutes or purge tickets."
    )
