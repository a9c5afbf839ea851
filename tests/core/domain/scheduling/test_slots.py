"""Promises of core.domain.scheduling.slots."""

from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.model.hyperv_enums import HostJobState, Operation
from core.domain.model.inventory import HostName, Snapshot, Vm, VmId
from core.domain.model.move import Attempt
from core.domain.scheduling.slots import SlotKind, SlotUsage, free, full_text, loads, refusal, used
from tests.support.builders import HV01, HV02, HV03, NOW, after, attempt, facts, host_job, snapshot, vm, vm_id


def load(limit: int = 2, seen: tuple[int, ...] = (), counter: int = 0) -> SlotUsage:
    return SlotUsage(
        host=HV01,
        kind=SlotKind.LIVE,
        limit=limit,
        seen=frozenset(vm_id(number) for number in seen),
        counter=counter,
        asked_at=NOW,
    )


def test_an_idle_host_has_all_its_slots() -> None:
    """Nothing seen, nothing reserved: the limit is free."""
    assert free(load(limit=3), []) == 3


def test_a_vm_seen_and_reserved_counts_once() -> None:
    """Promise 1: our own move, once the host shows it, is not counted a second time for its reservation."""
    assert used(load(seen=(1,), counter=1), [attempt(1, confirmed_at=after(-5))]) == 1


def test_each_host_has_its_own_slots() -> None:
    """Weakness 12: two busy slots on the source and two on the destination do not add up against one limit."""
    claims = (*loads(snapshot(HV01, vm(1, Operation.MIGRATING))), *loads(snapshot(HV02, vm(2, Operation.MIGRATING))))
    assert refusal(claims, []) is None


def test_a_vm_seen_on_both_hosts_takes_one_slot_of_each() -> None:
    """Weakness 12: the VM of one move, shown by both its hosts, fills neither of them twice."""
    both = vm(1, Operation.IN_SERVICE, Operation.MIGRATING)
    for host in (HV01, HV02):
        one = snapshot(host, both, of=facts(live_active=1, storage_active=1), jobs=[host_job(1)])
        assert [used(claim, [attempt(1, confirmed_at=after(-5))]) for claim in loads(one)] == [1, 1]


def test_storage_phases_and_the_storage_limit_count() -> None:
    """Weakness 13: a VM whose disks are copied takes a slot, and the storage limit refuses by itself."""
    copying = vm(1, Operation.IN_SERVICE, Operation.STORAGE_PHASE_ONE)
    claims = loads(snapshot(HV01, copying, of=facts(live=5, storage=1)))
    assert refusal(claims, []) == "HV01 runs 1 of 1 storage migrations, 1 of them started by others"


def test_moves_of_other_people_count() -> None:
    """Promise 1: a move somebody else started takes a slot, and the reason says so."""
    claim, _ = loads(snapshot(HV01, vm(9, Operation.MIGRATING), of=facts(live=1)))
    assert full_text(claim, []) == "HV01 runs 1 of 1 live migrations, 1 of them started by others"


def test_an_incoming_move_that_no_vm_shows_counts() -> None:
    """Promise 1: the host's own counter counts what no listed VM shows."""
    claim, _ = loads(snapshot(HV02, of=facts(live=1, live_active=1)))
    assert free(claim, []) == 0


def test_a_running_migration_job_counts_and_an_ended_one_does_not() -> None:
    """Promise 1: a host's job object holds a slot as long as it runs."""
    jobs = [host_job(1), host_job(2, HostJobState.COMPLETED), host_job(3, HostJobState.EXCEPTION)]
    claim, _ = loads(snapshot(HV01, jobs=jobs))
    assert claim.seen == {vm_id(1)}


def test_a_start_the_host_could_not_show_yet_is_added_to_its_counter() -> None:
    """Weakness 14: between our start and the next look, the slot is taken by the reservation."""
    assert used(load(counter=1), [attempt(1)]) == 2


def test_what_the_host_counted_already_is_not_added_again() -> None:
    """A reservation that a host had shown before the snapshot is among the counted."""
    assert used(load(counter=1), [attempt(1, confirmed_at=after(-5))]) == 1


def test_reservations_of_other_hosts_and_ended_ones_do_not_count() -> None:
    """Only open attempts that concern the host take its slots."""
    assert used(load(), [attempt(1, HV02, HV03), attempt(2, ended_at=NOW)]) == 0


def test_migration_switched_off_is_a_limit_of_zero_with_a_name() -> None:
    """Weakness 5: a host that allows nothing is full with a reason that says why."""
    claim, _ = loads(snapshot(HV01, of=facts(is_migration_enabled=False)))
    assert refusal([claim], []) == "HV01 allows no live migrations (limit 0, or switched off)"


def test_an_ended_reservation_is_nobody_elses_move() -> None:
    """The words about other people's moves count open reservations only, in ours and in all."""
    claim = load(limit=1, seen=(5,), counter=1)
    assert full_text(claim, [attempt(1, ended_at=NOW)]).endswith(", 1 of them started by others")


# ---------------------------------------------------------------- the truth, simulated

HOSTS = (HV01, HV02, HV03)


@dataclass
class Truth:
    """Hosts as they are, what they show, and what we know of it.

    They show a migration only some time after it began, the destination shows no VM, and looks are as old as they are.
    """

    limit: int
    running: dict[VmId, tuple[HostName, HostName]] = field(default_factory=dict)
    visible: set[VmId] = field(default_factory=set)
    at: int = 0
    reservations: dict[VmId, Attempt] = field(default_factory=dict[VmId, Attempt])
    unknowable: set[VmId] = field(default_factory=set)
    looks: dict[HostName, Snapshot] = field(default_factory=dict)

    def on(self, host: HostName) -> set[VmId]:
        return {one for one, ends in self.running.items() if host in ends}

    def look(self, *_: object) -> None:
        for host in HOSTS:
            shown = self.on(host) & self.visible
            vms = [
                Vm(id=one, name="x", state=vm().state, status=(Operation.MIGRATING,))
                for one in shown
                if self.running[one][0] == host
            ]
            count = len(shown)
            told = facts(live=self.limit, storage=self.limit, live_active=count, storage_active=count)
            self.looks[host] = snapshot(host, *vms, of=told, at=after(self.at))
        self.unknowable.clear()
        for one, ours in self.reservations.items():
            if one in self.visible and ours.confirmed_at is None:
                self.reservations[one] = replace(ours, confirmed_at=after(self.at))

    def ours(self, number: int, pair: tuple[HostName, HostName]) -> None:
        claims = [claim for host in pair for claim in loads(self.looks[host])]
        if vm_id(number) in self.running or refusal(claims, list(self.reservations.values())):
            return
        self.running[vm_id(number)] = pair
        self.reservations[vm_id(number)] = attempt(number, *pair, started_at=after(self.at))
        for host in pair:
            assert len(self.on(host) - self.unknowable) <= self.limit

    def foreign(self, number: int, pair: tuple[HostName, HostName]) -> None:
        if vm_id(number) not in self.running:
            self.running[vm_id(number)] = pair
            self.visible.add(vm_id(number))
            self.unknowable.add(vm_id(number))

    def show(self, number: int, _: object) -> None:
        self.visible |= {vm_id(number)} & set(self.running)

    def end(self, number: int, _: object) -> None:
        self.running.pop(vm_id(number), None)
        self.reservations.pop(vm_id(number), None)
        self.visible.discard(vm_id(number))
        self.unknowable.discard(vm_id(number))


PAIRS = [(a, b) for a in HOSTS for b in HOSTS if a != b]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ours", "ours", "foreign", "look", "show", "end"]), st.integers(0, 8), st.sampled_from(PAIRS)
    ),
    min_size=10,
    max_size=40,
)


@settings(max_examples=150)
@given(limit=st.integers(0, 3), steps=STEPS)
def test_our_starts_never_bring_a_host_above_its_limit(
    limit: int, steps: list[tuple[str, int, tuple[HostName, HostName]]]
) -> None:
    """Promise 1: whatever is started, shown, looked at and ended in whatever order, no start of ours overfills a host.

    Only what others started after the last look cannot be known.
    """
    truth = Truth(limit)
    truth.look()
    for what, number, pair in steps:
        truth.at += 1
        getattr(truth, what)(number, pair)


@settings(max_examples=100)
@given(
    limit=st.integers(0, 4),
    seen=st.sets(st.integers(0, 6)),
    counter=st.integers(0, 6),
    reserved=st.sets(st.integers(0, 6)),
)
def test_counting_is_monotonous(limit: int, seen: set[int], counter: int, reserved: set[int]) -> None:
    """Promise 1: one more VM seen, counted or reserved never makes a slot free, and free slots never are negative."""
    ours = [attempt(number) for number in reserved]
    base = load(limit, tuple(seen), counter)
    assert used(base, ours) >= max(len(seen), counter, len(reserved))
    assert used(replace(base, counter=counter + 1), ours) >= used(base, ours)
    assert used(base, [*ours, attempt(7)]) >= used(base, ours)
    assert 0 <= free(base, ours) <= limit
