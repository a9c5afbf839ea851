"""What happens to the hosts of the soak: their wires, moves, rows, backups, and people who work on them themselves."""

from collections.abc import Callable
from functools import partial

from lab.hyperv.world.enums import VMState
from lab.hyperv.world.faults import MoveFault, MoveFaultKind, ValueFault, ValueFaultKind, WireFault, WireFaultKind
from lab.hyperv.world.fleet import BackupVariant
from lab.hyperv.world.moves import MoveRequest
from tests.soak.world import HOSTS, VMS, Soak
from tests.support.engine_harness import numbered

Later = Callable[[float, Callable[[], object]], None]
"""Do something after so many seconds."""
HOST_NAMES = tuple(f"HV{n:02d}" for n in range(1, HOSTS + 1))
MOST_DELETED = 3
"""VMs of a chain that somebody deletes: the others are its game."""
_VMS = tuple(numbered(VMS))
_OTHERS = "CONTOSO\\carl"
_CAUSES = ("network", "timeout", "busy", "shared-disk", "no-memory", "disk-full", "live-limit", "access-denied")
_WIRE = tuple(kind for kind in WireFaultKind if kind not in {"expired", "untrusted", "misnamed"})
_SICK = ("Id", "Name", "State")


class HostActs:
    """Each method is something that happens, and returns what it is called."""

    def __init__(self, soak: Soak, later: Later, a_while: Callable[[], float]) -> None:
        self._soak = soak
        self._random = soak.random
        self._later = later
        self._while = a_while

    async def wire(self) -> str:
        random, host = self._random, self._random.choice(HOST_NAMES)
        kind = random.choice(_WIRE)
        status = random.choice((401, 500, 503))
        self._soak.world.order(WireFault(host=host, kind=kind, times=random.choice((1, 3, 9, None)), status=status))
        self._later(self._while(), self._soak.world.trouble.for_host(host).clear)
        return f"wire {kind.value}"

    async def cut_order(self) -> str:
        """Let the next order to a host arrive, and its line break at once: nobody hears what it does."""
        host = self._random.choice(HOST_NAMES)
        self._soak.world.order(WireFault(host=host, kind=WireFaultKind.DROP, times=1, operation="Receive"))
        return "an order's line breaks"

    async def move_fault(self) -> str:
        random, vm = self._random, self._random.choice(_VMS)
        kind = random.choice((*MoveFaultKind, *[MoveFaultKind.FAIL] * 6))
        if kind in {MoveFaultKind.DUPLICATE, MoveFaultKind.VANISH}:
            if random.random() < 0.8:
                return "move fault spared"  # each takes a VM out of the game
            self._soak.touched.add(vm.id)
        cause, at = random.choice(_CAUSES), random.randint(1, 95)
        times = random.choice((1, 1, 2, 4))
        self._soak.world.order(MoveFault(vm=vm.id, kind=kind, cause=cause, at_percent=at, times=times))
        return f"move {kind.value}"

    async def bad_row(self) -> str:
        random, vm = self._random, self._random.choice(_VMS)
        host = self._soak.world.where_is(vm.id)
        kind = random.choice((ValueFaultKind.NULL, ValueFaultKind.ERROR))
        self._soak.world.order(ValueFault(host=host, property=random.choice(_SICK), kind=kind, vm=vm.id))
        self._later(self._while(), self._soak.world.trouble.for_host(host).clear)
        return "bad row"

    async def stand_in(self) -> str:
        mine, other = self._random.sample(HOST_NAMES, k=2)
        self._soak.gateway.stand_ins[mine] = other
        self._later(self._while(), partial(self._soak.gateway.stand_ins.pop, mine, None))
        return "another machine answers"

    async def delete(self) -> str:
        soak, vm = self._soak, self._random.choice(_VMS)
        if soak.counts["somebody deletes a VM"] >= MOST_DELETED:
            return "deletion spared"
        soak.world.remove_vm(soak.world.where_is(vm.id), vm.id)
        soak.touched.add(vm.id)
        return "somebody deletes a VM"

    async def backup(self) -> str:
        random, vm = self._random, self._random.choice(_VMS)
        variant = random.choice(tuple(BackupVariant))
        self._soak.world.start_backup(vm.id, self._while(), variant, random.choice((0.0, 60.0)))
        return "backup"

    async def change_host(self) -> str:
        random, host = self._random, self._random.choice(HOST_NAMES)
        change = random.choice(({"live_limit": 1}, {"live_limit": 4, "storage_limit": 3}, {"migration_enabled": False}))
        usual = {"live_limit": 2, "storage_limit": 2, "migration_enabled": True}
        self._soak.world.change_host(host, change)
        self._later(self._while(), partial(self._soak.world.change_host, host, usual))
        return "host changed"

    async def others(self) -> str:
        random, world, vm = self._random, self._soak.world, self._random.choice(_VMS)
        where = world.where_is(vm.id)
        match random.choice(("moves", "state", "file", "file")):
            case "moves":
                self._soak.touched.add(vm.id)
                to = random.choice([host for host in HOST_NAMES if host != where])
                world.start_move(
                    MoveRequest(vm_id=vm.id, source=where, destination=to, owner=_OTHERS, storage_path="D:\\VMs")
                )
                return "somebody moves a VM"
            case "state":
                world.set_state(where, vm.id, random.choice((VMState.Off, VMState.Running, VMState.Running)))
                return "somebody switches a VM"
            case _:
                folder = f"D:\\VMs\\{vm.name}"
                world.add_file(random.choice((where, *HOST_NAMES)), f"{folder}\\note{random.randint(1, 10**6)}.txt")
                return "somebody leaves a file"
