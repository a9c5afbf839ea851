r"""Decides what ties a VM to its host: devices and features that a migration cannot take along.

Sources: Microsoft docs: Discrete Device Assignment; GPU partitioning; Hyper-V virtual Fibre Channel; nested
virtualization; Set-VMComPort (a pipe is local, ``\\.\pipe\name``, or of a machine that is named); Set-VMDvdDrive.
"""

from collections.abc import Iterator

from core.domain.model.hyperv_enums import VmState
from core.domain.model.inventory import Tie, VmDetails
from core.domain.model.plan import FindingCode

_LOCAL_PIPE = "\\\\.\\pipe\\"
_DEVICES = {
    Tie.PASSED_DEVICE: "a device of its host passed through (DDA)",
    Tie.GPU_PARTITION: "a partition of a GPU of its host",
    Tie.FIBRE_CHANNEL: "a virtual Fibre Channel adapter",
}


def held_by_devices(details: VmDetails) -> Iterator[tuple[FindingCode, str]]:
    """Say which devices keep a VM where it is while it has a state that needs them."""
    if details.vm.state is VmState.OFF:
        return
    name = details.vm.name
    for tie in sorted(details.ties & set(_DEVICES)):
        why = "and cannot be moved unless it is off: it would lose that."
        yield FindingCode.TIED_TO_HOST, f"{name} has {_DEVICES[tie]}, {why}"


def tie_warnings(details: VmDetails) -> Iterator[tuple[FindingCode, str]]:
    """Say what of a VM may not work on another host, and what could not be found out about that."""
    name = details.vm.name
    if details.vm.state is VmState.OFF:
        for tie in sorted(details.ties & set(_DEVICES)):
            yield FindingCode.TIED_TO_HOST, f"{name} has {_DEVICES[tie]}; elsewhere it may not start with it."
    elif Tie.NESTED in details.ties:
        text = f"{name} may run virtual machines itself (nested virtualization); while it does, a live migration fails."
        yield FindingCode.NESTED, text
    if Tie.HOST_DVD in details.ties:
        text = f"{name} has captured a DVD drive of its host, which stays there: release it if the move fails."
        yield FindingCode.HOST_DVD, text
    if local := [pipe for pipe in details.pipes if pipe.casefold().startswith(_LOCAL_PIPE)]:
        ports = "a COM port" if len(local) == 1 else "COM ports"
        text = f"{name} has {ports} on {' and '.join(local)} of its host: whatever uses that there does not move along."
        yield FindingCode.LOCAL_PIPE, text
    if details.backup_checkpoints:
        many = "a checkpoint" if details.backup_checkpoints == 1 else f"{details.backup_checkpoints} checkpoints"
        text = f"{name} has {many} of a backup (Recovery): a backup runs, or left it behind. Look before it moves."
        yield FindingCode.BACKUP_CHECKPOINT, text
