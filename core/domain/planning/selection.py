"""Decides which VMs a person means: names, globs, ids or ``all``, on the hosts they named."""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from fnmatch import translate
from uuid import UUID

from core.domain.model.inventory import HostName, Snapshot, Vm, VmId
from core.errors import AmbiguousVm, NothingToMove, UnknownVm

Selected = tuple[HostName, Vm]


def select(
    wanted: Sequence[str], sources: Sequence[Snapshot], elsewhere: Sequence[Snapshot] = ()
) -> tuple[Selected, ...]:
    """Find the VMs on the source hosts; each once, in the order asked. A replica has the id of its primary.

    ``elsewhere`` are other hosts' snapshots, to say where a VM is instead.

    Raises:
        UnknownVm: a name, id or glob fits nothing.
        AmbiguousVm: a name fits several VMs.
        NothingToMove: ``all`` of hosts that have no VM.

    """
    found: dict[object, Selected] = {}
    everything = _one_of_each(sources)
    for text in wanted:
        for host, vm in _fitting(text, everything, sources, elsewhere):
            found.setdefault(vm.id, (host, vm))
    return tuple(found.values())


def _one_of_each(sources: Sequence[Snapshot]) -> list[Selected]:
    """Return every VM once: of several with one id the one that is no replica, else the first."""
    everything = [(snapshot.host, vm) for snapshot in sources for vm in snapshot.vms if not vm.is_planned]
    best: dict[VmId, Selected] = {}
    for one in everything:
        _, vm = one
        known = best.get(vm.id)
        if known is None or (known[1].is_replica and not vm.is_replica):
            best[vm.id] = one
    return [one for one in everything if best[one[1].id] is one]


def _fitting(
    text: str, everything: list[Selected], sources: Sequence[Snapshot], elsewhere: Sequence[Snapshot]
) -> list[Selected]:
    where = _names(sources)
    if text.casefold() == "all":
        if not everything:
            raise NothingToMove(f"There is no VM on {where}.", hint=_unreadable(sources))
        return everything
    # The plain name first: Hyper-V allows brackets, and 32 hexadecimal digits, in a VM's name.
    hits = [(host, vm) for host, vm in everything if vm.name.casefold() == text.casefold()]
    vm_id = _as_id(text)
    if not hits and vm_id is not None:
        hits = [(host, vm) for host, vm in everything if vm.id == vm_id]
    elif not hits and any(char in text for char in "*?["):
        pattern = re.compile(translate(text), re.IGNORECASE)
        hits = [(host, vm) for host, vm in everything if pattern.match(vm.name)]
        if not hits:
            raise UnknownVm(f"No VM on {where} fits {text}.", hint=_unreadable(sources))
        return hits
    if not hits:
        raise UnknownVm(f"{text} is not on {where}.", hint=_hint(text, everything, elsewhere) or _unreadable(sources))
    if len(hits) > 1:
        ids = ", ".join(f"{vm.id} on {host}" for host, vm in hits)
        raise AmbiguousVm(f"There are {len(hits)} VMs called {text} on {where}.", hint=f"Say which by id: {ids}.")
    return hits


def _hint(text: str, everything: list[Selected], elsewhere: Sequence[Snapshot]) -> str:
    for snapshot in elsewhere:
        for vm in snapshot.vms:
            if text.casefold() in {vm.name.casefold(), str(vm.id)}:
                return f"It is on {snapshot.host}."
    names = {vm.name.casefold(): vm.name for _, vm in everything}
    near = get_close_matches(text.casefold(), list(names), n=3, cutoff=0.6)
    return f"Did you mean {' or '.join(names[name] for name in near)}?" if near else ""


def _unreadable(sources: Sequence[Snapshot]) -> str:
    """Say that it may be one of the VMs that could not be read, if there are any."""
    found = next((one.text for snapshot in sources for one in snapshot.unreadable), "")
    return f"A VM there could not be read: {found}" if found else ""


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _names(snapshots: Sequence[Snapshot]) -> str:
    return " or ".join(snapshot.host for snapshot in snapshots)
