from __future__ import annotations

import pytest

from lab.hyperv.world.audit_log import ViolationKind
from lab.hyperv.world.enums import ErrorCategory, JobState, MigrationAuthentication, VMState
from lab.hyperv.world.faults import WireFault, WireFaultKind
from lab.hyperv.world.fleet import Delegation, Endpoint, Language, MigrationKind, ScheduledMigration
from tests.support.lab_worlds import BOT, Lab, host, lab, vm, vm_id, with_quirks


def four(**hosts: object) -> Lab:
    """Four VMs on HV01; HV01 and HV02 as given, with limits high enough unless given."""
    pair = [hosts.get(name, host(name, live_limit=9, storage_limit=9)) for name in ("HV01", "HV02", "HV03")]
    return lab(*(vm(n) for n in range(1, 5)), hosts=tuple(pair))  # type: ignore[arg-type]


def refused(it: Lab, number: int, **fields: object) -> str:
    move = it.move(number, **fields)  # type: ignore[arg-type]
    assert move.is_done
    return move.errors[0].message


@pytest.mark.parametrize("name", ["HV01", "HV02"])
def test_both_ends_enforce_the_live_limit(name: str) -> None:
    """A start over the limit fails at once, with the documented text, and never waits for a slot."""
    it = four(**{name: host(name, live_limit=2, storage_limit=9)})
    assert not any(it.move(n).is_done for n in (1, 2))
    end = "source" if name == "HV01" else "destination"
    number = str(vm_id(3)).upper()
    text = refused(it, 3)
    wrapper = f"Virtual machine migration operation for 'vm3' failed at migration {end} '{name}'."
    assert text.startswith(f"{wrapper} (Virtual machine ID {number})\n\n")
    assert 'virtual machine migration limit "2" was reached, please wait for completion' in text
    assert "0x" not in text.replace(number, "")
    it.run()
    assert it.world.vm("HV01", vm_id(3)) is not None


@pytest.mark.parametrize("name", ["HV01", "HV02"])
def test_both_ends_enforce_the_storage_limit_separately(name: str) -> None:
    """The storage limit has its own count and its own text."""
    it = four(**{name: host(name, live_limit=9, storage_limit=1)})
    it.move(1)
    assert "because maximum storage migration limit '1' was reached" in refused(it, 2)


def test_a_limit_failure_is_a_failed_job() -> None:
    """The refusal is the failure of a job: Exception, code 32768, OperationFailed."""
    it = four(HV01=host("HV01", live_limit=0))
    move = it.move(1)
    (job,) = it.world.jobs("HV01")
    assert (job.state, job.error_code) == (JobState.Exception, 32768)
    assert job.error_summary
    assert job.error_description
    assert move.errors[0].fqid() == "OperationFailed,Microsoft.HyperV.PowerShell.Commands.MoveVM"


def test_a_late_refusal_fails_later_and_holds_no_slot() -> None:
    """Some jobs wait for minutes and fail then; meanwhile they take nothing."""
    it = four(HV01=with_quirks(host("HV01", live_limit=1, storage_limit=9), limit_refusal_delay_s=120))
    it.move(1)
    late = it.move(2)
    done = []
    for seconds in (100, 20):
        it.wait(seconds)
        done.append(late.is_done)
        assert it.world.counters("HV01").live == 1
    assert done == [False, True]
    assert "limit" in late.errors[0].message


def test_moves_in_both_directions_share_the_limit_unless_told_otherwise() -> None:
    """Incoming moves count; a switch makes the two directions separate, another ignores incoming ones."""

    def start_back(**quirks: bool) -> bool:
        hosts = (with_quirks(host("HV01", live_limit=1), **quirks), host("HV02"))
        it = lab(vm(1), vm(2, "HV02"), hosts=hosts)
        it.move(1)
        return it.move(2, source="HV02", to="HV01").is_done

    assert start_back()
    assert not start_back(separate_in_and_out_counters=True)
    assert not start_back(incoming_moves_count=False)
    assert not start_back(destination_enforces_limits=False)


def test_off_vms_use_live_slots_unless_told_otherwise() -> None:
    """Whether they do is open; both answers can be had."""

    def is_refused(uses: bool) -> bool:
        hosts = tuple(with_quirks(host(n, live_limit=1), off_vms_use_live_slots=uses) for n in ("HV01", "HV02"))
        it = lab(vm(1), vm(2, state=VMState.Off), hosts=hosts)
        it.move(1)
        return it.move(2).is_done

    assert is_refused(uses=True)
    assert not is_refused(uses=False)


def test_the_storage_slot_may_come_back_before_the_end() -> None:
    """With that switch, a move that sends memory leaves room for another's disks."""
    hosts = tuple(
        with_quirks(host(n, live_limit=9, storage_limit=1), storage_slot_released_after_disks=True)
        for n in ("HV01", "HV02")
    )
    it = lab(vm(1), vm(2), hosts=hosts)
    first = it.move(1)
    it.until(first, "disk-mirror")
    assert it.move(2).is_done
    it.until(first, "memory")
    assert not it.move(2).is_done


def test_other_peoples_moves_hold_slots_and_count() -> None:
    """A scheduled migration of somebody else starts by itself and is counted like any other."""
    it = lab(
        vm(1),
        vm(2),
        hosts=(host("HV01", live_limit=1), host("HV02")),
        migrations=(ScheduledMigration(start_s=5, vm=vm_id(1), destination="HV02", path="D:\\Theirs"),),
    )
    it.wait(6)
    assert it.world.counters("HV02").live == 1
    assert "limit" in refused(it, 2)
    assert it.world.jobs("HV01")[0].owner == "CONTOSO\\alice"


def test_the_ledger_tells_wasted_starts_from_broken_limits() -> None:
    """Refused starts are counted by owner; a limit is broken only if a host really ran more than it should."""
    it = four(HV02=with_quirks(host("HV02", live_limit=1, storage_limit=9), destination_enforces_limits=False))
    it.move(1)
    it.move(2)
    ledger = it.world.ledger
    assert ledger.over_limit_starts() == 0
    (violation,) = ledger.violations_of(BOT)
    assert violation.kind is ViolationKind.LIMIT_EXCEEDED
    assert ledger.peak("HV02", "live") == 2
    strict = four(HV02=host("HV02", live_limit=1, storage_limit=9))
    strict.move(1)
    strict.move(2)
    assert strict.world.ledger.over_limit_starts(BOT) == 1
    assert strict.world.ledger.over_limit_starts("someone else") == 0
    assert strict.world.ledger.violations == []


def test_a_second_start_of_a_moving_vm_is_refused_and_remembered() -> None:
    """Starting a VM that still moves is a violation even though the host refuses it."""
    it = lab()
    it.move(1)
    assert "is currently performing the following operation: 'Migrating virtual machine'" in refused(it, 1)
    assert [v.kind for v in it.world.ledger.violations] == [ViolationKind.STARTED_WHILE_MOVING]


@pytest.mark.parametrize(
    ("hosts", "fields", "text"),
    [
        ((host("HV01", migration_enabled=False), host("HV02")), {}, "not enabled on computer 'HV01'"),
        ((host("HV01"), host("HV02", migration_enabled=False)), {}, "not enabled on computer 'HV02'"),
        ((host("HV01"), host("HV02", listener_on=False)), {}, "'HV02' has no network address"),
        ((host("HV01"), host("HV02")), {"is_clustered": True}, "because it is clustered"),
    ],
)
def test_some_refusals_come_before_any_job(hosts: tuple[object, ...], fields: dict[str, object], text: str) -> None:
    """Migration off, no listener, a clustered VM: InvalidOperation and no job."""
    it = lab(vm(1, **fields), hosts=hosts)  # type: ignore[arg-type]
    move = it.move(1)
    assert text in move.errors[0].message
    assert move.errors[0].category is ErrorCategory.InvalidOperation
    assert it.world.jobs("HV01") == ()


APART = {"addresses": ("10.0.0.2/16", "10.9.0.2/24"), "migration_networks": ("10.9.0.0/24",)}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (Language.ENGLISH, "did not properly respond"),
        (Language.GERMAN, "Verbindungsversuch"),
        (Language.JAPANESE, "接続"),
    ],
)
def test_a_source_without_a_way_to_the_migration_network_fails_to_connect(language: Language, text: str) -> None:
    """The destination listens on its migration networks alone: who is in none of them, and has no router, waits."""
    it = lab(vm(1), hosts=(host("HV01", language=language), host("HV02", **APART)))
    move = it.move(1)
    it.run()
    assert text in move.errors[0].message
    assert "0x8007274C" in move.errors[0].message
    assert it.world.vm("HV01", vm_id(1)) is not None


@pytest.mark.parametrize("way", [{"routes": ("10.9.0.0/24",)}, {"addresses": ("10.9.0.1/24",)}])
def test_a_router_or_an_address_there_is_a_way(way: dict[str, object]) -> None:
    """Another network is no fault of its own."""
    it = lab(vm(1), hosts=(host("HV01", **way), host("HV02", **APART)))
    move = it.move(1)
    it.run()
    assert move.errors == ()


def test_a_host_without_an_address_in_its_migration_networks_listens_nowhere() -> None:
    """Move-VM refuses it before any job, as it does a listener that is off."""
    it = lab(vm(1), hosts=(host("HV01"), host("HV02", migration_networks=("10.9.0.0/24",))))
    assert "has no network address" in refused(it, 1)


def test_a_vm_that_is_not_there_is_a_miss() -> None:
    """A move of an unknown VM says so by id and has no job."""
    it = lab()
    assert refused(it, 99) == f'Hyper-V was unable to find a virtual machine with id "{str(vm_id(99)).upper()}".'


def test_a_vm_in_between_states_cannot_move() -> None:
    """Stopping, Starting and the like are refused as InvalidState."""
    it = lab(vm(1, state=VMState.Stopping))
    assert it.move(1).errors[0].error_id == "InvalidState"


def test_without_delegation_the_two_hops_fail_differently() -> None:
    """Hop (a) is the cmdlet's own session, before any job; hop (b) is between the services, with 0x8009030E."""
    hop_a = lab(delegation=(Delegation(source="HV01", destination="HV02", winrm=False),))
    kerberos = tuple(host(n, authentication=MigrationAuthentication.Kerberos) for n in ("HV01", "HV02"))
    hop_b = lab(hosts=kerberos, delegation=(Delegation(source="HV01", destination="HV02", migration=False),))
    first, second = hop_a.move(1), hop_b.move(1)
    assert first.is_done
    assert not second.is_done
    hop_b.run()
    assert "0x80070005" in first.errors[0].message
    assert "0x8009030E" in second.errors[0].message
    assert hop_a.world.jobs("HV01") == ()
    assert hop_b.world.jobs("HV01")[0].state is JobState.Exception


def test_a_logon_that_cannot_be_delegated_gets_nowhere() -> None:
    """Without delegatable credentials hop (a) fails; where that is switched off, CredSSP fails hop (b)."""
    plain = lab()
    assert "Access is denied" in refused(plain, 1, has_delegated_logon=False)
    lenient = lab(hosts=(with_quirks(host("HV01"), hop_a_needs_delegated_logon=False), host("HV02")))
    move = lenient.move(1, has_delegated_logon=False)
    lenient.run()
    assert "0x8009030E" in move.errors[0].message
    jea = (host("HV01", endpoint=Endpoint.JEA, authentication=MigrationAuthentication.Kerberos), host("HV02"))
    allowed = lab(hosts=jea)
    move = allowed.move(1, has_delegated_logon=False)
    allowed.run()
    assert move.errors == ()


def test_an_unreachable_destination_fails_hop_a() -> None:
    """A host that refuses connections, or that nobody knows, is unreachable for the source too."""
    it = lab()
    assert "The computer 'HV77' could not be resolved" in refused(it, 1, to="HV77")
    it.world.trouble.add(WireFault(host="HV02", kind=WireFaultKind.REFUSE))
    assert "cannot connect to the destination specified in the request" in refused(it, 1)


def test_a_german_host_speaks_german_and_keeps_the_ids() -> None:
    """Texts are in the host's language; HRESULTs and ids are not."""
    it = four(HV01=host("HV01", live_limit=0, language=Language.GERMAN))
    error = it.move(1).errors[0]
    assert "Migrationsquelle 'HV01'" in error.summary
    assert "limit" not in error.message.replace("Limit", "")
    assert error.error_id == "OperationFailed"
    assert it.world.vms("HV01")[0].status == "Normaler Betrieb"


def test_a_changed_limit_counts_from_the_next_start() -> None:
    """A lowered limit breaks nothing that runs and refuses what comes next."""
    it = four()
    it.move(1)
    it.move(2)
    it.world.change_host("HV01", {"live_limit": 1})
    assert it.world.host("HV01").live_limit == 1
    assert 'limit "1"' in refused(it, 3)
    it.run()
    assert it.world.ledger.violations == []
    assert it.move(3, kind=MigrationKind.LIVE_AND_STORAGE).errors == ()
